"""`battlectl init`: a folder to start from, with a commented scenario that passes on the embedded lab.

Rule: it never writes over anything; when one file is in the way, none is written.
"""

from __future__ import annotations

from pathlib import Path
from typing import TextIO

from battlectl.commands.files import BUILTIN
from battlectl.errors import ExitCode, UserError
from battlectl.scenario.schema import render_schema, scenario_schema, target_schema

COPIES = {
    "scenarios/first.yml": "first.yml",
    "config/lab.yml": "lab.yml",
    "config/generic.example.yml": "generic.example.yml",
}


def init(folder: Path, out: TextIO) -> ExitCode:
    """Write the starter files under `folder` and say what to do next; raises `UserError`."""
    files = {name: (BUILTIN / source).read_text(encoding="utf-8") for name, source in COPIES.items()}
    files["config/scenario.schema.json"] = render_schema(scenario_schema())
    files["config/target.schema.json"] = render_schema(target_schema())
    taken = [name for name in files if (folder / name).exists()]
    if taken:
        raise UserError(f"{folder} already has {', '.join(taken)}: choose another folder, or move them away")
    try:
        for name, text in files.items():
            _write(folder / name, text, out)
    except OSError as error:
        raise UserError(f"{error.filename}: cannot be written ({error.strerror})") from None
    print(_next_steps(folder), file=out)
    return ExitCode.PASS


def _write(path: Path, text: str, out: TextIO) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    print(f"wrote {path}", file=out)


def _next_steps(folder: Path) -> str:
    first = folder / "scenarios" / "first.yml"
    return "\n".join(
        [
            "",
            "next:",
            f"  battlectl validate {first}   # is it right? sends nothing",
            f"  battlectl plan {first}       # what would be sent, and when",
            f"  battlectl run {first}        # on the embedded lab; the report is in results/latest",
            f"  {folder / 'config' / 'generic.example.yml'} shows how to name your own aggregator",
        ]
    )
