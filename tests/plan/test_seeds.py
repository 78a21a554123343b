"""Chance is a seed: the same one gives the same plan byte for byte, and workloads keep to their own."""

from __future__ import annotations

from collections import Counter
from itertools import islice

import pytest

from battlectl.plan.build import Plan
from battlectl.plan.workload import arrivals_digest
from tests.plan.plans import plan_of, workload_of

CALLS = [
    {"method": "a", "params": [{"$random": [0, 10**9]}], "weight": 4},
    {"method": "b", "params": [{"$feed": "words"}], "weight": 3},
    {"batch": ["c", {"method": "d", "params": [{"$random": [0, 99]}]}], "weight": 2.5},
    {"method": "e", "weight": 0.5},
]
WORDS = {"words": ["one", "two", "three"]}
READS = {"rate": {"poisson": "200/s"}, "calls": CALLS}
USERS = {"rate": {"users": 3}, "calls": CALLS}
WRITES = {"rate": "50/s", "calls": ["f"]}


def plan(load, seed: int = 7) -> Plan:
    return plan_of(feeds=WORDS, load=load, seed=seed)


def arrivals(plan: Plan, name: str = "reads") -> list[str]:
    """Every arrival of a workload, as text; ids from 0."""
    workload = next(w for w in plan.workloads if w.name == name)
    base = 10**12 * workload.index
    return [repr((a.number, a.due, a.request, a.first_id - base, a.draws)) for a in workload.arrivals()]


def user(plan: Plan, number: int, count: int = 300) -> list[str]:
    return [repr(a) for a in islice(plan.workloads[0].arrivals_of_user(number), count)]


def test_the_same_seed_gives_the_same_arrivals_byte_for_byte():
    assert arrivals(plan({"reads": READS})) == arrivals(plan({"reads": READS}))
    assert plan({"reads": READS}).frame == plan({"reads": READS}).frame


def test_another_seed_gives_others():
    one, other = arrivals(plan({"reads": READS})), arrivals(plan({"reads": READS}, seed=8))
    assert one[:10] != other[:10]
    assert arrivals_digest(plan({"reads": READS}).workloads[0]) != arrivals_digest(
        plan({"reads": READS}, seed=8).workloads[0]
    )


@pytest.mark.parametrize(
    "load",
    [
        {"reads": READS, "writes": WRITES},
        {"writes": WRITES, "reads": READS},
        {"writes": {**WRITES, "rate": {"poisson": "900/s"}}, "reads": READS, "users": USERS},
    ],
)
def test_adding_or_changing_another_workload_does_not_change_one(load):
    alone = plan({"reads": READS})
    among = plan(load)
    assert arrivals(among) == arrivals(alone)
    digests = {w.name: arrivals_digest(w) for w in among.workloads}
    assert digests["reads"] == arrivals_digest(alone.workloads[0])


def test_the_digest_sees_a_change_of_one_call():
    other = {**READS, "calls": [*CALLS[:3], {**CALLS[3], "weight": 0.6}]}
    assert arrivals_digest(plan({"reads": READS}).workloads[0]) != arrivals_digest(
        plan({"reads": other}).workloads[0]
    )


def test_users_draw_apart_and_the_same_each_time():
    users = plan({"reads": USERS})
    assert user(users, 0) == user(plan({"reads": USERS}), 0)
    mixes = [[a.request for a in islice(users.workloads[0].arrivals_of_user(u), 300)] for u in range(3)]
    assert mixes[0] != mixes[1] != mixes[2] != mixes[0]


def test_ids_are_unique_across_items_workloads_and_users():
    whole = plan({"reads": READS, "writes": WRITES, "users": USERS})
    ids = Counter()
    for workload in whole.workloads:
        streams = (
            [workload.arrivals()]
            if workload.name != "users"
            else [islice(workload.arrivals_of_user(u), 1_000) for u in range(3)]
        )
        for arrival in (a for stream in streams for a in stream):
            size = len(workload.requests[arrival.request].items)
            ids.update(range(arrival.first_id, arrival.first_id + size))
    assert len(ids) > 5_000
    assert set(ids.values()) == {1}


def test_ids_stay_whole_numbers_for_readers_that_have_doubles_only():
    load = {f"w{i}": WRITES for i in range(50)} | {"z": {"rate": {"users": 10_000}, "calls": ["f"]}}
    last = plan(load).workloads[-1]
    assert next(last.arrivals_of_user(9_999)).first_id < 2**53


def test_weights_are_honoured():
    """Chi-square of 20,000 draws over four calls, at 99.9 % confidence (3 degrees of freedom: 16.27)."""
    workload = workload_of("2000/s", calls=CALLS, feeds=WORDS)
    drawn = Counter(arrival.request for arrival in workload.arrivals())
    expected = {0: 8_000, 1: 6_000, 2: 5_000, 3: 1_000}
    assert sum((drawn[i] - n) ** 2 / n for i, n in expected.items()) < 16.27


def test_a_single_call_is_always_drawn():
    assert {a.request for a in workload_of(calls=["a"]).arrivals()} == {0}
