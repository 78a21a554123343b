"""What a fault does to a document of an admin API, and how it is undone; pure.

Rule: a change touches one place. A value is put there, or, with `remove`, the element that stands there is
taken out of its list or mapping. Undoing brings back what stood there, and leaves alone what somebody else
has changed elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from battlectl.chaos.pointer import MISSING, NoPlace, read_at, with_value
from battlectl.chaos.templates import fill, fill_text
from battlectl.scenario.target_chaos import HttpDocument


@dataclass(frozen=True, slots=True)
class Change:
    """At a place of a JSON document, `value` instead of what is there; `MISSING` takes it out."""

    at: str
    value: Any

    def is_made(self, tree: Any) -> bool:
        """Whether the document is so already; NoPlace where its place cannot be judged."""
        if self.value is not MISSING:
            return bool(read_at(tree, self.at) == self.value)
        if read_at(tree, self._parent) is MISSING:
            raise NoPlace(f"there is nothing at {self._parent}")
        return _is_absent(tree, self.at)

    def made(self, tree: Any) -> Any:
        """The changed document; NoPlace where it cannot be changed so, or could not be changed back."""
        read_at(tree, self.at)
        if self.value is MISSING:
            return _without(tree, self.at, self._parent)
        changed = with_value(tree, self.at, self.value)
        read_at(changed, self.at)  # A change that hides its own place could not be taken back.
        return changed

    def is_undone(self, before: Any, now: Any) -> bool:
        """Whether the place has what it had before."""
        if _is_absent(now, self.at):
            return _is_absent(before, self.at)
        return bool(read_at(now, self.at) == read_at(before, self.at))

    def undone(self, before: Any, now: Any) -> Any:
        """The document of now with what stood there before."""
        old = read_at(before, self.at)
        if self.value is not MISSING or not isinstance(read_at(now, self._parent), list):
            return with_value(now, self.at, old)
        if not _is_absent(now, self.at):
            return with_value(now, self.at, old)
        found = read_at(before, self._parent).index(old)
        return _with_element(now, self._parent, found, old)

    @property
    def _parent(self) -> str:
        return self.at.rpartition("/")[0]


def change_of(document: HttpDocument, values: Mapping[str, Any]) -> Change:
    """The change of a fault, its placeholders filled in."""
    value = MISSING if document.remove else fill(document.value, values)
    return Change(fill_text(document.at, values), value)


def _is_absent(tree: Any, at: str) -> bool:
    try:
        return read_at(tree, at) is MISSING
    except NoPlace:
        return True


def _without(tree: Any, at: str, parent: str) -> Any:
    found = read_at(tree, at)
    if found is MISSING:
        raise NoPlace(f"there is nothing at {at} to take out")
    holder = read_at(tree, parent)
    if isinstance(holder, list):
        return with_value(tree, parent, [item for item in holder if item is not found])
    return with_value(tree, at, MISSING)


def _with_element(tree: Any, parent: str, index: int, element: Any) -> Any:
    changed = deepcopy(tree)
    read_at(changed, parent).insert(index, element)
    return changed
