"""`make bench`: what a request costs battlectl and its peers, against nginx on one core, from another.

Rule: everything runs in turn, A B C A B C, in one go, and ratios are taken within a round: on a shared
machine only these can be trusted. The bare timer beside says how punctual anything could have been.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tabulate import tabulate

from tests.bench import (
    autocannon_peer,
    battlectl_peer,
    hey_peer,
    locust_peer,
    metadata,
    timer_peer,
    wrk_peer,
)
from tests.bench.load import Load, Result, Unavailable
from tests.bench.machine import describe
from tests.bench.table import render
from tests.real.nginx import running_nginx
from tests.real.parts import find, missing

PEERS: dict[str, Callable[[Load, Path], Result]] = {
    "battlectl": battlectl_peer.run,
    "hey": hey_peer.run,
    "wrk": wrk_peer.run,
    "autocannon": autocannon_peer.run,
    "locust": locust_peer.run,
    "bare timer": timer_peer.run,
}


def main(arguments: list[str]) -> int:
    """Run the bench; 1 when there is nothing to run it against."""
    options = _options(arguments)
    if find("nginx") is None:
        print(missing("nginx"), file=sys.stderr)
        return 1
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [0]
    print(tabulate(describe(), tablefmt="plain"), flush=True)
    names = [name for name in PEERS if not options.only or name in options.only]
    with tempfile.TemporaryDirectory() as folder, running_nginx(Path(folder), core=cores[0]) as server:
        load = Load(server.url, options.rate, options.seconds, options.connections, cores[-1])
        print(f"\n{load.rate}/s for {load.seconds} s over {load.connections} connections, core {load.core};")
        print(f"nginx on core {cores[0]}\n", flush=True)
        rounds, gone = _run_rounds(load, names, options.rounds)
    print(render(rounds, names, gone))
    if not options.only:
        print(f"\n{metadata.line(metadata.measure())}")
    return 0


def _run_rounds(load: Load, names: list[str], count: int) -> tuple[list[dict[str, Result]], dict[str, str]]:
    rounds: list[dict[str, Result]] = []
    gone: dict[str, str] = {}
    for number in range(count):
        rounds.append({})
        for name in (name for name in names if name not in gone):
            print(f"round {number + 1}/{count}: {name}", file=sys.stderr, flush=True)
            try:
                rounds[-1][name] = _measure(name, load)
            except Unavailable as reason:
                gone[name] = str(reason)
    return rounds, gone


def _measure(name: str, load: Load) -> Result:
    with tempfile.TemporaryDirectory() as folder:
        result = PEERS[name](load, Path(folder))
    if not result.requests:
        raise Unavailable("nothing was answered")
    return result


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rate", type=int, default=5000, help="requests a second (5000)")
    parser.add_argument("--seconds", type=int, default=10, help="length of each run (10)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each runs, in turn (3)")
    parser.add_argument("--connections", type=int, default=50, help="connections, or workers (50)")
    parser.add_argument("--only", action="append", choices=[*PEERS], help="this generator; may be repeated")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
