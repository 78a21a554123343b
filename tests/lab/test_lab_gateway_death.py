"""`battlectl lab` that loses one of its processes says so and ends everything."""

import json
import os
import signal
import subprocess
import sys

import pytest

from tests.lab.test_lab_processes import all_gone

pytestmark = pytest.mark.real
COMMAND = [sys.executable, "-m", "battlectl", "lab", "--providers", "2", "--json"]


@pytest.mark.parametrize(
    ("how", "says"), [(signal.SIGKILL, "was killed by SIGKILL"), (signal.SIGTERM, "ended with exit code 0")]
)
@pytest.mark.parametrize("which", ["gateway", "providers"])
def test_a_lab_without_one_of_its_processes_ends_tidily(which, how, says):
    with subprocess.Popen(COMMAND, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as lab:
        try:
            ready = json.loads(lab.stdout.readline())
            os.kill(ready[f"{which}_pid"], how)
            _, said = lab.communicate(timeout=15)
        finally:
            lab.kill()
    assert lab.returncode == 4
    assert f"the lab's {which} {says}" in said
    assert "Traceback" not in said
    assert all_gone([ready["gateway_pid"], ready["providers_pid"]], 5)
