"""A failure counts unless the machine was late, and one that stays is never hidden."""

from contextlib import contextmanager

import pytest

from tests import disturbed
from tests.disturbed import LATE, TRIES, until_undisturbed


@pytest.fixture
def machine(monkeypatch):
    """`machine(late)`: from now on it is so many seconds late."""

    def be(late):
        @contextmanager
        def sleeping():
            yield lambda: late

        monkeypatch.setattr(disturbed, "sleeping", sleeping)

    return be


def failing(times, seen):
    def attempt(number):
        seen.append(number)
        assert len(seen) > times, "wrong"
        return "right"

    return attempt


def test_on_a_calm_machine_the_first_failure_counts(machine):
    machine(LATE)
    seen = []
    with pytest.raises(AssertionError, match="wrong"):
        until_undisturbed(failing(1, seen))
    assert seen == [1]


def test_on_a_late_one_it_is_tried_again(machine):
    machine(2 * LATE)
    assert until_undisturbed(failing(TRIES - 1, [])) == "right"


def test_what_fails_each_time_has_failed(machine):
    machine(2 * LATE)
    seen = []
    with pytest.raises(AssertionError, match="wrong"):
        until_undisturbed(failing(TRIES, seen))
    assert len(seen) == TRIES


def test_what_is_right_at_once_is_done_once(machine):
    machine(2 * LATE)
    seen = []
    assert until_undisturbed(failing(0, seen)) == "right"
    assert seen == [1]


def test_a_sleeper_that_has_not_slept_was_not_late():
    with disturbed.sleeping() as worst:
        assert worst() >= 0
