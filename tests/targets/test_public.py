"""Real nodes behind the lab's relays: taken in order, asked again, passed over; public ones if allowed."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
import yaml

from battlectl.commands.files import find_scenarios
from battlectl.lab.control import running_lab
from battlectl.lab.spec import LabSpec
from battlectl.scenario.parse_target import parse_target
from tests.cli.command import Desk, read_report
from tests.cli.in_short import LENIENT, short_form_of
from tests.real.processes import free_port

ROOT = Path(__file__).parents[2]
PUBLIC = ROOT / "scenarios" / "nightly" / "public.yml"


@contextmanager
def slow_to_rise(url: str, failures: int) -> Iterator[str]:
    """In front of a node: so many answers of 503, then what the node says."""
    count = itertools.count()

    class Front(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if next(count) < failures:
                self.send_error(503)
                return
            said = httpx.post(
                url, content=body, headers={"content-type": "application/json"}, trust_env=False
            )
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(said.content)))
            self.end_headers()
            self.wfile.write(said.content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Front)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.real
async def test_the_nightly_scenario_holds_on_stand_ins_of_which_one_is_dead_and_one_is_another_chain(
    tmp_path,
):
    desk = Desk(tmp_path)
    nodes = LabSpec(providers=3, has_gateway=False)
    async with (
        running_lab(nodes) as lab,
        running_lab(LabSpec(providers=1, seed=9, has_gateway=False)) as other,
    ):
        first, *rest = (provider.url for provider in lab.providers)
        with slow_to_rise(first, failures=2) as slow:
            dead = f"http://127.0.0.1:{free_port()}/"
            candidates = [dead, slow, other.providers[0].url, *rest]
            public = yaml.safe_load((ROOT / "config" / "public.yml").read_text())
            public["lab"]["relays"] = [{"url": url} for url in candidates]
            target = desk.write("public.yml", public)
            words = ["--target", target, "--results", desk.results, *short_form_of(PUBLIC), *LENIENT]
            ran = desk.battlectl("run", PUBLIC, *words)
    report = read_report(desk.runs[0])
    assert (ran.code, report["verdict"]) == (0, "pass"), ran
    assert [fault["proof"] for fault in report["faults"]] == ["confirmed"], ran
    (behind, *passed) = (note for note in report["meta"]["notes"] if "relays" in note or "passed" in note)
    hosts = [url.removeprefix("http://").rstrip("/") for url in (slow, *rest)]
    for id_, host in zip(("provider_a", "provider_b", "provider_c"), hosts, strict=True):
        assert f"{id_} is {host}" in behind
    assert any(note.startswith("passed over at the start: 127.0.0.1:") for note in passed), passed
    assert any("another chain" in note for note in passed), passed


@pytest.mark.real
async def test_too_few_nodes_are_not_ready(tmp_path):
    desk = Desk(tmp_path)
    dead = [{"url": f"http://127.0.0.1:{free_port()}/"} for _ in range(2)]
    target = desk.write("t.yml", {"version": 1, "kind": "lab", "lab": {"providers": 2, "relays": dead}})
    ran = desk.run(desk.scenario(), target=target)
    assert ran.code == 4
    assert "0 of 2 nodes can be used, and 2 are wanted; passed over: 127.0.0.1:" in ran.out


@pytest.mark.real
def test_public_nodes_are_refused_until_they_are_allowed(tmp_path):
    desk = Desk(tmp_path)
    refused = desk.battlectl("plan", PUBLIC)
    assert refused.code == 2
    assert 'lab.relays.0.url: "ethereum-rpc.publicnode.com" is a public host' in refused.err
    text = (ROOT / "config" / "public.yml").read_text()
    allowed = desk.write("allowed.yml", text.replace("allow_public: false", "allow_public: true"))
    planned = desk.battlectl("plan", PUBLIC, "--target", allowed)
    assert (planned.code, planned.err) == (0, "")


def test_nobody_runs_nightly_scenarios_by_accident(tmp_path):
    shipped = find_scenarios([ROOT / "scenarios"])
    assert shipped
    assert PUBLIC not in shipped
    assert find_scenarios([PUBLIC.parent]) == find_scenarios([PUBLIC]) == [PUBLIC]
    (tmp_path / "nightly").mkdir()
    copy = tmp_path / "nightly" / "copy.yml"
    copy.write_text(PUBLIC.read_text())
    assert find_scenarios([tmp_path], ["nightly"]) == [copy]


@pytest.mark.parametrize(
    ("lab", "said"),
    [
        ("{relays: [{url: http://127.0.0.1:1}]}", "lab: are more than the 1 relays below"),
        ("{providers: 1, seed: 2, relays: [{url: http://x.test}]}", "lab.seed: is for simulated providers"),
        ("{relays: [{url: ws://127.0.0.1:1}]}", "lab.relays.0.url"),
    ],
)
def test_what_a_lab_of_relays_cannot_be(lab, said):
    with pytest.raises(Exception, match=said):
        parse_target(f"version: 1\nkind: lab\nlab: {lab}\n", "t.yml", {})
