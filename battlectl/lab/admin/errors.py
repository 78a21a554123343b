"""Every error that the admin API answers with, in one place.

Rule: what Toxiproxy has a text for is said in its words; the rest says what is wrong and what would fit.
The constants are a status and a text each, to be raised as `ApiError(*NAME)`.
"""

from __future__ import annotations


class ApiError(Exception):
    """Ends a request with this status."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


def bad_body(reason: str) -> ApiError:
    """What was sent is not the JSON that was asked for."""
    return ApiError(400, f"bad request body: {reason}")


def missing_field(name: str) -> ApiError:
    """A required field of a proxy is not there, or empty."""
    return ApiError(400, f"missing required field: {name}")


def bad_request(reason: str) -> ApiError:
    """Well written, and impossible."""
    return ApiError(400, reason)


def cannot_listen(reason: str) -> ApiError:
    """The port could not be had."""
    return ApiError(500, reason)


def node_is_silent() -> ApiError:
    """A fault had to ask the real node behind a relay for something, in vain."""
    return ApiError(503, "the node behind this relay does not answer, and the fault has to know its head")


PROXY_NOT_FOUND = (404, "proxy not found")
PROXY_EXISTS = (409, "proxy already exists")
TOXIC_NOT_FOUND = (404, "toxic not found")
TOXIC_EXISTS = (409, "toxic already exists")
INVALID_STREAM = (400, "stream was invalid, can be either upstream or downstream")
INVALID_TYPE = (400, "invalid toxic type")
NO_TOXICITY = (400, "toxicity is for toxics of bytes: this one has the attribute probability")
LEASE_NOT_FOUND = (409, "lease not found")
LEASE_UNKNOWN = (404, "lease not found")
ONE_LEASE = (400, "lease or ttl_ms, not both")
NO_CHAIN = (400, "this lab has no simulated chain")
LEASE_NEEDS_HARM = (400, "a lease holds toxics and disabled proxies: enabled must be false with it")
