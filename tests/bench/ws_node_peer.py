"""node's ws, the usual client of JavaScript; what it runs is beside, in ws_node_peer.js."""

import shutil
from pathlib import Path

from tests.bench.load import Unavailable
from tests.bench.pinned import run_pinned
from tests.bench.tool import ended_well
from tests.bench.ws_load import Heard, WsLoad
from tests.real.parts import REAL

SCRIPT = Path(__file__).with_suffix(".js")
MODULE = REAL / "node_modules" / "ws"


def run(load: WsLoad, folder: Path) -> Heard:
    """Without compression, as the others."""
    node = shutil.which("node")
    if node is None or not MODULE.exists():
        raise Unavailable("node and its module ws are not installed: run .ci/install-real --bench")
    command = [node, SCRIPT, MODULE, load.ws_url, load.connections, load.seconds]
    finished = ended_well(run_pinned(command, load.core, load.seconds, folder))
    messages = int(finished.output.split()[-1])
    return Heard(messages, finished.cpu_seconds, finished.peak_bytes, "decodes them")
