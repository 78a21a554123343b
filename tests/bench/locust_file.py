"""The user that Locust runs, in an environment of its own: constant throughput over its fast client."""

import os

from locust import FastHttpUser, constant_throughput, task


class Caller(FastHttpUser):
    """Each of many users sends an equal share of the rate."""

    wait_time = constant_throughput(float(os.environ["BENCH_RATE_EACH"]))

    @task
    def call(self):
        self.client.post("/", data=os.environ["BENCH_BODY"], headers={"Content-Type": "application/json"})
