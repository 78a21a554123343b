"""The gateway's own admin API, driven from YAML alone: providers taken out, and put back to the byte.

The chain documents are those of Lasso 2025-10, of which the recorded build answers every write with 500.
"""

from __future__ import annotations

import json
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import httpx
import pytest
import trio

from battlectl.lab.control import Lab, running_lab
from battlectl.lab.spec import LabSpec
from tests.cli.command import Desk, finish, read_report

pytestmark = pytest.mark.real
CHAIN = "/api/admin/chains/battlechain"
REMOVED = {"path": CHAIN, "at": "/chain/providers/[id={provider}]", "remove": True}
LEFT = ["provider_b", "provider_c"]
JSON = {"Content-Type": "application/json"}


@asynccontextmanager
async def lab_of_2025() -> AsyncIterator[Lab]:
    async with running_lab(LabSpec(revision="2025-10", strategy="round-robin", block_time=0.5)) as lab:
        yield lab


def scenario(desk: Desk, battle: str = "7s", lasts: str = "6s") -> None:
    desk.write(
        "scenario.yml",
        {
            "version": 1,
            "name": "admin",
            "target": "target.yml",
            "phases": {"warmup": "1s", "calm": "3s", "battle": battle, "recovery": "3s"},
            "load": {"reads": {"rate": "60/s", "calls": ["eth_blockNumber"]}},
            "chaos": [{"kill": "provider_a", "at": {"in": "battle"}, "for": lasts}],
            "objectives": ["success_rate == 100%"],
            "generator": {"max_lag": "1s"},
        },
    )


def target(desk: Desk, lab: Lab, admin: str) -> None:
    assert lab.url is not None
    desk.target(
        lab.url,
        attribution={"provider": "X-Lab-Provider", "attempts": "X-Lab-Attempts"},
        providers=[{"id": one.id, "url": one.url} for one in lab.providers],
        chaos={"driver": "http", "url": admin, "headers": JSON, "faults": {"kill": {"document": REMOVED}}},
        unchanged={"documents": [CHAIN, "/api/admin/chains"]},
    )


def fetched(lab: Lab) -> bytes:
    return httpx.get(f"{lab.url}{CHAIN}", trust_env=False).raise_for_status().content


def ids(document: bytes) -> list[str]:
    return [provider["id"] for provider in json.loads(document)["chain"]["providers"]]


async def test_a_provider_is_taken_out_of_the_chain_and_put_back_to_the_byte(tmp_path):
    desk = Desk(tmp_path)
    async with lab_of_2025() as lab:
        before = fetched(lab)
        scenario(desk)
        target(desk, lab, lab.url)
        ran = await trio.to_thread.run_sync(lambda: desk.run("scenario.yml"))
        assert fetched(lab) == before
    report = desk.report
    assert (ran.code, report["verdict"]) == (0, "pass"), ran.out
    (fault,) = report["faults"]
    assert fault["proof"] == "confirmed"
    (one,) = (row for row in report["distribution"] if row["window"] == "during:kill-provider_a")
    assert [document["verdict"] for document in report["configuration"]] == ["pass", "pass"]
    served = {row["provider"]: row["requests"] for row in one["providers"]}
    assert served.get("provider_a", 0) < served["provider_b"] / 5


async def test_it_is_put_back_after_a_crash_and_nobody_starts_before(tmp_path):
    desk = Desk(tmp_path)
    async with lab_of_2025() as lab:
        before = fetched(lab)
        scenario(desk, "60s", "50s")
        target(desk, lab, lab.url)
        process = desk.start("run", "scenario.yml", "--results", desk.results)
        with trio.fail_after(30):
            while ids(await trio.to_thread.run_sync(fetched, lab)) != LEFT:  # noqa: ASYNC110
                await trio.sleep(0.1)
        process.send_signal(signal.SIGKILL)
        finish(process)
        refused = await trio.to_thread.run_sync(lambda: desk.run("scenario.yml"))
        assert refused.code == 4
        assert ids(fetched(lab)) == LEFT
        healed = await trio.to_thread.run_sync(lambda: desk.battlectl("heal", "--results", desk.results))
        assert healed.code == 0, healed.out
        assert fetched(lab) == before


@contextmanager
def broken_api(document: bytes) -> Iterator[str]:
    """As it was recorded: it can be read, and every write is a 500."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            body = document if self.command == "GET" else b'{"errors":{"detail":"Internal Server Error"}}'
            self.send_response(200 if self.command == "GET" else 500)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_PUT = answer

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


async def test_an_api_that_refuses_every_write_makes_the_run_inconclusive_and_is_quoted(tmp_path):
    desk = Desk(tmp_path)
    async with lab_of_2025() as lab:
        scenario(desk, "3s", "2s")
        with broken_api(fetched(lab)) as admin:
            target(desk, lab, admin)
            ran = await trio.to_thread.run_sync(lambda: desk.run("scenario.yml"))
    (run,) = desk.runs
    report = read_report(run)
    assert (ran.code, report["verdict"]) == (3, "inconclusive"), ran.out
    (fault,) = report["faults"]
    assert fault["proof"] == "unproven"
    (provider,) = fault["providers"]
    assert "the driver could not inject it: the admin API answered" in provider["reasons"][0]
    assert "500" in provider["reasons"][0]
