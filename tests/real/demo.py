"""Kill a node behind a real gateway while battlectl watches: `python -m tests.real.demo [--no-retries]`.

Rule: the node is killed (SIGKILL) when Envoy has forwarded `KILL_AFTER` requests of the scenario, which
leaves more than 1,000 to come. With Envoy's retries the scenario passes, without them the same file fails.
"""

import argparse
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.real.anvil import Node, running_anvils
from tests.real.envoy import Gateway, running_envoy
from tests.real.parts import find, missing

ROOT = Path(__file__).resolve().parents[2]
SCENARIO = ROOT / "scenarios" / "node-failure.yml"
FORWARDED = "cluster.nodes.upstream_rq_total"
KILL_AFTER = 700
KILL_WITHIN = 60.0
LOWEST_BLOCK = 3  # the scenario asks for the block two below the head


@dataclass(frozen=True, slots=True)
class Stage:
    """Three nodes, Envoy in front of them, and the config file that says so to battlectl."""

    nodes: tuple[Node, ...]
    gateway: Gateway
    config: Path


@contextmanager
def staged(folder: Path, *, retries: bool) -> Iterator[Stage]:
    """The stage, with its files in `folder`, until the block ends."""
    with (
        running_anvils(3, folder) as nodes,
        running_envoy(tuple(node.url for node in nodes), folder, retries=retries) as gateway,
    ):
        config = folder / "envoy.yml"
        config.write_text(describe(nodes, gateway, retries))
        time.sleep(LOWEST_BLOCK)  # a block a second
        yield Stage(nodes, gateway, config)


def describe(nodes: tuple[Node, ...], gateway: Gateway, retries: bool) -> str:
    """The config file of the stage."""
    providers = [f'  - {{id: node_{"abc"[i]}, url: "{node.url}"}}' for i, node in enumerate(nodes)]
    head = [
        "version: 1",
        "kind: generic",
        f"description: Envoy {'with' if retries else 'without'} retries in front of three anvil nodes",
        f"url: {gateway.url}/",
        "providers:",
    ]
    return "\n".join([*head, *providers, ""])


@dataclass(slots=True)
class Kill:
    """What the killer did. Mutable: it is filled in by its thread."""

    forwarded: int | None = None


def kill_in_the_middle(stage: Stage, killed: Kill) -> None:
    """Wait until Envoy has forwarded enough, then SIGKILL the second node."""
    deadline = time.monotonic() + KILL_WITHIN
    while time.monotonic() < deadline:
        forwarded = stage.gateway.counter(FORWARDED)
        if forwarded >= KILL_AFTER:
            stage.nodes[1].kill()
            killed.forwarded = forwarded
            return
        time.sleep(0.05)


def battle(stage: Stage, killed: Kill, results: Path, *options: str) -> int:
    """The exit code of the scenario against the stage, a node of which is killed in the middle of it."""
    words = ["run", SCENARIO, "--target", stage.config, "--results", results, *options]
    killer = threading.Thread(target=kill_in_the_middle, args=(stage, killed), daemon=True)
    killer.start()
    ran = subprocess.run([sys.executable, "-m", "battlectl", *map(str, words)], cwd=ROOT, timeout=120)
    killer.join(KILL_WITHIN)
    return ran.returncode


def demonstrate(retries: bool) -> int:
    """The battle for a person to watch; the exit code is battlectl's."""
    killed = Kill()
    with (
        TemporaryDirectory(prefix="battlectl-demo-") as folder,
        staged(Path(folder), retries=retries) as stage,
    ):
        nodes = ", ".join(node.url for node in stage.nodes)
        print(f"Envoy {stage.gateway.url} in front of {nodes}", flush=True)
        code = battle(stage, killed, ROOT / "results")
        retried = stage.gateway.counter("cluster.nodes.upstream_rq_retry")
        print(f"{stage.nodes[1].url} was killed after {killed.forwarded} requests; Envoy retried {retried}")
    return code


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.real.demo", description=__doc__.split("\n")[0])
    parser.add_argument("--no-retries", action="store_true", help="take Envoy's retries away")
    options = parser.parse_args()
    lacking = [missing(command) for command in ("anvil", "envoy") if find(command) is None]
    print("\n".join(lacking), end="\n" if lacking else "", file=sys.stderr)
    return 2 if lacking else demonstrate(retries=not options.no_retries)


if __name__ == "__main__":
    sys.exit(main())
