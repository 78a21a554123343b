"""Reading JSON that may be of any shape.

Rule: only a page that is no JSON object is an error; a part that is missing or of another type is empty.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec


def read_page(body: bytes) -> dict[str, Any]:
    """The object; raises ValueError with the beginning of what there was instead."""
    try:
        page = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"not JSON: {body[:60]!r}") from error
    if not isinstance(page, dict):
        raise ValueError(f"no JSON object: {body[:60]!r}")
    return page


def part(page: Any, name: str) -> dict[str, Any]:
    """An object within an object."""
    found = page.get(name) if isinstance(page, dict) else None
    return found if isinstance(found, dict) else {}


def rows(listed: Any) -> Iterator[dict[str, Any]]:
    """The objects of a list."""
    yield from (row for row in listed if isinstance(row, dict)) if isinstance(listed, list) else ()
