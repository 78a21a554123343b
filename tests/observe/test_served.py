"""Who served is counted by provider: bounded in names, the same in any split, within the line's bound."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from battlectl.observe.journal import MOST_BYTES, decode_lines, encode_in_steps, encode_line
from battlectl.observe.recorder import MOST_PROVIDERS, Recorder
from battlectl.observe.served import OTHERS, SKETCHES_GONE, UNANSWERED, Served, ServedCell, ServedRow
from battlectl.observe.sketch import MANTISSA_BITS
from battlectl.observe.tally import Delta
from tests.observe.records import CUTS, line, state, tally_of
from tests.observe.samples import lognormal

histories = st.lists(
    st.tuples(
        st.sampled_from(["reads", "writes"]),
        st.integers(0, 99).map(lambda tenth: tenth / 10),
        st.integers(0, 3_000).map(lambda ms: ms / 1000),
        st.builds(
            Served,
            st.sampled_from("abc"),
            st.sampled_from([None, 0, 1, 2, 5]),
            st.none(),
            st.sampled_from([None, 0.0, 0.010, 0.5, 2.5, 4.0]),
            st.sampled_from(["", "closed", "half_open", "ws:closed"]),
        ),
        st.booleans(),
        st.booleans(),
    ),
    max_size=25,
)
"""(workload, due, latency, who served, ok, timed)."""


def deltas_of(history, cuts=()) -> list[Delta]:
    recorder = Recorder(CUTS, 1)
    found = []
    for number, (workload, due, latency, served, is_ok, is_timed) in enumerate(history):
        if number in set(cuts):
            found.append(recorder.take())
        ended = "ok" if is_ok and is_timed else "timeout" if is_timed else "refused"
        recorder.served(workload, due, due + latency, served, [(ended, None)], None, due)
    return [*found, recorder.take()]


HISTORY = [
    ("reads", 0.0, 0.010, Served("a", 1), True, True),
    ("reads", 1.0, 0.400, Served("b", 3), True, True),
    ("reads", 3.0, 0.020, Served("b", 2), False, True),
    ("writes", 3.0, 0.030, Served("a", None), True, True),
    ("reads", 6.0, 1.000, Served(UNANSWERED), False, True),
    ("reads", 6.5, 0.000, Served(UNANSWERED), False, False),
]


def numbers(cell: ServedCell) -> tuple[int, ...]:
    return cell.requests, cell.ok, cell.told, cell.attempts, cell.extra, cell.failovers


def test_each_provider_has_its_requests_attempts_and_failovers():
    served = tally_of(deltas_of(HISTORY)).served(range(3))
    assert {provider: numbers(cell) for provider, cell in served.items()} == {
        "a": (2, 2, 1, 1, 0, 0),
        "b": (2, 1, 2, 5, 3, 2),
        UNANSWERED: (2, 0, 0, 0, 0, 0),
    }


def test_latency_is_over_the_timed_and_failover_latency_over_the_failed_over():
    served = tally_of(deltas_of(HISTORY)).served(range(3))
    assert (served["a"].latency.count, served["a"].failover_latency.count) == (2, 0)
    assert (served["b"].failover_latency.count, served["b"].failover_latency.maximum) == (2, 0.4)
    assert (served[UNANSWERED].latency.count, served[UNANSWERED].latency.maximum) == (1, 1.0)


def test_latencies_that_replies_tell_are_counted_and_held_against_the_exchange():
    history = [
        ("reads", 0.0, 0.010, Served("a", 1, None, 0.009), True, True),
        ("reads", 1.0, 0.010, Served("a", 1, None, 0.030), True, True),
        ("reads", 3.0, 0.020, Served("a", 1, None, 0.090), False, True),
        ("reads", 3.0, 0.020, Served("a", 1), True, True),
        ("reads", 4.0, 0.020, Served("a", 0, None, 9.0), True, True),  # It says that it asked nobody.
    ]
    cell = tally_of(deltas_of(history, [1])).served(range(3))["a"]
    assert (cell.upstream.count, cell.upstream.sum_ns, cell.longer) == (3, 129_000_000, 2)
    assert [round(part, 9) for part in cell.longest] == [0.09, 0.02]
    assert ServedCell.from_json(cell.to_json()).to_json() == cell.to_json()
    assert cell.coarser(SKETCHES_GONE).longer == 2


def test_a_request_whose_sending_nobody_saw_is_held_against_nothing():
    recorder = Recorder(CUTS, 1)
    recorder.served("reads", 0.0, 0.01, Served("a", 1, None, 5.0), [("ok", None)])
    assert tally_of([recorder.take()]).served(range(3))["a"].upstream.count == 0


@pytest.mark.parametrize(
    ("segments", "workload", "requests"),
    [
        (range(3), None, {"a": 2, "b": 2, UNANSWERED: 2}),
        (range(3), "writes", {"a": 1}),
        ([0], None, {"a": 1, "b": 1}),
        ([1], "reads", {"b": 1}),
        ([], None, {}),
    ],
)
def test_who_served_is_asked_of_a_stretch_and_of_a_workload(segments, workload, requests):
    served = tally_of(deltas_of(HISTORY)).served(segments, workload)
    assert {provider: cell.requests for provider, cell in served.items()} == requests


def test_each_slice_of_a_provider_is_counted():
    rows = tally_of(deltas_of(HISTORY)).provider_rows
    assert rows == {
        ("reads", "a", 0): ServedRow(1, 1, 0),
        ("reads", "b", 1): ServedRow(1, 1, 1),
        ("reads", "b", 3): ServedRow(1, 0, 1),
        ("writes", "a", 3): ServedRow(1, 1, 0),
        ("reads", UNANSWERED, 6): ServedRow(2, 0, 0),
    }


def test_where_nothing_was_told_there_is_nothing():
    assert tally_of([Delta()]).served(range(3)) == {}


def test_asking_changes_nothing():
    tally = tally_of(deltas_of(HISTORY))
    before = state(tally)
    tally.served(range(3))["a"].merge(tally.served(range(3))["b"])
    assert state(tally) == before


def test_a_target_that_makes_up_names_does_not_fill_the_memory():
    made_up = [("reads", 0.5, 0.1, Served(f"node-{n}", 1), True, True) for n in range(5_000)]
    tally = tally_of(
        deltas_of([*made_up, ("reads", 0.5, 0.1, Served("node-0", 1), True, True)], range(0, 5_000, 99))
    )
    served = tally.served(range(3))
    assert len(served) == MOST_PROVIDERS + 1
    assert served[OTHERS].requests == 5_000 - MOST_PROVIDERS
    assert served["node-0"].requests == 2
    assert sum(cell.requests for cell in served.values()) == 5_001


def test_names_of_ours_are_counted_however_many_others_there_are():
    made_up = [("reads", 0.5, 0.1, Served(f"node-{n}"), True, True) for n in range(100)]
    served = tally_of(deltas_of([*made_up, *HISTORY])).served(range(3))
    assert served[UNANSWERED].requests == 2


@settings(deadline=None)
@given(histories, st.sets(st.integers(0, 40)), st.randoms())
def test_the_fold_of_any_split_in_any_order_is_the_whole(history, cuts, random):
    deltas = deltas_of(history, cuts)
    random.shuffle(deltas)
    assert state(tally_of(deltas)) == state(tally_of(deltas_of(history)))


@settings(deadline=None)
@given(histories, st.sets(st.integers(0, 40)))
def test_what_is_rebuilt_from_the_lines_is_what_was_counted(history, cuts):
    data = b"".join(encode_line(line(delta)) for delta in deltas_of(history, cuts))
    assert state(tally_of(back.delta for back in decode_lines(data))) == state(tally_of(deltas_of(history)))


@settings(deadline=None)
@given(histories)
def test_every_request_is_counted_once_in_cells_and_once_in_slices(history):
    tally = tally_of(deltas_of(history))
    assert sum(cell.requests for cell in tally.served(range(3)).values()) == len(history)
    assert sum(row.requests for row in tally.provider_rows.values()) == len(history)
    assert sum(row.failovers for row in tally.provider_rows.values()) == sum(
        cell.failovers for cell in tally.served(range(3)).values()
    )


def busy(providers: int, each: int, workloads: int = 1, slices: int = 2, labels: int = 1) -> Delta:
    """One second in which each provider served so many requests of each workload, a fifth failed over."""
    recorder = Recorder(CUTS, 1)
    latencies = iter(lognormal(providers * each * workloads))
    for workload in range(workloads):
        for number in range(providers * each):
            name, due, latency = f"workload-{workload}", number // providers % slices + 0.5, next(latencies)
            served = Served(f"provider-number-{number % providers}", 1 + (number % 5 == 0))
            recorder.served(name, due, due + latency, served, [("ok" if number % 3 else "wrong", None)])
            recorder.end(name, f"label_{number % labels}", number, due, due + latency, "ok", None)
    return recorder.take()


BUSY = {
    "three providers": busy(3, 60),
    "twenty providers": busy(20, 150, labels=2),
    "a whole alphabet": busy(26, 60, slices=4, labels=8),
    "in many workloads": busy(40, 9, workloads=12, slices=9, labels=3),
    "more than can be": busy(60, 3, workloads=30, slices=9),
}
TOO_MANY = ("in many workloads", "more than can be")


def stepped(sent) -> bytes:
    steps = encode_in_steps(sent)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def decoded(sent):
    (back,) = decode_lines(encode_line(sent))
    return back


@pytest.mark.parametrize("kind", BUSY)
def test_no_line_is_longer_than_the_bound_and_steps_give_the_same_bytes(kind):
    data = encode_line(line(BUSY[kind]))
    assert len(data) <= MOST_BYTES
    assert stepped(line(BUSY[kind])) == data


@pytest.mark.parametrize("kind", BUSY)
def test_counts_are_exact_however_coarse_the_line(kind):
    sent, back = tally_of([BUSY[kind]]), tally_of([decoded(line(BUSY[kind])).delta])
    for segment in range(3):
        assert total(back, segment) == total(sent, segment)
    if kind not in TOO_MANY:
        assert {p: numbers(c) for p, c in back.served(range(3)).items()} == {
            p: numbers(c) for p, c in sent.served(range(3)).items()
        }


def total(tally, segment):
    return [sum(column) for column in zip(*map(numbers, tally.served([segment]).values()), strict=True)]


@pytest.mark.parametrize("kind", TOO_MANY)
def test_when_even_the_names_do_not_fit_providers_are_counted_together(kind):
    back = decoded(line(BUSY[kind])).delta
    assert {key.provider for key in back.served} == {OTHERS}


def test_the_sketches_of_who_served_are_coarsened_before_any_other():
    back = decoded(line(BUSY["twenty providers"]))
    sent = tally_of([BUSY["twenty providers"]])
    assert back.coarse == 0
    assert tally_of([back.delta]).cell(range(3)).latency == sent.cell(range(3)).latency
    assert {cell.coarse for cell in back.delta.served.values()} <= {3, 5, MANTISSA_BITS}
    for provider, cell in tally_of([back.delta]).served(range(3)).items():
        fine = sent.served(range(3))[provider]
        assert cell.latency.sum_ns == fine.latency.sum_ns
        assert cell.failover_latency.count == fine.failovers


def test_a_cell_says_what_its_sketches_lost():
    fine, coarse, gone = (
        tally_of([decoded(line(BUSY[kind])).delta]).served(range(3)) for kind in list(BUSY)[:3]
    )
    assert {cell.coarse for cell in fine.values()} == {0}
    assert all(0 < cell.coarse < SKETCHES_GONE for cell in coarse.values())
    assert {(cell.coarse, cell.latency.count) for cell in gone.values()} == {(SKETCHES_GONE, 0)}


def test_a_line_from_before_this_was_counted_is_still_read():
    stored = msgspec.json.decode(encode_line(line(deltas_of(HISTORY)[0])))
    del stored["served"]
    (back,) = decode_lines(msgspec.json.encode(stored) + b"\n")
    assert back.delta.served == {}


def test_a_line_of_a_target_that_tells_nothing_is_as_it_was_before():
    assert b"served" not in encode_line(line(Delta()))
