"""A lab that outlives runs, and the config file of a target that is broken by a driver."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from tests.cli.command import Desk, finish


@contextmanager
def running_lab(
    desk: Desk, *words: str, admin_port: int = 0, ends_itself: bool = False
) -> Iterator[dict[str, Any]]:
    """The ready line of a lab in processes of its own; `words` follow `battlectl lab`."""
    process = desk.start("lab", *(words or ("up",)), "--admin-port", admin_port, "--json")
    assert process.stdout is not None
    try:
        yield json.loads(process.stdout.readline())
    finally:
        has_ended = process.poll() is not None
        process.send_signal(signal.SIGTERM)
        ran = finish(process)
        assert ends_itself or not (has_ended or ran.err), f"the lab complained, or has ended: {ran}"


def urls_of(lab: dict[str, Any]) -> dict[str, str]:
    """Where its providers are, by name."""
    return {provider["id"]: provider["url"] for provider in lab["providers"]}


def target_file(desk: Desk, url: str, providers: Mapping[str, str | None], driver: dict[str, Any]) -> str:
    """The path of a config file: a target at `url`, its providers by name, and how they are broken."""
    known = [
        {"id": name} if address is None else {"id": name, "url": address}
        for name, address in providers.items()
    ]
    return str(desk.target(url, ready={"within": "10s"}, providers=known, chaos=driver))
