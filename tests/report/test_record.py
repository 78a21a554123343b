"""What was done to providers and seen of them comes back from report.json as it went in, and is small."""

from __future__ import annotations

import json
import random
from dataclasses import fields, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from battlectl.observe.faults import Campaign, Count, Deed, LeaseLost, Probe
from battlectl.report.record_campaign import MOST_TEXT, NUMBERS, campaign_json, read_campaign
from battlectl.report.record_columns import read_seconds, seconds_json
from battlectl.run.campaign_watch import MOST_COUNTS

NAMES = st.sampled_from(["a", "b", "provider|c", "\x00"])
MICROSECONDS = st.integers(-(10**8), 10**11).map(lambda n: n / 1e6)
TIMES = MICROSECONDS | st.floats(-1e6, 1e6)
NUMBER = st.integers(0, 10**9)
HITS = st.dictionaries(NAMES, NUMBER, max_size=3)
COUNTS = st.lists(st.builds(Count, TIMES, NAMES, *[NUMBER] * 4, HITS, *[NUMBER] * (len(NUMBERS) - 4)))
PROBES = st.lists(
    st.builds(Probe, TIMES, NAMES, st.sampled_from(["new", "kept"]), st.text(max_size=9), TIMES, st.text())
)
DEEDS = st.lists(
    st.builds(
        Deed,
        TIMES,
        NAMES,
        NAMES,
        st.sampled_from(["inject", "heal"]),
        st.sampled_from(["begin", "done", "failed"]),
        st.just({}),
        st.text(),
    )
)
CAMPAIGNS = st.builds(
    Campaign,
    st.text(),
    DEEDS.map(tuple),
    PROBES.map(tuple),
    COUNTS.map(tuple),
    st.lists(st.builds(LeaseLost, TIMES, st.text())).map(tuple),
    st.lists(st.text()).map(tuple),
)


def stored(campaign):
    """As a file has it."""
    return json.loads(json.dumps(campaign_json(campaign), allow_nan=False))


@given(CAMPAIGNS)
@settings(max_examples=150, deadline=None)
def test_a_campaign_read_back_is_the_one_that_was_stored(campaign):
    again = read_campaign(stored(campaign))
    assert again == campaign
    assert stored(again) == stored(campaign)


@given(st.lists(TIMES))
def test_times_come_back_bit_by_bit(times):
    assert read_seconds(json.loads(json.dumps(seconds_json(times)))) == times


@pytest.mark.parametrize(
    ("kind", "known"),
    [
        (Campaign, {"driver", "deeds", "probes", "counts", "lost", "leftovers"}),
        (Deed, {"t", "fault", "provider", "action", "stage", "note", "undo"}),
        (Probe, {"t", "provider", "connection", "outcome", "seconds", "seen"}),
        (Count, {"t", "provider", "hits", *NUMBERS}),
        (LeaseLost, {"t", "note"}),
    ],
)
def test_no_field_is_forgotten(kind, known):
    assert {field.name for field in fields(kind)} == known


def test_what_healing_takes_is_not_stored():
    deed = Deed(1.0, "kill", "a", "inject", "begin", {"token": "s3cret"})
    assert "s3cret" not in json.dumps(stored(Campaign(deeds=(deed,))))
    assert read_campaign(stored(Campaign(deeds=(deed,)))).deeds == (replace(deed, undo={}),)


def test_a_report_from_before_there_were_campaigns_has_an_empty_one():
    assert read_campaign(None) == Campaign()


def test_answers_to_probes_are_kept_up_to_a_bound():
    probes = tuple(Probe(float(n), "a", "new", "ok", 0.1, f"{n:0200}") for n in range(10_000))
    again = read_campaign(stored(Campaign(probes=probes)))
    assert again.probes[:1_500] == probes[:1_500]
    assert [replace(probe, seen="") for probe in again.probes] == [replace(p, seen="") for p in probes]
    assert sum(len(probe.seen) for probe in again.probes) <= MOST_TEXT


def test_as_many_counts_as_there_can_be_take_a_fifth_of_a_report():
    """Three providers, an hour, two faults in force at each all the time."""
    chance, counts = random.Random(7), []
    calls = dict.fromkeys("abc", 0)
    for number in range(MOST_COUNTS // 3):
        for provider in "abc":
            calls[provider] += chance.randrange(40, 60)
            t = round(number * 0.27 + chance.random() / 100, 6)
            hits = {f"kill-{provider}#{n}": calls[provider] // n for n in (2, 3)}
            counts.append(Count(t, provider, 1, chance.randrange(90, 110), calls[provider], number, hits))
    campaign = Campaign(counts=tuple(counts))
    assert len(json.dumps(campaign_json(campaign), separators=(",", ":"))) < 1_300_000
    assert read_campaign(stored(campaign)) == campaign
