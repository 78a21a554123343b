"""What a config file must say of its kind of target, and what it must not.

Rule: a key that a kind would pass over is refused, because whoever wrote it counts on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias
from urllib.parse import urlsplit

from battlectl.scenario.places import Mistake

Kind: TypeAlias = Literal["lab", "generic", "lasso", "erpc", "proxyd", "envoy", "haproxy"]
OWN_KEYS = ("lab", "chain", "profile", "revision")
"""Keys that only some kinds take."""


@dataclass(frozen=True, slots=True)
class KindKeys:
    """`takes` are those of `OWN_KEYS` that a kind knows, `needs` those that it cannot do without."""

    takes: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()


KINDS: Mapping[str, KindKeys] = {
    "lab": KindKeys(takes=("lab",)),
    "generic": KindKeys(),
    "lasso": KindKeys(takes=("chain", "profile", "revision"), needs=("chain",)),
    "erpc": KindKeys(takes=("chain", "profile"), needs=("chain", "profile")),
    "proxyd": KindKeys(),
    "envoy": KindKeys(),
    "haproxy": KindKeys(),
}
EXAMPLES = {"chain": "chain: ethereum", "profile": "profile: main"}


def check_kind(tree: Mapping[str, Any]) -> Iterator[Mistake]:
    """Every mistake between the kind and the keys beside it; works on the plain tree."""
    kind = tree.get("kind", "generic")
    keys = KINDS.get(kind) if isinstance(kind, str) else None
    if keys is None:
        return  # the type says so already
    if kind != "lab" and tree.get("url") is None:
        message = '"url" is missing, add `url: http://127.0.0.1:8545`, or `kind: lab` for the embedded lab'
        yield Mistake((), message)
    for key in OWN_KEYS:
        if key in tree and key not in keys.takes:
            yield Mistake((key,), f"only {_kinds_that_take(key)}: leave it away", True)
    for key in keys.needs:
        if tree.get(key) is None:
            message = f'"{key}" is missing, a target of kind {kind} is addressed by it: add `{EXAMPLES[key]}`'
            yield Mistake((), message)
    if kind == "lasso":
        yield from _check_root(tree)


def _kinds_that_take(key: str) -> str:
    kinds = [kind for kind, keys in KINDS.items() if key in keys.takes]
    return f"`kind: {kinds[0]}` has a {key}" if len(kinds) == 1 else f"{' and '.join(kinds)} have a {key}"


def _check_root(tree: Mapping[str, Any]) -> Iterator[Mistake]:
    """Lasso's paths are made by the adapter, so a path to JSON-RPC would be lengthened by one."""
    for key in ("url", "ws_url"):
        url = tree.get(key)
        if isinstance(url, str) and "/rpc" in f"{_path_of(url)}/":
            message = "is the address of Lasso itself: leave away what begins with /rpc, and name the `chain`"
            yield Mistake((key,), message)


def _path_of(url: str) -> str:
    """The path of a URL, empty for what is none."""
    try:
        return urlsplit(url).path
    except ValueError:
        return ""
