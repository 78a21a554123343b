"""The recorded exchanges of a real Toxiproxy, asked of the lab again: same status, headers and JSON."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.lab.toxiproxy.lab import lab_process
from tests.lab.toxiproxy.ports import free_ports

pytestmark = pytest.mark.real

WIRE = Path(__file__).parent / "wire"
Exchange = dict[str, Any]

GO_TEXT = "the text is that of Go's JSON decoder; the lab says the same in its own words"
LOOPBACK = "no host means every address of the machine there, and 127.0.0.1 here"
LOOPBACK_REFUSED = "an address beyond loopback is refused before it is tried"
GO_WORDS = re.compile("cannot unmarshal|invalid character")
NO_LISTEN = "no listen, no enabled: enabled true; listens on all addresses, port picked by the OS"
EXCUSED: dict[str, set[tuple[str, str]]] = {
    GO_TEXT: {
        *[("proxies_create", note) for note in ("not JSON", "an array", "a string", "name a number")],
        *[("proxies_create", note) for note in ("upstream a number", "listen a number", "enabled a string")],
        *[("populate", note) for note in ("an object", "not JSON", "name a number", "enabled a string")],
        *[("toxics_errors", note) for note in ("not JSON", "an array", "a string", "type a number")],
        *[("toxics_errors", note) for note in ("name a number", "stream a number", "toxicity a string")],
        ("toxics_errors", "toxicity too large for 32 bits"),
        *[("toxics_errors", f"attributes {what}") for what in ("a string", "an array")],
        *[("toxics_errors", f"latency {what}") for what in ("a string", "a fraction", "in exponent form")],
        *[("toxics_errors", f"latency {what}") for what in ("over 64 bits", "a boolean")],
        *[("toxics_errors", f"{name} a string") for name in ("rate", "delay", "timeout", "average_size")],
        *[("toxics_errors", f"{name} a string") for name in ("timeout", "bytes")],
        ("toxics_errors", "timeout a string (reset_peer)"),
    },
    LOOPBACK: {
        ("proxies_create", f"{NO_LISTEN} (number varies)"),
        ("proxies_create", "listen with no host"),
        ("proxies_read", "list: an object keyed by name, keys sorted"),
    },
    LOOPBACK_REFUSED: {("proxies_create", "listen address not of this machine")},
}
"""Reason -> (recording, note) of the exchanges that are not as recorded; docs/toxiproxy.md has the same."""

RUNS = {
    "version": ("version",),
    "proxies": ("proxies_create", "proxies_read", "proxies_delete"),
    "populate": ("populate",),
    "reset": ("reset",),
    "toxics": ("toxics_create", "toxics_errors"),
}
"""Runs on a fresh lab each -> the recordings, which continue each other."""


def exchanges(group: str) -> list[Exchange]:
    """One recording."""
    found: list[Exchange] = json.loads((WIRE / f"{group}.json").read_text("utf-8"))
    return found


class Replay:
    """One run: the recorded ports are other ones here."""

    def __init__(self, port: int, groups: tuple[str, ...]) -> None:
        self.port = port
        text = "".join((WIRE / f"{group}.json").read_text("utf-8") for group in groups)
        recorded = sorted(set(re.findall(r"\b22\d{3}\b", text)))
        self.ports = dict(zip(recorded, map(str, free_ports(len(recorded))), strict=True))
        self.held: dict[str, socket.socket] = {}

    def here(self, text: str) -> str:
        """A recorded text with this run's ports."""
        return re.sub(r"\b22\d{3}\b", lambda match: self.ports[match[0]], text)

    def prepare(self, exchange: Exchange) -> None:
        """Hold or release an address before an exchange."""
        before = exchange.get("before", {})
        for address in filter(None, [before.get("hold")]):
            host, port = self.here(address).split(":")
            self.held[address] = socket.create_server((host, int(port)))
        for address in filter(None, [before.get("release")]):
            self.held.pop(address).close()

    def ask(self, exchange: Exchange) -> tuple[int, dict[str, str], str]:
        """Status, headers and body of the lab's answer."""
        request = exchange["request"]
        body = None if request["body"] is None else self.here(request["body"]).encode()
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)) as connection:
            return self._ask(connection, request, body)

    def _ask(
        self, connection: http.client.HTTPConnection, request: dict[str, Any], body: bytes | None
    ) -> tuple[int, dict[str, str], str]:
        connection.putrequest(request["method"], request["path"], skip_host=True, skip_accept_encoding=True)
        for name, value in request["headers"].items():
            if name != "Content-Length":
                connection.putheader(name, value)
        is_chunked = request["headers"].get("Transfer-Encoding") == "chunked"
        if body is not None and not is_chunked:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body, encode_chunked=is_chunked)
        response = connection.getresponse()
        headers_here = {name.lower(): value for name, value in response.getheaders()}
        return response.status, headers_here, response.read().decode()

    def close(self) -> None:
        """Let go of held addresses."""
        for held in self.held.values():
            held.close()


