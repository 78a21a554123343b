"""What the config of a target says of its own configuration: which documents a run must leave as they are.

Rule: where a document is may be as secret as a URL: what looks like a key in it is shown nowhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import Field

from battlectl.scenario.fields import Strict, Url
from battlectl.scenario.masking import hide, name_secrets, safe_secrets
from battlectl.scenario.places import Mistake, Path

DocumentPath = Annotated[str, Field(pattern=r"^/([^/\s#][^\s#]*)?$", max_length=500)]
Place = Annotated[str, Field(pattern=r"^(/[^/]+)+$", max_length=200)]


class TargetUnchanged(Strict):
    """JSON documents that a run must leave as they are: read before it and again after it.

    `url` is where they are, a path in it comes before theirs (none: where the target is). `except` are
    places in them that change by themselves, as `/chains/0/updated_at`, or `/chains/*/updated_at` for all.
    """

    documents: Annotated[tuple[DocumentPath, ...], Field(strict=False, min_length=1, max_length=20)]
    url: Url | None = None
    headers: dict[str, str] = Field(default_factory=dict)
    except_: Annotated[tuple[Place, ...], Field(strict=False, max_length=50, alias="except")] = ()


def check_unchanged(tree: Mapping[str, Any]) -> Iterator[Mistake]:
    """Every mistake between `unchanged` and the rest; works on the plain tree."""
    watched = tree.get("unchanged")
    if tree.get("kind", "generic") == "lab" and "unchanged" in tree:
        message = "the lab's configuration is watched without being asked: leave it away"
        yield Mistake(("unchanged",), message, True)
    documents = _listed(watched, "documents")
    for number, path in enumerate(documents):
        if path in documents[:number]:
            message = "the same document is there twice: leave one away"
            yield Mistake(("unchanged", "documents", number), message)
    url = watched.get("url") if isinstance(watched, dict) else None
    if isinstance(url, str) and "?" in url:
        message = "no path can come after a query: write it in each of `documents`, as /config?key=..."
        yield Mistake(("unchanged", "url"), message)


def mask_unchanged(tree: Any) -> tuple[Any, frozenset[str]]:
    """A tree that shows no keys in where documents and the places in them are, and the keys."""
    watched = tree.get("unchanged") if isinstance(tree, dict) else None
    if not isinstance(watched, dict):
        return tree, frozenset()
    found = [
        *(safe_secrets(one) for one in _listed(watched, "documents") if isinstance(one, str)),
        *(name_secrets(one) for one in _listed(watched, "except") if isinstance(one, str)),
    ]
    secrets = frozenset[str]().union(*found)
    shown = {key: _hide_in(value, secrets) for key, value in watched.items()}
    return {**tree, "unchanged": shown}, secrets


def _hide_in(value: Any, secrets: frozenset[str]) -> Any:
    if not isinstance(value, list):
        return value
    return [hide(one, secrets) if isinstance(one, str) else one for one in value]


def _listed(watched: Any, key: str) -> list[Any]:
    found = watched.get(key) if isinstance(watched, dict) else None
    return found if isinstance(found, list) else []


def unchanged_address(tree: Mapping[str, Any]) -> Iterator[tuple[Path, Any]]:
    """Where the documents are asked for."""
    watched = tree.get("unchanged")
    if isinstance(watched, dict):
        yield ("unchanged", "url"), watched.get("url")
