"""Where results lie, and how they get there.

Rule: a file appears whole or not at all, and no run writes into the folder of another.
"""

from __future__ import annotations

import os
import re
import secrets
import unicodedata
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from battlectl.report.document import encode_document
from battlectl.report.junit import render_junit
from battlectl.report.markdown import render_markdown

LATEST = "latest"
MOST_SLUG = 60


def write_atomically(path: Path, data: bytes) -> None:
    """Write beside the path and move into place; a failure leaves what was there before, and nothing else."""
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
    try:
        partial.write_bytes(data)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def write_results(folder: Path, document: Mapping[str, Any]) -> None:
    """report.json first, which all others can be made from again, then report.md and junit.xml."""
    write_atomically(folder / "report.json", encode_document(document))
    write_atomically(folder / "report.md", _encoded(render_markdown(document)))
    write_atomically(folder / "junit.xml", _encoded(render_junit(document)))


def new_run_folder(results: Path, scenario_name: str, started_at: datetime, run_id: str) -> Path:
    """results/<scenario>/<UTC time>-<short id>/, made for this run and never one that exists."""
    stamp = started_at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    name = f"{stamp}-{slug_of(run_id)[:8]}"
    parent = results / slug_of(scenario_name)
    parent.mkdir(parents=True, exist_ok=True)
    for folder in (parent / name, *(parent / f"{name}-{number}" for number in range(2, 1_000))):
        with suppress(FileExistsError):
            folder.mkdir()
            return folder
    raise FileExistsError(f"{parent / name} and every number after it exist")


def point_latest(results: Path, run_folder: Path) -> None:
    """results/latest -> the run, replaced in one step; relative, so that the folder can be moved."""
    target = os.path.relpath(run_folder, results)
    partial = results / f".{LATEST}.{secrets.token_hex(4)}.partial"
    try:
        partial.symlink_to(target, target_is_directory=True)
        os.replace(partial, results / LATEST)
    finally:
        partial.unlink(missing_ok=True)


def slug_of(name: str) -> str:
    """A name as a folder: lower case, letters, digits and hyphens; never empty and never `latest`."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:MOST_SLUG].strip("-")
    return f"{LATEST}-run" if slug == LATEST else slug or "scenario"


def _encoded(text: str) -> bytes:
    """UTF-8; a lone surrogate, which no UTF-8 can hold, becomes a question mark."""
    return text.encode("utf-8", "replace")
