"""One place in a JSON document: `/providers/node_a/enabled`, or `/providers/[id=node_a]/enabled` in a list.

Rule: parts are as in RFC 6901 (`~1` is a slash, `~0` a tilde, numbers count from 0); `[key=value]` is the
only element of a list that has this value there. A place that does not exist is NoPlace, but for a new key.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

MISSING = object()


class NoPlace(Exception):
    """The document has no such place; the message says how far it goes."""


def read_at(document: Any, path: str) -> Any:
    """What stands there; `MISSING` where a mapping could have it and has not."""
    parent, key = _find(document, path)
    if parent is None:
        return document
    return parent.get(key, MISSING) if isinstance(parent, dict) else parent[key]


def with_value(document: Any, path: str, value: Any) -> Any:
    """The document with this value there, or without the key for `MISSING`."""
    changed = deepcopy(document)
    parent, key = _find(changed, path)
    if parent is None:
        return value
    if value is MISSING:
        parent.pop(key, None)
    else:
        parent[key] = value
    return changed


def _find(document: Any, path: str) -> tuple[Any, Any]:
    """The parent and the key in it; (None, None) for the document itself."""
    parts = path.split("/")[1:]
    if not parts:
        return None, None
    parent: Any = document
    for number, part in enumerate(parts):
        key = _key_of(parent, part, "/".join(["", *parts[: number + 1]]))
        if number == len(parts) - 1:
            return parent, key
        if isinstance(parent, dict) and key not in parent:
            raise NoPlace(f"there is nothing at {'/'.join(['', *parts[: number + 1]])}")
        parent = parent[key]
    raise AssertionError("a path has a last part")


def _key_of(parent: Any, part: str, so_far: str) -> Any:
    if isinstance(parent, dict):
        return part.replace("~1", "/").replace("~0", "~")
    if not isinstance(parent, list):
        raise NoPlace(f"{so_far} would be inside a plain value")
    if part.startswith("[") and part.endswith("]") and "=" in part:
        name, _, wanted = part[1:-1].partition("=")
        found = [i for i, item in enumerate(parent) if isinstance(item, dict) and item.get(name) == wanted]
        if len(found) != 1:
            raise NoPlace(f"{so_far}: {len(found)} elements have {name}={wanted}, not one")
        return found[0]
    if not (part.isascii() and part.isdigit() and int(part) < len(parent)):
        raise NoPlace(f"{so_far}: a list of {len(parent)} has no such element")
    return int(part)
