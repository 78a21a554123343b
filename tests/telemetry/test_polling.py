"""Polling on trio's clock: in turn, in time, bounded, with the client's view of the same moment."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import trio
from trio.testing import MockClock

from battlectl.analyse.telemetry.silence import silent_sources, tell_silence
from battlectl.observe.recorder import Recorder
from battlectl.observe.served import Served
from battlectl.observe.telemetry import Failed, ProcessSample, Reading, Telemetry
from battlectl.report.record_telemetry import (
    encode_entry,
    read_lines,
    read_telemetry,
    settings_json,
    telemetry_json,
)
from battlectl.targets.telemetry import Page
from battlectl.targets.telemetry.fetching import NoSuchPage, PollError
from battlectl.targets.telemetry.lasso_metrics import read_metrics, read_status
from battlectl.targets.telemetry.poller import GONE_AFTER, MOST_READINGS, Sources, TelemetryPoller, names_of
from tests.telemetry.told import tell

PAGES = (Page("/metrics", {"metrics": read_metrics}), Page("/status", {"status": read_status}))


def page(requests, providers=()):
    rows = [{"id": name, "total_races": n} for name, n in providers]
    return json.dumps({"chain_performance": {"total_calls": requests}, "providers": rows}).encode()


class Target:
    """Answers each path as it is told to; remembers what it was asked and when."""

    def __init__(self, answers):
        self.asked = []
        self._answers = answers

    async def fetch(self, path):
        self.asked.append((trio.current_time(), path))
        answer = self._answers[path]
        answer = answer(trio.current_time()) if callable(answer) else answer
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, float):
            await trio.sleep(answer)
            return page(1)
        return answer


def polled(answers, seconds=9.9, duration=10.0, load=None, pages=PAGES, **fields):
    """What a poller had heard when its run was over, what was kept at once, and what the target was asked."""
    kept, target = [], Target(answers)

    async def run():
        poller = TelemetryPoller(Sources(pages, **fields), target.fetch, duration, kept.append)
        recorder = Recorder((0.0, 100.0), 1)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(poller.serve, recorder, trio.current_time())
            if load is not None:
                nursery.start_soon(load, recorder, poller)
            await trio.sleep(seconds)
            nursery.cancel_scope.cancel()
        return poller.telemetry()

    telemetry = trio.run(run, clock=MockClock(autojump_threshold=0))
    return telemetry, kept, target


def test_each_page_is_polled_at_once_in_turn_and_once_more_at_the_end():
    telemetry, kept, _ = polled({"/metrics": page(5), "/status": b'{"system": {"uptime": 3}}'})
    times = {
        source: [r.t for r in telemetry.readings if r.source == source] for source in ("metrics", "status")
    }
    assert times["metrics"] == [0, *range(1, 10), 9.9]
    assert times["status"] == [0, *(n + 0.5 for n in range(1, 10)), 9.9]
    assert len(kept) == len(telemetry.readings)


def test_a_page_that_is_not_there_is_asked_for_no_more():
    answers = {"/metrics": page(5), "/status": NoSuchPage("there is no such page (404)")}
    telemetry, _, target = polled(answers)
    assert sum(path == "/status" for _, path in target.asked) == GONE_AFTER
    assert telemetry.failed["status"].times == GONE_AFTER


def test_a_failure_is_counted_with_its_last_reason_and_polling_goes_on():
    broken = {"/metrics": lambda t: PollError("status 500") if 3 <= t < 5 else page(7), "/status": b"<html>"}
    telemetry, _, _ = polled(broken)
    assert (telemetry.failed["metrics"].times, telemetry.failed["metrics"].why) == (2, "status 500")
    assert "not JSON" in telemetry.failed["status"].why
    assert sum(r.source == "metrics" for r in telemetry.readings) == 9


def test_a_slow_page_is_a_reading_of_when_it_was_asked_and_came():
    telemetry, _, _ = polled({"/metrics": 0.75, "/status": b"{}"})
    assert all(r.until == pytest.approx(r.t + 0.75) for r in telemetry.readings)


def test_a_page_that_never_comes_does_not_hold_up_the_end():
    telemetry, _, _ = polled({"/metrics": 1e6, "/status": b"{}"})
    assert telemetry.readings == ()


def test_a_page_without_any_figure_is_no_reading():
    telemetry, _, _ = polled({"/metrics": b"{}", "/status": b'{"a": 1}'})
    assert telemetry.readings == ()


def test_what_was_asked_is_known_whatever_came_of_it():
    pages = (*PAGES, Page("/other", {"one": read_metrics, "two": read_metrics}, is_optional=True))
    answers = {"/metrics": page(1), "/status": PollError("status 500"), "/other": NoSuchPage("404")}
    telemetry, _, _ = polled(answers, pages=pages)
    assert (telemetry.asked, telemetry.optional) == (("metrics", "status", "one", "two"), ("one", "two"))
    assert {name: one.is_absent for name, one in telemetry.failed.items()} == {
        "status": False,
        "one": True,
        "two": True,
    }


def test_a_long_run_is_looked_at_less_often():
    telemetry, _, _ = polled({"/metrics": page(1), "/status": page(1)}, seconds=60, duration=24 * 3600)
    assert telemetry.every == pytest.approx(2 * 24 * 3600 / MOST_READINGS)


def test_names_are_ours():
    names = names_of([{"id": "node_a", "url": "http://user:key@127.0.0.1:8545/v1"}], {"srv2": "node_b"})
    answers = {"/metrics": page(3, [("127.0.0.1:8545", 1), ("srv2", 2), ("other", 0)]), "/status": b"{}"}
    telemetry, _, _ = polled(answers, names=names)
    assert set(telemetry.readings[0].told.providers) == {"node_a", "node_b", "other"}


def test_the_clients_view_is_that_of_the_moment():
    """Ten requests a second end, every second of them by b after a failover; deltas are taken on the way."""

    async def load(recorder, poller):
        for number in range(60):
            await trio.sleep(0.1)
            recorder.issue("reads", 1)
            served = Served("b", 2) if number % 2 else Served("a", 1)
            recorder.flow("reads", number / 10, number / 10, number / 10, number / 10)
            recorder.served("reads", number / 10, number / 10, served, [("ok", None)])
            recorder.end("reads", "eth_call", number, number / 10, number / 10, "ok", None)
            if number % 7 == 0:
                poller.counts.add(recorder.take())

    telemetry, _, _ = polled({"/metrics": page(1), "/status": b"{}"}, load=load)
    seen = {r.t: r for r in telemetry.readings}
    assert seen[0].before.finished == 0
    last = seen[9.9].before
    assert (last.finished, dict(last.named), last.extra, last.untold) == (60, {"a": 30, "b": 30}, 30, 0)
    assert (last.answered, seen[9.9].most_sent) == (60, 60)
    assert 25 <= seen[3].before.finished <= 30


def test_requests_whose_replies_name_nobody_count_where_a_provider_must_have_answered():
    async def load(recorder, poller):
        for number, (label, ended) in enumerate(
            [("eth_call", "ok"), ("eth_chainId", "ok"), ("eth_call", "timeout")]
        ):
            recorder.issue("reads", 1)
            recorder.flow("reads", 1.0, 1.0, 1.0, 1.0)
            recorder.end("reads", label, number, 1.0, 1.0, ended, None)
        await trio.lowlevel.checkpoint()

    telemetry, _, _ = polled({"/metrics": page(1), "/status": b"{}"}, load=load)
    last = telemetry.readings[-1].before
    assert (last.finished, last.plain, last.answered) == (3, 1, 1)


# Stored


def test_what_is_stored_is_read_back():
    samples = (ProcessSample(0.5, 10**8, 2),)
    told = tell(samples=samples, breakers=lambda t: {"a:http": "open"}).telemetry
    told = replace(told, asked=("x", "y"), optional=("y",), failed={"y": Failed(3, "404", True)})
    document = json.loads(json.dumps(telemetry_json(told)))
    assert read_telemetry(document) == told
    assert read_telemetry(None) == Telemetry()


def test_a_killed_run_has_what_was_told_until_then():
    told = replace(tell().telemetry, asked=("x", "y"), optional=("y",))
    lines = json.dumps(settings_json(told)).encode() + b"\n"
    lines += b"".join(map(encode_entry, (*told.readings[:3], ProcessSample(1.0, 5, 1))))
    found = read_lines(lines + b'{"reading": [1, 2')
    assert found.readings == told.readings[:3]
    assert found.samples == (ProcessSample(1.0, 5, 1),)
    assert isinstance(found.readings[0], Reading)
    assert found.is_sole
    assert (found.asked, found.optional) == (("x", "y"), ("y",))


def test_a_killed_run_knows_as_much_of_what_was_silent():
    """An optional page that always fails, one that fails and then is not there, one that tells and fails."""
    pages = (*PAGES, Page("/other", {"other": read_metrics}, is_optional=True))
    answers = {
        "/metrics": lambda t: PollError("status 502") if t < 2 else page(5),
        "/status": lambda t: PollError("refused") if t < 5 else NoSuchPage("404"),
        "/other": PollError("status 500"),
    }
    told, kept, _ = polled(answers, pages=pages)
    found = read_lines(json.dumps(settings_json(told)).encode() + b"\n" + b"".join(map(encode_entry, kept)))
    assert found == told
    assert silent_sources(found) == ("status", "other")
    assert tell_silence(found) == tell_silence(told)
    assert "other never told anything (status 500, 11 times)" in tell_silence(found)


def test_a_report_has_room_for_every_reading():
    """The most that a run can have, of as many providers as are usual."""
    one = tell().telemetry.readings[20]
    whole = Telemetry(tuple([one] * MOST_READINGS), tuple([ProcessSample(1.0, 10**8, 1)] * MOST_READINGS))
    assert len(json.dumps(telemetry_json(whole))) < 1_000_000
