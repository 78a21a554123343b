"""What was counted in a run, whole, as report.json stores it: every figure can be computed from this again.

Rule: `read_evidence` gives back bit by bit what was judged.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from battlectl.analyse.evidence import Evidence
from battlectl.observe.consistency import facts_json, read_facts
from battlectl.observe.example import Example
from battlectl.observe.served import ServedCell, ServedRow
from battlectl.observe.sketch import Sketch
from battlectl.observe.streams.cell import StreamCell
from battlectl.observe.tally import CallCell, FlowCell, StreamKey, Tally
from battlectl.plan.frame import Frame
from battlectl.report.record_campaign import campaign_json, read_campaign
from battlectl.report.record_documents import documents_json, read_documents
from battlectl.report.record_telemetry import read_telemetry, telemetry_json
from battlectl.report.series import read_provider_series, read_series

MOST_HEALTH = 3_600


def record_json(evidence: Evidence) -> dict[str, Any]:
    """The record of a document; frame, ending, examples and series stand beside it."""
    tally = evidence.tally
    return {
        "issued": dict(evidence.issued),
        "coarse": evidence.coarse,
        "health": _thinned(evidence.health),
        "calls": [
            [*key, cell.outcomes, cell.ok_latency.to_json(), cell.other_latency.to_json()]
            for key, cell in sorted(tally.calls.items())
        ],
        "flows": [
            [*key, [f.sent, f.reconnects, f.retries], [s.to_json() for s in (f.lag, f.backlog, f.service)]]
            for key, f in sorted(tally.flows.items())
        ],
        "served": [[*key, *tally.by_provider[key].to_json()] for key in sorted(tally.by_provider)],
        "streams": [[*key, tally.by_stream[key].to_json()] for key in sorted(tally.by_stream)],
        "facts": facts_json(tally.facts),
        "campaign": campaign_json(evidence.campaign),
        "telemetry": telemetry_json(evidence.telemetry),
        "documents": documents_json(evidence.documents),
    }


def read_evidence(document: Mapping[str, Any]) -> Evidence:
    """The run as it was counted, out of a stored document."""
    record, ending = document["record"], document["ending"]
    return Evidence(
        frame=msgspec.convert(document["frame"], Frame),
        tally=_read_tally(document),
        issued=dict(record["issued"]),
        ended_at=ending["at_s"],
        how=ending["how"],
        reason=ending["reason"],
        health=tuple((at, dict(health)) for at, health in record["health"]),
        coarse=record["coarse"],
        campaign=read_campaign(record.get("campaign")),
        telemetry=read_telemetry(record.get("telemetry")),
        documents=read_documents(record.get("documents")),
    )


def _read_tally(document: Mapping[str, Any]) -> Tally:
    record, tally = document["record"], Tally()
    for workload, label, segment, outcomes, ok, other in record["calls"]:
        cell = tally.calls[workload, label, segment] = CallCell()
        cell.outcomes = dict(outcomes)
        cell.ok_latency, cell.other_latency = Sketch.from_json(ok), Sketch.from_json(other)
    for workload, segment, numbers, sketches in record["flows"]:
        flow = tally.flows[workload, segment] = FlowCell()
        flow.sent, flow.reconnects, flow.retries = numbers
        flow.lag, flow.backlog, flow.service = (Sketch.from_json(sketch) for sketch in sketches)
    for workload, provider, segment, *served in record.get("served", ()):
        whole = tally.by_provider.setdefault((workload, provider, segment), ServedCell())
        whole.merge(ServedCell.from_json(served))
    for workload, segment, streams in record.get("streams", ()):
        tally.by_stream[StreamKey(workload, segment)] = StreamCell.from_json(streams)
    tally.facts.update(read_facts(record.get("facts", ())))
    for key, row in read_provider_series(document["series"]):
        tally.provider_rows[key] = tally.provider_rows.get(key, ServedRow()).plus(*row)
    tally.rows.update(read_series(document["series"]))
    for pair in document["examples"]:
        tally.keep(Example(**pair[0]), Example(**pair[1]))
    return tally


def _thinned(health: tuple[tuple[float, Mapping[str, float]], ...]) -> list[list[Any]]:
    """At most `MOST_HEALTH` entries: neighbours are joined, the worse value of each kept."""
    step = -(-len(health) // MOST_HEALTH) or 1
    result: list[list[Any]] = []
    for first in range(0, len(health), step):
        group = health[first : first + step]
        names = dict.fromkeys(name for _, values in group for name in values)
        result.append([group[-1][0], {n: max(values.get(n, 0.0) for _, values in group) for n in names}])
    return result
