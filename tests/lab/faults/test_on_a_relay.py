"""Each fault that says that it works on a relay, on a relay in front of another provider of the lab."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from battlectl.lab.faults.table import KINDS
from tests.lab.faults.field import Field
from tests.lab.faults.health import check_health
from tests.lab.faults.signatures import SIGNATURES
from tests.lab.faults.visits import HttpVisit, visiting

pytestmark = pytest.mark.real

RELAY, B = "relay", "provider_b"
CASES = [
    (kind, over)
    for kind, signature in SIGNATURES.items()
    for over in signature.over
    if "relay" in KINDS[kind].where
]


@pytest.fixture(scope="module")
def relay_url(whole_field: Field) -> Iterator[str]:
    proxy = {"name": RELAY, "listen": "127.0.0.1:0", "upstream": whole_field.urls[B]}
    made = whole_field.admin.post("/proxies", json=proxy)
    assert made.status_code == 201, made.text
    yield f"http://{made.json()['listen']}/"
    whole_field.admin.delete(f"/proxies/{RELAY}").raise_for_status()


@pytest.mark.parametrize(("kind", "over"), CASES)
def test_it_is_seen_and_gone_when_healed(field, relay_url, kind, over):
    signature = SIGNATURES[kind]
    with closing(HttpVisit(field.urls[B])) as other:
        field.inject(RELAY, kind, **signature.attributes)
        try:
            with visiting(relay_url, over, signature.handshake, signature.subscription) as visit:
                signature.shows(visit, other)
                check_answers_at_the_node(other)
        finally:
            field.heal(RELAY)
        with visiting(relay_url, over) as visit:
            check_health(visit, other)


def check_answers_at_the_node(other: HttpVisit) -> None:
    """The real node has no fault: only the relay before it has."""
    assert other.call("eth_chainId") == "0x3e7"


@pytest.mark.parametrize("kind", [name for name, kind in KINDS.items() if "relay" not in kind.where])
def test_what_a_relay_cannot_do_is_refused(field, relay_url, kind):
    refused = field.ask(RELAY, kind)
    assert refused.status_code == 400
    assert f"{kind} works on a simulated node, and this is a relay" in refused.json()["error"]


def test_the_kinds_that_need_a_simulated_node():
    assert {name for name, kind in KINDS.items() if "relay" not in kind.where} == {
        "head_jump",
        "reorg",
        "wrong_chain",
    }


def test_events_of_a_relay_that_lags_come_late_and_all_of_them(field, relay_url):
    with visiting(relay_url, "ws") as visit:
        visit.heads(2)
        field.inject(RELAY, "lag", blocks=10)
        late = visit.heads(5)
        newest = int(head_of_the_node(field), 16)
        assert newest - int(late[-1]["number"], 16) >= 9
        field.heal(RELAY)
        after = visit.heads(20)
    numbers = [int(head["number"], 16) for head in late + after]
    assert numbers == list(range(numbers[0], numbers[0] + 25))


def head_of_the_node(field: Field) -> str:
    with closing(HttpVisit(field.urls[B])) as other:
        head: str = other.call("eth_blockNumber")
        return head
