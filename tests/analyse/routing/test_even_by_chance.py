"""The tests of even shares: no false alarm in a thousand runs, whatever makes them uneven by chance, and a
parting of 60/40 that was meant to be 50/50 is caught within 2,000 requests.

Whole runs are simulated, each with all its tests, and the odds of a run are shared among these.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from battlectl.analyse.routing.claim import Claim, rule_on
from battlectl.analyse.routing.sample import Part, is_above, is_below, share_of, stickiness
from battlectl.analyse.routing.served import Second
from battlectl.analyse.routing.verdicts import ODDS

THREE = ("a", "b", "c")
RUNS = 1_000
REUSED = 25  # requests on one connection, as in `targets.clients`
Served = Sequence[tuple[int, str]]
"""(connection, provider) of each request, in order."""
Draw = Callable[[Random, int], Served]


def on_one_after_another(providers: Sequence[str]) -> Served:
    """The pool takes the connection that was free last: one carries all, until it is closed."""
    return [(number // REUSED, provider) for number, provider in enumerate(providers)]


def by_chance(random: Random, count: int) -> Served:
    return on_one_after_another(random.choices(THREE, k=count))


def in_turn(random: Random, count: int) -> Served:
    start = random.randrange(3)
    return on_one_after_another([THREE[(start + number) % 3] for number in range(count)])


def in_bursts(random: Random, count: int) -> Served:
    """What comes together goes together, 1 to 40 requests at a time."""
    served: list[str] = []
    while len(served) < count:
        served += random.choice(THREE) * random.randint(1, 40)
    return on_one_after_another(served[:count])


def by_connection(random: Random, count: int) -> Served:
    """Of eight at a time, each stays with its provider for as long as it lives."""
    lines = [(number, random.choice(THREE)) for number in range(8)]
    left, served = [random.randint(1, REUSED) for _ in lines], []
    for _ in range(count):
        place = random.randrange(8)
        served.append(lines[place])
        left[place] -= 1
        if not left[place]:
            lines[place], left[place] = (len(served) + 8, random.choice(THREE)), REUSED
    return served


def by_session(random: Random, count: int) -> Served:
    """Of eight connections, each moves to another provider after about 30 requests, and lives for ever."""
    held, served = random.choices(THREE, k=8), []
    for _ in range(count):
        place = random.randrange(8)
        held[place] = random.choice(THREE) if random.random() < 1 / 30 else held[place]
        served.append((place, held[place]))
    return served


def choice_of(served: Served) -> float:
    """As the recorder counts it."""
    last: dict[int, str] = {}
    paired = same = 0
    for line, provider in served:
        paired += line in last
        same += last.get(line) == provider
        last[line] = provider
    return stickiness(Counter(provider for _, provider in served), len(last), paired, same)


def seconds_of(served: Served, rate: int) -> list[Second]:
    return [
        Second(float(start // rate), Counter(who for _, who in served[start : start + rate]))
        for start in range(0, len(served), rate)
    ]


def even(providers: Sequence[str]) -> list[Claim]:
    part = 1 / len(providers)
    return [
        Claim((who,), tuple(providers), least=part * 0.98, clearly_low=part * 0.83, is_drawn=True)
        for who in providers
    ]


def holds(served: Served, rate: int, providers: Sequence[str] = THREE) -> bool | None:
    """The verdict of a whole run, as `routing_of` comes to it."""
    claims, seconds, choice = even(providers), seconds_of(served, rate), choice_of(served)
    found = {rule_on(claim, seconds, ODDS / len(claims), choice).holds for claim in claims}
    return False if False in found else True if found == {True} else None


@pytest.mark.parametrize("draw", [by_chance, in_turn, in_bursts, by_connection, by_session])
def test_less_than_one_run_in_a_thousand_raises_a_false_alarm(draw: Draw):
    random, lengths = Random(f"61/{draw.__name__}"), (4, 8, 20, 40)
    found = [holds(draw(random, 50 * lengths[run % 4]), 50) for run in range(RUNS)]
    assert found.count(False) <= RUNS / 1_000


def test_a_rotation_is_seen_to_be_even_in_six_hundred_requests():
    random = Random(5)
    assert {holds(in_turn(random, 600), 100) for _ in range(50)} == {True}


@pytest.mark.parametrize(("rate", "caught"), [(50, 0.99), (100, 0.99), (200, 0.9)])
def test_a_parting_of_60_to_40_is_caught_within_two_thousand_requests(rate, caught):
    random = Random(f"60/{rate}")
    runs = [on_one_after_another(random.choices("ab", (60, 40), k=2_000)) for _ in range(200)]
    found = [holds(run, rate, "ab") for run in runs]
    assert found.count(False) >= caught * len(runs)
    assert True not in found


def test_a_fixed_parting_of_60_to_40_is_caught_too():
    assert holds(on_one_after_another("ababa" * 400), 100, "ab") is False


def test_a_favourite_of_everybody_is_caught_on_many_connections_and_not_on_one():
    assert holds(on_one_after_another("b" * 1_000), 100) is False
    assert holds([(1, "b")] * 1_000, 100) is None  # That connection may stay with b, and others elsewhere.


def test_little_is_known_of_little():
    assert holds(on_one_after_another("ab" * 20), 10, "ab") is None
    assert holds([], 10, "ab") is None
    assert holds(on_one_after_another("a" * 100), 100, "ab") is None  # One second: it may have been a burst.


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), max_size=30), st.floats(0.01, 0.99))
def test_no_share_is_surely_both_more_and_less(pairs, limit):
    sample = [Part(min(pair), max(pair)) for pair in pairs]
    below, above = is_below(sample, limit, 0.02), is_above(sample, limit, 0.02)
    assert not (below and above)
    if below or above:
        share = share_of(sample)
        assert share is not None
        assert (share < limit) is below
