"""Taking secrets out of what is about to be written.

Rule: texts are searched, in whatever way they were escaped, and a secret that was cut off at the end of a
quotation is one too. What a report itself is made of stays: numbers, its keys and plain words, its packed
sketches. A stage that is called "steady" must not cost the report its phase of that name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

import msgspec

MASK = "***"
SHORTEST_PART = 4
"""Characters of a secret that may be left of it at a cut."""
TELLING = 10
"""Letters from which on a plain word that is a secret is masked though it stands alone."""
SHORTEST_NUMBER = 8
"""Digits from which on a number is a secret, and not a port or a year."""
PACKED = "bins"
_WORD = re.compile(r"[A-Za-z][A-Za-z_/]{0,63}")
_KEY = re.compile(r"[a-z][a-z0-9_.]{0,31}")
_CUT = re.compile(r"$|\.\.\.|\\?['\")]")


class Masker:
    """Knows the secrets of one run in every form in which they may turn up."""

    def __init__(self, secrets: Iterable[str]) -> None:
        kept = [s for s in secrets if len(s) >= SHORTEST_PART and not _is_small_number(s)]
        self._whole = frozenset(kept)
        forms = {form for secret in kept for form in _forms(secret)}
        self._forms = sorted(forms, key=len, reverse=True)
        self._starts = sorted({form[:SHORTEST_PART] for form in forms})
        self._raw_starts = [msgspec.json.encode(start)[1:-1] for start in self._starts]

    def mask_json(self, data: bytes) -> bytes:
        """JSON in which no secret stands; taken apart only when something in it looks like one."""
        if not any(start in data for start in self._raw_starts):
            return data
        newline = b"\n" if data.endswith(b"\n") else b""
        return msgspec.json.encode(self.mask_tree(msgspec.json.decode(data))) + newline

    def mask_tree(self, tree: Any) -> Any:
        """A JSON tree in which no secret stands."""
        if isinstance(tree, str):
            is_plain = _WORD.fullmatch(tree) and not (len(tree) >= TELLING and tree in self._whole)
            return tree if is_plain else self.mask_text(tree)
        if isinstance(tree, list | tuple):
            return [self.mask_tree(item) for item in tree]
        if not isinstance(tree, dict):
            return tree
        return {self._mask_key(key): self._mask_member(key, value) for key, value in tree.items()}

    def mask_text(self, text: str) -> str:
        """A text in which no secret stands, nor the beginning of one at a cut."""
        if not any(start in text for start in self._starts):
            return text
        for form in self._forms:
            text = text.replace(form, MASK)
        for form in self._forms:
            text = _mask_part(text, form)
        return text

    def _mask_key(self, key: str) -> str:
        return key if _KEY.fullmatch(key) or _WORD.fullmatch(key) else self.mask_text(key)

    def _mask_member(self, key: str, value: Any) -> Any:
        return value if key == PACKED else self.mask_tree(value)


def _is_small_number(secret: str) -> bool:
    return secret.isdigit() and len(secret) < SHORTEST_NUMBER


def _forms(secret: str) -> set[str]:
    """As it is, as JSON and as Python show it, and as a URL carries it."""
    as_json = msgspec.json.encode(secret).decode()[1:-1]
    return {secret, as_json, repr(secret)[1:-1], quote(secret), quote(secret, safe="")}


def _mask_part(text: str, form: str) -> str:
    """Mask the beginnings of a secret that end where a quotation was cut off."""
    at = text.find(form[:SHORTEST_PART])
    while at >= 0:
        end = at + _common(text[at : at + len(form)], form)
        if _CUT.match(text, end):
            text = text[:at] + MASK + text[end:]
        at = text.find(form[:SHORTEST_PART], at + 1)
    return text


def _common(one: str, other: str) -> int:
    """How many characters two texts share from their beginning on."""
    return next(
        (i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )
