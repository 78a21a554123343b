"""The list of all faults for people: docs/faults.md, and the rows of `battlectl faults`.

Rule: nothing is said here that a fault's own file says; its KIND and the descriptions of its parameters are
what is listed. Toxiproxy's toxics are named beside them, for they are put in force by the same request.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import msgspec

from battlectl.lab.faults.kind import Kind, OnRequests, Parameters
from battlectl.lab.faults.table import KINDS

HEADING = """\
# Faults

*Written by `battlectl/lab/faults/catalogue.py`: change a fault's file, not this one.*

What can be broken at a provider of the lab: `POST /proxies/PROVIDER/toxics` on the admin API with
`{"type": "KIND", "attributes": {...}}`. Attributes that are left out have the values below; one that a kind
does not know is an error. Several faults can be in force at one provider; they act in the order in which they
came.

*node* is a simulated node, *relay* stands before a real one. *Good* is what a client sees when the aggregator
in between keeps its promises.

Attributes that many kinds share; where a kind has others of the same name, they are in its table:
"""

BYTES = """\
## bytes

Toxiproxy's own toxics, on any proxy, plain TCP included. They touch bytes and know nothing of requests:
`stream` says in which direction, `toxicity` which share of the connections.

| kind | attributes | what |
|---|---|---|
"""

TOXICS = (
    ("latency", "latency, jitter (ms)", "each chunk is late"),
    ("bandwidth", "rate (KB/s)", "so many bytes a second"),
    ("slow_close", "delay (ms)", "the end of a connection is late"),
    ("timeout", "timeout (ms)", "nothing passes; after the time, if it is not 0, the connection ends"),
    ("reset_peer", "timeout (ms)", "the connection is reset, after the time"),
    ("slicer", "average_size, size_variation (bytes), delay (µs)", "chunks come in pieces"),
    ("limit_data", "bytes", "the connection ends after so many bytes"),
    ("noop", "", "nothing"),
)
"""(name, attributes or nothing, what it does)."""


@dataclass(frozen=True, slots=True)
class ParameterRow:
    """`values` says which fit; `default` is JSON text, None for one that must be given."""

    name: str
    values: str
    default: str | None
    description: str


@dataclass(frozen=True, slots=True)
class FaultRow:
    """One kind of fault. The layer `bytes` is Toxiproxy's, whose parameters are named in `what`."""

    name: str
    layer: str
    what: str
    expect: str
    where: tuple[str, ...]
    parameters: tuple[ParameterRow, ...]


def catalogue_rows() -> tuple[FaultRow, ...]:
    """All kinds in the order of the table, then Toxiproxy's toxics."""
    toxics = (
        FaultRow(name, "bytes", _with(what, attributes), "", ("tcp", "node", "relay"), ())
        for name, attributes, what in TOXICS
    )
    return (*(_row(kind) for kind in KINDS.values()), *toxics)


def catalogue_markdown() -> str:
    """The whole of docs/faults.md."""
    rows = [_row(kind) for kind in KINDS.values()]
    parts = [HEADING, _table(_SHARED)]
    for layer in dict.fromkeys(row.layer for row in rows):
        parts.append(f"## {layer}\n")
        parts.extend(_section(row) for row in rows if row.layer == layer)
    lines = (f"| `{name}` | {attributes or 'none'} | {what} |\n" for name, attributes, what in TOXICS)
    return "\n".join(parts) + "\n" + BYTES + "".join(lines)


def _with(what: str, attributes: str) -> str:
    return f"{what}: {attributes}" if attributes else what


def _row(kind: Kind) -> FaultRow:
    where = tuple(sorted(kind.where))
    return FaultRow(kind.name, kind.layer, kind.what, kind.expect, where, _parameters(kind.parameters))


def _parameters(parameters: type[Parameters]) -> tuple[ParameterRow, ...]:
    schema = msgspec.json.schema(parameters)["$defs"][parameters.__name__]
    required = schema.get("required", ())
    return tuple(
        ParameterRow(
            name, _values(of), None if name in required else json.dumps(of["default"]), of["description"]
        )
        for name, of in schema["properties"].items()
    )


def _values(schema: dict[str, Any]) -> str:
    """`0 to 1`, `one of all, new`, `text`, ..."""
    if "anyOf" in schema:
        return " or ".join(_values(one) for one in schema["anyOf"])
    if "enum" in schema:
        return "one of " + ", ".join(schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_values(schema['items'])}"
    if schema.get("type") in ("integer", "number"):
        return _range(schema)
    names = {"string": "text", "boolean": "true or false", "null": "null"}
    return names.get(schema.get("type", ""), "any JSON")


def _range(schema: dict[str, Any]) -> str:
    name = "integer" if schema["type"] == "integer" else "number"
    low, above, high = (schema.get(key) for key in ("minimum", "exclusiveMinimum", "maximum"))
    low_text = f"from {low}" if low is not None else f"above {above}" if above is not None else ""
    high_text = f"to {high:,}" if high is not None else ""
    return " ".join(part for part in (name, low_text, high_text) if part)


def _section(row: FaultRow) -> str:
    shared = [parameter.name for parameter in row.parameters if parameter in _SHARED]
    own = [parameter for parameter in row.parameters if parameter not in _SHARED]
    lines = [f"### `{row.name}`\n", f"{_sentence(row.what)}\n"]
    lines.append(f"Good: {row.expect}. Works on: {' and '.join(row.where)}.\n")
    if shared:
        lines.append("Shared attributes: " + ", ".join(f"`{name}`" for name in shared) + ".\n")
    return "\n".join([*lines, *([_table(own)] if own else [])])


def _table(parameters: Iterable[ParameterRow]) -> str:
    head = ["| attribute | values | default | |", "|---|---|---|---|"]
    return "\n".join([*head, *map(_parameter_line, parameters)]) + "\n"


def _parameter_line(parameter: ParameterRow) -> str:
    default = "must be given" if parameter.default is None else f"`{_short(parameter.default)}`"
    return f"| `{parameter.name}` | {parameter.values} | {default} | {parameter.description} |"


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:50] + "..."


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:] + "."


_SHARED = _parameters(OnRequests)
