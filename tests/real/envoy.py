"""A real gateway: Envoy in front of the given nodes, with retries or without.

Rule: it is ready when its admin says LIVE; both of its ports are the kernel's choice and read back from it.
Each answer carries `x-upstream` (who answered) and `x-envoy-attempt-count`.
"""

import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from tests.real.envoy_config import envoy_config
from tests.real.parts import require
from tests.real.processes import running, wait_ready


@dataclass(frozen=True, slots=True)
class Gateway:
    """One running Envoy; `admin_url` serves its counters (`/stats`, `/clusters?format=json`)."""

    url: str
    admin_url: str
    process: subprocess.Popen[bytes]

    @property
    def pid(self) -> int:
        return self.process.pid

    def counter(self, name: str) -> int:
        """One of Envoy's counters, e.g. `cluster.nodes.upstream_rq_retry`."""
        stats = json.loads(_get(f"{self.admin_url}/stats?format=json&filter=^{name}$"))["stats"]
        return sum(int(stat["value"]) for stat in stats if "value" in stat)


@contextmanager
def running_envoy(
    upstreams: tuple[str, ...],
    folder: Path,
    *,
    retries: bool,
    detection: Mapping[str, Any] | None = None,
    upgrades: tuple[str, ...] = (),
) -> Iterator[Gateway]:
    """Envoy over `upstreams` (URLs), its configuration and log in `folder`; see envoy_config.

    `upgrades`: protocols beside HTTP that it lets through, "websocket" say.
    """
    program = require("envoy")
    config, admin, log = (folder / f"envoy{suffix}" for suffix in (".json", ".admin", ".log"))
    config.write_text(json.dumps(envoy_config(upstreams, retries, detection, upgrades), indent=2))
    command = [program, "-c", config, "--admin-address-path", admin, "--use-dynamic-base-id"]
    with running([*command, "--concurrency", "1", "--log-level", "warning"], log) as process:
        admin_url = wait_ready(process, log, lambda: _admin_url(admin))
        yield Gateway(wait_ready(process, log, lambda: _listener_url(admin_url)), admin_url, process)


def _admin_url(file: Path) -> str | None:
    address = file.read_text() if file.exists() else ""
    return f"http://{address}" if address else None


def _listener_url(admin_url: str) -> str | None:
    if _get(f"{admin_url}/ready").strip() != b"LIVE":
        return None
    (listener,) = json.loads(_get(f"{admin_url}/listeners?format=json"))["listener_statuses"]
    return f"http://127.0.0.1:{listener['local_address']['socket_address']['port_value']}"


def _get(url: str) -> bytes:
    with urlopen(url, timeout=2) as response:
        return bytes(response.read())
