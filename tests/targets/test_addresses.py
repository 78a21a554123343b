"""From the words of a route to path and headers, kind by kind, and what each refuses."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from battlectl.lab.gateway import routes, settings
from battlectl.lab.net.wire import Request
from battlectl.plan.route import Route
from battlectl.scenario.target import Target
from battlectl.targets import ADAPTERS
from battlectl.targets.adapter import Address, Unaddressable
from battlectl.targets.lab_address import PROFILE
from battlectl.targets.lasso_address import STRATEGIES, lasso_address


def target_of(kind: str, **fields: Any) -> Target:
    return Target.model_validate({"version": 1, "kind": kind, **fields})


CURRENT = target_of("lab")
OLD = target_of("lab", lab={"revision": "2025-10"})


def lab_path(target: Target, is_socket: bool = False, **words: str) -> str:
    path = "/ws/rpc/battlechain" if is_socket else "/"
    return ADAPTERS["lab"].address(target, Route(**words), path, is_socket).path


@pytest.mark.parametrize(
    ("words", "path"),
    [
        ({}, "/"),
        ({"chain": "999"}, "/rpc/999"),
        ({"strategy": "fastest"}, "/rpc/fastest/battlechain"),
        ({"strategy": "load-balanced", "chain": "999"}, "/rpc/load-balanced/999"),
        ({"provider": "provider_b"}, "/rpc/provider/provider_b/battlechain"),
        ({"profile": "public", "strategy": "fastest"}, "/rpc/profile/public/fastest/battlechain"),
        ({"profile": "public"}, "/rpc/profile/public/battlechain"),
        ({"transport": "ws"}, "/rpc/battlechain"),
    ],
)
def test_the_lab_takes_the_addresses_of_lasso(words, path):
    assert lab_path(CURRENT, **words) == path
    expected = "/ws/rpc/battlechain" if path == "/" else f"/ws{path}"
    assert lab_path(CURRENT, True, **words) == expected


def test_a_transport_is_asked_for_in_a_header():
    address = ADAPTERS["lab"].address(CURRENT, Route(transport="ws"), "/", False)
    assert address == Address("/rpc/battlechain", (("X-Lasso-Transport", "ws"),))


@pytest.mark.parametrize(
    ("target", "words", "word", "said"),
    [
        (CURRENT, {"strategy": "cheapest"}, "strategy", "set `lab: {strategy: ...}` in its config file"),
        (OLD, {"strategy": "load-balanced"}, "strategy", "choose one of fastest, cheapest, priority, round"),
        (OLD, {"provider": "provider_a"}, "provider", "2025-10 takes no notice of a provider"),
        (OLD, {"transport": "ws"}, "transport", "2025-10 takes no notice of a transport"),
        (CURRENT, {"chain": "mainnet"}, "chain", 'the lab has no chain "mainnet": say battlechain or 999'),
        (CURRENT, {"profile": "gold"}, "profile", 'the lab has no profile "gold": say public'),
    ],
)
def test_the_lab_refuses_what_its_gateway_would_take_otherwise(target, words, word, said):
    with pytest.raises(Unaddressable) as caught:
        lab_path(target, **words)
    assert caught.value.word == word
    assert said in str(caught.value)


def test_the_gateway_understands_every_address_as_it_is_meant():
    for revision, names in STRATEGIES.items():
        assert set(names) == set(routes.ROUTED[revision])
        for name in names:
            path = lasso_address("/", "battlechain", Route(strategy=name), revision).path
            read = routes.read_route(Request("POST", path, (), b""), revision)
            assert read is not None
            assert (read.strategy, read.chain) == (routes.ROUTED[revision][name], "battlechain")
    assert set(STRATEGIES) == set(get_args(settings.Revision))
    assert settings.GatewaySettings(providers=[]).profiles[0] == PROFILE


def test_lasso_behind_a_prefix_keeps_it_and_the_query():
    route = Route(strategy="fastest")
    assert lasso_address("/lasso/?key=1", "mainnet", route, None).path == "/lasso/rpc/fastest/mainnet?key=1"


@pytest.mark.parametrize("word", ["chain", "strategy", "provider", "transport", "profile"])
def test_a_generic_target_has_no_address_for_any_word(word):
    target = target_of("generic", url="http://127.0.0.1:1/rpc")
    assert ADAPTERS["generic"].address(target, Route(), "/rpc", False) == Address("/rpc")
    with pytest.raises(Unaddressable) as caught:
        ADAPTERS["generic"].address(target, Route(**{word: "http"}), "/rpc", False)
    assert caught.value.word == word
