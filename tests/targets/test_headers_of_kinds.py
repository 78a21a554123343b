"""What the headers of eRPC, proxyd, Envoy and HAProxy say, and the addresses that they take."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from battlectl.observe.served import OTHERS, UNNAMED, Served
from battlectl.plan.route import Route
from battlectl.scenario.target import Target
from battlectl.targets import ADAPTERS
from battlectl.targets.adapter import Address, Unaddressable
from battlectl.targets.site import endpoint_of

URL = "http://127.0.0.1:4000"
NODES = [
    {"id": "node_a", "url": "http://127.0.0.1:8545/key"},
    {"id": "node_b", "url": "http://u:p@[::1]:8546"},
]
FIELDS = {"erpc": {"chain": 1, "profile": "main"}, "lasso": {"chain": "ethereum"}}


def target_of(kind: str, **more: Any) -> Target:
    own = FIELDS.get(kind, {})
    return Target.model_validate({"version": 1, "kind": kind, "url": URL, "providers": NODES, **own, **more})


def told(kind: str, headers: dict[str, str], **more: Any) -> Served | None:
    target = target_of(kind, **more)
    reader = endpoint_of(target, URL, ADAPTERS[kind].attribution(target)).attribution
    return reader and reader.read([(name.encode(), value.encode()) for name, value in headers.items()])


@pytest.mark.parametrize(
    ("kind", "headers", "expected"),
    [
        (
            "erpc",
            {"X-ERPC-Upstream": "alchemy", "X-ERPC-Attempts": "1", "X-ERPC-Cache": "MISS"},
            Served("alchemy", 1),
        ),
        (
            "erpc",
            {"X-ERPC-Upstream": "a", "X-ERPC-Attempts": "3", "X-ERPC-Upstream-Attempts": "2"},
            Served("a", 2),
        ),
        ("erpc", {"X-ERPC-Upstream": "a", "X-ERPC-Attempts": "2", "X-ERPC-Hedges": "1"}, Served("a", 2, 1)),
        ("erpc", {"X-ERPC-Upstream": "a", "X-ERPC-Attempts": "1", "X-ERPC-Hedges": "4"}, Served("a", 1, 1)),
        (
            "erpc",
            {"X-ERPC-Upstream": "a", "X-ERPC-Upstream-Attempts": "3", "X-ERPC-Network-Hedges": "1"},
            Served("a", 3, 2),
        ),
        ("erpc", {"X-ERPC-Upstream": "a", "X-ERPC-Cache": "HIT", "X-ERPC-Attempts": "1"}, Served(UNNAMED, 0)),
        ("erpc", {"X-ERPC-Attempts": "2"}, Served(UNNAMED, 2)),
        ("erpc", {"X-ERPC-Upstream": "a", "X-ERPC-Attempts": "many"}, Served("a")),
        ("erpc", {}, Served()),
        ("proxyd", {"X-Served-By": "main/alchemy"}, Served("alchemy")),
        ("proxyd", {"X-Served-By": "alchemy"}, Served("alchemy")),
        ("proxyd", {"X-Served-By": "main/alchemy, main/infura"}, Served(OTHERS)),
        ("proxyd", {"X-Served-By": "main/"}, Served()),
        ("proxyd", {}, Served()),
        ("envoy", {"x-upstream": "127.0.0.1:8545", "x-envoy-attempt-count": "2"}, Served("node_a", 2)),
        ("envoy", {"x-upstream": "[::1]:8546", "x-envoy-attempt-count": "1"}, Served("node_b", 1)),
        (
            "envoy",
            {"x-upstream": "127.0.0.1:8545", "x-envoy-upstream-service-time": "12"},
            Served("node_a", None, None, 0.012),
        ),
        ("envoy", {"x-upstream": "10.0.0.1:80"}, Served("10.0.0.1:80")),
        ("envoy", {"x-upstream": "", "x-envoy-attempt-count": "1"}, Served(UNNAMED, 1)),
        ("haproxy", {"X-Served-By": "node_a", "X-Retries": "0"}, Served("node_a", 1)),
        ("haproxy", {"X-Served-By": "node_b", "X-Retries": "+2"}, Served("node_b", 3)),
        ("haproxy", {"X-Retries": "3"}, Served(UNNAMED, 4)),
        ("generic", {"X-Served-By": "a"}, None),
    ],
)
def test_what_the_headers_of_a_kind_say(kind, headers, expected):
    assert told(kind, headers) == expected


@pytest.mark.parametrize("kind", sorted(set(ADAPTERS) - {"lab"}))
def test_attribution_in_the_config_wins_and_an_empty_one_reads_nothing(kind):
    headers = {"X-Mine": "127.0.0.1:8545", "X-Served-By": "x", "x-upstream": "x"}
    assert told(kind, headers, attribution={"provider": "X-Mine"}) == Served("node_a")
    assert told(kind, headers, attribution={}) is None


@given(
    kind=st.sampled_from(["erpc", "proxyd", "envoy", "haproxy"]),
    values=st.lists(
        st.tuples(
            st.sampled_from(
                [
                    *("X-ERPC-Upstream", "X-ERPC-Attempts", "X-ERPC-Hedges", "X-ERPC-Cache", "X-Served-By"),
                    *("x-upstream", "x-envoy-attempt-count", "X-Retries"),
                ]
            ),
            st.binary(max_size=70) | st.integers(0, 99).map(lambda n: str(n).encode()),
        ),
        max_size=6,
    ),
)
def test_no_header_raises_or_says_what_cannot_be(kind, values):
    served = ADAPTERS[kind].attribution(target_of(kind)).read([(n.encode(), v) for n, v in values])
    assert served.provider
    assert served.attempts is None or 0 <= (served.hops or 0) <= max(served.attempts, 0)


def address(kind: str, path: str = "/", is_socket: bool = False, **words: str) -> Address:
    return ADAPTERS[kind].address(target_of(kind), Route(**words), path, is_socket)


ASKED = (("X-Lasso-Include-Meta", "headers"),)


def test_erpc_is_addressed_by_project_and_chain():
    assert address("erpc") == Address("/main/evm/1")
    pinned = address("erpc", "/?secret=1", chain="10", profile="indexer", provider="a")
    assert pinned == Address("/indexer/evm/10?secret=1", (("X-ERPC-Use-Upstream", "a"),))


def test_lasso_is_asked_for_metadata_over_http_alone():
    assert address("lasso") == Address("/rpc/ethereum", ASKED)
    assert address("lasso", is_socket=True) == Address("/ws/rpc/ethereum")
    assert address("lasso", strategy="cheapest").path == "/rpc/cheapest/ethereum"
    profiled = ADAPTERS["lasso"].address(target_of("lasso", profile="gold"), Route(provider="a"), "/", False)
    assert profiled.path == "/rpc/profile/gold/provider/a/ethereum"


@pytest.mark.parametrize(
    ("kind", "word", "reason"),
    [
        ("erpc", "strategy", "its selection policy is a part of its own configuration"),
        ("erpc", "transport", "the address of an upstream decides how it is asked"),
        (
            "lasso",
            "strategy",
            '"nearest" is no strategy that a path of Lasso can name: choose one of fastest',
        ),
        ("proxyd", "strategy", "a target of kind proxyd has no address for a strategy"),
        ("envoy", "provider", "a target of kind envoy has no address for a provider"),
        ("haproxy", "chain", "a target of kind haproxy has no address for a chain"),
    ],
)
def test_what_a_kind_cannot_do_is_refused_with_its_reason(kind, word, reason):
    with pytest.raises(Unaddressable, match=reason) as caught:
        address(kind, **{word: "nearest"})
    assert caught.value.word == word


def test_lasso_takes_websockets_on_the_same_port():
    ws_url = ADAPTERS["lasso"].ws_url
    assert ws_url(target_of("lasso")) == "ws://127.0.0.1:4000"
    assert ws_url(target_of("lasso", url="https://lasso.internal/x")) == "wss://lasso.internal/x"
    assert ws_url(target_of("lasso", ws_url="ws://127.0.0.1:1")) == "ws://127.0.0.1:1"
    assert ADAPTERS["envoy"].ws_url(target_of("envoy")) is None


@pytest.mark.parametrize("kind", sorted(set(ADAPTERS) - {"lab"}))
def test_every_kind_says_what_cannot_be_observed_of_it(kind):
    unseen = ADAPTERS[kind].unseen(target_of(kind))
    assert unseen
    assert all(sentence == sentence.strip(" .") for sentence in unseen)


def test_a_generic_target_that_tells_has_nothing_hidden_by_its_kind():
    assert ADAPTERS["generic"].unseen(target_of("generic", attribution={"provider": "X-By"})) == ()
