"""The driver `http`: any admin API, described by templates in the config file.

Rule: a document is put back to the byte when nobody else has changed it since; when somebody has, only the
place that we changed is. What has no probe and no document can be seen by nobody: then a fault counts as
healed when the API has taken the request to heal it, and as in force otherwise.
"""

from __future__ import annotations

import shlex
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import msgspec

from battlectl.chaos.admin import AdminAnswer, AdminApi
from battlectl.chaos.document import change_of
from battlectl.chaos.driver import Driver, DriverError, Impossible, InForce, Order, Undo
from battlectl.chaos.pointer import NoPlace, read_at
from battlectl.chaos.templates import check_used, fill, fill_path, fill_text, values_of
from battlectl.observe.faults import Count
from battlectl.scenario.target_chaos import HttpChaos, HttpDocument, HttpFault, HttpProbe, HttpRequest


@asynccontextmanager
async def open_http(config: HttpChaos, holder: str) -> AsyncIterator[Driver]:
    """The driver; nothing is held."""
    async with AdminApi(config.url, config.headers) as api:
        yield HttpDriver(api, config)


class HttpDriver:
    """Mutable: it remembers which requests to heal were taken."""

    name = "http"
    counts_probes = False

    def __init__(self, api: AdminApi, config: HttpChaos) -> None:
        self._api = api
        self._faults = config.faults
        self._healed: set[str] = set()
        self._checked: dict[tuple[str, str], Order] = {}

    def resource(self, order: Order) -> str:
        """A document may be common to many providers; else it is the provider."""
        document = self._fault(order.kind, order.provider).document
        if document is None:
            return f"provider {order.provider}"
        return f"document {fill_path(document.path, values_of(order))}"

    async def check(self, orders: Sequence[Order]) -> None:
        """That there are templates, that they can be filled in, and that what can be asked answers."""
        for order in orders:
            check_order(self._faults, order)
            fault, values = self._fault(order.kind, order.provider), values_of(order)
            if fault.document is not None:
                await self._change_of(fault.document, values)
            await self._is_seen(fault, values)
            self._checked[order.kind, order.provider] = order

    async def in_force(self) -> tuple[InForce, ...]:
        """Of the kinds and providers that were checked, those that can be seen."""
        found = []
        for (kind, provider), order in self._checked.items():
            values = values_of(order)
            if await self._is_seen(self._fault(kind, provider), values):
                found.append(InForce(provider, f"{kind}, by its probe", {"kind": kind, "values": values}))
        return tuple(found)

    async def _is_seen(self, fault: HttpFault, values: Mapping[str, Any]) -> bool:
        """Whether it is in force, by the probe or else by the document; False where neither is."""
        if fault.probe is not None:
            return await self._is_in_force(fault.probe, values)
        if fault.document is None:
            return False
        now = _read(await self._fetch(fault.document, values))
        with _told():
            return change_of(fault.document, values).is_made(now)

    async def prepare(self, order: Order) -> Undo:
        """The document as it is; that the fault is not in force already."""
        fault, values = self._fault(order.kind, order.provider), values_of(order)
        if await self._is_seen(fault, values):
            raise DriverError(f"{order.kind} is in force at {order.provider} already")
        undo = {"kind": order.kind, "values": values}
        if fault.document is None:
            return undo
        before, _ = await self._change_of(fault.document, values)
        return {**undo, "document": before.decode("utf-8")}

    async def inject(self, order: Order, undo: Undo) -> str:
        """Send the request, or store the document with its change."""
        fault, values = self._fault(order.kind, order.provider), undo["values"]
        self._healed.discard(_name(undo))
        if fault.document is None:
            assert fault.inject is not None, "the config file was checked"
            return (await self._send(fault.inject, values)).shown
        now, changed = await self._change_of(fault.document, values)
        if now != undo["document"].encode():
            raise DriverError("the document was changed by somebody else just now")
        return (await self._store(fault.document, values, msgspec.json.encode(changed))).shown

    async def heal(self, undo: Undo) -> str:
        """Send the request, or store what was fetched."""
        fault, values = self._fault(undo["kind"], undo["values"]["provider"]), undo["values"]
        if fault.document is not None:
            if "document" not in undo:
                raise DriverError("what the document was before is in the journal of the run that changed it")
            return await self._put_back(fault.document, values, undo["document"].encode())
        assert fault.heal is not None, "the config file was checked"
        answer = await self._send(fault.heal, values)
        self._healed.add(_name(undo))
        return answer.shown

    async def is_healed(self, undo: Undo) -> bool:
        """By the probe, else by the document, else by whether the request to heal was taken."""
        fault, values = self._fault(undo["kind"], undo["values"]["provider"]), undo["values"]
        if fault.probe is not None and await self._is_in_force(fault.probe, values):
            return False
        if fault.document is None:
            return fault.probe is not None or _name(undo) in self._healed
        if "document" not in undo:
            return not await self._is_seen(fault, values)
        before, now = _read(undo["document"].encode()), _read(await self._fetch(fault.document, values))
        with _told():
            return change_of(fault.document, values).is_undone(before, now)

    async def count(self) -> tuple[Count, ...]:
        """Nothing counts."""
        return ()

    async def renew(self) -> str | None:
        """There is no lease."""
        return None

    def by_hand(self, undo: Undo) -> str:
        """The request, without its headers."""
        fault, values = self._fault(undo["kind"], undo["values"]["provider"]), undo["values"]
        if fault.document is not None:
            where = f"{self._api.origin}{fill_path(fault.document.path, values)}"
            return f"{fault.document.store} the document of this fault in faults.jsonl to {where}"
        assert fault.heal is not None, "the config file was checked"
        path, body, _ = _filled(fault.heal, values)
        data = "" if body is None else f" -d {shlex.quote(msgspec.json.encode(body).decode())}"
        return f"curl -X {fault.heal.method}{data} {shlex.quote(self._api.origin + path)}"

    def _fault(self, kind: str, provider: str) -> HttpFault:
        return _fault(self._faults, kind, provider)

    async def _send(self, request: HttpRequest, values: Mapping[str, Any]) -> AdminAnswer:
        path, body, headers = _filled(request, values)
        return _done(await self._api.ask(request.method, path, body, headers=headers), request.status)

    async def _is_in_force(self, probe: HttpProbe, values: Mapping[str, Any]) -> bool:
        answer = await self._send(probe, values)
        return bool(_at(answer.body, fill_text(probe.at, values)) == fill(probe.is_, values))

    async def _fetch(self, document: HttpDocument, values: Mapping[str, Any]) -> bytes:
        headers = {name: fill_text(text, values) for name, text in document.headers.items()}
        path = fill_path(document.path, values)
        return _done(await self._api.ask("GET", path, headers=headers)).body

    async def _change_of(self, document: HttpDocument, values: Mapping[str, Any]) -> tuple[bytes, Any]:
        """The document as it is, and as it will be."""
        now = await self._fetch(document, values)
        with _told():
            return now, change_of(document, values).made(_read(now))

    async def _put_back(self, document: HttpDocument, values: Mapping[str, Any], before: bytes) -> str:
        now = await self._fetch(document, values)
        if now == before:
            return "the document is as it was"
        change, old, current = change_of(document, values), _read(before), _read(now)
        with _told():
            is_undone, undone = change.is_undone(old, current), change.undone(old, current)
        if is_undone:
            return f"the document has at {change.at} what it had before"
        if undone == old:
            await self._store(document, values, before)
            return "the document was put back to the byte"
        await self._store(document, values, msgspec.json.encode(undone))
        return f"somebody else has changed the document: only {change.at} was put back"

    async def _store(self, document: HttpDocument, values: Mapping[str, Any], body: bytes) -> AdminAnswer:
        headers = {name: fill_text(text, values) for name, text in document.headers.items()}
        path = fill_path(document.path, values)
        return _done(await self._api.ask(document.store, path, body=body, headers=headers))


