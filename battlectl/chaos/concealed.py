"""Secrets in what is needed for healing: stored as the names of their variables, and filled in again.

Rule: what goes through `conceal` and `reveal` comes back to the byte, as long as the variables are the same.
`$` itself is doubled, so that a text that looks like a variable stays a text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

_STORED = re.compile(r"\$\$|\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def conceal(tree: Any, secrets: Mapping[str, str]) -> Any:
    """A JSON tree in whose texts each secret is `${NAME}`; `secrets` maps the value to the name."""
    longest_first = sorted(secrets, key=len, reverse=True)
    pattern = re.compile("|".join([*map(re.escape, longest_first), re.escape("$")]))
    return _map_texts(
        tree, lambda text: pattern.sub(lambda m: "$$" if m[0] == "$" else f"${{{secrets[m[0]]}}}", text)
    )


def reveal(tree: Any, environ: Mapping[str, str]) -> Any:
    """The tree as it was; KeyError has the name of a variable that is not set."""
    return _map_texts(tree, lambda text: _STORED.sub(lambda m: "$" if m[1] is None else environ[m[1]], text))


def _map_texts(tree: Any, change: Callable[[str], str]) -> Any:
    if isinstance(tree, str):
        return change(tree)
    if isinstance(tree, Mapping):
        return {key: _map_texts(child, change) for key, child in tree.items()}
    return [_map_texts(child, change) for child in tree] if isinstance(tree, list | tuple) else tree
