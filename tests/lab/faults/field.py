"""The process of a lab's providers, and its admin API over httpx."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

BLOCK_TIME = 0.03
NAMES = ("provider_a", "provider_b")


@dataclass(frozen=True)
class Field:
    """Providers are known by name, and faults by their kind."""

    admin: httpx.Client
    urls: dict[str, str]

    def inject(self, name: str, kind: str, **attributes: Any) -> dict[str, Any]:
        """The fault as the API shows it, in force."""
        return self._said(self.ask(name, kind, **attributes))

    def ask(self, name: str, kind: str, **attributes: Any) -> httpx.Response:
        """The same, whatever is answered."""
        document = {"type": kind, "attributes": attributes}
        return self.admin.post(f"/proxies/{name}/toxics", json=document)

    def hits(self, name: str, kind: str) -> int:
        """How often the fault has struck."""
        return int(self._said(self.admin.get(f"/proxies/{name}/toxics/{kind}"))["hits"])

    def heal(self, name: str) -> None:
        """All faults of that provider."""
        for fault in self._said(self.admin.get(f"/proxies/{name}/toxics")):
            self.admin.delete(f"/proxies/{name}/toxics/{fault['name']}").raise_for_status()

    def counters(self, name: str) -> dict[str, Any]:
        """The provider's side of the evidence."""
        counters: dict[str, Any] = self._said(self.admin.get(f"/providers/{name}"))
        return counters

    def _said(self, response: httpx.Response) -> Any:
        assert response.status_code == 200, response.text
        return response.json()


@contextmanager
def running_field(stderr: Path, upstreams: dict[str, str] | None = None) -> Iterator[Field]:
    """For the length of the block; what the process has to complain about is an AssertionError in the end."""
    settings = {
        "providers": [{"id": name, "upstream": (upstreams or {}).get(name)} for name in NAMES],
        "block_time_s": BLOCK_TIME,
    }
    command = [sys.executable, "-m", "battlectl.lab", "providers", "--settings", "-"]
    with (
        stderr.open("wb") as complaints,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=complaints
        ) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(settings).encode() + b"\n")
        process.stdin.flush()
        ready = json.loads(process.stdout.readline())
        urls = {provider["id"]: provider["url"] + "/" for provider in ready["providers"]}
        try:
            with httpx.Client(base_url=ready["admin_url"], timeout=20, trust_env=False) as admin:
                yield Field(admin, urls)
        finally:
            process.terminate()
            process.wait(10)
    assert stderr.read_text("utf-8") == ""
