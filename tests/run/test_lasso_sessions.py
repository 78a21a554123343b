"""Recorded sessions of a real Lasso, frame by frame through the session and the judges.

Rule: what comes out is what a reader of the recording would say. Requests are sent as they were recorded, but
for the ids of subscriptions, which the session chooses; the truth is the chain that the recording shows, and
goes on at its pace where the stream falls silent.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from battlectl.jsonrpc.session import Session
from battlectl.jsonrpc.session_events import Answered, Ended, Event, Notified, Refused, Subscribed
from battlectl.observe.streams.cell import StreamCell, StreamCells
from battlectl.observe.streams.log_truth import LogTruth
from battlectl.observe.streams.terms import Terms
from battlectl.observe.streams.truth import Truth
from battlectl.plan.calls import Item
from battlectl.run.listening import Listener, listen_to_heads, listen_to_logs, listen_to_pending

WIRE = Path(__file__).parents[1] / "lab" / "gateway_ws" / "wire"
TERMS = Terms(settle=1.0, stall_after=5.0)
LOOK = 0.25
UNTOLD = {"events", "wanted_ns", "open_ns", "dead_ns", "streams"}


def heads_of(frames: list[dict[str, Any]], until: float) -> list[tuple[float, int, str, str]]:
    """(time, number, hash, parent) of each block that came, and of those that should have, one a second."""
    chain: dict[int, tuple[float, int, str, str]] = {}
    for frame in frames:
        result = _result(frame)
        if isinstance(result, dict) and "parentHash" in result:
            number = int(result["number"], 16)
            chain.setdefault(number, (frame["t"], number, result["hash"], result["parentHash"]))
    t, number, hash_, _ = chain[max(chain)]
    while (t := t + 1.0) < until:
        number, parent = number + 1, hash_
        hash_ = f"0x{number:064x}"
        chain[number] = (t, number, hash_, parent)
    return [chain[n] for n in sorted(chain)]


def _result(frame: dict[str, Any]) -> Any:
    message = frame.get("json")
    params = message.get("params") if isinstance(message, dict) and frame["dir"] == "in" else None
    return params.get("result") if isinstance(params, dict) else None


class Played:
    """A recording that was played. Mutable: it is played in the making."""

    def __init__(self, name: str, until: float) -> None:
        frames = json.loads((WIRE / name).read_text())["frames"]
        self.session, self.truth, self.events = Session(), Truth(), list[Event]()
        self.logs = LogTruth(self.truth)
        self.cells: dict[str, StreamCells] = {}
        self.listeners: dict[str, Listener] = {}
        self._ids: dict[int, int] = {}
        self._chain, self._told, self._looked = heads_of(frames, until), 0, 0.0
        for frame in frames:
            self._look(frame["t"])
            self._act(self._play(frame))
        self._look(until)
        for listener in self.listeners.values():
            listener.finish(until)

    def _look(self, t: float) -> None:
        """The truth and the judges go on to this time."""
        while self._looked < t:
            looked = self._looked = min(self._looked + LOOK, t)
            while self._told < len(self._chain) and self._chain[self._told][0] <= looked:
                self.truth.see(looked, *self._chain[self._told][1:])
                self.logs.see(self._chain[self._told][2], [0])
                self._told += 1
            if self.truth.head is not None:
                self.truth.see(looked, *self.truth.head[1:4])
            for listener in self.listeners.values():
                listener.look(looked)

    def _play(self, frame: dict[str, Any]) -> tuple[Event, ...]:
        t, message = frame["t"], frame.get("json")
        if frame["dir"] == "out":
            self._send(t, message)
        elif frame["dir"] == "in" and frame["type"] == "TEXT":
            if isinstance(message, dict) and message.get("id") in self._ids:
                message = {**message, "id": self._ids[message["id"]]}
            return self.session.receive(t, json.dumps(message))
        elif frame.get("type") == "CLOSE":
            return self.session.closed(t, frame["close_code"])
        return ()

    def _send(self, t: float, message: Any) -> None:
        """As recorded; what was no request is not told to the session."""
        if isinstance(message, list):
            items = tuple(Item(one["method"], one["method"], None) for one in message)
            self.session.call(message[0]["id"], items, True, t + 60)
        elif isinstance(message, dict) and message.get("method") == "eth_subscribe":
            kind, *params = message["params"]
            name = f"{kind}/{message['id']}"
            self.listeners[name] = self._listener(name, kind, t)
            self._ids[message["id"]], _ = self.session.subscribe(name, kind, params, t + 60)
        elif isinstance(message, dict) and message.get("method") == "eth_unsubscribe":
            granted = [e for e in self.events if isinstance(e, Subscribed)]
            meant = next((e.stream for e in granted if e.subscription == message["params"][0]), None)
            if meant is not None and meant in self.listeners and self.session.is_open:
                self._ids[message["id"]], _ = self.session.unsubscribe(meant, t + 60)
                self.listeners.pop(meant).finish(t)
        elif isinstance(message, dict) and "id" in message:
            item = Item(message["method"], message["method"], None)
            self.session.call(message["id"], (item,), False, t + 60)

    def _listener(self, name: str, kind: str, t: float) -> Listener:
        cells = self.cells[name] = StreamCells()
        if kind == "newHeads":
            return listen_to_heads(name, self.truth, cells, TERMS, t, 0.0)
        if kind == "logs":
            return listen_to_logs(name, self.logs, cells, TERMS, t)
        return listen_to_pending(name, cells, TERMS, t)

    def _act(self, events: tuple[Event, ...]) -> None:
        self.events += events
        for event in events:
            if isinstance(event, Notified):
                self.listeners[event.stream].hear(event.t, event.result)
            elif isinstance(event, Subscribed):
                self.listeners[event.stream].opened(event.t)
            elif isinstance(event, Refused):
                self.listeners[event.stream].refused(event.t, event.outcome)
            elif isinstance(event, Ended):
                for stream in event.streams:
                    self.listeners[stream].ended(event)

    def found(self, name: str) -> dict[str, int]:
        """What one stream is found to have done, but for time and plain totals."""
        counts = self.cell(name).counts
        return {name: n for name, n in counts.items() if n and name not in UNTOLD}

    def cell(self, name: str) -> StreamCell:
        return self.cells[name].total()

    @property
    def kinds(self) -> Counter[str]:
        """How often each kind of event came."""
        return Counter(type(event).__name__ for event in self.events)

    def of(self, kind: type[Any]) -> list[Any]:
        """The events of one kind."""
        return [event for event in self.events if isinstance(event, kind)]


@pytest.fixture(scope="module")
def basics() -> Played:
    return Played("20-ws-basics.json", 8.0)


def test_ids_without_0x_are_ids_and_two_subscriptions_to_the_same_are_two(basics):
    granted = {event.stream: event.subscription for event in basics.of(Subscribed)}
    assert granted == {
        "newHeads/1": "8d57465a1b4198b6",
        "logs/2": "0e07663800a26d6c",
        "newHeads/10": "07370c2ef9de33d8",
    }
    assert basics.found("newHeads/1") == {"observed": 5}
    assert basics.found("newHeads/10") == {"observed": 5}  # From 1945 on, and after the other was left.
    assert basics.found("logs/2") == {"observed": 7}


def test_frames_of_metadata_belong_to_the_call_before_them(basics):
    (meta,) = basics.of(type(next(e for e in basics.events if type(e).__name__ == "Metadata")))
    assert (meta.after, meta.params["selected_provider"]["id"]) == (3, "mock_c")


def test_what_is_refused_is_refused_and_a_batch_is_answered_by_nobody(basics):
    (refused,) = basics.of(Refused)
    assert (refused.stream, refused.outcome) == ("newPendingTransactions/8", "rpc_error(-32602)")
    answered = {event.first_id: event.judged[0][0] for event in basics.of(Answered)}
    assert answered == {3: "ok", 4: "ok", 5: "rpc_error(-32601)", 11: "rpc_error(-32601)"}
    assert basics.session.in_flight == 2  # Those of the batch: the error that refused it has no id.
    assert basics.kinds["Malformed"] == 2  # That error, and the one to what was no JSON.


def test_three_kills_cost_a_client_of_the_current_one_nothing():
    played = Played("22-ws-kill-each.json", 60.0)
    for name in ("newHeads/1", "logs/2"):
        assert played.found(name) == {"observed": 60}
    assert played.cell("newHeads/1").uptime == pytest.approx(1.0, abs=0.01)
    assert set(played.kinds) == {"Subscribed", "Notified"}


def test_the_old_one_is_silent_from_the_first_kill_on_and_the_socket_stays_open():
    """Its last block is 1596, 0.8 s before the kill; the pings go on."""
    played = Played("2025-10/22-ws-kill-each.json", 45.0)
    heads = played.found("newHeads/1")
    assert (heads["observed"], heads["stalls"], heads["dead_at_end"], heads["unresumed"]) == (5, 1, 1, 1)
    assert heads["missing_tail"] == 39  # 1597 to 1635: one a second from 5.469 s to 43.469 s.
    gap = played.cell("newHeads/1").sightings["missing_tail"][0]
    assert (gap.first, gap.last) == (1597, 1635)
    assert played.found("logs/2")["missing_tail"] == 39
    assert not played.of(Ended)


def test_the_old_one_closes_the_connection_on_a_batch():
    played = Played("2025-10/20-ws-basics.json", 4.0)
    (ended,) = played.of(Ended)
    assert (ended.how, ended.code, set(ended.streams)) == ("close code", 1011, {"newHeads/1", "logs/2"})
    batch = played.of(Answered)[-1]
    assert (batch.first_id, batch.judged[0][0]) == (6, "closed")
    assert played.found("newHeads/1")["ends_visible"] == 1
    assert played.cell("newHeads/1").ends == {"close code 1011": 1}
