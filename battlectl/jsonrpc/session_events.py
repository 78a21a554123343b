"""What a WebSocket session can report: frozen events, in the order in which they are to be acted on.

Rule: each frame gives at least one event, whatever it is; that of an early notification comes with the grant
that it waits for. A stream is the caller's own name for a subscription, which outlives connections and
subscription ids.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

from battlectl.jsonrpc.reply import Judged

StreamName: TypeAlias = str
SubscriptionId: TypeAlias = str | int


@dataclass(frozen=True, slots=True)
class Subscribed:
    """A subscription was granted; `is_again` if this stream had one before."""

    stream: StreamName
    subscription: SubscriptionId
    t: float
    is_again: bool


@dataclass(frozen=True, slots=True)
class Refused:
    """A subscription was not granted: `outcome` is a label of `observe.outcome`, `error` what was said."""

    stream: StreamName
    outcome: str
    seen: str | None
    error: Any
    t: float


@dataclass(frozen=True, slots=True)
class Unsubscribed:
    """The end of a subscription was answered; it is over whatever the answer was."""

    stream: StreamName
    outcome: str
    was_known: bool
    t: float


@dataclass(frozen=True, slots=True)
class Notified:
    """A subscription said something. `t` is when the frame came, even if it came before the grant."""

    stream: StreamName
    kind: str
    result: Any
    t: float


@dataclass(frozen=True, slots=True)
class Trailing:
    """A notification for a stream that was left."""

    stream: StreamName
    t: float


@dataclass(frozen=True, slots=True)
class Answered:
    """A call ended: how, for each of its items. `closed` and `timeout` are answers of a kind, too."""

    first_id: int
    judged: tuple[Judged, ...]
    t: float


@dataclass(frozen=True, slots=True)
class Metadata:
    """What the target says about a call (`lasso_meta`). It carries no id: `after` is the call that was
    answered last before it, None when there was none."""

    params: Any
    after: int | None
    t: float


@dataclass(frozen=True, slots=True)
class Stray:
    """A reply to nothing: `why` is one of STRAY_KINDS."""

    why: str
    id: Any
    t: float


@dataclass(frozen=True, slots=True)
class Unrouted:
    """A notification for a subscription that is not known, or of a method that is not."""

    method: str
    subscription: Any
    t: float


@dataclass(frozen=True, slots=True)
class Malformed:
    """A frame that is no JSON-RPC message that a client can be sent."""

    why: str
    seen: str
    t: float


@dataclass(frozen=True, slots=True)
class Ended:
    """The connection is over. `how` is one of ENDS; `streams` had a subscription then."""

    how: str
    code: int | None
    reason: str
    streams: tuple[StreamName, ...]
    t: float


Event: TypeAlias = (
    Subscribed
    | Refused
    | Unsubscribed
    | Notified
    | Trailing
    | Answered
    | Metadata
    | Stray
    | Unrouted
    | Malformed
    | Ended
)

NEVER_SENT = "never sent"
ANSWERED_TWICE = "answered twice"
LATE = "late"
STRAY_KINDS = {
    NEVER_SENT: "no call with this id was sent on this connection, or too long ago to remember",
    ANSWERED_TWICE: "the call was answered before",
    LATE: "the call had timed out before",
}

BY_CODE = "close code"
WITHOUT_CODE = "without code"
SILENT = "silent"
ENDS = {
    BY_CODE: "the other side said goodbye, with a code",
    WITHOUT_CODE: "the connection was cut, or closed without a code",
    SILENT: "nothing was said: the client found out by itself",
}

NO_CODES = frozenset({None, 1005, 1006})
"""What libraries report when no close code was on the wire (RFC 6455, 7.4.1)."""
