"""When a provider is asked about a fault: often at first, to the end, and not without bound in a long one."""

from __future__ import annotations

from itertools import pairwise

import pytest

from battlectl.run.campaign_look import look_offsets


def test_a_short_fault_is_looked_at_each_second_and_at_its_end():
    assert look_offsets(4.0) == [0.0, 0.25, 0.5, 1.0, 2.0, 3.0, 3.7]


def test_a_fault_that_is_over_at_once_is_looked_at_once():
    assert look_offsets(0.1) == [0.0]


@pytest.mark.parametrize(("length", "most"), [(200, 210), (600, 210), (800, 210), (36_000, 9_010)])
def test_a_long_one_is_looked_at_less_often_and_never_so_seldom_that_connections_go_idle(length, most):
    offsets = look_offsets(length)
    assert len(offsets) <= most
    assert max(b - a for a, b in pairwise(offsets)) <= 4.0
    assert offsets[-1] == length - 0.3
