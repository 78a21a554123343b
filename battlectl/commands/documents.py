"""The documents of a target's configuration in one run: read before the load and after the healing.

Rule: what was seen is on the disk before the load begins, so that the report of a run that was killed says
that nobody looked again. The lab's own are watched without being asked.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from battlectl.commands.masking import Masker
from battlectl.observe.documents import Watched
from battlectl.report.record_documents import encode_documents, read_last_line
from battlectl.scenario.target import Target
from battlectl.scenario.target_unchanged import TargetUnchanged
from battlectl.targets.documents import DocumentWatch, open_documents_at
from battlectl.targets.site import Site, endpoint_beside
from battlectl.transport.base import Endpoint

if TYPE_CHECKING:
    from battlectl.commands.engage import Engagement

NAME = "documents.jsonl"
OF_THE_LAB = "/api/admin/chains"


@asynccontextmanager
async def open_documents(run: Engagement, site: Site) -> AsyncIterator[DocumentWatch | None]:
    """What watches them, after its first look; None where the config names no document."""
    prepared = run.prepared
    config = _config_of(prepared.target)
    if config is None:
        yield None
        return
    masker = Masker(prepared.secrets)

    def keep(told: tuple[Watched, ...]) -> None:
        with open(run.folder / NAME, "ab") as file:
            file.write(masker.mask_json(encode_documents(told)))

    endpoint = _place_of(prepared.target, site, config)
    watch = DocumentWatch(partial(open_documents_at, endpoint), config.documents, config.except_, keep)
    run.progress.say("reading the target's configuration")
    await watch.look_before()
    yield watch


def read_documents_of(path: Path) -> tuple[Watched, ...]:
    """What is left of a run that was killed; nothing where nothing was watched."""
    return read_last_line(path.read_bytes()) if path.is_file() else ()


def _config_of(target: Target) -> TargetUnchanged | None:
    return TargetUnchanged(documents=(OF_THE_LAB,)) if target.kind == "lab" else target.unchanged


def _place_of(target: Target, site: Site, config: TargetUnchanged) -> Endpoint:
    """Without a `url` the root of where the target is."""
    endpoint = endpoint_beside(target, site, config.url)
    path = "" if config.url is None else endpoint.path
    own = {name.lower() for name in config.headers}
    common = [header for header in endpoint.headers if header[0].lower() not in own]
    return replace(endpoint, path=path, headers=(*common, *config.headers.items()))
