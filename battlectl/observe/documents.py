"""Documents of the target's configuration, as they were before a run and are after it.

Rule: a document is JSON with something in it. What is anything else (an error, a page for people, nothing at
all) was not read, and what was not read has not been compared. What differs after the run is looked at three
times: what goes on differing by itself cannot be told from what the run did, nor can what stands above or
below that. Contents are not kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import Any

from battlectl.observe.json_places import (
    NOTHING,
    Change,
    Difference,
    Steps,
    differences,
    is_all_apart,
    read_json,
    show_place,
)

LOOKS = 3
"""How often a document that differs is looked at after the run."""
MOST_LISTED = 20
DIGITS = 16
SPAN = 1.0
"""Seconds that the looks after a run must span, to tell what counts seconds from what was changed."""
STORED_DIGITS = 3
GONE = "there is no such document"
NO_JSON = "it {why}"


@dataclass(frozen=True, slots=True)
class Page:
    """What was had of a document: its body, or `why` there was none; `is_gone` when the target denies it.

    `at` is when, in seconds of whatever clock.
    """

    body: bytes = b""
    why: str = ""
    is_gone: bool = False
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class Look:
    """A page without its content. `is_same` compares it with the one before the run."""

    digest: str = ""
    size: int = 0
    why: str = ""
    is_gone: bool = False
    is_same: bool = False


@dataclass(frozen=True, slots=True)
class Watched:
    """One document. `looks` are those after the run, none of a run that was killed.

    `differences` are between the look before and the last one, at most `MOST_LISTED` of all that `differing`
    counts; `restless` of them are at places that go on changing, or next to such a place: those are `moving`.
    `is_hasty` when the looks span too little to see what moves. `apart` are the places that nobody compares;
    `is_all_apart` when no value of the document before the run is anywhere else.
    """

    name: str
    before: Look
    looks: tuple[Look, ...] = ()
    differences: tuple[Difference, ...] = ()
    differing: int = 0
    restless: int = 0
    moving: tuple[str, ...] = ()
    is_hasty: bool = False
    apart: tuple[str, ...] = ()
    is_all_apart: bool = False


def needs_another_look(before: Page, after: Page, apart: Sequence[str]) -> bool:
    """Whether there is anything that a further look could tell."""
    return _is_there(before) and not _is_same(before, after, apart)


def account(
    name: str,
    before: Page,
    pages: Sequence[Page],
    apart: Sequence[str],
    mask: Callable[[str], str] = str,
    again: Page | None = None,
) -> Watched:
    """All that is known of one document; `pages` are those after the run, in order.

    `again` is a second one from before the load: what differs between the two moves by itself. `mask` takes
    keys out of the names of members.
    """
    looks = tuple(_look(page, _is_same(before, page, apart)) for page in pages)
    known = [page for page in pages if _is_known(page)]
    is_bare = _is_there(before) and is_all_apart(_tree(before), apart)
    if not _is_there(before) or not pages or pages[-1] not in known:
        return Watched(name, _look(before, False), looks, apart=tuple(apart), is_all_apart=is_bare)
    found = _between(before, pages[-1], apart)
    pairs = [*pairwise(known), *([(before, again)] if again is not None and _is_known(again) else [])]
    moving = dict.fromkeys(one.steps for pair in pairs for one in _between(*pair, apart))
    is_moving = _touches(moving)
    steady = [one for one in found if not is_moving(one.steps)]
    restless = [one for one in found if is_moving(one.steps)]
    is_found = _touches(one.steps for one in restless)
    shown = (show_place(steps, mask) for steps in moving if steps and is_found(steps))
    return Watched(
        name,
        _look(before, False),
        looks,
        differences=tuple(one.shown(mask) for one in [*steady, *restless][:MOST_LISTED]),
        differing=len(found),
        restless=len(restless),
        is_hasty=round(known[-1].at - known[0].at, STORED_DIGITS) < SPAN,
        moving=tuple(islice(shown, MOST_LISTED)),
        apart=tuple(apart),
        is_all_apart=is_bare,
    )


def _touches(places: Iterable[Steps]) -> Callable[[Steps], bool]:
    """Whether a place is one of these, or above or below one."""
    all_of_them = frozenset(places)
    above = {steps[:length] for steps in all_of_them for length in range(len(steps))}

    def touches(steps: Steps) -> bool:
        return steps in above or any(steps[:length] in all_of_them for length in range(len(steps) + 1))

    return touches


def _look(page: Page, is_same: bool) -> Look:
    if page.is_gone:
        return Look(why=page.why or GONE, is_gone=True)
    why = _fault_of(page)
    if why:
        return Look(size=len(page.body), why=why)
    digest = hashlib.sha256(page.body).hexdigest()[:DIGITS]
    return Look(digest, len(page.body), is_same=is_same)


def _is_known(page: Page) -> bool:
    """Whether it is known what stood there: a document, or none."""
    return page.is_gone or _is_there(page)


def _is_there(page: Page) -> bool:
    return not page.is_gone and not _fault_of(page)


def _fault_of(page: Page) -> str:
    """Why it is no document, else ""."""
    if page.why:
        return page.why
    if not page.body.strip():
        return "the answer is empty"
    try:
        tree = read_json(page.body)
    except ValueError as error:
        return NO_JSON.format(why=error)
    if not isinstance(tree, dict | list):
        return "it is a plain value, no document"
    if not tree:
        return "it has nothing in it"
    told = [name for name in ("error", "errors") if isinstance(tree, dict) and tree.get(name)]
    return f'it tells of "{told[0]}" instead' if told else ""


def _is_same(before: Page, after: Page, apart: Sequence[str]) -> bool:
    return _is_there(before) and _is_there(after) and not _between(before, after, apart)


def _between(one: Page, other: Page, apart: Sequence[str]) -> list[Change]:
    """What differs between two pages that are known."""
    if one.body == other.body and one.is_gone == other.is_gone:
        return []
    if one.is_gone or other.is_gone:
        return [Change((), _whole(one), _whole(other))]
    return list(differences(_tree(one), _tree(other), apart))


def _tree(page: Page) -> Any:
    return read_json(page.body)


def _whole(page: Page) -> str:
    return NOTHING if page.is_gone else f"a document of {len(page.body)} bytes"
