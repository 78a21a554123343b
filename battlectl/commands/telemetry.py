"""The telemetry of one run: polled where the target tells it, written down as it comes.

Rule: what was told is on the disk before the next poll, so that the report of a run that was killed has it.
A target that tells nothing is asked nothing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from pathlib import Path
from typing import IO, TYPE_CHECKING

import msgspec

from battlectl.commands.masking import Masker
from battlectl.observe.telemetry import Entry, Telemetry
from battlectl.report.record_telemetry import encode_entry, read_lines, settings_json
from battlectl.scenario.check_telemetry import AT_TARGET, FORMAT_OF
from battlectl.scenario.target import Target
from battlectl.scenario.target_telemetry import TargetTelemetry
from battlectl.targets.control import Control
from battlectl.targets.site import Site, endpoint_beside
from battlectl.targets.telemetry import FORMATS
from battlectl.targets.telemetry.fetching import open_fetch
from battlectl.targets.telemetry.poller import Sources, TelemetryPoller, names_of
from battlectl.targets.telemetry.process import Watched

if TYPE_CHECKING:
    from battlectl.commands.engage import Engagement

NAME = "telemetry.jsonl"


class TelemetryJournal:
    """telemetry.jsonl: how it was polled, then a line for each poll. Mutable: it is an open file."""

    def __init__(self, folder: Path, settings: Telemetry, masker: Masker) -> None:
        self._masker = masker
        self._file: IO[bytes] = open(folder / NAME, "wb", buffering=0)  # noqa: SIM115 (closed by close)
        self._write(msgspec.json.encode(settings_json(settings)) + b"\n")

    def keep(self, entry: Entry) -> None:
        """Write one down."""
        self._write(encode_entry(entry))

    def close(self) -> None:
        """No more lines."""
        self._file.close()

    def _write(self, line: bytes) -> None:
        self._file.write(self._masker.mask_json(line))


@asynccontextmanager
async def open_telemetry(
    run: Engagement, site: Site, control: Control
) -> AsyncIterator[TelemetryPoller | None]:
    """What polls the target of a run; None where there is nothing to ask."""
    prepared = run.prepared
    config, sources = sources_of(prepared.target, site)
    if not sources.pages and sources.watched is None:
        yield None
        return
    sources = replace(sources, own=lambda: control.asked)
    endpoint = endpoint_beside(prepared.target, site, None if config is None else config.url)
    settings = Telemetry(
        every=sources.every,
        is_sole=sources.is_sole,
        tells_rss=sources.tells_rss,
        asked=sources.asked,
        optional=sources.optional,
    )
    journal = TelemetryJournal(run.folder, settings, Masker(prepared.secrets))
    async with open_fetch(endpoint, None if config is None else config.socket) as fetch:
        with closing(journal):
            yield TelemetryPoller(sources, fetch, prepared.frame.duration, journal.keep)


def sources_of(target: Target, site: Site) -> tuple[TargetTelemetry | None, Sources]:
    """What there is to ask of a target, by its config and its kind; the lab is watched as a whole."""
    is_lab, config = target.kind == "lab", _config_of(target, site)
    pid, pid_file = (site.pid, None) if is_lab else (target.pid, target.pid_file)
    watched = None if pid is None and pid_file is None else Watched(pid, pid_file)
    if config is None:
        return None, Sources(watched=watched)
    assert config.format is not None, "a config of telemetry has a format, or its kind has"
    names = names_of(site.providers, config.names)
    pages = FORMATS[config.format](config)
    return config, Sources(pages, names, config.every, config.sole, is_lab, watched)


def _config_of(target: Target, site: Site) -> TargetTelemetry | None:
    """As it is written, completed by what the kind says; None where nothing says where to ask."""
    if target.kind == "lab":
        assert site.ws_endpoint is not None, "the lab takes WebSockets"
        chain = site.ws_endpoint.path.rpartition("/")[2]
        return TargetTelemetry(format="lasso", chain=chain, sole=True)
    own = FORMAT_OF.get(target.kind)
    if target.telemetry is None:
        return TargetTelemetry(format="lasso", chain=str(target.chain)) if own == AT_TARGET else None
    update = {"format": target.telemetry.format or own}
    if update["format"] == AT_TARGET:
        update["chain"] = target.telemetry.chain or str(target.chain)
    return target.telemetry.model_copy(update=update)


def read_telemetry_of(path: Path) -> Telemetry:
    """What is left of a run that was killed; nothing where nothing was polled."""
    data = path.read_bytes() if path.is_file() else b""
    return read_lines(data) if b"\n" in data else Telemetry()
