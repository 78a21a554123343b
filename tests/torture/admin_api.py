"""An aggregator's own admin API, as one could be: cordons, delays, and a document of settings.

Rule: what it says it does, it does to the lab's providers. Ending what is not there is a success.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any

import httpx

SETTINGS = (
    b'{ "revision": 12345678901234567890,\n  "providers": ['
    b'{"id": "provider_a", "failing": false}, {"id": "provider_b", "failing": false},'
    b' {"id": "provider_c", "failing": false}] }\n'
)
FAULTS: dict[str, Any] = {
    "kill": {
        "inject": {"path": "/cordons/{provider}"},
        "heal": {"method": "DELETE", "path": "/cordons/{provider}"},
        "probe": {"path": "/cordons/{provider}", "at": "/cordoned", "is": True},
    },
    "rpc_latency": {
        "inject": {"path": "/delays/{provider}", "body": {"ms": "{latency_ms}"}},
        "heal": {"method": "DELETE", "path": "/delays/{provider}"},
    },
    "http_5xx": {
        "document": {"path": "/settings", "at": "/providers/[id={provider}]/failing", "value": True},
    },
}
"""With a probe, without one, and as a change of the document."""


@dataclass
class AdminApi:
    """Mutable: it has settings."""

    lab: httpx.Client
    url: str = ""
    settings: bytes = SETTINGS

    def answer(self, method: str, path: str, body: bytes) -> Any:
        """The document to answer with; bytes as they are."""
        kind, _, provider = path.strip("/").partition("/")
        if kind == "settings":
            return self._settings(body) if method == "PUT" else self.settings
        if kind == "delays":
            ms = json.loads(body)["ms"] if method == "POST" else None
            return self._toxic(provider, "rpc_latency", None if ms is None else {"latency_ms": ms})
        if method != "GET":
            self.lab.post(f"/proxies/{provider}", json={"enabled": method == "DELETE"}).raise_for_status()
        return {"cordoned": not self.lab.get(f"/proxies/{provider}").raise_for_status().json()["enabled"]}

    def _settings(self, body: bytes) -> Any:
        self.settings = body
        for provider in json.loads(body)["providers"]:
            self._toxic(provider["id"], "http_5xx", {} if provider["failing"] else None)
        return {"stored": True}

    def _toxic(self, provider: str, kind: str, attributes: dict[str, Any] | None) -> Any:
        """Have it with these attributes, or none."""
        self.lab.delete(f"/proxies/{provider}/toxics/{kind}")
        if attributes is not None:
            toxic = {"type": kind, "name": kind, "attributes": attributes}
            self.lab.post(f"/proxies/{provider}/toxics", json=toxic).raise_for_status()
        return {"done": True}


@contextmanager
def serving_admin_api(lab_admin: str) -> Iterator[AdminApi]:
    """It serves for the length of the block, one request at a time."""
    with httpx.Client(base_url=lab_admin, trust_env=False, timeout=20) as lab:
        api, turn = AdminApi(lab), Lock()

        class Front(BaseHTTPRequestHandler):
            def answer(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                body = self.rfile.read(length)
                if len(body) < length:  # Whoever sent it was killed: half a document is nobody's wish.
                    self.close_connection = True
                    return
                with turn:
                    said = api.answer(self.command, self.path, body)
                data = said if isinstance(said, bytes) else json.dumps(said).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PUT = do_DELETE = answer

            def log_message(self, *_: object) -> None:
                return

        server = ThreadingHTTPServer(("127.0.0.1", 0), Front)
        api.url = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield api
        finally:
            server.shutdown()
            thread.join()
            server.server_close()
