"""What a target could not know is held against nobody: by when things were done, not by a plan."""

import pytest

from battlectl.observe.faults import Deed
from battlectl.observe.leniency import Leniency


def deeds(text):
    """`inject a 2-3, heal a 6-7`: begun and done at these times; without the second it is under way."""
    for part in text.split(", ") if text else ():
        action, provider, times = part.split()
        begun, _, done = times.partition("-")
        yield Deed(float(begun), f"f-{provider}", provider, action, "begin")
        if done:
            yield Deed(float(done), f"f-{provider}", provider, action, "done")


def leniency(text):
    found = sorted(deeds(text), key=lambda deed: deed.t)
    return Leniency(lambda: found, ["a", "b"], notice=1.0)


@pytest.mark.parametrize(
    ("text", "new"),
    [
        ("", []),
        ("inject a 2-3", [2, 3, 4]),
        ("inject a 2-3, heal a 6-7", [2, 3, 4, 6, 7, 8]),
        ("inject a 2", [2, 3, 4, 5, 6, 7, 8, 9]),
    ],
)
def test_a_change_is_new_until_it_can_be_noticed(text, new):
    assert [t for t in range(10) if leniency(text).is_new(t)] == new


def test_a_fault_is_in_force_until_its_end_can_be_noticed():
    found = leniency("inject a 2-3, heal a 6-7")
    assert [t for t in range(10) if not found.is_quiet(t)] == [2, 3, 4, 5, 6, 7, 8]


def test_nobody_is_left_while_every_provider_is_broken():
    found = leniency("inject a 2-2, inject b 4-4, heal a 6-6")
    assert [t for t in range(10) if found.none_left(t)] == [4, 5, 6, 7]
    assert not Leniency(lambda: (), [], 1.0).none_left(5)
