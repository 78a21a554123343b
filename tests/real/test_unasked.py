"""A target that says more than it was asked is no silent pass: whole battles against such a one."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator

import pytest
from websockets.sync.server import ServerConnection, serve

from tests.live import fight_live

pytestmark = pytest.mark.real

OTHERS = {"jsonrpc": "2.0", "method": "eth_subscription", "params": {"subscription": "0x1", "result": {}}}
META = {"jsonrpc": "2.0", "method": "lasso_meta", "params": {}}
SAYS: dict[str, Callable[[dict[str, object]], list[dict[str, object]]]] = {
    "pass": lambda reply: [reply, META],
    "second replies": lambda reply: [reply, reply],
    "replies to nothing that was asked": lambda reply: [reply, {**reply, "id": -1}],
    "notifications of unknown subscriptions": lambda reply: [OTHERS, reply],
}


@pytest.fixture(params=SAYS)
def told(request: pytest.FixtureRequest) -> Iterator[tuple[str, int]]:
    """(what it does, port)."""
    says = SAYS[request.param]

    def talk(socket: ServerConnection) -> None:
        for message in socket:
            reply = {"jsonrpc": "2.0", "id": json.loads(message)["id"], "result": "0x1"}
            for one in says(reply):
                socket.send(json.dumps(one))

    with serve(talk, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield request.param, server.socket.getsockname()[1]
        server.shutdown()
        thread.join()


def test_what_nobody_asked_for_fails_the_check_of_replies(told):
    what, port = told
    load = {"reads": {"ws": {}, "rate": "50/s", "calls": ["eth_blockNumber"], "connections": 2}}
    fields = {"phases": {"steady": "1s"}, "load": load, "objectives": ["success_rate == 100%"]}
    fought = fight_live(fields, f"http://127.0.0.1:{port}")
    assert fought.outcomes == {"ok": 50}
    (found,) = (one for one in fought.judgement.findings if one.name == "replies")
    if what == "pass":
        assert found.verdict.value == "pass"
    else:
        assert found.verdict.value == "fail"
        assert found.summary.startswith("nobody asked for ")
        assert f" {what} (first at " in found.summary
