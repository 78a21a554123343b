"""`battlectl learn-breaker`: what a target's breaker does, as text for its config file.

Rule: it is a run like any other, with its report, its proof and its healing; only what is made of it differs.
A run whose fault was not proven teaches nothing.
"""

from __future__ import annotations

import json
import shlex
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from battlectl.analyse.breakers.learned import Learned, learn
from battlectl.analyse.faults.known import know
from battlectl.commands.chaos_plan import provider_ids
from battlectl.commands.files import load_target
from battlectl.commands.run import RunOptions, RunResult, run
from battlectl.errors import ExitCode, UserError
from battlectl.plan.routing import BreakerFrame
from battlectl.quantities import format_duration
from battlectl.report.document import read_evidence

TAUGHT = frozenset({ExitCode.PASS, ExitCode.FAILED, ExitCode.INCONCLUSIVE})
SCENARIO = """version: 1
name: Learn a breaker
description: One provider fails every call of the load for a while, and its attempts are counted.
phases: {{steady: 4s, battle: {length}, recovery: 3s}}
load:
  reads: {{rate: {rate}, timeout: 10s, calls: [{method}]}}
chaos:
  - http_5xx: {{provider: {provider}, methods: [{method}]}}
    at: {{in: battle, after: 0s}}
    for: {length}
objectives: [success_rate >= 0.1%]
"""


@dataclass(frozen=True, slots=True)
class Lesson:
    """What is asked: `provider` is the target's first unless it is named; the others are as written."""

    target: str
    provider: str | None
    method: str
    rate: str
    length: str


def learn_breaker(lesson: Lesson, results: Path, style: str, out: TextIO) -> ExitCode:
    """Print `breaker: ...` with what it was learnt from; exit 3 where nothing was."""
    provider = lesson.provider or _first(provider_ids(load_target(lesson.target).target), lesson.target)
    values = {"provider": provider, "method": lesson.method, "rate": lesson.rate, "length": lesson.length}
    with tempfile.TemporaryDirectory(prefix="battlectl-learn-") as folder:
        path = Path(folder) / "learn-breaker.yml"
        path.write_text(SCENARIO.format(**{name: json.dumps(value) for name, value in values.items()}))
        suite = run([path], (), (), lesson.target, None, RunOptions(results, style))
    (result,) = suite.results
    if result.code not in TAUGHT:
        return result.code
    unproven = [fault["name"] for fault in result.document["faults"] if fault["proof"] != "confirmed"]
    if unproven or not result.document["faults"]:
        out.write(f"nothing learnt: the fault was not proven, see {result.folder}\n")
        return ExitCode.INCONCLUSIVE
    return _tell(learn(know(read_evidence(result.document))), provider, result, out)


def _first(ids: Sequence[str], target: str) -> str:
    if not ids:
        raise UserError(f"target {target} names no providers: add them, or say --provider")
    return ids[0]


def _tell(learned: Learned, provider: str, result: RunResult, out: TextIO) -> ExitCode:
    out.write(f"# learnt from {provider}, see {shlex.quote(str(result.folder))}\n")
    out.writelines(f"# {words}\n" for words in learned.words)
    text = render_breaker(learned.breaker)
    out.write(f"{text}\n" if text else "# nothing to write down\n")
    return ExitCode.PASS if text else ExitCode.INCONCLUSIVE


def render_breaker(breaker: BreakerFrame) -> str:
    """One line of a config file; nothing where nothing is known."""
    values = {
        "failures": None if breaker.failures is None else str(breaker.failures),
        "recovery": None if breaker.recovery is None else format_duration(breaker.recovery),
        "half_open": None if breaker.half_open is None else str(breaker.half_open),
        "successes": None if breaker.successes is None else str(breaker.successes),
    }
    told = ", ".join(f"{name}: {value}" for name, value in values.items() if value is not None)
    return f"breaker: {{{told}}}" if told else ""
