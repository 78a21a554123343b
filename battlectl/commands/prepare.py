"""From paths to plans: everything that can be refused is refused here, before anything is sent."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from battlectl.commands.chaos_plan import injections_of
from battlectl.commands.files import find_scenarios, load_scenario, load_target
from battlectl.commands.ranking import promised_breaker, ranked_providers
from battlectl.errors import BadFile, Problem, UserError
from battlectl.plan.build import Plan, build_plan
from battlectl.plan.frame import Frame
from battlectl.scenario.target import Target


@dataclass(frozen=True, slots=True)
class Prepared:
    """A scenario that can be run. The resolved trees show no secrets; `secrets` are what they hide."""

    path: Path
    plan: Plan
    target_name: str
    target: Target
    resolved: dict[str, Any]
    target_resolved: dict[str, Any]
    secrets: frozenset[str]

    @property
    def frame(self) -> Frame:
        """The frame of the plan."""
        return self.plan.frame

    @property
    def plan_hash(self) -> str:
        """A fingerprint of the plan: the same scenario, feeds and seed give the same one, at any target."""
        planned = replace(self.frame, providers=(), breaker=None)
        return hashlib.sha256(msgspec.json.encode(planned, order="deterministic")).hexdigest()


def prepare_all(
    paths: Sequence[Path], tags: Sequence[str], sets: Sequence[str], target: str | None, seed: int | None
) -> list[Prepared]:
    """Every scenario of the paths; raises `UserError` with every problem of all of them."""
    overrides = [*sets, *([f"seed={seed}"] if seed is not None else [])]
    prepared: list[Prepared] = []
    problems: list[Problem] = []
    for path in find_scenarios(paths, tags, overrides):
        try:
            prepared.append(prepare(path, overrides, target))
        except BadFile as error:
            problems.extend(error.problems)
    if problems:
        raise BadFile(problems)
    return prepared


def prepare(path: Path, sets: Sequence[str], target: str | None) -> Prepared:
    """One scenario and its target; raises `UserError`."""
    parsed = load_scenario(path, sets)
    name = parsed.scenario.target if target is None else target
    found = load_target(name, path)
    injections = injections_of(parsed, found.target, name)
    plan = build_plan(parsed.scenario, parsed.feeds, injections)
    frame = replace(
        plan.frame,
        providers=ranked_providers(found.target),
        breaker=promised_breaker(found.target),
    )
    _check_certificates(found.target)
    return Prepared(
        path=path,
        plan=replace(plan, frame=frame),
        target_name=name,
        target=found.target,
        resolved=parsed.resolved,
        target_resolved=found.resolved,
        secrets=parsed.secrets | found.secrets,
    )


def _check_certificates(target: Target) -> None:
    """A certificate file that is not there is the user's to mend, not the target's."""
    if target.tls.ca is not None and not Path(target.tls.ca).is_file():
        raise UserError(f"tls.ca: there is no file {target.tls.ca}")
