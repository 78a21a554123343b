"""What looks into replies beside their outcome: the last of them comes in the drain, and is judged too."""

from __future__ import annotations

from battlectl.analyse.checks.equality import check_equality
from battlectl.jsonrpc.same_json import first_difference
from battlectl.observe.pairs import Half, Pairs
from tests.battle import fight_scripted
from tests.run.scripts import after

CALLS = {"rate": "1/s", "timeout": "5s", "calls": ["eth_chainId"]}
LOAD = {"reads": {**CALLS, "equal_to": {"provider": "b"}}}


def fought(deaf: int):
    """Ten pairs; of so many the other half is never heard."""
    pairs: list[Pairs] = []

    def inspect(workload, recorder):
        if not pairs:
            pairs.append(Pairs(recorder.book, "reads", first_difference))

        def look(exchange, arrival, request, judged, start):
            if workload.twin_of is None or arrival.number >= deaf:
                done = exchange.done - start
                half = Half(done, done, "eth_chainId", b"", b"1", "")
                pairs[0].hear(int(workload.twin_of is not None), arrival.number, half)

        return look

    return fight_scripted(
        {"phases": {"steady": "10s"}, "load": LOAD, "objectives": ["success_rate >= 1%"]},
        after(1.5),
        inspect=inspect,
        settle=lambda t: pairs[0].settle(t, True),
    )


def test_a_half_whose_other_half_never_came_is_counted_when_the_drain_is_over():
    finding = check_equality(fought(deaf=6).evidence)
    assert (finding.verdict, finding.samples) == ("inconclusive", 10)
    assert "4 of 10 pairs could be compared" in finding.summary


def test_pairs_that_are_answered_in_the_drain_count():
    finding = check_equality(fought(deaf=0).evidence)
    assert (finding.verdict, finding.samples) == ("pass", 10)
