"""Each fault on the wire: seen by clients that are not ours, gone after healing, nowhere else."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing

import pytest

from battlectl.lab.faults.kind import OnConnections
from battlectl.lab.faults.table import KINDS
from tests.lab.faults.field import Field
from tests.lab.faults.health import check_health
from tests.lab.faults.signatures import SIGNATURES
from tests.lab.faults.visits import HttpVisit, Visit, visiting

pytestmark = pytest.mark.real

A, B = "provider_a", "provider_b"
AT_ONCE = 50
UNCOUNTED = {"kill", "flap", "restart", "partition"}
"""New connections are not seen by what is not there."""

CASES = [(kind, over) for kind, signature in SIGNATURES.items() for over in signature.over]
ONCE = [(kind, signature.over[0]) for kind, signature in SIGNATURES.items()]
BY_CONNECTION = [
    (kind, over)
    for kind, over in ONCE
    if issubclass(KINDS[kind].parameters, OnConnections) and kind != "ws_refuse"
]


def visiting_in_trouble(field: Field, kind: str, over: str) -> AbstractContextManager[Visit]:
    """While the fault is in force."""
    signature = SIGNATURES[kind]
    return visiting(field.urls[A], over, signature.handshake, signature.subscription)


def other_provider(field: Field) -> AbstractContextManager[HttpVisit]:
    return closing(HttpVisit(field.urls[B]))


def test_every_kind_has_a_signature():
    assert set(SIGNATURES) == set(KINDS) - {"rpc_noop"}


@pytest.mark.parametrize(("kind", "over"), CASES)
def test_it_is_seen_and_gone_when_healed_and_nowhere_else_twice_in_a_row(field, kind, over):
    signature = SIGNATURES[kind]
    with other_provider(field) as other, visiting(field.urls[B], over) as elsewhere:
        for time in (1, 2):
            field.inject(A, kind, **signature.attributes)
            with visiting_in_trouble(field, kind, over) as visit:
                signature.shows(visit, other)
            if time == 1:
                check_health(elsewhere, other)
            field.heal(A)
            with visiting(field.urls[A], over) as visit:
                check_health(visit, other)


@pytest.mark.parametrize("meant", ["existing", "new"])
@pytest.mark.parametrize(("kind", "over"), BY_CONNECTION)
def test_it_strikes_the_connections_that_are_meant(field, kind, over, meant):
    signature = SIGNATURES[kind]
    with (
        other_provider(field) as other,
        visiting(field.urls[A], over) as old,
    ):
        old.call("eth_chainId")
        field.inject(A, kind, **signature.attributes | {"connections": meant})
        with visiting_in_trouble(field, kind, over) as new:
            struck, spared = (old, new) if meant == "existing" else (new, old)
            signature.shows(struck, other)
            check_health(spared, other)


@pytest.mark.parametrize(("kind", "over"), ONCE)
def test_it_is_seen_by_fifty_at_once(field, kind, over):
    signature = SIGNATURES[kind]

    def one(_: int) -> None:
        with visiting_in_trouble(field, kind, over) as visit, other_provider(field) as other:
            signature.shows(visit, other)

    field.inject(A, kind, **signature.attributes)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(one, range(AT_ONCE)))
    assert field.hits(A, kind) >= AT_ONCE or kind in UNCOUNTED
