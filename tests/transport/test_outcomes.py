"""Every way a server can fail is its own outcome; memory stays bounded and the run ends on time."""

from __future__ import annotations

import gc
import resource
import time
from typing import Any

import pytest

from battlectl.analyse.verdict import Verdict
from tests.live import Fought, fight_live, reads
from tests.servers import serving

pytestmark = pytest.mark.real

HOSTILE: list[tuple[str, dict[str, Any], set[str]]] = [
    ("refuse", {}, {"refused"}),
    ("reset", {}, {"reset"}),
    ("hang", {}, {"timeout"}),
    ("close_each", {}, {"closed"}),
    ("html", {}, {"malformed"}),
    ("truncate", {}, {"malformed"}),
    ("wrong_id", {}, {"malformed"}),
    ("wrong_version", {}, {"malformed"}),
    ("wrong_type", {}, {"malformed"}),
    ("not_json", {}, {"malformed"}),
    ("empty", {}, {"malformed"}),
    ("garbage", {}, {"malformed"}),
    ("bad_chunk", {}, {"malformed"}),
    ("two_lengths", {}, {"malformed"}),
    ("endless", {}, {"too_large"}),
    ("endless", {"chunked": True}, {"too_large"}),
    ("bad_headers", {}, {"too_large", "malformed"}),
    ("drip", {"interval": 1.0}, {"timeout"}),
    ("drip", {"interval": 1.0, "in_headers": True}, {"timeout"}),
    ("error_object", {}, {"rpc_error(-32000)"}),
    ("error_object", {"status": 500}, {"rpc_error(-32000)"}),
    ("status", {"code": 503}, {"http_error(503)"}),
    ("status", {"code": 302, "location": "http://127.0.0.1:1/"}, {"http_error(302)"}),
]
SOUND: list[tuple[str, dict[str, Any]]] = [
    ("echo", {}),
    ("chunked", {}),
    ("no_length", {}),
    ("interim", {}),
    ("idle_close", {"after": 0.02}),
    ("close_after_n", {"n": 3}),
    ("close_after_n", {"n": 3, "announce": False}),
    ("extra_reply", {}),
]


def _words(value: Any) -> str:
    """The same in every process: the order of a set is not."""
    return str(sorted(value) if isinstance(value, set) else value)[:40]


@pytest.mark.parametrize(("name", "params", "expected"), HOSTILE, ids=_words)
def test_a_failure_is_its_own_outcome(name: str, params: dict[str, Any], expected: set[str]) -> None:
    began = time.monotonic()
    with serving(name, **params) as server:
        fought = fight_live(reads(max_body="1MiB"), server.url)
    assert set(fought.outcomes) <= expected
    assert sum(fought.outcomes.values()) == 20
    assert fought.judgement.verdict is Verdict.FAIL
    assert time.monotonic() - began < 30


@pytest.mark.parametrize(("name", "params", "expected"), HOSTILE[:11], ids=_words)
def test_httpx_tells_the_same_failures_apart(name: str, params: dict[str, Any], expected: set[str]) -> None:
    with serving(name, **params) as server:
        fought = fight_live(reads(client="httpx", rate="5/s"), server.url)
    assert set(fought.outcomes) <= expected
    assert sum(fought.outcomes.values()) == 5


@pytest.mark.filterwarnings("error::ResourceWarning")
@pytest.mark.parametrize("params", [{}, {"chunked": True}], ids=str)
def test_httpx_leaves_nothing_unfinished_of_a_body_that_is_too_large(params: dict[str, Any]) -> None:
    with serving("endless", **params) as server:
        fought = fight_live(reads(client="httpx", rate="5/s", max_body="64KiB"), server.url)
        gc.collect()
    assert fought.outcomes == {"too_large": 5}


@pytest.mark.parametrize(("name", "params"), SOUND, ids=str)
def test_a_server_that_keeps_the_protocol_fails_nothing(name: str, params: dict[str, Any]) -> None:
    with serving(name, **params) as server:
        fought = fight_live(reads(), server.url)
    assert fought.outcomes == {"ok": 20}


def test_an_endless_body_does_not_fill_the_memory() -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with serving("endless") as server:
        fought = fight_live(reads(rate="50/s", max_body="1MiB", timeout="10s"), server.url)
        assert server.seen.bytes_sent < 50 * 100 * 2**20
    assert fought.outcomes == {"too_large": 50}
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000


