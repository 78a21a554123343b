"""A lab without proxies in a process of its own: `python -m tests.lab.toxiproxy.lab [options]`.

It prints one line of JSON with its port and pid, and lives as long as its stdin.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import json
import subprocess
import sys
import time
from collections.abc import Iterator

import trio

from battlectl.lab.admin.app import admin_handler
from battlectl.lab.chain.chain import Chain, genesis_before
from battlectl.lab.host import provider_for
from battlectl.lab.net.http_server import serve
from battlectl.lab.process import Tell, listen, run_process
from battlectl.lab.provider.shared_chain import SharedChain
from battlectl.lab.proxies.table import ProxyTable


@contextlib.contextmanager
def lab_process(*arguments: str, complaint: str = "") -> Iterator[int]:
    """The port of a fresh lab's admin API; the process is gone afterwards, and has not complained."""
    with lab_started(*arguments, complaint=complaint) as (port, _):
        yield port


@contextlib.contextmanager
def lab_started(*arguments: str, complaint: str = "") -> Iterator[tuple[int, int]]:
    """The same, with the process id; one that a test has ended must have ended well, too.

    With a `complaint`, every line on stderr must have these words.
    """
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
            if complaint:
                assert complaints
                assert all(complaint in line for line in complaints.splitlines())
            else:
                assert complaints == ""
        except BaseException:
            process.kill()
            print(process.stderr.read(), file=sys.stderr)
            raise


async def serve_lab(arguments: argparse.Namespace, tell: Tell) -> None:
    """The admin API, and whatever proxies are made through it."""
    listener = await listen("127.0.0.1", (arguments.port,), False)
    async with trio.open_nursery() as nursery:
        chain = SharedChain(Chain(1, genesis_before(time.time(), 1.0), 1.0))
        make_behind = functools.partial(provider_for, chain, 0.0, nursery)
        table = ProxyTable(nursery, make_behind, arguments.allow_any_address)
        nursery.start_soon(serve, listener, admin_handler(table, nursery, arguments.token))
        tell({"port": listener.socket.getsockname()[1]})


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--allow-any-address", action="store_true")
    parser.add_argument("--token")
    parser.add_argument("--port", type=int, default=0)
    sys.exit(run_process("lab", functools.partial(serve_lab, parser.parse_args())))
