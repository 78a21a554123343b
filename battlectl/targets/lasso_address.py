"""The addresses of Lasso's contract, in its two revisions; the lab's gateway has the same.

Rule: a word that a revision would take and ignore is refused, because a run that asked for it would prove
nothing. While the revision is not known, what either of them can do is let through.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

from battlectl.plan.route import Route
from battlectl.targets.adapter import Address, Unaddressable

Revision: TypeAlias = Literal["current", "2025-10"]

STRATEGIES: Mapping[Revision, tuple[str, ...]] = {
    "current": ("fastest", "load-balanced", "round-robin", "latency-weighted"),
    "2025-10": ("fastest", "cheapest", "priority", "round-robin"),
}
"""What a path may name; in the current revision `round-robin` is `load-balanced`."""
SINCE_THEN = ("provider", "profile", "transport")
"""Words that only the current revision knows."""
TRANSPORT = "X-Lasso-Transport"


def lasso_address(
    root: str, chain: str, route: Route, revision: Revision | None, is_socket: bool = False
) -> Address:
    """The address under `root`, the path at which Lasso itself begins; None: either revision."""
    _check_words(route, revision)
    base, _, query = root.partition("?")
    parts = [base.rstrip("/"), *(["ws"] if is_socket else []), "rpc"]
    if route.profile is not None:
        parts += ["profile", route.profile]
    if route.provider is not None:
        parts += ["provider", route.provider]
    elif route.strategy is not None:
        parts += [route.strategy]
    path = "/".join([*parts, route.chain or chain])
    headers = () if route.transport is None else ((TRANSPORT, route.transport),)
    return Address(f"{path}?{query}" if query else path, headers)


def _check_words(route: Route, revision: Revision | None) -> None:
    if revision == "2025-10":
        for word in SINCE_THEN:
            if word in route.words:
                message = f"revision 2025-10 takes no notice of a {word}, so nothing would be shown by it"
                raise Unaddressable(word, f"{message}: leave it away")
    known = _strategies(revision)
    if route.strategy is not None and route.strategy not in known:
        which = "Lasso" if revision is None else f"revision {revision}"
        message = f'"{route.strategy}" is no strategy that a path of {which} can name'
        raise Unaddressable("strategy", f"{message}: choose one of {', '.join(known)}")


def _strategies(revision: Revision | None) -> Sequence[str]:
    if revision is not None:
        return STRATEGIES[revision]
    return tuple(dict.fromkeys(name for names in STRATEGIES.values() for name in names))