def test_a_name_that_does_not_resolve_is_unresolved() -> None:
    fought = fight_live(reads(rate="5/s"), "http://no-such-host.invalid:80/")
    assert fought.outcomes == {"unresolved": 5}


def test_a_public_address_is_not_spoken_to() -> None:
    fought = fight_live(reads(rate="5/s"), "http://8.8.8.8:9/")
    assert fought.outcomes == {"refused": 5}
    assert "public address" in next(fought.evidence.tally.examples())[0].seen


class TestTls:
    def test_a_trusted_certificate_is_ok(self) -> None:
        with serving("tls") as server:
            fought = fight_live(reads(), server.url, ca_file=str(server.ca_file))
        assert fought.outcomes == {"ok": 20}

    def test_an_unknown_authority_is_a_tls_failure(self) -> None:
        with serving("tls") as server:
            fought = fight_live(reads(), server.url)
        assert fought.outcomes == {"tls": 20}

    def test_without_verification_it_is_ok(self) -> None:
        with serving("tls") as server:
            fought = fight_live(reads(), server.url, verify_tls=False)
        assert fought.outcomes == {"ok": 20}


class TestReconnects:
    """A pooled connection that was closed while idle costs one resend, counted; nothing else is resent."""

    def reconnects(self, fought: Fought) -> int:
        return fought.evidence.tally.flow(fought.evidence.frame.all_segments).reconnects

    def test_a_connection_dropped_at_its_nth_request_is_a_reconnect(self) -> None:
        with serving("drop_after_n", n=4) as server:
            fought = fight_live(reads(connections=1), server.url)
            assert server.seen.requests == 24
        assert fought.outcomes == {"ok": 20}
        assert self.reconnects(fought) == 4

    def test_a_fresh_connection_that_closes_is_not_resent(self) -> None:
        with serving("close_each") as server:
            fought = fight_live(reads(), server.url)
            assert server.seen.requests == 20
        assert self.reconnects(fought) == 0

    def test_retries_are_sent_and_counted_only_when_asked_for(self) -> None:
        with serving("close_each") as server:
            fought = fight_live(reads(retries=2), server.url)
            assert server.seen.requests == 60
        assert fought.outcomes == {"closed": 20}
        assert fought.evidence.tally.flow(fought.evidence.frame.all_segments).retries == 40


def test_an_answer_after_the_deadline_is_a_timeout_and_lasted_as_long() -> None:
    with serving("echo", delay=1.003) as server:
        fought = fight_live(reads(), server.url)
    assert fought.outcomes == {"timeout": 20}
    latency = fought.evidence.tally.cell(fought.evidence.frame.all_segments).latency
    assert 1.0 <= latency.minimum <= latency.maximum < 1.02


def test_what_never_got_a_connection_has_no_service() -> None:
    with serving("refuse") as server:
        fought = fight_live(reads(), server.url)
    flow = fought.evidence.tally.flow(fought.evidence.frame.all_segments)
    assert (flow.service.count, flow.sent, flow.backlog.count) == (0, 0, 20)


def test_an_answer_before_the_whole_request_was_sent_does_not_spoil_the_next() -> None:
    data = "0x" + "ab" * 4_000_000
    calls = [{"method": "eth_call", "params": [{"data": data}]}]
    with serving("status", code=413) as server:
        fought = fight_live(reads(rate="4/s", calls=calls, timeout="5s", connections=1), server.url)
    assert sum(fought.outcomes.values()) == 4


def test_the_request_carries_its_correlation_id() -> None:
    with serving("echo") as server:
        fight_live(reads(rate="5/s"), server.url)
        first = server.seen.recent[0]
    assert first.headers["x-request-id"] == "live-reads-1"
    assert first.call["id"] == 1


def test_a_login_in_the_url_is_sent_as_a_header() -> None:
    with serving("echo") as server:
        fight_live(reads(rate="2/s"), server.url.replace("://", "://anna:s%20cret@"))
        assert server.seen.recent[0].headers["authorization"] == "Basic YW5uYTpzIGNyZXQ="


def test_a_large_request_body_is_sent_whole() -> None:
    data = "0x" + "ab" * 2_000_000
    with serving("echo") as server:
        calls = [{"method": "eth_call", "params": [{"data": data}]}]
        fought = fight_live(reads(rate="3/s", calls=calls, timeout="5s"), server.url)
        assert server.seen.recent[-1].call["params"][0]["data"] == data
    assert fought.outcomes == {"ok": 3}
