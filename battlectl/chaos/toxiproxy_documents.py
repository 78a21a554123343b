"""What Toxiproxy's API and the lab's answer, as far as the driver reads it; other fields are passed over."""

from __future__ import annotations

import msgspec


class ToxicDocument(msgspec.Struct):
    """A toxic, as far as it is of use."""

    name: str
    type: str


class ProxyDocument(msgspec.Struct):
    """A proxy of `/proxies`."""

    name: str
    enabled: bool
    toxics: list[ToxicDocument]
    listen: str = ""


class ProviderDocument(msgspec.Struct):
    """A provider of the lab's `/providers`."""

    name: str
    kind: str
    generation: int
    connections: int
    requests: dict[str, int]
    faults: dict[str, int]
    refused_by_fault: int = 0
    events: int = 0
    url: str | None = None


class LeaseDocument(msgspec.Struct):
    """A lease of the lab."""

    id: str
