"""What Lasso's recorded replies say of who served them, as a person reads them; and that none can raise."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from battlectl.observe.served import UNNAMED, Served, is_longer
from battlectl.targets.lasso_meta import MOST_BYTES, LassoMeta

WIRE = Path(__file__).parents[1] / "lab" / "gateway" / "wire"
META = LassoMeta()


def header(document: Any) -> list[tuple[bytes, bytes]]:
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    return [(b"X-Lasso-Meta", base64.urlsafe_b64encode(data).rstrip(b"="))]


def once(provider: str) -> Served:
    return Served(provider, 1, 1)


def who(headers: Any, body: bytes = b"") -> Served:
    """Who served, and after how many attempts, alone."""
    return META.read(headers, body)._replace(upstream=None, breaker="")


NOTHING = Served()
ITSELF = Served(UNNAMED, 0, 0)
A, B, C = once("mock_a"), once("mock_b"), once("mock_c")

RECORDED: dict[str, dict[int, Served]] = {
    "02-strategies.json": {0: C, 1: C, 2: B, 3: C, 6: C, 7: C},
    "03-provider-override.json": {0: B, 1: C, 2: A, 3: B, 4: B, 5: B},
    "05-batch.json": {},
    "06-meta.json": {0: B, 1: C, 2: A, 3: B, 4: ITSELF},
    "2025-10/02-strategies.json": {**dict.fromkeys(range(17), A), 12: C, 13: B, 15: C},
    "2025-10/03-override.json": {0: A, 1: A},
    "2025-10/05-batch.json": {},
    "2025-10/06-meta.json": {0: A, 1: A},
}
"""File -> number of the exchange -> who served it; every other exchange tells nothing."""

FILES = sorted(path.relative_to(WIRE).as_posix() for path in WIRE.rglob("*.json"))


@pytest.mark.parametrize("file", FILES)
def test_every_recorded_exchange_says_what_a_reader_takes_from_it(file):
    read = {}
    for number, exchange in enumerate(json.loads((WIRE / file).read_text())):
        response = exchange["response"]
        headers = [(name.encode(), value.encode()) for name, value in response["headers"]]
        body = response["body"]
        served = META.read(headers, (body if isinstance(body, str) else json.dumps(body)).encode())
        assert (served.upstream is None) is (served.provider == UNNAMED)
        assert not is_longer(served.upstream or 0.0, exchange["elapsed_ms"] / 1e3)
        if served != NOTHING:
            read[number] = served._replace(upstream=None, breaker="")
    assert read == RECORDED.get(file, {})


NO_CHANNELS = {"code": -32000, "message": "No channels available"}
EXHAUSTED = {"code": -32601, "message": "Request dispatch budget exhausted"}
STATUS_500 = {"code": -32002, "message": "Server error", "data": {"status": 500, "body": "Internal"}}

# Selected channel, retries, candidates, error (None: a result), what it means.
OUTAGES = [
    ("mock_a:http", 0, "mock_a:http mock_a:ws", None, A),
    ("mock_a:http", 0, "mock_a:http", None, A),
    ("mock_a:ws", 0, "mock_a:ws", None, A),
    ("mock_b:http", 1, "mock_a:http mock_b:http", None, Served("mock_b", 2, 2)),
    ("mock_b:http", 1, "mock_a:ws mock_b:http", None, Served("mock_b", 2, 2)),
    ("mock_b:ws", 1, "mock_a:ws mock_b:ws", None, Served("mock_b", 2, 2)),
    ("mock_b:ws", 2, "mock_a:ws mock_a:http mock_b:ws", None, Served("mock_b", 3, 2)),
    ("mock_c:http", 2, "mock_a:http mock_a:ws mock_c:http", None, Served("mock_c", 3, 2)),
    ("mock_a:http", 1, "mock_b:http mock_a:http", None, Served("mock_a", 2, 2)),
    # Nobody gave the answer, both transports of one provider were asked.
    ("mock_a:ws", 1, "mock_a:http mock_a:ws", NO_CHANNELS, Served(UNNAMED, 2, 1)),
    ("mock_a:http", 0, "mock_a:http", NO_CHANNELS, Served(UNNAMED, 1, 1)),
    ("mock_a:http", 1, "mock_c:http mock_a:http", NO_CHANNELS, Served(UNNAMED, 2, 2)),
    ("mock_b:http", 2, "mock_a:http mock_c:http mock_b:http", NO_CHANNELS, Served(UNNAMED, 3, 3)),
    # More retries than channels: whether the provider was asked at all is not to be told.
    ("mock_b:http", 1, "mock_b:http", NO_CHANNELS, Served(UNNAMED, None)),
    # The channel at that place is another than the one that is said to have answered.
    ("mock_a:ws", 1, "mock_a:ws mock_c:ws", EXHAUSTED, Served(UNNAMED, None)),
    # An error that a provider gave is its answer.
    ("mock_b:http", 0, "mock_b:http", STATUS_500, B),
]


def meta_of(selected: str, retries: int, candidates: str, state: str = "closed") -> dict[str, Any]:
    id_, _, protocol = selected.partition(":")
    return {
        "selected_provider": {"id": id_, "protocol": protocol},
        "retries": retries,
        "candidate_providers": candidates.split(),
        "circuit_breaker_state": state,
    }


@pytest.mark.parametrize(("selected", "retries", "candidates", "error", "expected"), OUTAGES)
def test_the_replies_of_the_recorded_outages(selected, retries, candidates, error, expected):
    meta = meta_of(selected, retries, candidates)
    answer = {"jsonrpc": "2.0", "id": 1} | ({"result": "0x1"} if error is None else {"error": error})
    assert who(header(meta), json.dumps(answer).encode()) == expected
    assert who((), json.dumps({**answer, "lasso_meta": meta}).encode()) == expected


def test_what_was_considered_and_passed_over_was_no_attempt():
    meta = meta_of("mock_c:http", 1, "mock_a:http mock_b:http mock_c:http mock_a:ws")
    assert who(header(meta)) == Served("mock_c", 2)


@pytest.mark.parametrize(
    ("told", "seconds"),
    [(0.5, 0.0005), (1, 0.001), (0, 0.0), (None, None), ("12", None), (-1, None), (1e9, None), (True, None)],
)
def test_how_long_its_provider_took_is_told_in_milliseconds_or_not_at_all(told, seconds):
    meta = meta_of("mock_b:http", 1, "mock_a:http mock_b:http") | {"upstream_latency_ms": told}
    assert META.read(header(meta)) == Served("mock_b", 2, 2, seconds, "closed")
    assert META.read((), json.dumps({"lasso_meta": meta}).encode()).upstream == seconds
    error = json.dumps({"jsonrpc": "2.0", "id": 1, "error": NO_CHANNELS}).encode()
    assert META.read(header(meta), error) == Served(UNNAMED, 2, 2)


@pytest.mark.parametrize(
    ("channel", "told", "state"),
    [
        ("mock_b:http", "closed", "closed"),
        ("mock_b:http", "half_open", "half_open"),
        ("mock_b:ws", "half_open", "ws:half_open"),
        ("mock_b:http", "unknown", ""),
        ("mock_b:ws", "unknown", ""),
        ("mock_b:http", None, ""),
        ("mock_b:http", 1, ""),
    ],
)
def test_the_state_of_a_breaker_is_that_of_the_channel_that_answered(channel, told, state):
    meta = meta_of(channel, 0, channel) | {"circuit_breaker_state": told}
    assert META.read(header(meta)) == Served("mock_b", 1, 1, None, state)
    error = json.dumps({"jsonrpc": "2.0", "id": 1, "error": NO_CHANNELS}).encode()
    assert META.read(header(meta), error).breaker == "", "nobody answered"


def test_fields_that_nobody_knows_are_read_over():
    meta = meta_of("mock_a:http", 0, "mock_a:http") | {"new": {"deep": [1]}, "version": 2}
    meta["selected_provider"]["region"] = "eu"
    assert who(header(meta)) == A


LONG = meta_of("mock_a:http", 0, " ".join(["mock_a:http"] * 300))


@pytest.mark.parametrize(
    "headers",
    [
        [],
        header(LONG),
        header(meta_of("mock_a:http", 0, "mock_a:http")) * 2,
        [(b"X-Lasso-Meta", b"not base64!")],
        [(b"X-Lasso-Meta", b"")],
        [(b"X-Lasso-Meta", b"e30 e30")],
        header(b"no JSON"),
        header(b"\xff\xfe"),
        header(b"[" * 2_000),
        header([1, 2]),
        header({"selected_provider": "mock_a", "retries": 0}),
        header({"selected_provider": {"id": 7}, "retries": 0}),
        header({"selected_provider": {"id": "a"}, "retries": "0"}),
        header({"candidate_providers": None}),
    ],
)
def test_what_is_no_metadata_tells_nothing(headers):
    assert META.read(headers, b'{"jsonrpc":"2.0","id":1,"result":"0x1"}') == NOTHING


def test_the_metadata_that_is_too_long_is_well_formed():
    assert len(header(LONG)[0][1]) > MOST_BYTES


@pytest.mark.parametrize("retries", [-1, 10**6, None])
def test_a_number_of_retries_that_cannot_be_leaves_the_provider(retries):
    meta = {**meta_of("mock_a:http", 0, "mock_a:http"), "retries": retries}
    assert who(header(meta)) == Served("mock_a")


def test_without_a_provider_the_channels_tell_how_many_were_asked():
    asked = {"retries": 1, "candidate_providers": ["mock_a:http", "mock_b:http"]}
    assert META.read(header(asked)) == Served(UNNAMED, 2, 2)
    assert META.read(header({"retries": 1, "candidate_providers": []})) == NOTHING


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=10,
)
documents = st.fixed_dictionaries(
    {},
    optional={
        "selected_provider": st.fixed_dictionaries({"id": st.text(max_size=80), "protocol": st.text()})
        | json_values,
        "retries": st.integers(-3, 9) | json_values,
        "candidate_providers": st.lists(st.text(max_size=9), max_size=5) | json_values,
        "other": json_values,
    },
)


@given(document=documents, body=st.binary(max_size=80) | json_values.map(lambda v: json.dumps(v).encode()))
def test_no_document_raises_or_says_what_cannot_be(document, body):
    for served in (
        META.read(header(document), body),
        META.read((), json.dumps({"lasso_meta": document}).encode()),
    ):
        assert served.attempts is None or served.attempts >= 0
        assert served.hops is None or (served.attempts is not None and served.hops <= served.attempts)
        assert served.provider


@given(value=st.binary(max_size=5_000), body=st.binary(max_size=50))
def test_no_header_raises(value, body):
    assert META.read([(b"x-lasso-meta", value)], body).provider
