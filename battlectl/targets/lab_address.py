"""The addresses of the embedded lab: `/` for what names nothing, else Lasso's.

Rule: the lab's gateway has one chain, one profile and two revisions; whatever else a word names is refused.
"""

from __future__ import annotations

from battlectl.plan.route import Route
from battlectl.scenario.target import Target
from battlectl.targets.adapter import Adapter, Address, Unaddressable
from battlectl.targets.lasso_address import STRATEGIES, lasso_address

CHAIN = "battlechain"
CHAIN_NUMBER = "999"
RELAYED = "relayed"
"""The chain of a lab whose providers are relays."""
PROFILE = "public"


def lab_address(target: Target, route: Route, path: str, is_socket: bool) -> Address:
    """Where the gateway of this lab takes a route."""
    if not route.words:
        return Address(path)
    revision = target.lab.revision
    if route.strategy is not None and route.strategy not in STRATEGIES[revision]:
        message = f'"{route.strategy}" is no path of the lab in revision {revision}'
        known = ", ".join(STRATEGIES[revision])
        way_out = f"choose one of {known}, or set `lab: {{strategy: ...}}` in its config file"
        raise Unaddressable("strategy", f"{message}: {way_out}")
    chains = (RELAYED,) if target.lab.relays else (CHAIN, CHAIN_NUMBER)
    _check_name("chain", route.chain, chains)
    _check_name("profile", route.profile, (PROFILE,))
    return lasso_address("/", chains[0], route, revision, is_socket)


def _check_name(word: str, name: str | None, known: tuple[str, ...]) -> None:
    if name is not None and name not in known:
        raise Unaddressable(word, f'the lab has no {word} "{name}": say {" or ".join(known)}')


LAB = Adapter("lab", lab_address)
