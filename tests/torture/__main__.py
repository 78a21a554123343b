"""`make torture`: `python -m tests.torture [--kills 100] [--signals 50] [--leaseless 20] [--seed 1]`.

Rule: a line for each run, a count for each ground, and exit code 1 if anything at all was wrong.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.torture.campaign import Order, carry_out, orders


def main() -> int:
    """Everything that was asked for."""
    options = _parser().parse_args()
    # A shell starts what it puts in the background with SIGINT ignored, and all that we start inherits that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    asked = orders(options.kills, options.signals, options.leaseless, options.only)
    with tempfile.TemporaryDirectory(prefix="torture-") as folder, ThreadPoolExecutor(options.jobs) as pool:
        jobs = [pool.submit(_one_ground, order, options.seed, Path(folder)) for order in asked]
        failures = [failure for job in jobs for failure in job.result()]
    print(f"\nseed {options.seed}: {len(failures)} failures", *failures, sep="\n", flush=True)
    return 1 if failures else 0


def _one_ground(order: Order, seed: int, folder: Path) -> Sequence[str]:
    place = folder / order.ground
    place.mkdir()
    seen = list(carry_out(order, seed, place, lambda line: print(line, flush=True)))
    failures = [f"{number}: {one}" for number, one in enumerate(seen) if one.complaints]
    worst = max((one.seconds for one in seen if one.in_time), default=0.0)
    in_time = sum(one.in_time for one in seen)
    print(
        f"=== {order.ground}: {len(seen)} runs ({order.kills} SIGKILL, {order.signals} SIGINT or SIGTERM), "
        f"{in_time} ended by it, {len(failures)} failures, the slowest {worst:.2f} s",
        flush=True,
    )
    return failures


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    parser.add_argument("--kills", type=int, default=100, help="SIGKILL on labs")
    parser.add_argument("--signals", type=int, default=50, help="SIGINT and SIGTERM, on all grounds")
    parser.add_argument("--leaseless", type=int, default=20, help="SIGKILL on each driver without a lease")
    parser.add_argument("--only", nargs="*", default=[], help="these grounds alone")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1, help="grounds at the same time")
    return parser


if __name__ == "__main__":
    sys.exit(main())