def check_order(faults: Mapping[str, HttpFault], order: Order) -> None:
    """Impossible for what no template can do; asks nobody."""
    fault, values = _fault(faults, order.kind, order.provider), values_of(order)
    templates = [part.model_dump() for part in (fault.inject, fault.document) if part is not None]
    check_used(order, templates)
    for request in (fault.inject, fault.heal, fault.probe):
        if request is not None:
            _filled(request, values)


def _fault(faults: Mapping[str, HttpFault], kind: str, provider: str) -> HttpFault:
    if kind not in faults:
        known = ", ".join(faults)
        raise Impossible(f"{kind} at {provider}: the config file has no templates for it, only for {known}")
    return faults[kind]


def _filled(request: HttpRequest, values: Mapping[str, Any]) -> tuple[str, Any, dict[str, str]]:
    """(path, body, headers)"""
    headers = {name: fill_text(text, values) for name, text in request.headers.items()}
    return fill_path(request.path, values), fill(request.body, values), headers


def _done(answer: AdminAnswer, wanted: int | None = None) -> AdminAnswer:
    if answer.status == wanted or (wanted is None and answer.is_success):
        return answer
    raise DriverError(f"the admin API answered {answer.shown}")


def _read(body: bytes) -> Any:
    try:
        body.decode("utf-8")
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DriverError(f"that is no JSON in UTF-8: {error}") from None


def _at(body: bytes, at: str) -> Any:
    with _told():
        return read_at(_read(body), at)


@contextmanager
def _told() -> Iterator[None]:
    """A place that a document does not have is the driver's to tell."""
    try:
        yield
    except NoPlace as error:
        raise DriverError(str(error)) from None


def _name(undo: Undo) -> str:
    return f"{undo['values']['fault']} {undo['values']['provider']}"
