"""What is known of a kind of target before it is looked at: how it is addressed, and what it reveals.

Rule: an adapter is a value, and its functions are pure; what a kind cannot do is said before anything is
sent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import urlsplit

from battlectl.plan.route import Route
from battlectl.scenario.target import Target
from battlectl.transport.attribution import Reader

Headers: TypeAlias = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Address:
    """Where the words of a route lead: a path with its query, and headers that go with every request."""

    path: str
    headers: Headers = ()


AddressOf: TypeAlias = Callable[[Route, str, bool], Address]
"""The address of a route, from the path of the target's URL; the last says whether it is a WebSocket's."""


class Unaddressable(Exception):
    """This target cannot do what a word asks for; the message says why, and what to try."""

    def __init__(self, word: str, message: str) -> None:
        super().__init__(message)
        self.word = word


def _no_reader(_target: Target) -> Reader | None:
    return None


def _own_ws_url(target: Target) -> str | None:
    return target.ws_url


def _nothing_unseen(_target: Target) -> tuple[str, ...]:
    return ()


@dataclass(frozen=True, slots=True)
class Adapter:
    """One kind of target.

    `address` is of a target's config what `Site.address` is; it raises `Unaddressable` for a word that this
    target cannot do, and does not look at whether the route has a path of its own. `attribution` reads who
    served, where the config names nothing else; None where no reply tells. `ws_url` is where WebSockets go,
    None where there is no such place. `unseen` says in sentences what cannot be observed.
    """

    kind: str
    address: Callable[[Target, Route, str, bool], Address]
    attribution: Callable[[Target], Reader | None] = _no_reader
    ws_url: Callable[[Target], str | None] = _own_ws_url
    unseen: Callable[[Target], tuple[str, ...]] = _nothing_unseen


def addresses_of(target: Target) -> Mapping[str, str]:
    """host:port -> id, of the providers whose URLs the config has."""
    urls = {provider.url: provider.id for provider in target.providers if provider.url is not None}
    return {urlsplit(url).netloc.rpartition("@")[2]: id_ for url, id_ in urls.items()}


def plain_address(_route: Route, path: str, _is_socket: bool) -> Address:
    """Of a target whose URL is all that is known of it."""
    return Address(path)


def refuse_words(target: Target, route: Route, path: str, _is_socket: bool) -> Address:
    """`Adapter.address` of a kind that takes no words."""
    for word in route.words:
        said = f"a target of kind {target.kind} has no address for a {word}: say `path` or `headers`"
        raise Unaddressable(word, said)
    return Address(path)
