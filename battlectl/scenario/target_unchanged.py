"""What the config of a target says of its own configuration: which documents a run must leave as they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import Field

from battlectl.scenario.fields import Strict, Url
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
    found = watched.get("documents") if isinstance(watched, dict) else None
    documents = found if isinstance(found, list) else []
    for number, path in enumerate(documents):
        if path in documents[:number]:
            yield Mistake(("unchanged", "documents", number), f'"{path}" is there twice: leave one away')


def unchanged_address(tree: Mapping[str, Any]) -> Iterator[tuple[Path, Any]]:
    """Where the documents are asked for."""
    watched = tree.get("unchanged")
    if isinstance(watched, dict):
        yield ("unchanged", "url"), watched.get("url")
