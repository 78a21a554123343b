"""Aggregators that break one promise each: the lab's own gateway, told to be worse, before its providers.

Rule: only what the test names is worse than in the lab, so a scenario that fails here and passes there was
failed by that. Nothing is left running.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tests.cli.command import Desk

ENDS_WITHIN = 10.0
NO_BREAKER = {"failures": 1_000_000}


@contextmanager
def lesser_gateway(desk: Desk, **worse: Any) -> Iterator[Path]:
    """The config file of a target whose gateway has these settings (docs/gateway.md)."""
    with ExitStack() as stack:
        hosts = stack.enter_context(_part("providers", {}))
        upstreams = [{"id": p["id"], "url": p["url"], "ws_url": p["ws_url"]} for p in hosts["providers"]]
        front = stack.enter_context(_part("gateway", {"gateway": {"providers": upstreams, **worse}}))
        yield _config(desk, front["url"], hosts)


@contextmanager
def dishonest_front(desk: Desk, url: str) -> Iterator[Path]:
    """The same with any server in place of the gateway: it never asks the providers that it claims."""
    with _part("providers", {}) as hosts:
        yield _config(desk, url, hosts)


def _config(desk: Desk, url: str, hosts: dict[str, Any]) -> Path:
    return desk.target(
        url,
        "lesser.yml",
        ready={"within": "20s"},
        attribution={"provider": "X-Lab-Provider", "attempts": "X-Lab-Attempts"},
        providers=[{"id": p["id"], "url": p["url"]} for p in hosts["providers"]],
        chaos={"driver": "toxiproxy", "url": hosts["admin_url"]},
    )


@contextmanager
def _part(role: str, settings: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """One process of a lab; what it says when it is ready. It lives as long as its stdin."""
    command = [sys.executable, "-m", "battlectl.lab", role, "--settings", "-"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps(settings) + "\n")
            process.stdin.flush()
            yield json.loads(process.stdout.readline())
        finally:
            process.stdin.close()
            try:
                process.wait(ENDS_WITHIN)
            except subprocess.TimeoutExpired:
                process.kill()
