"""The driver `http` against a small admin API: requests, documents, probes, and what it refuses."""

from __future__ import annotations

import gzip
import json
import shlex
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import unquote

import pytest

from battlectl.chaos.driver import DriverError, Impossible, Order
from battlectl.chaos.healing import heal_surely, still_in_force
from battlectl.chaos.http import open_http
from battlectl.observe.faults import Deed
from battlectl.scenario.chaos_kinds import FAULTS
from battlectl.scenario.target_chaos import HttpChaos

pytestmark = pytest.mark.real

DOCUMENT = (
    b'{ "big": 12345678901234567890, "price": 1.10,\n  "providers": [{"id":"a","enabled":true},{"id":"b"}]}\n'
)


class AdminApi:
    """Cordons, a document, and every request that came."""

    def __init__(self) -> None:
        self.document = DOCUMENT
        self.cordons: dict[str, object] = {}
        self.seen: list[tuple[str, str, bytes]] = []
        self.lies = False
        self.headers: dict[str, str] = {}
        api = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                api.seen.append((self.command, self.path, body))
                status, answer = api.answer(self.command, self.path, body, self.headers.get("X-Token"))
                self.send_response(status)
                for name, value in {"Content-Length": str(len(answer)), **api.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer)

            do_GET = do_PUT = do_POST = do_DELETE = answer

            def log_message(self, *_: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()

    def answer(self, method: str, path: str, body: bytes, token: str | None) -> tuple[int, bytes]:
        if token != "letmein":
            return 401, b"who are you"
        if path == "/api/config":
            if method == "PUT" and not self.lies:
                self.document = body
            return 200, self.document if method == "GET" else b""
        name = unquote(path.rpartition("/")[2])
        if method == "POST" and not self.lies:
            self.cordons[name] = json.loads(body)
        if method == "DELETE" and not self.lies:
            self.cordons.pop(name, None)
        if method == "GET":
            state = "cordoned" if name in self.cordons else "active"
            return 200, json.dumps({"upstreams": {name: {"state": state}}}).encode()
        return 202, b'"done"'


@pytest.fixture
def api() -> Iterator[AdminApi]:
    api = AdminApi()
    yield api
    api.server.shutdown()
    api.thread.join()
    api.server.server_close()


CORDON = {
    "inject": {
        "path": "/cordon/{provider}",
        "body": {"reason": "{fault}", "delay": "{latency_ms}", "x": "{{}}"},
    },
    "heal": {"method": "DELETE", "path": "/cordon/{provider}"},
    "probe": {"path": "/cordon/{provider}", "at": "/upstreams/{provider}/state", "is": "cordoned"},
}
DISABLE = {"document": {"path": "/config", "at": "/providers/[id={provider}]/enabled", "value": False}}


def config(api: AdminApi, token: str = "letmein", **faults) -> HttpChaos:
    return HttpChaos.model_validate(
        {
            "driver": "http",
            "url": f"http://127.0.0.1:{api.server.server_port}/api",
            "headers": {"X-Token": token},
            "faults": faults,
        }
    )


def order(kind: str, provider: str = "a", **attributes) -> Order:
    return Order(f"{kind}#1", kind, FAULTS[kind].toxic, provider, attributes)


async def test_requests_are_filled_in_sent_probed_and_taken_back(api):
    one = order("latency", latency_ms=250)
    async with open_http(config(api, latency=CORDON), "run1") as driver:
        await driver.check([one])
        assert await driver.in_force() == ()
        undo = await driver.prepare(one)
        assert await driver.is_healed(undo)
        assert await driver.inject(one, undo) == '202 "done"'
        assert api.cordons == {"a": {"reason": "latency#1", "delay": 250, "x": "{}"}}
        assert not await driver.is_healed(undo)
        [found] = await driver.in_force()
        assert found.provider == "a"
        with pytest.raises(DriverError, match="in force at a already"):
            await driver.prepare(one)
        url = f"http://127.0.0.1:{api.server.server_port}/api/cordon/a"
        assert driver.by_hand(undo) == f"curl -X DELETE {url}"
        for _ in range(2):
            assert (await heal_surely(driver, undo, 5)).is_healed
        assert api.cordons == {}


async def test_what_to_type_is_one_command_to_a_shell_and_does_what_healing_would(api):
    """It is typed by somebody in a hurry, with the header that it lacks."""
    heal = {"path": "/cordon/{provider}?on=no&by=us", "body": {"why": "it's over"}}
    one = order("latency")
    async with open_http(config(api, latency={**CORDON, "heal": heal}), "run1") as driver:
        undo = await driver.prepare(one)
        words = shlex.split(driver.by_hand(undo), posix=True)
        assert (words[:3], words[3]) == (["curl", "-X", "POST"], "-d")
        await driver.heal(undo)
    method, path, body = api.seen[-1]
    assert (method, words[4].encode()) == ("POST", body)
    assert words[5:] == [f"http://127.0.0.1:{api.server.server_port}{path}"]


async def test_a_body_that_is_encoded_unasked_is_a_driver_error(api, monkeypatch):
    monkeypatch.setattr(api, "headers", {"Content-Encoding": "gzip"})
    monkeypatch.setattr(api, "answer", lambda *_: (200, gzip.compress(b"{}")))
    async with open_http(config(api, latency=CORDON), "run1") as driver:
        with pytest.raises(DriverError, match="no JSON in UTF-8"):
            await driver.check([order("latency")])


async def test_a_document_is_put_back_to_the_byte(api):
    one = order("kill")
    async with open_http(config(api, kill=DISABLE), "run1") as driver:
        await driver.check([one])
        undo = json.loads(json.dumps(dict(await driver.prepare(one))))
        assert await driver.is_healed(undo)
        await driver.inject(one, undo)
        changed = json.loads(api.document)
        assert changed["providers"] == [{"id": "a", "enabled": False}, {"id": "b"}]
        assert changed["price"] == 1.1
        assert not await driver.is_healed(undo)
        assert [found.provider for found in await driver.in_force()] == ["a"]
        healing = await heal_surely(driver, undo, 5)
        assert (healing.is_healed, healing.note) == (True, "the document was put back to the byte")
        assert api.document == DOCUMENT
        assert await driver.heal(undo) == "the document is as it was"


async def test_a_value_that_was_not_there_is_gone_again(api):
    one = order("kill", "b")
    async with open_http(config(api, kill=DISABLE), "run1") as driver:
        undo = await driver.prepare(one)
        await driver.inject(one, undo)
        assert json.loads(api.document)["providers"][1] == {"id": "b", "enabled": False}
        api.document = api.document.replace(b"1.1", b"2.5")  # Somebody else, meanwhile.
        assert "somebody else has changed the document" in await driver.heal(undo)
        assert json.loads(api.document) == json.loads(DOCUMENT.replace(b"1.10", b"2.5"))
        assert await driver.is_healed(undo)


async def test_a_document_that_changes_between_looking_and_doing_is_left_alone(api):
    one = order("kill")
    async with open_http(config(api, kill=DISABLE), "run1") as driver:
        undo = await driver.prepare(one)
        api.document = DOCUMENT.replace(b"1.10", b"2.5")
        with pytest.raises(DriverError, match="changed by somebody else"):
            await driver.inject(one, undo)
        assert b'"enabled":true' in api.document


async def test_what_another_process_wrote_down_is_enough_to_heal(api):
    kill, late = order("kill"), order("latency")
    async with open_http(config(api, kill=DISABLE, latency=CORDON), "run1") as driver:
        undos = [await driver.prepare(kill), await driver.prepare(late)]
        for one, undo in zip((kill, late), undos, strict=True):
            await driver.inject(one, undo)
    async with open_http(config(api, kill=DISABLE, latency=CORDON), "run2") as later:
        stored = [json.loads(json.dumps(dict(undo))) for undo in undos]
        deeds = [Deed(1.0, "x", "a", "inject", "begin", undo) for undo in stored]
        assert len(await still_in_force(later, deeds)) == 2
        for undo in stored:
            assert (await heal_surely(later, undo, 5)).is_healed
        assert await still_in_force(later, deeds) == ()
    assert (api.document, api.cordons) == (DOCUMENT, {})


async def test_an_api_that_says_ok_and_does_nothing_is_seen_through(api):
    async with open_http(config(api, kill=DISABLE, latency=CORDON), "run1") as driver:
        for one in (order("kill"), order("latency")):
            undo = await driver.prepare(one)
            await driver.inject(one, undo)
            api.lies = True
            assert not (await heal_surely(driver, undo, 0.6)).is_healed
            api.lies = False
            assert (await heal_surely(driver, undo, 5)).is_healed


async def test_without_a_probe_a_fault_is_healed_when_the_request_was_taken(api):
    blind = {name: CORDON[name] for name in ("inject", "heal")}
    async with open_http(config(api, latency=blind), "run1") as driver:
        one = order("latency")
        undo = await driver.prepare(one)
        await driver.inject(one, undo)
        assert not await driver.is_healed(undo)
        await driver.heal(undo)
        assert await driver.is_healed(undo)


async def test_an_answer_that_is_no_success_or_not_the_one_asked_for_is_a_driver_error(api):
    strict = {**CORDON, "inject": {**CORDON["inject"], "status": 200}}
    async with open_http(config(api, latency=strict), "run1") as driver:
        undo = await driver.prepare(order("latency"))
        with pytest.raises(DriverError, match="answered 202"):
            await driver.inject(order("latency"), undo)
    async with open_http(config(api, "wrong", latency=CORDON), "run1") as driver:
        with pytest.raises(DriverError, match="answered 401 who are you"):
            await driver.check([order("latency")])


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (order("hang"), "only for kill, latency"),
        (order("latency", jitter_ms=5), "jitter_ms=5 would do nothing"),
        (order("kill", mode="reset"), "mode='reset' would do nothing"),
    ],
)
async def test_what_no_template_can_do_is_impossible(api, one, words):
    async with open_http(config(api, kill=DISABLE, latency=CORDON), "run1") as driver:
        with pytest.raises(Impossible, match=words):
            await driver.check([one])


async def test_a_placeholder_that_no_fault_has_and_a_place_that_no_document_has_are_told_first(api):
    typo = {**CORDON, "heal": {"method": "DELETE", "path": "/cordon/{provder}"}}
    async with open_http(config(api, latency=typo), "run1") as driver:
        with pytest.raises(Impossible, match="provder"):
            await driver.check([order("latency")])
    async with open_http(config(api, kill=DISABLE), "run1") as driver:
        with pytest.raises(DriverError, match="0 elements have id=zed"):
            await driver.check([order("kill", "zed")])
    hidden = {"document": {"path": "/config", "at": "/providers/[id={provider}]", "value": None}}
    async with open_http(config(api, kill=hidden), "run1") as driver:
        with pytest.raises(DriverError, match="0 elements have id=a"):
            await driver.check([order("kill")])


async def test_faults_that_share_a_document_do_not_overlap(api):
    async with open_http(config(api, kill=DISABLE, latency=CORDON), "run1") as driver:
        kills = {driver.resource(order("kill", provider)) for provider in "ab"}
        cordons = {driver.resource(order("latency", provider)) for provider in "ab"}
        assert (len(kills), len(cordons)) == (1, 2)
