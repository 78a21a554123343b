"""What HAProxy says of itself at one moment: `show stat` on its runtime socket, read as the CSV that it is.

Rule: nothing is concluded here, and nothing of battlectl is used: this is the other side of a comparison.
"""

from __future__ import annotations

import csv
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

BACKEND, FRONTEND = "nodes", "rpc"


@dataclass(frozen=True, slots=True)
class ServerSeen:
    """One server: its status, and the requests that went there."""

    status: str
    requests: int

    @property
    def is_out(self) -> bool:
        """Whether it is in maintenance."""
        return self.status.startswith("MAINT")


@dataclass(frozen=True, slots=True)
class HaproxySeen:
    """`retries` are requests that were sent again, to the same server or to another one."""

    servers: Mapping[str, ServerSeen]
    requests: int
    retries: int
    failures: int


def see_haproxy(path: str) -> HaproxySeen:
    """OSError where it does not answer."""
    table = _say(path, "show stat").lstrip("# ")
    rows = {(row["pxname"], row["svname"]): row for row in csv.DictReader(table.splitlines())}
    front, back = rows[FRONTEND, "FRONTEND"], rows[BACKEND, "BACKEND"]
    return HaproxySeen(
        servers=dict(_servers(rows)),
        requests=int(front["req_tot"]),
        retries=int(back["wretr"]) + int(back["wredis"]),
        failures=int(front["hrsp_5xx"]),
    )


def _servers(rows: Mapping[tuple[str, str], Mapping[str, str]]) -> Iterator[tuple[str, ServerSeen]]:
    for (proxy, name), row in rows.items():
        if proxy == BACKEND and name != "BACKEND":
            yield name, ServerSeen(row["status"], int(row["stot"]))


def _say(path: str, command: str) -> str:
    parts = []
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(2)
        connection.connect(path)
        connection.sendall(command.encode() + b"\n")
        while part := connection.recv(65_536):
            parts.append(part)
    return b"".join(parts).decode()
