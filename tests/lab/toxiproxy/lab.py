"""A lab of plain TCP proxies in a process of its own: `python -m tests.lab.toxiproxy.lab [options]`.

It prints one line of JSON with its port and pid, and lives as long as its stdin.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import json
import subprocess
import sys
from collections.abc import Iterator

import trio

from battlectl.lab.admin.app import admin_handler
from battlectl.lab.net.http_server import serve
from battlectl.lab.process import Tell, listen, run_process
from battlectl.lab.proxies.table import ProxyTable


@contextlib.contextmanager
def lab_process(*arguments: str) -> Iterator[int]:
    """The port of a fresh lab's admin API; the process is gone afterwards, and must not have complained."""
    with lab_started(*arguments) as (port, _):
        yield port


@contextlib.contextmanager
def lab_started(*arguments: str) -> Iterator[tuple[int, int]]:
    """The same, with the process id; one that a test has ended must have ended well, too."""
    command = [sys.executable, "-m", "tests.lab.toxiproxy.lab", *arguments]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            ready = json.loads(process.stdout.readline())
            yield ready["port"], ready["pid"]
            process.stdin.close()
            complaints = process.stderr.read()
            assert process.wait(timeout=10) == 0, complaints
            assert complaints == ""
        except BaseException:
            process.kill()
            print(process.stderr.read(), file=sys.stderr)
            raise


async def serve_lab(arguments: argparse.Namespace, tell: Tell) -> None:
    """The admin API, and whatever proxies are made through it."""
    listener = await listen("127.0.0.1", (arguments.port,), False)
    async with trio.open_nursery() as nursery:
        table = ProxyTable(nursery, allow_any_address=arguments.allow_any_address)
        nursery.start_soon(serve, listener, admin_handler(table, nursery, arguments.token))
        tell({"port": listener.socket.getsockname()[1]})


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--allow-any-address", action="store_true")
    parser.add_argument("--token")
    parser.add_argument("--port", type=int, default=0)
    sys.exit(run_process("lab", functools.partial(serve_lab, parser.parse_args())))
