"""Documents of runs with subscribers, made of literal cells: no clock and no network."""

from __future__ import annotations

from typing import Any

from battlectl.errors import ExitCode
from battlectl.observe.streams.cell import Sighting
from tests.analyse.streamed import BATTLE, STEADY, WARMUP, cell, ends, frame_of, gap, good, streamed
from tests.report.scenes import HOSTILE, META, document_of

GAP = "subscription.gaps == 0"
STREAM_META = {**META, "engine": {}, "truth": {"source": "provider_b over HTTP", "every_s": 0.25}}


def all_came() -> dict[str, Any]:
    """Subscribers alone, and every block came."""
    cells = {WARMUP: ends(10), STEADY: good(100), BATTLE: good(100, first_event=[0.4])}
    evidence = streamed(cells, [GAP, "subscription.uptime >= 99%"], [frame_of(clients=10)])
    return document_of(evidence, ExitCode.PASS, STREAM_META)


def troubled() -> dict[str, Any]:
    """Headers with gaps and a dead stream, logs that came twice, and requests beside them."""
    seen = [gap(101, 105), gap(120, 120, 21.0, 22.0), Sighting("stall", "heads/3.0", 17.0, 22.5, 106, 106, 0)]
    battle = good(
        80,
        seen=seen,
        silence=5.5,
        missing_middle=5,
        missing_forward=1,
        gaps=2,
        stalls=1,
        dead_ns=5_500_000_000,
        ends_visible=2,
        ends_silent=1,
        resume=[0.25, 0.5, 1.75],
        lateness=[0.3] * 4,
        caught_up=4,
    )
    battle.end("closed: 1001 going away", 2)
    battle.end("no answer to a ping")
    twice = [Sighting("duplicates", "transfers/0.1", 16.5, 16.5, 110, 110, 1)]
    cells = {
        WARMUP: ends(10),
        STEADY: good(100),
        BATTLE: battle,
        ("transfers", WARMUP): ends(2),
        ("transfers", STEADY): good(40),
        ("transfers", BATTLE): good(38, duplicates=2, out_of_order=1, seen=twice),
    }
    streams = [frame_of(clients=10), frame_of("transfers", kind="logs", clients=1, subscriptions=2)]
    objectives = [
        "success_rate >= 99%",
        GAP,
        "subscription(transfers).duplicates == 0",
        "subscription.delivery_delay.p95 < 300ms",
        ("backfill_completion_ms", 2000),
    ]
    return document_of(streamed(cells, objectives, streams, reads=""), ExitCode.FAILED, STREAM_META)


def nothing_came() -> dict[str, Any]:
    """A subscription that was open and silent, and a chain that nobody looked at."""
    silent = cell(wanted_ns=10**10, open_ns=10**10, unwatched_ns=10**10, lag=[0.001])
    evidence = streamed({WARMUP: ends(), STEADY: silent, BATTLE: silent}, [GAP])
    return document_of(evidence, ExitCode.INCONCLUSIVE, STREAM_META)


def hostile_streams() -> dict[str, Any]:
    """Names and reasons that try to be markup."""
    battle = good(30, missing_middle=1, seen=[Sighting("missing_middle", HOSTILE, 16.0, 17.0, 1, 1, 1)])
    battle.end(HOSTILE)
    cells = {(HOSTILE, WARMUP): ends(), (HOSTILE, BATTLE): battle}
    meta = {**STREAM_META, "truth": {"source": HOSTILE, "every_s": 0.25}}
    return document_of(streamed(cells, [GAP], [frame_of(HOSTILE, kind=HOSTILE)]), ExitCode.FAILED, meta)
