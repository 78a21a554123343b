"""A client of the admin API for tests, and of the providers behind it."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx

from tests.lab.toxiproxy.lab import lab_process

PATIENCE_SECONDS = 20.0


class Api:
    """Answers are (status, JSON or text)."""

    def __init__(self, port: int, token: str | None = None) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.port = port
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=30)

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        response = self.http.request(method, path, json=body)
        is_json = response.content.startswith((b"{", b"["))
        return response.status_code, response.json() if is_json else response.text

    def want(self, status: int, method: str, path: str, body: Any = None) -> Any:
        """The document, which must come with that status."""
        got, document = self.ask(method, path, body)
        assert got == status, document
        return document

    def node(self, name: str) -> str:
        """A simulated node; its URL."""
        made = self.want(201, "POST", "/proxies", {"name": name, "upstream": f"lab:{name}"})
        return f"http://{made['listen']}"

    def toxic(self, proxy: str, type_: str, **fields: Any) -> Any:
        return self.want(200, "POST", f"/proxies/{proxy}/toxics", {"type": type_, **fields})

    def names(self, proxy: str) -> list[str]:
        return [toxic["name"] for toxic in self.want(200, "GET", f"/proxies/{proxy}/toxics")]

    def provider(self, name: str) -> Any:
        return self.want(200, "GET", f"/providers/{name}")


@contextlib.contextmanager
def api_of_lab(token: str | None = None, complaint: str = "") -> Iterator[Api]:
    """A fresh lab and its client."""
    with lab_process(*(("--token", token) if token else ()), complaint=complaint) as port:
        api = Api(port, token)
        with api.http:
            yield api


def call(url: str, method: str = "eth_blockNumber", timeout: float = 10) -> httpx.Response:
    """One JSON-RPC request on a connection of its own."""
    return httpx.post(url, json={"jsonrpc": "2.0", "id": 1, "method": method, "params": []}, timeout=timeout)


def is_refused(url: str) -> bool:
    """Whether nothing listens there."""
    address = httpx.URL(url)
    try:
        socket.create_connection((address.host, address.port or 0), timeout=5).close()
    except ConnectionRefusedError:
        return True
    return False


def eventually(holds: Callable[[], bool]) -> float:
    """The seconds until it held."""
    start = time.monotonic()
    while not holds():
        assert time.monotonic() - start < PATIENCE_SECONDS
        time.sleep(0.02)
    return time.monotonic() - start
