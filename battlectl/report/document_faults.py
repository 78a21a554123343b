"""The parts of report.json about faults: what each did, what breakers did, who served in which window.

Rule: a figure is stored as what it is at least and at most, its source and its words; `observable` is false
where nobody could see it, and then there is no number. `most` is null for one that has no upper end.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any

from battlectl.analyse.evidence import Evidence
from battlectl.analyse.faults.account import Account, Answers, FaultWindow, Part, accounts
from battlectl.analyse.faults.breaker_account import BreakerAccount, breaker_accounts
from battlectl.analyse.faults.distribution import Distribution, distributions
from battlectl.analyse.faults.doubt import worst
from battlectl.analyse.faults.figure import Figure
from battlectl.analyse.faults.known import Known, know
from battlectl.analyse.faults.windows import WindowFigures

DIGITS = 9
MS = 1e3
ROLES = ("baseline", "during", "recovery")


def faults_json(evidence: Evidence, generator_fit: bool) -> dict[str, Any]:
    """`chaos`, `faults`, `breakers` and `distribution` of a document; empty where nothing was injected.

    A figure that crashes costs the report its part and not itself: `chaos.crashed` says so.
    """
    campaign, crashed = evidence.campaign, list[str]()
    known = know(evidence) if evidence.frame.injections or campaign.counts else None
    parts: dict[str, list[dict[str, Any]]] = {}
    for name, part in PARTS.items():
        try:
            parts[name] = [] if known is None else part(known, generator_fit)
        except Exception as error:
            parts[name] = []
            crashed.append(f"{name}: {type(error).__name__}: {error}")
    chaos = {
        "driver": campaign.driver or None,
        "leftovers": list(campaign.leftovers),
        "lease_lost": [{"at_s": lost.t, "note": lost.note} for lost in campaign.lost],
        "crashed": crashed,
    }
    return {"chaos": chaos, **parts}


PARTS: dict[str, Callable[[Known, bool], list[dict[str, Any]]]] = {
    "faults": lambda known, fit: [_fault(account) for account in accounts(known, fit)],
    "breakers": lambda known, fit: [_breaker(account) for account in breaker_accounts(known)],
    "distribution": lambda known, fit: [_distribution(o) for o in distributions(known.evidence, known)],
}


def figure_json(figure: Figure, scale: float = 1.0) -> dict[str, Any]:
    """See the rule; `value` is the figure where it is exact."""
    ends = (figure.least, figure.most) if figure.is_observable else (None, None)
    least, most = (None if end in (None, inf) else round(end * scale, DIGITS) for end in ends)
    return {
        "observable": figure.is_observable,
        "value": least if least == most else None,
        "least": least,
        "most": most,
        "samples": figure.samples,
        "source": (figure.source or None) if figure.is_observable else None,
        "words": figure.words,
    }


def _fault(account: Account) -> dict[str, Any]:
    plan = account.injection
    return {
        "name": plan.name,
        "repeat_of": plan.repeat_of,
        "kind": plan.kind,
        "toxic": plan.toxic,
        "attributes": dict(plan.attributes),
        "takes_down": plan.takes_down,
        "at_s": plan.at,
        "until_s": plan.until,
        "proof": worst(part.proof.verdict for part in account.parts),
        "providers": [_part(part) for part in account.parts],
        "windows": {role: _window(window) for role, window in zip(ROLES, account.windows, strict=True)},
        "recovered": account.did_recover,
        "recovery_time_s": figure_json(account.recovery_time),
        "recovery_from_heal_s": figure_json(account.from_heal),
        "unavailability_s": figure_json(account.unavailability),
        "failover_time_s": figure_json(account.failover_time),
        "detection_time_s": figure_json(account.detection_time),
    }


def _part(part: Part) -> dict[str, Any]:
    proof = part.proof
    return {
        "provider": proof.provider,
        "proof": proof.verdict,
        "reasons": list(proof.reasons),
        "provider_side": proof.provider_side,
        "client_side": proof.client_side,
        **({"subscribers": proof.of_streams} if proof.of_streams else {}),
        "injected_s": proof.struck,
        "healed_s": proof.healed,
        "connections": {answers.connection: _answers(answers) for answers in part.answers},
        "hits": part.hits,
        "detection_time_s": figure_json(part.detection_time),
    }


def _answers(answers: Answers) -> dict[str, Any]:
    """Probes on one sort of connection; `shown` are those of `during` that met the fault."""
    parts = {"before": answers.before, "during": answers.during, "after": answers.after}
    counted = {name: {"probes": asked, "ok": ok} for name, (asked, ok) in parts.items()}
    return {**counted, "shown": answers.shown}


def _window(window: FaultWindow) -> dict[str, Any]:
    latencies = {
        f"failover_latency_{stat}_ms": figure_json(figure, MS)
        for stat, figure in window.failover_latency.items()
    }
    return {
        "name": window.name,
        "seen": None if window.seen is None else _seen(window.seen),
        "failovers": figure_json(window.failovers),
        **latencies,
        "amplification_ratio": figure_json(window.amplification),
    }


def _seen(seen: WindowFigures) -> dict[str, Any]:
    latencies = {f"{stat}_ms": _ms(getattr(seen, stat)) for stat in ("p50", "p95", "p99")}
    return {
        "seen_s": round(seen.seconds, 3),
        "total": seen.arrivals,
        "ok": seen.ok,
        "success_ratio": seen.success_rate,
        "arrivals_per_s": seen.arrivals_per_s,
        "ok_per_s": seen.ok_per_s,
        **latencies,
    }


def _breaker(account: BreakerAccount) -> dict[str, Any]:
    figures = account.figures
    return {
        "provider": account.provider,
        "transport": account.transport,
        "observable": bool(account.source),
        "source": account.source or None,
        "words": account.words,
        "grain_s": account.grain,
        **{_key(name): figure_json(figure) for name, figure in figures.items()},
        "lanes": [{"state": lane.state, "from_s": lane.start, "to_s": lane.end} for lane in account.lanes],
    }


def _key(stat: str) -> str:
    return f"{stat}_s" if stat.startswith("time_") else stat


def _distribution(one: Distribution) -> dict[str, Any]:
    return {
        "window": one.window,
        "source": one.source or None,
        "words": one.words,
        "providers": [
            {
                "provider": share.provider,
                "requests": share.requests,
                "requests_most": None if share.most == inf else share.most,
                "share_ratio": share.share,
                "success_ratio": share.success_rate,
                "mean_ms": _ms(share.mean),
                "p95_ms": _ms(share.p95),
                "was_broken": share.was_broken,
            }
            for share in one.shares
        ],
    }


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * MS, 6)
