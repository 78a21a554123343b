"""In short what `make torture` does at length: battlectl is ended at random moments on a lab, and on its own.

Rule: the moments are those of a seed, TORTURE_SEED or 1; with more runs: `python -m tests.torture --help`.
"""

import os

import pytest

from tests.torture.campaign import carry_out, orders

pytestmark = pytest.mark.real
KILLS, SIGNALS, LEASELESS = 10, 6, 2
SEED = int(os.environ.get("TORTURE_SEED", "1"))
ORDERS = {order.ground: order for order in orders(KILLS, SIGNALS, LEASELESS)}


def check(ground, folder, told=print):
    """Carry out all trials on one ground; whatever any of them complains of fails the test."""
    seen = list(carry_out(ORDERS[ground], SEED, folder, told))
    assert len(seen) == ORDERS[ground].kills + ORDERS[ground].signals > 0
    assert any(one.in_time for one in seen)
    assert [str(one) for one in seen if one.complaints] == []


@pytest.mark.parametrize("ground", ["lab", "embedded"])
def test_whenever_it_is_killed_no_fault_outlives_its_lease_and_no_process_its_run(ground, tmp_path):
    check(ground, tmp_path)


def test_so_many_runs_are_ended_in_all():
    assert sum(ORDERS[ground].kills for ground in ("lab", "embedded")) == 10
    assert sum(order.signals for order in ORDERS.values()) == 6
