"""Requests as templates: `{provider}`, `{fault}`, `{kind}`, and the parameters of a fault by their lab names.

Rule: a text that is one placeholder becomes its value, a number a number; in any other text the value is
written out, and in a path it is quoted. What cannot be filled in, and a parameter that nothing uses, is
Impossible: it is told before any load. `{{` and `}}` are braces.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

import msgspec

from battlectl.chaos.driver import Impossible, Order
from battlectl.scenario.chaos_kinds import FAULTS

_PLACE = re.compile(r"\{\{|\}\}|\{([A-Za-z_][A-Za-z0-9_]*)\}")


def values_of(order: Order) -> dict[str, Any]:
    """Everything that templates of this fault can name."""
    own = {"provider": order.provider, "fault": order.fault, "kind": order.kind, "toxic": order.toxic}
    values: dict[str, Any] = msgspec.to_builtins({**FAULTS[order.kind].defaults(), **order.attributes, **own})
    return values


def fill(tree: Any, values: Mapping[str, Any]) -> Any:
    """A JSON tree with its placeholders filled in."""
    if isinstance(tree, str):
        whole = _PLACE.fullmatch(tree)
        return _value(whole[1], values) if whole and whole[1] else fill_text(tree, values)
    if isinstance(tree, Mapping):
        return {fill_text(key, values): fill(child, values) for key, child in tree.items()}
    return [fill(child, values) for child in tree] if isinstance(tree, list | tuple) else tree


def fill_text(text: str, values: Mapping[str, Any]) -> str:
    """A text with its placeholders written out."""
    return _PLACE.sub(lambda match: _written(match, values), text)


def fill_path(path: str, values: Mapping[str, Any]) -> str:
    """A path of a URL: what is filled in cannot add a part to it."""
    quoted = {name: quote(_text(value), safe="") for name, value in values.items()}
    return fill_text(path, quoted)


def places_in(tree: Any) -> Iterator[str]:
    """The names of the placeholders of a JSON tree."""
    if isinstance(tree, str):
        yield from (match[1] for match in _PLACE.finditer(tree) if match[1])
    elif isinstance(tree, Mapping):
        for key, child in tree.items():
            yield from places_in(key)
            yield from places_in(child)
    elif isinstance(tree, list | tuple):
        for child in tree:
            yield from places_in(child)


def check_used(order: Order, templates: Any) -> None:
    """Impossible for a parameter that was written and that no template would pass on."""
    used = set(places_in(templates))
    for name, value in order.attributes.items():
        if name not in used and name != "seed" and value != FAULTS[order.kind].defaults().get(name):
            raise Impossible(
                f"{order.kind} at {order.provider}: {name}={value!r} would do nothing, no template of this "
                f"fault uses {{{name}}}"
            )


def _written(match: re.Match[str], values: Mapping[str, Any]) -> str:
    return match[0][0] if match[1] is None else _text(_value(match[1], values))


def _value(name: str, values: Mapping[str, Any]) -> Any:
    if name not in values:
        known = ", ".join(sorted(values))
        raise Impossible(f"a template names {{{name}}}, which this fault does not have; it has {known}")
    return values[name]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
