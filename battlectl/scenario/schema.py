"""The JSON Schemas of scenario and config files, for editors: derived from the same types that parse them.

Rule: a schema is never written by hand; `battlectl schema` prints it and config/ keeps a copy.
"""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel

from battlectl.quantities import DURATION_PATTERN, SIZE_PATTERN, format_duration
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


def _schema(model: type[BaseModel], title: str) -> dict[str, Any]:
    written = _with_units(model.model_json_schema(mode="validation"))
    return {"$schema": DRAFT, **written, "title": title}


def _with_units(schema: Any) -> Any:
    """Defaults as people write them: the types hold 5.0 seconds, the file says "5s"."""
    if isinstance(schema, list):
        return [_with_units(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    written = {key: _with_units(value) for key, value in schema.items()}
    if schema.get("pattern") == DURATION_PATTERN and "default" in schema:
        written["default"] = format_duration(schema["default"])
    if schema.get("pattern") == SIZE_PATTERN and "default" in schema:
        written["default"] = f"{schema['default'] // 2**20}MiB"
    return written
