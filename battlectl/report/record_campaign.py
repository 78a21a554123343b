"""What was done to providers and seen of them, as report.json stores it.

Rule: a campaign read back is equal to the one that was stored, with two exceptions: what healing a fault
takes (`undo`) stands in faults.jsonl alone, where secrets may be needed for it; and answers to probes are
kept up to `MOST_TEXT` bytes of different texts, beyond which a new one is stored as "". Nothing that is
judged depends on either.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any

from battlectl.observe.faults import Campaign, Count, Deed, LeaseLost, Probe
from battlectl.report.record_columns import (
    from_steps,
    names_json,
    read_seconds,
    seconds_json,
    steps_of,
)

MOST_TEXT = 300_000
CONNECTIONS = ("new", "kept")
NUMBERS = tuple(field.name for field in fields(Count) if field.type == "int")
"""The numbers of a count, each stored as steps from the count before of the same provider."""


def campaign_json(campaign: Campaign) -> dict[str, Any]:
    """See the rule."""
    return {
        "driver": campaign.driver,
        "deeds": [[d.t, d.fault, d.provider, d.action, d.stage, d.note] for d in campaign.deeds],
        "probes": _probes_json(campaign.probes),
        "counts": _counts_json(campaign.counts),
        "lost": [[lost.t, lost.note] for lost in campaign.lost],
        "leftovers": list(campaign.leftovers),
    }


def read_campaign(stored: Mapping[str, Any] | None) -> Campaign:
    """The campaign that was stored; an empty one for a report from before there were any."""
    if stored is None:
        return Campaign()
    return Campaign(
        driver=stored["driver"],
        deeds=tuple(_deed(*row) for row in stored["deeds"]),
        probes=tuple(_read_probes(stored["probes"])),
        counts=tuple(_read_counts(stored["counts"])),
        lost=tuple(LeaseLost(*row) for row in stored["lost"]),
        leftovers=tuple(stored["leftovers"]),
    )


def _deed(t: float, fault: str, provider: str, action: Any, stage: Any, note: str) -> Deed:
    return Deed(t, fault, provider, action, stage, note=note)


# Probes


def _probes_json(probes: Sequence[Probe]) -> dict[str, Any]:
    providers, provider = names_json([probe.provider for probe in probes])
    outcomes, ended = names_json([probe.outcome for probe in probes])
    texts, text = names_json(list(_within_room(probe.seen for probe in probes)))
    return {
        "providers": providers,
        "outcomes": outcomes,
        "texts": texts,
        "t": seconds_json([probe.t for probe in probes]),
        "provider": provider,
        "connection": [CONNECTIONS.index(probe.connection) for probe in probes],
        "outcome": ended,
        "seconds": seconds_json([probe.seconds for probe in probes]),
        "text": text,
    }


def _within_room(texts: Iterator[str]) -> Iterator[str]:
    kept, room = {""}, MOST_TEXT
    for text in texts:
        if text not in kept:
            room -= len(text.encode("utf-8", "replace"))
            if room >= 0:
                kept.add(text)
        yield text if text in kept else ""


def _read_probes(stored: Mapping[str, Any]) -> Iterator[Probe]:
    providers, outcomes, texts = stored["providers"], stored["outcomes"], stored["texts"]
    columns = zip(
        read_seconds(stored["t"]),
        stored["provider"],
        stored["connection"],
        stored["outcome"],
        read_seconds(stored["seconds"]),
        stored["text"],
        strict=True,
    )
    for t, provider, connection, ended, seconds, text in columns:
        kind = "kept" if connection else "new"
        yield Probe(t, providers[provider], kind, outcomes[ended], seconds, texts[text])  # type: ignore[arg-type]


# Counts


def _counts_json(counts: Sequence[Count]) -> dict[str, Any]:
    """Times and providers in the order of the campaign; the rest by provider, each in its own order."""
    providers, provider = names_json([count.provider for count in counts])
    own = [[count for count in counts if count.provider == name] for name in providers]
    return {
        "providers": providers,
        "t": seconds_json([count.t for count in counts]),
        "provider": provider,
        **{name: [steps_of([getattr(c, name) for c in looks]) for looks in own] for name in NUMBERS},
        "hits": [list(_hit_runs(looks)) for looks in own],
    }


def _hit_runs(looks: Sequence[Count]) -> Iterator[list[Any]]:
    """[fault, number of the first look that has it, its hits in steps] of each unbroken run of looks."""
    runs: dict[str, tuple[int, list[int]]] = {}
    done: list[tuple[int, str, list[int]]] = []
    for number, look in enumerate(looks):
        for fault in [name for name in runs if name not in look.hits]:
            first, hits = runs.pop(fault)
            done.append((first, fault, hits))
        for fault, hit in look.hits.items():
            runs.setdefault(fault, (number, []))[1].append(hit)
    done += [(first, fault, hits) for fault, (first, hits) in runs.items()]
    for first, fault, hits in sorted(done):
        yield [fault, first, steps_of(hits)]


def _read_counts(stored: Mapping[str, Any]) -> Iterator[Count]:
    providers, names = stored["providers"], [name for name in NUMBERS if name in stored]
    numbers = [
        zip(*(from_steps(stored[name][own]) for name in names), strict=True) for own in range(len(providers))
    ]
    hits = [_hits_by_look(runs) for runs in stored["hits"]]
    seen = [0] * len(providers)
    for t, own in zip(read_seconds(stored["t"]), stored["provider"], strict=True):
        named = dict(zip(names, next(numbers[own]), strict=True))
        yield Count(t=t, provider=providers[own], hits=hits[own].get(seen[own], {}), **named)
        seen[own] += 1


def _hits_by_look(runs: Sequence[Sequence[Any]]) -> dict[int, dict[str, int]]:
    looks: dict[int, dict[str, int]] = {}
    for fault, first, steps in runs:
        for number, hit in enumerate(from_steps(steps), first):
            looks.setdefault(number, {})[fault] = hit
    return looks
