"""`make bench`: what a notification and a connection cost battlectl and its peers, from one core.

Rule: everything runs in turn, in one go, and ratios are taken within a round, as in run.py. The server is a
node of the lab, on the other core. Each client runs twice in a round, with one connection and with many: what
is left between the two is what messages and connections cost, not the start of an interpreter.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import trio
from tabulate import tabulate

from battlectl.lab.control import running_lab
from battlectl.lab.spec import LabSpec
from tests.bench import ws_battlectl_peer, ws_node_peer, ws_websockets_peer
from tests.bench.load import Unavailable
from tests.bench.machine import describe
from tests.bench.ws_load import Heard, Pair, WsLoad
from tests.bench.ws_table import render

PEERS: dict[str, Callable[[WsLoad, Path], Heard]] = {
    "battlectl": ws_battlectl_peer.run,
    "websockets": ws_websockets_peer.run,
    "node ws": ws_node_peer.run,
}


def main(arguments: list[str]) -> int:
    """Run the bench."""
    options = _options(arguments)
    print(tabulate(describe(), tablefmt="plain"), flush=True)
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [0]
    names = [name for name in PEERS if not options.only or name in options.only]
    rounds: list[dict[str, Pair]] = []
    gone: dict[str, str] = {}
    for number in range(options.rounds):
        rounds.append({})
        for name in (name for name in names if name not in gone):
            print(f"round {number + 1}/{options.rounds}: {name}", file=sys.stderr, flush=True)
            try:
                rounds[-1][name] = trio.run(partial(measure, PEERS[name], options, cores))
            except Unavailable as reason:
                gone[name] = str(reason)
    print(f"\n{options.connections} connections to a node of the lab on core {cores[0]}, a block each")
    print(f"{options.block_time} s, for {options.seconds} s, from core {cores[-1]}\n")
    print(render(rounds, names, gone))
    return 0


async def measure(
    peer: Callable[[WsLoad, Path], Heard], options: argparse.Namespace, cores: list[int]
) -> Pair:
    """One client, at a node of its own."""
    _stay_on({cores[0]})  # What is started from here is the lab; clients are pinned by themselves.
    try:
        async with running_lab(LabSpec(providers=1, block_time=options.block_time, has_gateway=False)) as lab:
            (node,) = lab.providers
            truth = f"{lab.admin_url}/chain/rpc"
            load = WsLoad(node.ws_url, node.url, truth, options.seconds, options.connections, cores[-1])
            alone = await trio.to_thread.run_sync(_run, peer, replace(load, connections=1))
            crowd = await trio.to_thread.run_sync(_run, peer, load)
    finally:
        _stay_on(set(cores))
    return Pair(alone, crowd, options.connections, options.seconds)


def _run(peer: Callable[[WsLoad, Path], Heard], load: WsLoad) -> Heard:
    with tempfile.TemporaryDirectory() as folder:
        heard = peer(load, Path(folder))
    if not heard.messages:
        raise Unavailable("nothing was heard")
    return heard


def _stay_on(cores: set[int]) -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores)


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--connections", type=int, default=200, help="subscribers (200)")
    parser.add_argument("--block-time", type=float, default=0.1, help="seconds between blocks (0.1)")
    parser.add_argument("--seconds", type=int, default=10, help="length of each run (10)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each runs, in turn (3)")
    parser.add_argument("--only", action="append", choices=[*PEERS], help="this client; may be repeated")
    options = parser.parse_args(arguments)
    if options.connections < 2:
        parser.error("--connections: at least 2, or there is nothing to compare one with")
    return options


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
