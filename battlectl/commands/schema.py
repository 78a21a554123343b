"""`battlectl schema`: the JSON Schema of a scenario or config file, for editors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TextIO

from battlectl.errors import ExitCode, UserError
from battlectl.scenario.schema import render_schema, scenario_schema, target_schema

SCHEMAS: Mapping[str, Callable[[], dict[str, Any]]] = {"scenario": scenario_schema, "target": target_schema}


def schema(kind: str, out: TextIO) -> ExitCode:
    """Print the schema of `kind`; raises `UserError` for a kind that there is not."""
    if kind not in SCHEMAS:
        raise UserError(f'there is no schema "{kind}", known are {", ".join(SCHEMAS)}')
    out.write(render_schema(SCHEMAS[kind]()))
    return ExitCode.PASS
