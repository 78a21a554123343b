"""Reading documents: before, after, and again where something differs; bounded, whatever the target does."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
import trio

from battlectl.analyse.checks.configuration import judge_document
from battlectl.targets.documents import (
    AGAIN_WITHIN,
    BEFORE_WITHIN,
    GAP,
    HURRIED_GAP,
    HURRIED_WITHIN,
    WITHIN,
    DocumentWatch,
    open_documents_at,
)
from battlectl.targets.telemetry.fetching import NoSuchPage, PollError
from battlectl.transport.base import parse_endpoint

WAS, CHANGED = b'{"chains": [1, 2]}', b'{"chains": [1]}'


class Target:
    """Answers each path with the next of what it is given, at last always the same; remembers when."""

    def __init__(self, **answers):
        self._answers = {f"/{name}": list(given) for name, given in answers.items()}
        self.asked = []

    @asynccontextmanager
    async def opened(self):
        yield self.fetch

    async def fetch(self, path):
        self.asked.append((path, round(trio.current_time(), 3)))
        answers = self._answers[path]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if answer is None:
            await trio.sleep_forever()
        if isinstance(answer, Exception):
            raise answer
        return answer


async def watch(target, *paths, is_hurried=False, again_after=None):
    """(what was kept at each step, the verdict and the words on each document, seconds for the end)"""
    kept = []
    watched = DocumentWatch(target.opened, paths or ("/a",), (), kept.append)
    await watched.look_before()
    if again_after is not None:
        await trio.sleep(again_after)
        await watched.look_again()
    await trio.sleep(100)
    began = trio.current_time()
    await watched.look_after(is_hurried)
    assert kept[-1] == watched.told()
    judged = [judge_document(one) for one in watched.told()]
    return kept, [(verdict.value, words) for verdict, words in judged], trio.current_time() - began


async def test_what_is_as_it_was_is_read_once_before_and_once_after_and_never_in_between(autojump_clock):
    target = Target(a=[WAS])
    kept, judged, took = await watch(target)
    assert judged == [("pass", "/a is as it was")]
    assert [at for _, at in target.asked] == [0, 100]
    assert took == 0
    assert judge_document(kept[0][0])[0].value == "inconclusive"  # what a killed run leaves behind


async def test_what_differs_is_read_three_times_and_so_is_all_beside_it(autojump_clock):
    target = Target(a=[WAS, CHANGED], b=[WAS])
    _, judged, took = await watch(target, "/a", "/b")
    assert [verdict for verdict, _ in judged] == ["fail", "pass"]
    assert took == 2 * GAP
    assert len(target.asked) == 2 + 3 + 2
    assert target.asked[-1] == ("/b", 100 + 2 * GAP)


async def test_what_is_put_back_a_moment_later_is_as_it_was(autojump_clock):
    _, judged, _ = await watch(Target(a=[WAS, CHANGED, WAS]))
    assert judged == [("pass", "/a is as it was (from look 2 after the run on)")]


@pytest.mark.parametrize(
    ("after", "verdict"),
    [
        ([PollError("status 302")], "inconclusive"),
        ([PollError("status 503"), WAS, WAS], "pass"),
        ([NoSuchPage("there is no such page (404)")], "fail"),
        ([b"<html>"], "inconclusive"),
        ([CHANGED, WAS, CHANGED], "inconclusive"),
        ([CHANGED, CHANGED, WAS], "inconclusive"),
    ],
)
async def test_what_was_not_read_was_not_compared(after, verdict, autojump_clock):
    _, judged, _ = await watch(Target(a=[WAS, *after]))
    assert judged[0][0] == verdict


async def test_a_name_that_is_a_key_is_not_told(autojump_clock):
    key = "abcdefgh12345678xyz"
    changed = b'{"chains": [1, 2], "https://rpc.example/%s": 1}' % key.encode()
    kept, judged, _ = await watch(Target(a=[WAS, changed]))
    assert judged == [("fail", "/a is not as it was: /https:~1~1rpc.example~1*** (nothing, then 1)")]
    assert key not in str(kept)


class Clock(Target):
    """Tells how long it is up, in steps."""

    def __init__(self, step):
        super().__init__()
        self._step = step

    async def fetch(self, path):
        self.asked.append((path, trio.current_time()))
        return b'{"chains": [1], "up": %d}' % (trio.current_time() // self._step)


@pytest.mark.parametrize("is_hurried", [False, True])
async def test_what_counts_seconds_is_not_held_against_the_run(is_hurried, autojump_clock):
    await trio.sleep(0.5)
    _, judged, _ = await watch(Clock(1.0), is_hurried=is_hurried)
    assert judged[0][0] == "inconclusive"
    assert judged[0][1].endswith("leave /up out by `except`")


async def test_what_moved_between_the_two_looks_before_the_load_is_not_held_against_the_run(autojump_clock):
    await trio.sleep(8)
    _, judged, _ = await watch(Clock(9.0), again_after=2)
    assert judged == [
        ("inconclusive", "/a changes by itself, now at /up (0, then 12): leave /up out by `except`")
    ]


@pytest.mark.parametrize("is_hurried", [False, True])
async def test_what_was_changed_is_told_though_the_run_was_told_to_stop(is_hurried, autojump_clock):
    target = Target(a=[WAS, WAS, CHANGED])
    _, judged, took = await watch(target, is_hurried=is_hurried, again_after=0.1)
    assert judged[0][0] == "fail"
    assert took == pytest.approx(2 * (HURRIED_GAP if is_hurried else GAP))


@pytest.mark.parametrize("is_hurried", [False, True])
async def test_a_document_that_hangs_takes_nothing_from_the_others(is_hurried, autojump_clock):
    target = Target(slow=[WAS, None], changed=[WAS, CHANGED], same=[WAS])
    _, judged, took = await watch(target, "/slow", "/changed", "/same", is_hurried=is_hurried)
    assert [verdict for verdict, _ in judged] == ["inconclusive", "fail", "pass"]
    assert took == pytest.approx(HURRIED_WITHIN if is_hurried else WITHIN)


async def test_before_the_load_a_target_that_hangs_holds_nobody_up_for_long(autojump_clock):
    names = [f"slow{number}" for number in range(19)]
    target = Target(fast=[WAS], **{name: [None] for name in names})
    watched = DocumentWatch(target.opened, ["/fast", *(f"/{name}" for name in names)], (), lambda _told: None)
    await watched.look_before()
    assert trio.current_time() == pytest.approx(BEFORE_WITHIN)
    await watched.look_again()
    assert trio.current_time() == pytest.approx(BEFORE_WITHIN + AGAIN_WITHIN)
    assert [one.before.why for one in watched.told()] == ["", *["it was not had within 3 s"] * 19]


@pytest.mark.parametrize(("is_hurried", "within"), [(False, WITHIN), (True, HURRIED_WITHIN)])
async def test_a_target_that_hangs_holds_nobody_up_for_long(is_hurried, within, autojump_clock):
    kept, judged, took = await watch(Target(a=[WAS, None]), is_hurried=is_hurried)
    assert judged == [("inconclusive", "/a was not read after the run")]
    assert took == pytest.approx(within)
    assert len(kept) == 2


@pytest.mark.real
def test_over_http_nothing_but_a_document_counts():
    """A redirect is not followed, headers go along, the path of the url comes first."""
    seen = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            seen.append((self.path, self.headers["X-Key"], self.headers["Cache-Control"]))
            status = {"/admin/moved": 302, "/admin/gone": 404, "/admin/part": 206}.get(self.path, 200)
            body = json.dumps({"is": self.path}).encode()
            self.send_response(status)
            self.send_header("Location", "/admin/doc")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        url = f"http://127.0.0.1:{server.server_port}/admin/"
        told = trio.run(_told_at, url, ("/doc?all=1", "/moved", "/gone", "/part"))
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert [judge_document(one)[0].value for one in told] == ["pass", *["inconclusive"] * 3]
    assert [one.before.why for one in told] == ["", "status 302", "there is no such page (404)", "status 206"]
    assert set(seen) == {
        (f"/admin/{path}", "k", "no-cache") for path in ("doc?all=1", "moved", "gone", "part")
    }


async def _told_at(url, paths):
    endpoint = replace(parse_endpoint(url), headers=(("X-Key", "k"),))
    watched = DocumentWatch(partial(open_documents_at, endpoint), paths, (), lambda _told: None)
    await watched.look_before()
    await watched.look_after(is_hurried=True)
    return watched.told()
