"""The WebSocket session: what each frame means, one literal exchange after the other."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from battlectl.jsonrpc.session import OWN_IDS, Session
from battlectl.jsonrpc.session_early import MOST_EARLY
from battlectl.jsonrpc.session_events import (
    Answered,
    Ended,
    Malformed,
    Metadata,
    Notified,
    Refused,
    Stray,
    Subscribed,
    Trailing,
    Unrouted,
    Unsubscribed,
)
from tests.jsonrpc.replies import error, item, result


def told(id_: Any, value: Any = 1, **more: Any) -> str:
    """A notification."""
    params = {"subscription": id_, "result": value}
    return json.dumps({"jsonrpc": "2.0", "method": "eth_subscription", "params": params, **more})


def grant(id_: int, subscription: Any) -> str:
    """The answer that grants a subscription."""
    return result(json.dumps(subscription), str(id_))


def subscribed(*granted: tuple[str, Any], session: Session | None = None) -> Session:
    """A session whose streams have these subscription ids."""
    session = session or Session()
    for stream, subscription in granted:
        id_, _ = session.subscribe(stream, "newHeads", [], 9.0)
        session.receive(0.0, grant(id_, subscription))
    return session


# Subscriptions.


def test_to_subscribe_is_to_send_a_call_and_to_wait_for_an_id():
    session = Session()
    id_, text = session.subscribe("heads", "newHeads", [], 5.0)
    assert json.loads(text) == {
        "jsonrpc": "2.0",
        "id": OWN_IDS,
        "method": "eth_subscribe",
        "params": ["newHeads"],
    }
    assert session.receive(1.0, grant(id_, "8d57465a1b4198b6")) == (
        Subscribed("heads", "8d57465a1b4198b6", 1.0, False),
    )
    assert session.receive(2.0, told("8d57465a1b4198b6", {"number": "0x1"})) == (
        Notified("heads", "newHeads", {"number": "0x1"}, 2.0),
    )


def test_params_of_a_subscription_are_sent_after_its_kind():
    _, text = Session().subscribe("logs", "logs", [{"address": "0xab"}], 5.0)
    assert json.loads(text)["params"] == ["logs", {"address": "0xab"}]


@pytest.mark.parametrize(
    ("granted", "told_as"),
    [
        ("0x9c", "0x9c"),
        ("0x9c", "9c"),
        ("9c", "0x9c"),
        ("0x9C", "0x9c"),
        ("0x09c", "0x9c"),
        (7, 7),
        (0, 0),
        ("abc-def", "abc-def"),
        (156, "0x9c"),
    ],
)
def test_an_id_is_known_with_and_without_0x_as_text_and_as_number(granted, told_as):
    session = subscribed(("heads", granted))
    assert session.receive(1.0, told(told_as)) == (Notified("heads", "newHeads", 1, 1.0),)


def test_two_subscriptions_are_never_mixed():
    session = subscribed(("one", "0x10"), ("two", "10"), ("three", 10), ("four", "0xaa"))
    for id_, stream in (("0x10", "one"), ("10", "two"), (10, "three"), ("0xaa", "four"), ("AA", "four")):
        assert session.receive(1.0, told(id_)) == (Notified(stream, "newHeads", 1, 1.0),)
    for doubtful in ("0x010", 16):
        assert session.receive(1.0, told(doubtful)) == (Unrouted("eth_subscription", doubtful, 1.0),)


def test_a_refusal_carries_what_was_said():
    session = Session()
    id_, _ = session.subscribe("heads", "newHeads", [], 5.0)
    (event,) = session.receive(1.0, error("-32602", str(id_)))
    assert isinstance(event, Refused)
    assert (event.stream, event.outcome, event.error) == (
        "heads",
        "rpc_error(-32602)",
        {"code": -32602, "message": "no"},
    )
    assert session.subscribe("heads", "newHeads", [], 5.0)[0] == id_ + 1


@pytest.mark.parametrize("value", [None, True, {}, [], 1.5, "", -1])
def test_a_grant_without_an_id_is_none(value):
    session = Session()
    id_, _ = session.subscribe("heads", "newHeads", [], 5.0)
    (event,) = session.receive(1.0, grant(id_, value))
    assert (type(event), event.outcome) == (Refused, "malformed")


def test_a_grant_of_another_stream_s_id_is_refused_and_the_first_keeps_it():
    session = subscribed(("one", "0x1"))
    id_, _ = session.subscribe("two", "newHeads", [], 5.0)
    (event,) = session.receive(1.0, grant(id_, "0x1"))
    assert (type(event), event.stream, event.outcome) == (Refused, "two", "malformed")
    assert session.receive(1.0, told("0x1")) == (Notified("one", "newHeads", 1, 1.0),)


def test_a_stream_cannot_be_subscribed_twice_at_a_time():
    session = Session()
    session.subscribe("heads", "newHeads", [], 5.0)
    with pytest.raises(ValueError, match="subscribed already"):
        session.subscribe("heads", "newHeads", [], 5.0)
    with pytest.raises(ValueError, match="subscribed already"):
        subscribed(("heads", "0x1")).subscribe("heads", "newHeads", [], 5.0)


# Before the grant.


def test_what_comes_before_the_grant_is_delivered_after_it_with_its_own_time():
    session = Session()
    id_, _ = session.subscribe("heads", "newHeads", [], 5.0)
    assert session.receive(1.0, told("0x1", "a")) == ()
    assert session.receive(1.1, told("0x1", "b")) == ()
    assert session.receive(1.2, grant(id_, "0x1")) == (
        Subscribed("heads", "0x1", 1.2, False),
        Notified("heads", "newHeads", "a", 1.0),
        Notified("heads", "newHeads", "b", 1.1),
    )


def test_what_comes_early_goes_to_its_own_stream():
    session = Session()
    one, _ = session.subscribe("one", "newHeads", [], 5.0)
    two, _ = session.subscribe("two", "logs", [{}], 5.0)
    session.receive(1.0, told("0x2", "for two"))
    session.receive(1.0, told("1", "for one"))
    session.receive(1.0, told("0x3", "for nobody"))
    assert session.receive(1.1, grant(two, "0x2"))[1:] == (Notified("two", "logs", "for two", 1.0),)
    assert session.receive(1.2, grant(one, "0x1"))[1:] == (
        Notified("one", "newHeads", "for one", 1.0),
        Unrouted("eth_subscription", "0x3", 1.0),
    )


def test_early_notifications_of_two_spellings_are_not_guessed():
    session = Session()
    id_, _ = session.subscribe("heads", "newHeads", [], 5.0)
    session.receive(1.0, told("0x1"))
    session.receive(1.0, told("01"))
    events = session.receive(1.1, grant(id_, "1"))
    assert [type(event) for event in events] == [Subscribed, Unrouted, Unrouted]


@pytest.mark.parametrize(("number", "size"), [(10 * MOST_EARLY, 10), (20, 300_000)])
def test_early_notifications_are_bounded_in_number_and_in_bytes(number, size):
    session = Session()
    id_, _ = session.subscribe("heads", "newHeads", [], 5.0)
    kept = [session.receive(1.0, told("0x1", "x" * size)) for _ in range(number)].count(())
    assert kept == (MOST_EARLY if size == 10 else 3)
    events = session.receive(1.1, grant(id_, "0x1"))
    assert sum(isinstance(event, Notified) for event in events) == kept


def test_without_a_subscription_to_come_a_notification_is_unrouted_at_once():
    assert Session().receive(1.0, told("0x1")) == (Unrouted("eth_subscription", "0x1", 1.0),)


# Leaving.


def test_what_comes_between_leaving_and_its_answer_is_no_fault_and_after_it_is_one():
    session = subscribed(("heads", "0x1"))
    id_, text = session.unsubscribe("heads", 5.0)
    assert json.loads(text)["params"] == ["0x1"]
    assert session.receive(1.0, told("0x1")) == (Trailing("heads", 1.0),)
    assert session.receive(1.1, result("true", str(id_))) == (Unsubscribed("heads", "ok", True, 1.1),)
    assert session.receive(1.2, told("0x1")) == (Trailing("heads", 1.2),)


@pytest.mark.parametrize(
    ("answer", "label", "was_known"),
    [
        ("false", "ok", False),
        ("null", "ok", False),
    ],
)
def test_to_leave_what_the_server_does_not_know(answer, label, was_known):
    session = subscribed(("heads", "0x1"))
    id_, _ = session.unsubscribe("heads", 5.0)
    assert session.receive(1.0, result(answer, str(id_))) == (Unsubscribed("heads", label, was_known, 1.0),)


def test_a_stream_that_was_left_can_be_subscribed_again_under_the_same_id():
    session = subscribed(("heads", "0x1"))
    session.unsubscribe("heads", 5.0)
    id_, _ = session.subscribe("heads", "newHeads", [], 5.0)
    assert session.receive(1.0, grant(id_, "0x1")) == (Subscribed("heads", "0x1", 1.0, True),)
    assert session.receive(1.1, told("0x1")) == (Notified("heads", "newHeads", 1, 1.1),)


def test_only_what_is_subscribed_can_be_left():
    session = Session()
    session.subscribe("heads", "newHeads", [], 5.0)
    with pytest.raises(ValueError, match="no subscription"):
        session.unsubscribe("heads", 5.0)


# Calls.


def test_many_calls_in_flight_are_answered_in_any_order():
    session = Session()
    for id_ in range(1, 101):
        session.call(id_, [item()], False, 9.0)
    for id_ in (50, 1, 100):
        assert session.receive(1.0, result(id_=str(id_))) == (Answered(id_, (("ok", None),), 1.0),)
    assert session.in_flight == 97


@pytest.mark.parametrize(
    ("reply", "label"),
    [
        (result(), "ok"),
        (error("-32000"), "rpc_error(-32000)"),
        (error("1.5"), "malformed"),
        (result(id_='"7"'), "malformed"),
        (result(id_='"0x7"'), "malformed"),
        (result(id_="7.0"), "malformed"),
        ('{"id":7,"result":1}', "malformed"),
        ('{"jsonrpc":"2.0","id":7}', "malformed"),
        ('{"jsonrpc":"2.0","id":7,"result":1,"error":{"code":1,"message":""}}', "malformed"),
    ],
)
def test_an_answer_is_judged_as_strictly_as_over_http(reply, label):
    session = Session()
    session.call(7, [item()], False, 9.0)
    (event,) = session.receive(1.0, reply)
    assert isinstance(event, Answered)
    assert event.judged[0][0] == label
    assert "status" not in (event.judged[0][1] or "")


def test_what_is_expected_of_an_answer_is_judged():
    session = Session()
    session.call(7, [item(kind="quantity")], False, 9.0)
    (event,) = session.receive(1.0, result('"nonsense"'))
    assert event.judged[0][0] == "wrong"


def test_text_and_bytes_mean_the_same():
    for reply in (result(), result().encode()):
        session = Session()
        session.call(7, [item()], False, 9.0)
        assert session.receive(1.0, reply) == (Answered(7, (("ok", None),), 1.0),)


def test_a_batch_is_answered_by_an_array():
    session = Session()
    session.call(7, [item(), item()], True, 9.0)
    reply = f"[{result(id_='8')},{error('-32005', '7')}]"
    (event,) = session.receive(1.0, reply)
    assert (event.first_id, [label for label, _ in event.judged]) == (7, ["rpc_error(-32005)", "ok"])


def test_an_array_to_no_batch_is_malformed():
    session = Session()
    session.call(7, [item()], False, 9.0)
    (event,) = session.receive(1.0, f"[{result()}]")
    assert (type(event), event.why) == (Malformed, "an array to no batch")
    assert session.in_flight == 1


def test_an_id_is_in_flight_once():
    session = Session()
    session.call(7, [item(), item()], True, 9.0)
    with pytest.raises(ValueError, match="in flight"):
        session.call(8, [item()], False, 9.0)


def test_calls_and_subscriptions_share_a_socket_and_no_id():
    session = Session()
    session.call(1, [item()], False, 9.0)
    id_, _ = session.subscribe("heads", "newHeads", [], 9.0)
    assert [type(event) for event in session.receive(1.0, grant(id_, "0x1"))] == [Subscribed]
    assert [type(event) for event in session.receive(1.0, result(id_="1"))] == [Answered]


# Strays.


@pytest.mark.parametrize(
    "id_", ["9", '"abc"', "true", "1e99", "[7]", '{"a":1}', "123456789012345678901234567890"]
)
def test_an_answer_to_nothing_is_a_stray(id_):
    session = Session()
    session.call(7, [item()], False, 9.0)
    (event,) = session.receive(1.0, result(id_=id_))
    assert (type(event), event.why) == (Stray, "never sent")
    assert session.in_flight == 1


def test_a_second_answer_is_told_from_a_late_one():
    session = Session()
    session.call(7, [item()], False, 2.0)
    session.call(8, [item()], False, 2.0)
    session.receive(1.0, result())
    assert session.receive(1.1, result()) == (Stray("answered twice", 7, 1.1),)
    session.expire(2.0)
    assert session.receive(2.1, result(id_="8")) == (Stray("late", 8, 2.1),)


def test_strays_and_garbage_are_kept_as_counts_with_the_first_example():
    session = Session()
    for n in range(10_000):
        session.receive(float(n), result(id_=str(n)))
        session.receive(float(n), f"garbage {n}")
    (count, first), (garbage, shown) = (
        session.oddities.strays["never sent"],
        session.oddities.malformed["not JSON"],
    )
    assert (count, first, garbage, shown.seen) == (10_000, Stray("never sent", 0, 0.0), 10_000, "garbage 0")


# Frames that are none.


@pytest.mark.parametrize(
    ("frame", "why"),
    [
        ("{bad", "not JSON"),
        ("", "not JSON"),
        ("\ufeff{}", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b'{"id":"\xff"}', "not JSON"),
        ("[" * 5_000 + "]" * 5_000, "not JSON"),
        ('{"a":NaN}', "not JSON"),
        ("7", "no object"),
        ("null", "no object"),
        ('"text"', "no object"),
        ("[]", "an array to no batch"),
        ("{}", "neither method nor id"),
        ('{"jsonrpc":"2.0","result":1}', "neither method nor id"),
        ('{"jsonrpc":"2.0","error":{"code":1,"message":""}}', "neither method nor id"),
        (error("-32700", "null"), "an error without an id"),
        (result(id_="null"), "an answer without an id"),
        (told("0x1", id=4), "a request from the server"),
        (told("0x1", jsonrpc="1.0"), "the version is not 2.0"),
        (told(None), "a notification without subscription and result"),
        (told(True), "a notification without subscription and result"),
        (told([1]), "a notification without subscription and result"),
        ('{"jsonrpc":"2.0","method":"eth_subscription"}', "a notification without subscription and result"),
        (
            '{"jsonrpc":"2.0","method":"eth_subscription","params":{"subscription":"0x1"}}',
            "a notification without subscription and result",
        ),
        (
            '{"jsonrpc":"2.0","method":"eth_subscription","params":["0x1"]}',
            "a notification without subscription and result",
        ),
    ],
)
def test_malformed(frame, why):
    session = subscribed(("heads", "0x1"))
    session.call(7, [item()], False, 9.0)
    (event,) = session.receive(1.0, frame)
    assert (type(event), event.why) == (Malformed, why)
    assert len(event.seen) <= 170
    assert session.in_flight == 1


def test_other_methods_are_unrouted():
    frame = '{"jsonrpc":"2.0","method":"eth_other","params":{}}'
    assert Session().receive(1.0, frame) == (Unrouted("eth_other", None, 1.0),)


def test_metadata_says_after_which_answer_it_came():
    session = Session()
    frame = '{"jsonrpc":"2.0","method":"lasso_meta","params":{"selected_provider":{"id":"a"}}}'
    params = {"selected_provider": {"id": "a"}}
    assert session.receive(1.0, frame) == (Metadata(params, None, 1.0),)
    session.call(3, [item()], False, 9.0)
    session.receive(1.0, result(id_="3"))
    assert session.receive(1.1, frame) == (Metadata(params, 3, 1.1),)


# Deadlines and ends.


def test_what_is_not_answered_in_time_is_a_timeout():
    session = Session()
    session.call(1, [item(), item()], True, 3.0)
    session.call(3, [item()], False, 1.0)
    session.subscribe("heads", "newHeads", [], 2.0)
    assert session.next_deadline == 1.0
    assert session.expire(0.9) == ()
    (first,) = session.expire(1.0)
    assert (first.first_id, first.judged[0][0]) == (3, "timeout")
    refused, answered = session.expire(5.0)
    assert (refused.stream, refused.outcome) == ("heads", "timeout")
    assert [label for label, _ in answered.judged] == ["timeout", "timeout"]
    assert (session.next_deadline, session.in_flight) == (None, 0)


def test_an_answer_in_time_leaves_no_deadline():
    session = Session()
    session.call(1, [item()], False, 3.0)
    session.receive(1.0, result(id_="1"))
    assert (session.next_deadline, session.expire(9.0)) == (None, ())


@pytest.mark.parametrize(
    ("code", "how"),
    [
        (1000, "close code"),
        (1011, "close code"),
        (None, "without code"),
        (1005, "without code"),
        (1006, "without code"),
    ],
)
def test_the_end_of_a_connection_ends_all_that_was_on_it(code, how):
    session = subscribed(("heads", "0x1"), ("logs", "0x2"))
    session.call(1, [item()], False, 9.0)
    session.subscribe("late", "newHeads", [], 9.0)
    session.receive(0.5, told("0x9"))
    events = session.closed(1.0, code, "going away")
    assert [type(event) for event in events] == [Answered, Refused, Unrouted, Ended]
    assert (events[0].judged[0][0], events[1].outcome) == ("closed", "closed")
    assert events[-1] == Ended(how, code, "going away", ("heads", "logs"), 1.0)


def test_a_connection_that_the_client_gives_up_ended_silently():
    session = subscribed(("heads", "0x1"))
    assert session.found_dead(1.0, "no pong") == (Ended("silent", None, "no pong", ("heads",), 1.0),)


def test_on_a_new_connection_a_stream_goes_on_under_a_new_id():
    session = subscribed(("heads", "0x1"))
    session.closed(1.0, 1006)
    with pytest.raises(ValueError, match="closed"):
        session.subscribe("heads", "newHeads", [], 5.0)
    session.reopened()
    id_, text = session.subscribe("heads", "newHeads", [], 5.0)
    assert json.loads(text)["params"] == ["newHeads"]
    assert session.receive(2.0, told("0x1")) == ()  # It may turn out to be the new id.
    assert session.receive(2.1, grant(id_, "0x2")) == (
        Subscribed("heads", "0x2", 2.1, True),
        Unrouted("eth_subscription", "0x1", 2.0),
    )
    assert session.receive(2.2, told("0x2")) == (Notified("heads", "newHeads", 1, 2.2),)


def test_an_answer_of_the_old_connection_is_a_stray_on_the_new():
    session = Session()
    session.call(7, [item()], False, 9.0)
    session.closed(1.0, None)
    session.reopened()
    assert session.receive(2.0, result()) == (Stray("never sent", 7, 2.0),)


def test_a_connection_ends_once():
    session = Session()
    session.closed(1.0, 1000)
    with pytest.raises(ValueError, match="closed"):
        session.closed(1.1, 1000)
    session.reopened()
    with pytest.raises(ValueError, match="open"):
        session.reopened()


# Properties.

frames = st.one_of(
    st.text(max_size=30),
    st.binary(max_size=30),
    st.builds(result, st.just("1"), st.integers(-2, 12).map(str)),
    st.builds(told, st.one_of(st.sampled_from(["0x1", "1", "0x2", 1, 2, None]), st.integers(0, 3))),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["id", "jsonrpc", "method", "params", "result", "error"]), inner
            )
        ),
        max_leaves=6,
    ).map(json.dumps),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(frames, max_size=30))
def test_whatever_comes_every_call_ends_exactly_once_and_nothing_is_raised(sent):
    session = subscribed(("heads", "0x1"))
    for id_ in range(1, 11):
        session.call(id_, [item()], False, 9.0)
    session.subscribe("more", "newHeads", [], 9.0)
    events = [event for frame in sent for event in session.receive(1.0, frame)]
    events += session.expire(9.0)
    events += session.closed(10.0, None)
    ended = [event.first_id for event in events if isinstance(event, Answered)]
    assert sorted(ended) == list(range(1, 11))
    assert sum(isinstance(event, Subscribed | Refused) for event in events) == 1
    assert sum(isinstance(event, Ended) for event in events) == 1


@settings(max_examples=100, deadline=None)
@given(st.permutations(range(12)), st.lists(st.integers(0, 3), max_size=20))
def test_each_stream_gets_its_own_in_order_whenever_the_grants_come(order, said):
    session = Session()
    ids = [session.subscribe(f"s{n}", "newHeads", [], 9.0)[0] for n in range(4)]
    events: list[Any] = []
    frames = [(place, told(f"0x{n}", [n, place])) for place, n in enumerate(said)]
    grants = [(order[n], grant(id_, f"0x{n}")) for n, id_ in enumerate(ids)]
    for t, frame in sorted([*frames, *grants], key=lambda one: one[0]):
        events += session.receive(float(t), frame)
    for n in range(4):
        got = [event.result for event in events if isinstance(event, Notified) and event.stream == f"s{n}"]
        assert got == [[n, place] for place, to in enumerate(said) if to == n]
