"""What became of the documents of a target's configuration, as report.json and documents.jsonl store it.

Rule: what is read back is equal to what was stored, so that it is judged alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from battlectl.observe.documents import Watched


def documents_json(documents: Iterable[Watched]) -> list[dict[str, Any]]:
    """See the rule."""
    return [msgspec.to_builtins(document) for document in documents]


def read_documents(stored: Iterable[Mapping[str, Any]] | None) -> tuple[Watched, ...]:
    """What was stored; nothing, of a report from before there was any."""
    return tuple(msgspec.convert(one, Watched) for one in stored or ())


def encode_documents(documents: Iterable[Watched]) -> bytes:
    """A line of documents.jsonl: all of them, as far as they are known."""
    return msgspec.json.encode(documents_json(documents)) + b"\n"


def read_last_line(data: bytes) -> tuple[Watched, ...]:
    """What the last whole line tells; nothing where there is none."""
    lines = data.split(b"\n")[:-1]
    return read_documents(msgspec.json.decode(lines[-1])) if lines else ()
