"""`battlectl lab` whose gateway dies says so and ends everything; a node that dies is what a lab is for."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from tests.lab.test_lab_processes import all_gone

pytestmark = pytest.mark.real
COMMAND = [sys.executable, "-m", "battlectl", "lab", "--providers", "2", "--json"]


@pytest.mark.parametrize(
    ("how", "says"), [(signal.SIGKILL, "was killed by SIGKILL"), (signal.SIGTERM, "ended with exit code 0")]
)
def test_a_lab_without_its_gateway_ends_tidily(how, says):
    with subprocess.Popen(COMMAND, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as lab:
        try:
            ready = json.loads(lab.stdout.readline())
            os.kill(ready["providers"][0]["pid"], signal.SIGKILL)
            time.sleep(0.5)
            assert lab.poll() is None
            os.kill(ready["gateway_pid"], how)
            _, said = lab.communicate(timeout=15)
        finally:
            lab.kill()
    assert lab.returncode == 4
    assert says in said
    assert "Traceback" not in said
    assert all_gone([ready["gateway_pid"], *(node["pid"] for node in ready["providers"])], 5)
