"""How an arrival can end.

Rule: every arrival ends as exactly one of these. A label may carry a detail in brackets that is counted
apart, `rpc_error(-32000)`; the part before the bracket is the outcome.
"""

from __future__ import annotations

OK = "ok"
RPC_ERROR = "rpc_error"
HTTP_ERROR = "http_error"
TIMEOUT = "timeout"
REFUSED = "refused"
RESET = "reset"
TLS = "tls"
MALFORMED = "malformed"
WRONG = "wrong"
TOO_LARGE = "too_large"
UNRESOLVED = "unresolved"
CLOSED = "closed"
DROPPED = "dropped"
ABANDONED = "abandoned"

ANSWERED = frozenset({OK, RPC_ERROR, HTTP_ERROR, MALFORMED, WRONG, TOO_LARGE})
"""An answer came, whatever it was worth."""

TIMED = ANSWERED | {TIMEOUT}
"""The population of latency percentiles: answered and timed-out arrivals."""

MEANINGS: dict[str, str] = {
    OK: "a right answer, in time",
    RPC_ERROR: "a JSON-RPC error object, whatever the HTTP status",
    HTTP_ERROR: "an HTTP status that is no success, without a JSON-RPC error; redirects belong here",
    TIMEOUT: "no whole answer within the timeout, counted from the due time",
    REFUSED: "the connection was refused, or the host not reachable",
    RESET: "the connection was reset",
    TLS: "the TLS handshake or a TLS record failed",
    MALFORMED: "an answer that is not what RFC 9112, RFC 8259 and JSON-RPC 2.0 ask for, or was cut short",
    WRONG: "a valid answer that is not what `expect` says",
    TOO_LARGE: "an answer beyond `max_body`, or headers beyond 64 KiB",
    UNRESOLVED: "the host name did not resolve",
    CLOSED: "the connection ended without an answer",
    DROPPED: "never sent: `max_in_flight` arrivals were under way, or no socket was to be had",
    ABANDONED: "still under way when the run was stopped",
}


def outcome_of(label: str) -> str:
    """`rpc_error` of `rpc_error(-32000)`."""
    return label.partition("(")[0]
