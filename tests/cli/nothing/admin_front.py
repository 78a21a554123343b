"""An admin API in front of a lab's, which does not always do what it says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

import httpx

Rule = Callable[[str, str, bytes], tuple[int, bytes] | None]
"""(method, path, body) -> what is answered without the lab; None is to pass it on."""


@dataclass
class Front:
    """Where it listens; once it `is_dead`, every connection is closed without an answer."""

    url: str
    dead: Event = field(default_factory=Event)

    def die(self) -> None:
        self.dead.set()


def honest(method: str, path: str, body: bytes) -> None:
    """Everything is passed on."""


@contextmanager
def admin_front(admin_url: str, rule: Rule = honest) -> Iterator[Front]:
    """The front, for the length of a block."""
    with httpx.Client(base_url=admin_url, trust_env=False, timeout=20) as lab:

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if front.dead.is_set():
                    self.close_connection = True
                    return
                said = rule(self.command, self.path, body)
                if said is None:
                    passed = lab.request(self.command, self.path, content=body)
                    said = passed.status_code, passed.content
                self.send_response(said[0])
                self.send_header("Content-Length", str(len(said[1])))
                self.end_headers()
                self.wfile.write(said[1])

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

            def log_message(self, *_: object) -> None:
                return

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        front = Front(f"http://127.0.0.1:{server.server_port}")
        thread = Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield front
        finally:
            server.shutdown()
            thread.join()
            server.server_close()
