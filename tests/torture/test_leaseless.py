"""The same on drivers without a lease: `battlectl heal` restores, and no run starts before that."""

import pytest

from tests.torture.grounds import LEASELESS
from tests.torture.test_labs import check

pytestmark = pytest.mark.real


@pytest.mark.parametrize("ground", LEASELESS)
def test_whenever_it_is_killed_heal_restores_and_nobody_starts_before(ground, tmp_path):
    check(ground, tmp_path)
