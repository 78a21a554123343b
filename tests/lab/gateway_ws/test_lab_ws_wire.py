"""What a real Lasso said over WebSocket, in two revisions, said again by the reference gateway.

Compared are the replies by id (kind, code, keys), the keys of events, closes and refused handshakes. Times,
hashes, ids and words are not.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import trio
from websockets.exceptions import ConnectionClosed, InvalidStatus

from battlectl.lab.chain.transfers import TOKENS
from tests.lab.gateway_ws.upstreams import Clients, Lab, Subscriber, clients, lab, until

pytestmark = pytest.mark.real

WIRE = Path(__file__).parent / "wire"
RECORDED_ADDRESS = "0xabababababababababababababababababababab"
SPEED = 10.0  # the longest recording takes a minute

SENDING = 11
"""The id of the recorded eth_sendRawTransaction."""


def recording(revision: str, name: str) -> dict[str, Any]:
    folder = WIRE if revision == "current" else WIRE / revision
    found: dict[str, Any] = json.loads((folder / name).read_text("utf-8"))
    return found


def kind(frame: dict[str, Any]) -> tuple[Any, ...]:
    """What is compared of a frame that is not an event."""
    if frame.get("method") == "lasso_meta":
        return ("lasso_meta", tuple(sorted(frame["params"])), shape(frame["params"]["selected_provider"]))
    if "error" in frame:
        return ("error", frame["id"], frame["error"]["code"], tuple(sorted(frame)))
    result = frame["result"]
    return ("result", frame["id"], type(result).__name__, tuple(sorted(frame)), pattern(result))


def pattern(value: Any) -> str:
    if not isinstance(value, str):
        return repr(value)
    if re.fullmatch(r"[0-9a-f]{16}", value):
        return "subscription id"
    return value if value == "0x3E7" else "quantity" if re.fullmatch(r"0x[0-9a-f]+", value) else "text"


def shape(value: Any) -> tuple[str, ...]:
    return tuple(sorted(value)) if isinstance(value, dict) else (type(value).__name__,)


def is_event(frame: dict[str, Any]) -> bool:
    return frame.get("method") == "eth_subscription"


def event_kind(frame: dict[str, Any]) -> tuple[Any, ...]:
    """The keys of an event; of a header those that any node's has, for the rest is the chain's own."""
    event = frame["params"]["result"]
    keys = shape(event) if "logIndex" in event else ("number", "hash", "parentHash", "timestamp")
    assert set(keys) <= set(event)
    return (shape(frame), shape(frame["params"]), keys, pattern(frame["params"]["subscription"]))


async def replay(lab_: Lab, those: Clients, recorded: dict[str, Any], speed: float = SPEED) -> Subscriber:
    """Send what was sent when it was sent, and do to providers what was done to them."""
    path = recorded["url"].partition("://")[2].partition("/")[2]
    client = await those.open(f"{lab_.ws_url}/{path}")
    begun = trio.current_time()
    ids: dict[str, str] = {}
    ports: dict[str, int] = {}
    for frame in recorded["frames"]:
        learn_ids(ids, recorded["frames"], client.frames)
        if frame["dir"] in ("out", "ctl"):
            await trio.sleep_until(begun + frame["t"] / speed)
        if frame["dir"] == "out" and "close" in frame:
            await those.do(client.close())
        elif frame["dir"] == "out":
            text = frame["json"] if isinstance(frame["json"], str) else json.dumps(frame["json"])
            for old, new in ids.items():
                text = text.replace(old, new)
            client.expect(frame["json"])
            try:
                await those.do(client.send(text.replace(RECORDED_ADDRESS, TOKENS[0])))
            except ConnectionClosed:
                return client
        elif frame["dir"] == "ctl":
            upstream = lab_.upstreams["mock_" + "abc"[int(frame["path"][-1]) - 1]]
            if frame["body"]["down"]:
                ports[upstream.name] = upstream.kill()
            else:
                await upstream.open(lab_.nursery, ports[upstream.name])
    await trio.sleep(1.0)
    return client


def learn_ids(ids: dict[str, str], recorded: list[Any], seen: list[Any]) -> None:
    """Recorded subscription ids and ours, by the ids of the calls that they answered."""
    ours = {frame.get("id"): frame.get("result") for frame in seen if "result" in frame}
    for frame in recorded:
        reply = frame.get("json")
        if frame["dir"] == "in" and isinstance(reply, dict) and "subscription id" in str(kind_of(reply)):
            new = ours.get(reply["id"])
            if isinstance(new, str):
                ids[reply["result"]] = new


def kind_of(frame: dict[str, Any]) -> tuple[Any, ...]:
    return () if is_event(frame) else kind(frame)


def is_of_sending(frame: dict[str, Any]) -> bool:
    """The refusal of a raw transaction: Lasso sends none on, the lab does (see differences.py)."""
    return frame.get("id") == SENDING and frame.get("error", {}).get("code") in (-32601, -32602)


def received(recorded: dict[str, Any]) -> list[dict[str, Any]]:
    return [frame["json"] for frame in recorded["frames"] if frame["dir"] == "in" and "json" in frame]


def assert_same_kinds(ours: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> None:
    """Replies in any order, for calls may overtake each other; of events which kinds there are."""
    replies = [
        sorted(repr(kind(frame)) for frame in frames if not is_event(frame) and not is_of_sending(frame))
        for frames in (ours, theirs)
    ]
    assert replies[0] == replies[1]
    events = [{event_kind(frame) for frame in frames if is_event(frame)} for frames in (ours, theirs)]
    assert events[0] == events[1]


@pytest.mark.parametrize("revision", ["current", "2025-10"])
async def test_the_basics_are_of_the_recorded_kinds(revision):
    recorded = recording(revision, "20-ws-basics.json")
    async with lab(revision=revision) as lab_, clients() as those:
        # The recording of 2025-10 is over after 1.6 s: there must be time for events of each kind.
        client = await replay(lab_, those, recorded, 1.0 if revision == "2025-10" else SPEED)
        assert_same_kinds(client.frames, received(recorded))
        closes = [frame["close_code"] for frame in recorded["frames"] if frame.get("type") == "CLOSE"]
        assert closes == ([1011] if revision == "2025-10" else [])
        await until(lambda: client.closed)
        assert client.closed is not None
        assert client.closed[0] == (closes or [1000])[0]


@pytest.mark.parametrize("revision", ["current", "2025-10"])
async def test_each_provider_is_killed_once_and_every_block_is_heard(revision):
    """The deliberate difference: the recorded build of 2025-10 fell silent with the first kill."""
    recorded = recording(revision, "22-ws-kill-each.json")
    async with lab(revision=revision) as lab_, clients() as those:
        client = await replay(lab_, those, recorded)
        replies = {frame["id"]: frame for frame in client.frames if "id" in frame}
        heads, logs = (client.heard[replies[id_]["result"]] for id_ in (1, 2))
        target = lab_.head
        await until(lambda: int(heads[-1]["number"], 16) > target < int(logs[-1]["blockNumber"], 16))
        assert_same_kinds(client.frames, received(recorded))
        numbers = [int(head["number"], 16) for head in heads]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        with_logs = [int(log["blockNumber"], 16) for log in logs]
        assert with_logs == sorted(with_logs)
        assert set(range(numbers[0] + 1, target)) <= set(with_logs)


@pytest.mark.parametrize("name", sorted(path.name for path in WIRE.glob("21-*.json")))
async def test_handshakes_are_refused_and_taken_as_recorded(name):
    recorded = recording("current", name)
    async with lab() as lab_, clients() as those:
        if "handshake_error" in recorded:
            path = recorded["url"].partition("://")[2].partition("/")[2]
            with pytest.raises(InvalidStatus) as refused:
                await those.open(f"{lab_.ws_url}/{path}")
            assert refused.value.response.status_code == recorded["handshake_error"]["status"] == 403
            assert refused.value.response.body == b""
        else:
            client = await replay(lab_, those, recorded)
            assert [kind(frame) for frame in client.frames] == [kind(f) for f in received(recorded)]


async def test_2025_10_takes_any_handshake_and_closes_at_the_first_call():
    recorded = recording("2025-10", "21-ws-handshake-nochain.json")
    async with lab(revision="2025-10") as lab_, clients() as those:
        client = await replay(lab_, those, recorded)
        await until(lambda: client.closed)
        assert client.closed == (1011, "")
        assert client.frames == []