@contextlib.contextmanager
def replay_on(groups: tuple[str, ...], *arguments: str) -> Iterator[Replay]:
    with lab_process(*arguments) as port, contextlib.closing(Replay(port, groups)) as replay:
        yield replay


def differences(replay: Replay, exchange: Exchange) -> list[str]:
    """What is not as recorded."""
    replay.prepare(exchange)
    status, headers, body = replay.ask(exchange)
    wanted = exchange["response"]
    wanted_headers = {name.lower(): value for name, value in wanted["headers"].items()}
    found = [] if status == wanted["status"] else [f"status {status}, not {wanted['status']}"]
    for name in ("content-type", "x-content-type-options", "location"):
        if headers.get(name) != wanted_headers.get(name):
            found.append(f"{name} {headers.get(name)!r}, not {wanted_headers.get(name)!r}")
    if ("x-toxiproxy-request-id" in headers) != ("x-toxiproxy-request-id" in wanted_headers):
        found.append("the request id is there or is not")
    if len(headers.get("x-toxiproxy-request-id", "x" * 20)) != 20:
        found.append("the request id has not 20 characters")
    if masked(exchange, body) != masked(exchange, replay.here(wanted["body"])):
        found.append(f"body {body!r}, not {replay.here(wanted['body'])!r}")
    return found


def masked(exchange: Exchange, body: str) -> Any:
    """A body as JSON where it is JSON, without ports that the system chose; their order is kept."""
    if exchange.get("varies"):
        body = re.sub(r'"listen":"([^"]*):\d+"', r'"listen":"\1:PORT"', body)
    try:
        return json.loads(body, object_pairs_hook=list)
    except json.JSONDecodeError:
        return body


def replayed(run: str, *arguments: str) -> dict[tuple[str, str], list[str]]:
    """(recording, note) -> what is not as recorded, for all exchanges of a run in which something is not."""
    found = {}
    with replay_on(RUNS[run], *arguments) as replay:
        for group in RUNS[run]:
            for exchange in exchanges(group):
                if wrong := differences(replay, exchange):
                    found[group, exchange["note"]] = wrong
    return found


def excused(run: str, *reasons: str) -> set[tuple[str, str]]:
    return {pair for reason in reasons for pair in EXCUSED[reason] if pair[0] in RUNS[run]}


@pytest.mark.parametrize("run", RUNS)
def test_every_exchange_is_as_recorded_where_all_addresses_are_allowed(run):
    assert set(replayed(run, "--allow-any-address")) == excused(run, GO_TEXT)


@pytest.mark.parametrize("run", RUNS)
def test_every_exchange_is_as_recorded_on_loopback_alone_but_for_addresses_and_texts(run):
    found = replayed(run)
    assert set(found) == excused(run, GO_TEXT, LOOPBACK, LOOPBACK_REFUSED)
    for (group, note), wrong in found.items():
        (recorded,) = [one["response"]["body"] for one in exchanges(group) if one["note"] == note]
        check_excuse((group, note), wrong, recorded)


def check_excuse(pair: tuple[str, str], wrong: list[str], recorded: str) -> None:
    """An exception is no licence: what is different is only what the reason says."""
    if pair in EXCUSED[LOOPBACK_REFUSED]:
        assert wrong[0] == "status 400, not 500"
        assert "--allow-any-address" in wrong[1]
        return
    (only,) = wrong
    ours, theirs = only.removeprefix("body ").split(", not ")[:2]
    if pair in EXCUSED[GO_TEXT]:
        assert "bad request body: " in ours
        assert GO_WORDS.search(recorded)
    else:
        assert "[::]:" in theirs
        assert re.sub(r":\d+", ":N", ours) == re.sub(r":\d+", ":N", theirs).replace("[::]", "127.0.0.1")


def test_every_exception_is_documented():
    text = (Path(__file__).parents[3] / "docs" / "toxiproxy.md").read_text("utf-8")
    for pairs in EXCUSED.values():
        for group, note in pairs:
            assert f"| {group} | {note} |" in text
