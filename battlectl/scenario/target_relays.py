"""Real nodes behind the embedded lab's relays: candidates, of which the first that answer are used.

Rule: a node beyond this machine and its networks is used only with `allow_public: true`. That is asked for
when a run is planned and not when the file is read, so that a file of public nodes can lie about unused.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from battlectl.scenario.fields import Strict, Url, WsUrl
from battlectl.scenario.places import Mistake

DEFAULT_PROVIDERS = 3
OF_SIMULATED = ("block_time", "latency", "seed", "tiers")
"""Keys of the lab that say how simulated nodes are."""


class RelayedNode(Strict):
    """A real node, asked through a relay; without `ws_url` its WebSocket is at the same place."""

    url: Url
    ws_url: WsUrl | None = None


def check_relays(lab: Any) -> Iterator[Mistake]:
    """Every mistake of a lab with relays; works on the plain tree."""
    relays = lab.get("relays") if isinstance(lab, dict) else None
    if not isinstance(relays, list) or not relays:
        return
    for key in OF_SIMULATED:
        if key in lab:
            message = "is for simulated providers, and real nodes are as they are: leave it away"
            yield Mistake(("lab", key), message, True)
    wanted = lab.get("providers", DEFAULT_PROVIDERS)
    if isinstance(wanted, int) and wanted > len(relays):
        message = f"are more than the {len(relays)} relays below: name more of them, or want fewer"
        yield Mistake(("lab", "providers"), message)


def addresses_of_relays(relays: Sequence[RelayedNode]) -> Iterator[tuple[str, str]]:
    """Where each of them is in the file, and its URL."""
    for number, node in enumerate(relays):
        yield f"lab.relays.{number}.url", node.url
        if node.ws_url is not None:
            yield f"lab.relays.{number}.ws_url", node.ws_url
