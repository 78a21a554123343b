"""An in-house admin API: a document of switches, one for each provider of a lab, which it obeys."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from tests.cli.nothing.admin_front import Front, admin_front


class Switches:
    """The documents by their path. `/switches` is obeyed, any other is only kept.

    With `is_disputed` somebody else puts each document back before it is obeyed.
    """

    def __init__(self, admin_url: str, providers: list[str]) -> None:
        self._admin_url = admin_url
        document = dict.fromkeys(providers, True)
        self.documents = {"/switches": document, "/switches-of-yesterday": document}
        self.is_disputed = False

    def store(self, path: str, document: dict[str, bool]) -> None:
        changed = {name: on for name, on in document.items() if on != self.documents[path][name]}
        self.documents[path] = document
        for name, on in changed.items() if path == "/switches" else ():
            url = f"{self._admin_url}/proxies/{name}"
            httpx.post(url, json={"enabled": on}, trust_env=False).raise_for_status()

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        if method == "PUT" and not self.is_disputed:
            self.store(path, json.loads(body))
        return 200, json.dumps(self.documents[path]).encode()


@contextmanager
def switchboard(admin_url: str, providers: list[str]) -> Iterator[tuple[Front, Switches]]:
    """The API, for the length of a block, with every switch on at its end."""
    switches = Switches(admin_url, providers)
    with admin_front(admin_url, switches.answer) as front:
        try:
            yield front, switches
        finally:
            switches.store("/switches", dict.fromkeys(providers, True))
