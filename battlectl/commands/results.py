"""The results folder of one run: journal while it goes on, report when it is over.

Rule: whatever is written has no secret in it; a journal line is flushed before the next second begins.
"""

from __future__ import annotations

import datetime
import os
import platform
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any

import msgspec

from battlectl.commands.masking import Masker
from battlectl.commands.prepare import Prepared
from battlectl.observe.journal import Line, encode_in_steps


class Journal:
    """journal.jsonl: a header, then a line a second. Mutable: it is an open file."""

    def __init__(self, folder: Path, header: Mapping[str, Any], masker: Masker) -> None:
        self._masker = masker
        self._file: IO[bytes] = open(folder / "journal.jsonl", "wb", buffering=0)  # noqa: SIM115 (closed by close)
        self._write(msgspec.json.encode({"schema_version": 1, **header}) + b"\n")

    def add_in_steps(self, line: Line) -> Iterator[None]:
        """Write one line, encoded in small steps; the kernel has it after the last one."""
        data = yield from encode_in_steps(line)
        self._write(data)

    def close(self) -> None:
        """No more lines."""
        self._file.close()

    def _write(self, data: bytes) -> None:
        self._file.write(self._masker.mask_json(data))


def describe_run(prepared: Prepared, run_id: str, started_at: datetime.datetime) -> dict[str, Any]:
    """What a report says of the run beside what was counted: all of it known before the first arrival."""
    return {
        "run_id": run_id,
        "started_at": started_at.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "tool_version": version("battlectl"),
        "command": " ".join(["battlectl", *sys.argv[1:]]),
        "scenario_file": str(prepared.path),
        "plan_hash": prepared.plan_hash,
        "target": {
            "name": prepared.target_name,
            "kind": prepared.target.kind,
            "config": prepared.target_resolved,
        },
        "engine": {workload.name: workload.client for workload in prepared.plan.workloads},
        "environment": describe_environment(),
        "resolved": prepared.resolved,
        "rebuilt": False,
        "notes": _notes(prepared),
    }


def describe_environment() -> dict[str, Any]:
    """The machine and the versions that a figure may depend on."""
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpu_count": os.cpu_count(),
        "cpus_usable": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        **{name: version(name) for name in ("trio", "httpx", "httptools", "msgspec")},
    }


def _notes(prepared: Prepared) -> list[str]:
    notes = []
    for workload in prepared.frame.workloads:
        if workload.model == "closed":
            notes.append(f"{workload.name} is a closed workload: its latency counts from sending")
        if workload.client == "httpx":
            notes.append(f"{workload.name} uses httpx: slower, and its connections are not counted")
    return notes
