"""A Toxiproxy without anything that the lab adds: what it has beyond is not there, as on a real one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import httpx

from battlectl.lab.toxics.table import TOXICS


@contextmanager
def plain_toxiproxy(admin_url: str, port: int = 0) -> Iterator[str]:
    """The URL of an API, at any port or this one, that passes on to a lab's what a real Toxiproxy knows."""
    with httpx.Client(base_url=admin_url, trust_env=False, timeout=20) as lab:

        class Front(BaseHTTPRequestHandler):
            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if self.path.startswith(("/leases", "/providers")):
                    self._send(404, b"404 page not found\n")
                    return
                document = json.loads(body) if body else {}
                if "lease" in document or "ttl_ms" in document:
                    raise AssertionError("a real Toxiproxy knows no leases")
                if self.path.endswith("/toxics") and body and document["type"] not in TOXICS:
                    self._send(400, b'{"error":"invalid toxic type","status":400}')
                    return
                answer = lab.request(self.command, self.path, content=body)
                self._send(answer.status_code, answer.content)

            do_GET = do_POST = do_PATCH = do_DELETE = answer

            def _send(self, status: int, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                return

        server = ThreadingHTTPServer(("127.0.0.1", port), Front)
        thread = Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
            server.server_close()
