"""A fast real server: nginx with one worker, answering `{"jsonrpc": "2.0", "id": ..., "result": "0x1"}`.

Rule: the reply carries the request's id, so that it is a valid JSON-RPC reply. nginx answers `return` before
it reads a body, so the body is read by the mirror module first (to nowhere), and the reply is the error page
of a handler that refuses POST. Batches are not understood.
"""

import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.real.parts import require
from tests.real.processes import free_port, running, wait_ready

CONFIG = r"""
daemon off;
worker_processes 1;
worker_rlimit_nofile 8192;
pid %(folder)s/nginx.pid;
error_log stderr warn;
events { worker_connections 4096; multi_accept on; }
http {
    access_log off;
    client_body_temp_path %(folder)s/body;
    proxy_temp_path %(folder)s/proxy;
    fastcgi_temp_path %(folder)s/fastcgi;
    uwsgi_temp_path %(folder)s/uwsgi;
    scgi_temp_path %(folder)s/scgi;
    client_body_buffer_size 16k;
    client_body_in_single_buffer on;
    keepalive_requests 1000000000;
    keepalive_time 1d;
    keepalive_timeout 1d;
    map $request_body $rpc_id {
        default null;
        "~\"id\"\s*:\s*(?<id>\"[^\"]*\"|-?[0-9]+)" $id;
    }
    server {
        listen 127.0.0.1:%(port)d backlog=4096;
        location / {
            mirror /read-the-body;
            empty_gif;
            error_page 405 =200 @reply;
        }
        location = /read-the-body { internal; return 204; }
        location @reply {
            default_type application/json;
            return 200 '{"jsonrpc":"2.0","id":$rpc_id,"result":"0x1"}';
        }
    }
}
"""


@dataclass(frozen=True, slots=True)
class FastServer:
    """One running nginx (`process` is its master; the one worker is its child)."""

    url: str
    process: subprocess.Popen[bytes]

    @property
    def pid(self) -> int:
        return self.process.pid


@contextmanager
def running_nginx(folder: Path, *, core: int | None = None) -> Iterator[FastServer]:
    """nginx with its files in `folder`, pinned to a core if asked."""
    program = require("nginx")
    port, log, config = free_port(), folder / "nginx.log", folder / "nginx.conf"
    config.write_text(CONFIG % {"folder": folder, "port": port})
    with running([program, "-p", folder, "-e", "stderr", "-c", config], log) as process:
        if core is not None:
            _pin(process.pid, core)
        wait_ready(process, log, lambda: _answers(port))
        yield FastServer(f"http://127.0.0.1:{port}", process)


def _pin(pid: int, core: int) -> None:
    """Pin the master; the worker inherits that, unless it was forked already."""
    os.sched_setaffinity(pid, {core})
    children = Path(f"/proc/{pid}/task/{pid}/children")
    for child in children.read_text().split() if children.exists() else ():
        os.sched_setaffinity(int(child), {core})


def _answers(port: int) -> bool:
    with socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
