"""The documents of the target's configuration in report.json, each with its own verdict."""

from __future__ import annotations

from typing import Any

from battlectl.analyse.checks.configuration import judge_document
from battlectl.analyse.evidence import Evidence
from battlectl.observe.documents import Look, Watched


def configuration_json(evidence: Evidence) -> list[dict[str, Any]]:
    """The whole section; empty where no document was watched."""
    return [document_json(document) for document in evidence.documents]


def document_json(document: Watched) -> dict[str, Any]:
    """One of them; a look that was not one says why."""
    verdict, words = judge_document(document)
    return {
        "document": document.name,
        "verdict": verdict.value,
        "words": words,
        "before": _look_json(document.before),
        "after": [_look_json(look) | {"is_same": look.is_same} for look in document.looks],
        "differing": document.differing,
        "restless": document.restless,
        "differences": [
            {"at": one.at, "before": one.before, "after": one.after} for one in document.differences
        ],
        "except": list(document.apart),
    }


def _look_json(look: Look) -> dict[str, Any]:
    return {"digest": look.digest or None, "size_bytes": look.size, "why": look.why or None}
