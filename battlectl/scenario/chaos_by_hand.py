"""One fault as somebody types it, read as the same entry that a scenario would have.

Rule: names, units and words for mistakes are those of a scenario file; only the way of writing is another:
`latency=300ms` for a parameter, YAML after the `=`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from battlectl.errors import BadFile, UserError
from battlectl.quantities import format_duration
from battlectl.scenario.chaos import ChaosEntry, Timing
from battlectl.scenario.chaos_kinds import FAULTS
from battlectl.scenario.chaos_parts import ALL, ANY
from battlectl.scenario.located import locate
from battlectl.scenario.places import Located, dotted
from battlectl.scenario.validated import validate_tree
from battlectl.scenario.wording import nearest
from battlectl.scenario.yamltext import compose

PARAM = "--param"
USUAL_LENGTH = 30.0


def read_by_hand(
    kind: str, provider: str, params: Sequence[str], at: float, length: str | None
) -> tuple[Timing, float]:
    """The entry, due `at` seconds, and how long it lasts in seconds; raises `UserError`."""
    if kind not in FAULTS:
        raise UserError(f'there is no fault "{kind}"{nearest(kind, FAULTS)} `battlectl faults` lists them')
    if provider in (ANY, ALL):
        raise UserError(f'by hand one provider is broken at a time: name it, not "{provider}"')
    options: dict[str, Any] = {"provider": provider}
    for written in params:
        name, value = _read_param(written)
        if name in options:
            raise UserError(f"{PARAM} {name}: is there twice: remove one")
        options[name] = value
    tree = {kind: options, "at": f"{at:g}s", **({} if length is None else {"for": length})}
    entry, mistakes = validate_tree(ChaosEntry, Located("", tree, {}, {}, {}, frozenset(), ()))
    if entry is None:
        raise UserError("; ".join(f"{dotted(m.path) or kind}: {m.message}" for m in mistakes))
    own = entry.own_length
    if own is not None and length is not None:
        raise UserError(f"{kind} ends by itself after {format_duration(own)}: leave --for away")
    return entry, own if own is not None else entry.for_ or USUAL_LENGTH


def _read_param(written: str) -> tuple[str, Any]:
    name, equals, value = written.partition("=")
    if not equals or not name or name == "provider":
        raise UserError(f"{PARAM} {written}: is not NAME=VALUE, try {PARAM} latency=300ms")
    try:
        node = compose(value, PARAM)
        located = None if node is None else locate(node, PARAM)
    except BadFile as error:
        raise UserError(f"{PARAM} {name}: {error.problems[0].message}") from None
    if located is None:
        raise UserError(f"{PARAM} {name}: has no value")
    if located.problems:
        raise UserError(f"{PARAM} {name}: {located.problems[0].message}")
    return name, located.tree
