"""The JSON Schemas of scenario and config files, for editors: derived from the same types that parse them.

Rule: a schema is never written by hand; `battlectl schema` prints it and config/ keeps a copy.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import chain, count
from typing import Any

from pydantic import BaseModel

from battlectl.quantities import DURATION_PATTERN, RATE_PATTERN, SIZE_PATTERN, format_duration, format_rate
from battlectl.scenario.fields import BYTE_RATE_PATTERN
from battlectl.scenario.model import Scenario
from battlectl.scenario.target import Target

DRAFT = "https://json-schema.org/draft/2020-12/schema"


def scenario_schema() -> dict[str, Any]:
    """The schema of a scenario file."""
    return _schema(Scenario, "battlectl scenario")


def target_schema() -> dict[str, Any]:
    """The schema of a target's config file."""
    return _schema(Target, "battlectl target")


def render_schema(schema: dict[str, Any]) -> str:
    """A schema as text, the same on every machine."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


VARIABLE = {
    "type": "string",
    "pattern": r"\$\{",
    "description": "a text with ${NAME} or ${NAME:-default}, filled in from the environment",
}
OUTSIDE = ("title", "description", "default", "examples")
"""What an editor shows of a value, whichever of its forms was written."""


def _schema(model: type[BaseModel], title: str) -> dict[str, Any]:
    written = _shared(_adapted(model.model_json_schema(mode="validation")))
    definitions = {**written.pop("$defs"), "Variable": VARIABLE}
    return {"$schema": DRAFT, **written, "title": title, "$defs": definitions}


SHARED_FROM = 10
"""A property that so many mappings have alike is written once."""


def _shared(schema: dict[str, Any]) -> dict[str, Any]:
    """The same schema with what many mappings have alike among its definitions."""
    counts = Counter(json.dumps(value) for value in _properties(schema) if "$ref" not in value)
    definitions: dict[str, Any] = {}
    names: dict[str, str] = {}
    for text in (text for text, times in counts.items() if times >= SHARED_FROM):
        title = json.loads(text).get("title", "Shared").replace(" ", "")
        taken = {*schema["$defs"], *definitions}
        name = next(n for n in chain([title], (f"{title}{k}" for k in count(2))) if n not in taken)
        definitions[name], names[text] = json.loads(text), name
    result: dict[str, Any] = _with_references(schema, names)
    return {**result, "$defs": {**result["$defs"], **definitions}}


def _properties(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, list):
        for item in schema:
            yield from _properties(item)
    elif isinstance(schema, dict):
        yield from schema.get("properties", {}).values()
        for value in schema.values():
            yield from _properties(value)


def _with_references(schema: Any, names: Mapping[str, str]) -> Any:
    if isinstance(schema, list):
        return [_with_references(item, names) for item in schema]
    if not isinstance(schema, dict):
        return schema
    name = names.get(json.dumps(schema))
    if name is not None:
        return {"$ref": f"#/$defs/{name}"}
    return {key: _with_references(value, names) for key, value in schema.items()}


def _adapted(schema: Any) -> Any:
    """Pydantic's schema as the file is written: defaults with units, variables, and no stray names."""
    if isinstance(schema, list):
        return [_adapted(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    written = {key: _adapted(value) for key, value in schema.items() if key != "propertyNames"}
    if "patternProperties" in schema:
        written.setdefault("additionalProperties", False)
    if _is_narrow(schema):
        return _with_variable(_with_unit(written))
    return written


def _is_narrow(schema: dict[str, Any]) -> bool:
    """Whether a `${NAME}` standing for the value would be refused."""
    kind = schema.get("type")
    return kind in ("integer", "number", "boolean") or (
        kind == "string" and bool({"pattern", "enum"} & set(schema))
    )


def _with_variable(schema: dict[str, Any]) -> dict[str, Any]:
    inside = {key: value for key, value in schema.items() if key not in OUTSIDE}
    outside = {key: value for key, value in schema.items() if key in OUTSIDE}
    return {**outside, "anyOf": [inside, {"$ref": "#/$defs/Variable"}]}


def _with_unit(schema: dict[str, Any]) -> dict[str, Any]:
    """A default as people write it: the types hold 5.0 seconds, the file says "5s"."""
    if "default" in schema and schema.get("pattern") == DURATION_PATTERN:
        return {**schema, "default": format_duration(schema["default"])}
    if "default" in schema and schema.get("pattern") == RATE_PATTERN:
        return {**schema, "default": format_rate(schema["default"])}
    if "default" in schema and schema.get("pattern") == SIZE_PATTERN:
        return {**schema, "default": f"{schema['default'] // 2**20}MiB"}
    if "default" in schema and schema.get("pattern") == BYTE_RATE_PATTERN:
        return {**schema, "default": f"{schema['default']}KB/s"}
    return schema
