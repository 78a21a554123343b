"""What a target told of itself, as report.json and telemetry.jsonl store it.

Rule: what is read back is equal to what was stored, so that it is judged alike. Its size is bounded by the
poller, which looks less often in a long run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from battlectl.observe.telemetry import (
    ClientSeen,
    Entry,
    Failed,
    ProcessSample,
    ProviderTold,
    Reading,
    Telemetry,
    Told,
)

Row = list[Any]


def telemetry_json(telemetry: Telemetry) -> dict[str, Any]:
    """See the rule."""
    return {
        **settings_json(telemetry),
        "readings": [reading_json(reading) for reading in telemetry.readings],
        "samples": [sample_json(sample) for sample in telemetry.samples],
        "failed": {source: failed_json(one) for source, one in telemetry.failed.items()},
    }


def read_telemetry(stored: Mapping[str, Any] | None) -> Telemetry:
    """What was stored; nothing, of a report from before there was any."""
    if stored is None:
        return Telemetry()
    return Telemetry(
        readings=tuple(map(read_reading, stored["readings"])),
        samples=tuple(map(read_sample, stored["samples"])),
        failed={source: Failed(*one) for source, one in stored["failed"].items()},
        every=stored["every_s"],
        is_sole=stored["is_sole"],
        tells_rss=stored["tells_rss"],
        asked=tuple(stored.get("asked", ())),
        optional=tuple(stored.get("optional", ())),
    )


def settings_json(telemetry: Telemetry) -> dict[str, Any]:
    """How it was polled: the first line of telemetry.jsonl."""
    return {
        "every_s": telemetry.every,
        "is_sole": telemetry.is_sole,
        "tells_rss": telemetry.tells_rss,
        "asked": list(telemetry.asked),
        "optional": list(telemetry.optional),
    }


def encode_entry(entry: Entry) -> bytes:
    """A line of telemetry.jsonl."""
    return msgspec.json.encode(_entry_json(entry)) + b"\n"


def _entry_json(entry: Entry) -> dict[str, Any]:
    if isinstance(entry, Reading):
        return {"reading": reading_json(entry)}
    if isinstance(entry, ProcessSample):
        return {"sample": sample_json(entry)}
    return {"failed": [entry.source, *failed_json(entry.failed)]}


def read_lines(data: bytes) -> Telemetry:
    """telemetry.jsonl of a run that was killed; a last line that was cut short is left out."""
    head, *rows = (msgspec.json.decode(line) for line in data.split(b"\n")[:-1])
    readings: Iterable[Row] = (row["reading"] for row in rows if "reading" in row)
    samples = (row["sample"] for row in rows if "sample" in row)
    failed = {row["failed"][0]: row["failed"][1:] for row in rows if "failed" in row}  # The last of each.
    return read_telemetry({**head, "readings": list(readings), "samples": list(samples), "failed": failed})


def reading_json(reading: Reading) -> Row:
    """As a row: what is named often would be most of it."""
    clients = [_seen_json(seen) for seen in (reading.before, reading.after)]
    return [
        reading.t,
        reading.until,
        reading.source,
        reading.open,
        reading.own,
        *clients,
        _told_json(reading.told),
    ]


def read_reading(row: Row) -> Reading:
    """The reading that `reading_json` was given."""
    t, until, source, open_, own, before, after, told = row
    return Reading(t, until, source, _read_told(told), _read_seen(before), _read_seen(after), open_, own)


def sample_json(sample: ProcessSample) -> Row:
    """As a row."""
    return [sample.t, sample.memory_bytes, sample.processes, sample.files]


def read_sample(row: Row) -> ProcessSample:
    """The sample that `sample_json` was given."""
    return ProcessSample(*row)


def failed_json(failed: Failed) -> Row:
    """As a row."""
    return [failed.times, failed.why, failed.is_absent]


def _seen_json(seen: ClientSeen) -> Row:
    numbers = [seen.finished, seen.again, seen.extra, seen.untold, seen.unnamed_bad, seen.plain]
    return [dict(seen.named), *numbers, *([dict(seen.closed)] if seen.closed else [])]


def _read_seen(row: Row) -> ClientSeen:
    named, finished, again, extra, untold, unnamed_bad, plain, *closed = row
    return ClientSeen(finished, again, named, extra, untold, unnamed_bad, plain, *closed)


def _told_json(told: Told) -> dict[str, Any]:
    """What is unsaid is left away."""
    listed = told.providers
    plain = {name: getattr(told, name) for name in PLAIN if getattr(told, name) not in (None, {})}
    if listed is None:
        return plain
    rows = {name: [one.attempts, one.served, one.errors, one.latency_s] for name, one in listed.items()}
    return {**plain, "providers": rows}


PLAIN = (
    "requests",
    "failures",
    "success_ratio",
    "latency_s",
    "breakers",
    "memory_bytes",
    "processes",
    "uptime_s",
)


def _read_told(stored: Mapping[str, Any]) -> Told:
    listed = stored.get("providers")
    providers = None if listed is None else {name: ProviderTold(*row) for name, row in listed.items()}
    return Told(**{**stored, "providers": providers})
