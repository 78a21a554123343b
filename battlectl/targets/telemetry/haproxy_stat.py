"""HAProxy's statistics as CSV: `show stat` on its runtime socket, or /stats;csv over HTTP.

Rule: a provider is called by its server's name. One that is down or in maintenance is one whose breaker is
open. What `show stat` leaves blank is unsaid.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence

from battlectl.observe.telemetry import ProviderTold, Told, few, whole

CSV_PATH = "/stats;csv"
COMMAND = b"show stat\n"
Row = dict[str, str]
GROUPS = ("FRONTEND", "BACKEND")


def read_stat(body: bytes) -> Told:
    """The whole table; raises ValueError."""
    text = body.decode("utf-8", "replace").lstrip("# ")
    table = [row for row in csv.DictReader(text.splitlines()) if row.get("svname")]
    if not table:
        raise ValueError(f"no statistics: {body[:60]!r}")
    fronts = [row for row in table if row["svname"] == "FRONTEND"]
    servers = [row for row in table if row["svname"] not in GROUPS]
    return Told(
        requests=_sum(fronts, "req_tot", "stot"),
        failures=_sum(fronts, "hrsp_5xx"),
        providers=few(_counted(servers)),
        breakers=few((row["svname"], _state(row)) for row in servers),
    )


def _sum(table: Sequence[Row], *columns: str) -> int | None:
    """Over all rows, each by the first of the columns that has a figure."""
    found = [next((n for c in columns if (n := whole(row.get(c))) is not None), None) for row in table]
    numbers = [number for number in found if number is not None]
    return sum(numbers) if numbers else None


def _counted(servers: Sequence[Row]) -> Iterator[tuple[str, ProviderTold]]:
    for name in dict.fromkeys(row["svname"] for row in servers):
        own = [row for row in servers if row["svname"] == name]
        times = [n for row in own if (n := whole(row.get("rtime"))) is not None]
        yield (
            name,
            ProviderTold(
                attempts=_sum(own, "stot"),
                errors=_sum(own, "eresp"),
                latency_s=max(times) / 1e3 if times else None,
            ),
        )


def _state(row: Row) -> str:
    status = row.get("status") or ""
    if status.startswith(("DOWN", "MAINT", "DRAIN")):
        return "open"
    return "closed" if status.startswith(("UP", "no check")) else "unknown"
