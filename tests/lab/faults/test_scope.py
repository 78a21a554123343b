"""Which requests, connections and events a fault is meant for, and what it counts."""

from __future__ import annotations

import pytest

from battlectl.lab.faults.scope import (
    count_hit,
    count_strike,
    forget_connection,
    means_connection,
    means_event,
    means_message,
    means_method,
)
from tests.lab.faults.scripted import batch, call, fault_of, message


def struck(fault, *messages):
    return [means_message(fault, item) for item in messages]


def test_methods_choose_messages_and_calls_within_them():
    fault = fault_of("rpc_error", methods=["eth_call"])
    both = message(call("eth_call", id_=1), call("eth_chainId", id_=2))
    assert struck(fault, both, message(call("eth_chainId"))) == [True, False]
    assert means_method(fault, "eth_call")
    assert not means_method(fault, "eth_chainId")


@pytest.mark.parametrize(
    ("transport", "expected"), [("http", [True, False]), ("ws", [False, True]), ("both", [True, True])]
)
def test_transport_chooses(transport, expected):
    fault = fault_of("hang", transport=transport)
    assert struck(fault, message(call()), message(call(), transport="ws")) == expected


def test_a_fault_of_http_answers_leaves_websockets_alone():
    assert struck(fault_of("http_5xx"), message(call()), message(call(), transport="ws")) == [True, False]


@pytest.mark.parametrize(
    ("connections", "expected"), [("existing", [True, False]), ("new", [False, True]), ("all", [True, True])]
)
def test_connections_choose_by_when_they_were_opened(connections, expected):
    fault = fault_of("hang", born_after=3, connections=connections)
    assert struck(fault, message(call(), connection=3), message(call(), connection=4)) == expected


def test_a_fault_of_batches_leaves_single_requests_alone():
    assert struck(fault_of("batch_partial"), message(call()), batch(2)) == [False, True]


def test_chance_is_drawn_from_the_seed_for_each_request():
    first, again, other = (
        struck(fault_of("rpc_error", probability=0.5, seed=seed), *[message(call())] * 200)
        for seed in (7, 7, 8)
    )
    assert first == again != other
    assert 60 < sum(first) < 140


def test_what_has_no_hook_for_messages_means_none():
    stall, refuse, close = fault_of("ws_stall"), fault_of("ws_refuse"), fault_of("ws_close")
    for fault in (stall, refuse, close, fault_of("kill")):
        assert struck(fault, message(call()), message(call(), transport="ws")) == [False, False]


def test_a_fault_without_hooks_means_everything():
    fault = fault_of("rpc_noop")
    assert struck(fault, message(call()), message(call(), transport="ws")) == [True, True]
    assert means_event(fault, 1)


def test_to_be_meant_is_not_to_be_hit():
    fault = fault_of("hang")
    assert struck(fault, message(call())) == [True]
    assert means_connection(fault, 1)
    assert fault.hits == 0


def test_faults_of_requests_count_requests_and_those_of_sockets_count_sockets():
    hang, stall = fault_of("hang"), fault_of("ws_stall")
    for fault in (hang, stall):
        for connection in (1, 1, 2):
            count_hit(fault, connection)
    assert (hang.hits, stall.hits) == (3, 2)


def test_a_connection_that_is_struck_counts_once_and_is_forgotten_when_it_is_over():
    fault = fault_of("reset", idle_ms=5)
    for _ in range(3):
        assert means_connection(fault, 7)
        count_strike(fault, 7)
    assert (fault.hits, fault.drawn, fault.struck) == (1, {7: True}, {7})
    forget_connection(fault, 7)
    assert (fault.hits, fault.drawn, fault.struck) == (1, {}, set())


def test_faults_of_messages_touch_no_events():
    assert not means_event(fault_of("rpc_error"), 1)


def test_single_events_are_drawn_each_and_websockets_once():
    skip = fault_of("ws_skip", probability=0.5, seed=1)
    drawn = [means_event(skip, 1) for _ in range(200)]
    assert 60 < sum(drawn) < 140
    stall = fault_of("ws_stall", probability=0.5, seed=1)
    of_sockets = [{means_event(stall, number) for _ in range(20)} for number in range(40)]
    assert all(len(answers) == 1 for answers in of_sockets)
    assert {True} in of_sockets
    assert {False} in of_sockets
    assert stall.hits == skip.hits == 0


def test_subscriptions_are_refused_to_whole_websockets_and_calls_never():
    fault = fault_of("sub_lost", probability=0.5, seed=1)
    for number in range(20):
        meant = means_connection(fault, number)
        subscribe = message(call("eth_subscribe", "newHeads"), transport="ws", connection=number)
        assert struck(fault, *[subscribe] * 3) == [meant] * 3
        assert struck(fault, message(call(), transport="ws", connection=number)) == [False]


def test_an_effect_can_ask_which_connections_are_meant():
    fault = fault_of("kill", born_after=2, connections="existing")
    assert [fault.effect.strikes(number) for number in (1, 2, 3)] == [True, True, False]
    assert fault.hits == 2
