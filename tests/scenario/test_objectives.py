"""The grammar of objectives."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from battlectl.scenario.metrics import EVERY_METRIC
from battlectl.scenario.objectives import (
    OPERATORS,
    ORIGINAL_NAMES,
    original_objective,
    parse_objective,
)

VALUES = {"size": "5MB", "ratio": "50%", "duration": "300ms", "rate": "100/s", "count": "5", "factor": "1.5"}
SCOPES = {"nothing": [""], "fault": ["(kill-provider_a)", "(kill-any#2)"], "provider": ["(provider_a)"]}


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("success_rate >= 99.5%", ("success_rate", None, None, ">=", 0.995, "run")),
        ("latency.p95 < 300ms in battle", ("latency", None, "p95", "<", 0.3, "battle")),
        ("latency(reads).p99 < 1s", ("latency", "reads", "p99", "<", 1.0, "run")),
        ("latency.p99.9<1s", ("latency", None, "p99.9", "<", 1.0, "run")),
        ("success_rate(reads/eth_call) >= 99%", ("success_rate", "reads/eth_call", None, ">=", 0.99, "run")),
        ("latency(a/my call).max <= 2s", ("latency", "a/my call", "max", "<=", 2.0, "run")),
        ("outcomes.timeout == 0", ("outcomes", None, "timeout", "==", 0.0, "run")),
        ("throughput >= 6000/min", ("throughput", None, None, ">=", 100.0, "run")),
        ("  failures   !=   3  in  steady ", ("failures", None, None, "!=", 3.0, "steady")),
        ("success_rate > 0.5", ("success_rate", None, None, ">", 0.5, "run")),
        ("latency.p95 < 1s in during:kill-a+b#2", ("latency", None, "p95", "<", 1.0, "during:kill-a+b#2")),
        ("recovery_time(kill-any#2) < 5s", ("recovery_time", "kill-any#2", None, "<", 5.0, "run")),
        ("amplification < 1.5", ("amplification", None, None, "<", 1.5, "run")),
        ("breaker(a).opens >= 1", ("breaker", "a", "opens", ">=", 1.0, "run")),
        ("breaker(a).time_to_open < 5s", ("breaker", "a", "time_to_open", "<", 5.0, "run")),
        ("failover_latency.max < 2s in battle", ("failover_latency", None, "max", "<", 2.0, "battle")),
        ("subscription.gaps == 0", ("subscription", None, "gaps", "==", 0.0, "run")),
        (
            "subscription(heads).gaps == 0 in during:kill-a",
            ("subscription", "heads", "gaps", "==", 0.0, "during:kill-a"),
        ),
        ("subscription.stall.max < 3s", ("subscription", None, "stall.max", "<", 3.0, "run")),
        ("subscription.delivery_delay.p99<1s", ("subscription", None, "delivery_delay.p99", "<", 1.0, "run")),
        ("subscription(a b).uptime >= 99.9%", ("subscription", "a b", "uptime", ">=", 0.999, "run")),
    ],
)
def test_what_can_be_said(text, parts):
    o = parse_objective(text)
    assert (o.metric, o.scope, o.stat, o.op, o.value, o.window) == parts
    assert o.text == " ".join(text.split())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not METRIC OP VALUE"),
        ("success_rate", "is not METRIC OP VALUE"),
        ("success_rate >=", "is not METRIC OP VALUE"),
        ("success_rate >= 99% in", "is not METRIC OP VALUE"),
        ("succes_rate >= 99%", 'unknown metric "succes_rate", did you mean "success_rate"?'),
        ("zzz >= 1", 'unknown metric "zzz", known are success_rate'),
        ("latency < 1s", '"latency" needs a statistic, try "latency.p95"'),
        ("outcomes == 1", '"outcomes" needs a statistic, try "outcomes.timeout"'),
        ("success_rate.p95 >= 99%", 'leave ".p95" away'),
        ("latency.p59 < 1s", 'has no statistic "p59"'),
        ("success_rate = 99%", '"=" is not a comparison, try "=="'),
        ("latency().p95 < 1s", "name a workload"),
        ("lag(reads/eth_call).p95 < 1s", "known per workload only"),
        ("latency.p95 < 300", 'try "300ms" or "300s"'),
        ("success_rate >= 99.5", 'try "99.5%"'),
        ("throughput > 5", 'try "5/s"'),
        ("total >= 1.5", "is not a count"),
        ("success_rate >= 101%", "more than 100%"),
        ("recovery_time < 5s", 'is about one fault, try "recovery_time(kill-provider_a)"'),
        ("unavailability( ) < 5s", "is about one fault"),
        ("recovery_time(a) < 5s in battle", 'is about one fault: leave "in battle" away'),
        ("breaker.opens == 0", 'is about one provider, try "breaker(provider_a)"'),
        ("breaker(a) == 0", '"breaker" needs a statistic, try "breaker.time_to_open"'),
        ("breaker(a).opened == 0", 'has no statistic "opened", did you mean "opens"?'),
        ("breaker(a).time_open < 5", 'try "5ms" or "5s"'),
        ("breaker(a).opens < 5s", "is not a count"),
        ("amplification < 150%", "is not a plain number, try 1.5"),
        ("failovers(reads) == 0", 'for all requests together only: leave "(reads)" away'),
        ("subscription == 0", '"subscription" needs a statistic, try "subscription.gaps"'),
        ("subscription.gap == 0", 'has no statistic "gap", did you mean "gaps"?'),
        ("subscription.stall < 3s", 'has no statistic "stall", did you mean'),
        ("subscription.stall.max < 3", 'try "3ms" or "3s"'),
        ("subscription.gaps < 1%", "is not a count"),
        ("subscription().gaps == 0", "name a workload of subscribers"),
        ("memory < 5MB", '"memory" needs a statistic, try "memory.max"'),
        ("memory(a).max < 5MB", 'is known of the target: leave "(a)" away'),
        ("memory.max < 500", '"500" needs a unit, try "500B"'),
    ],
)
def test_what_cannot_be_said_is_answered_with_a_way_out(text, message):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is compared below
        parse_objective(text)
    assert message in str(caught.value)


@given(name=st.sampled_from(sorted(EVERY_METRIC)), op=st.sampled_from(sorted(OPERATORS)), data=st.data())
def test_every_metric_of_the_table_can_be_written(name, op, data):
    metric = EVERY_METRIC[name]
    stat = data.draw(st.sampled_from(metric.stats)) if metric.stats else None
    of_workloads = ["", "(reads)", "(reads/eth_call)"] if metric.per_call else ["", "(a)"]
    scope = data.draw(st.sampled_from(SCOPES.get(metric.scope, of_workloads)))
    unit = metric.unit_of(stat)
    o = parse_objective(f"{name}{scope}{f'.{stat}' if stat else ''} {op} {VALUES[unit]}")
    assert (o.metric, o.scope, o.stat, o.op, o.unit) == (name, scope[1:-1] or None, stat, op, unit)


@given(text=st.text(alphabet="latencysuccess_rate.p95<>=! 0123456789%ms/in()", max_size=40))
def test_any_text_is_an_objective_or_a_value_error(text):
    try:
        assert parse_objective(text).metric in EVERY_METRIC
    except ValueError:
        return


@pytest.mark.parametrize("name", sorted(ORIGINAL_NAMES))
def test_original_names_take_bare_numbers_in_their_own_unit(name):
    o = original_objective(name, 0.5)
    expected = 0.0005 if name.endswith("_ms") else 500_000 if name.endswith("_mb") else 0.5
    assert o.value == pytest.approx(expected)
    assert o.op == (">=" if name in ("success_rate", "subscription_uptime") else "<=")


@pytest.mark.parametrize(("name", "number"), [("nope", 1), ("success_rate", 99), ("p95_latency_ms", -1)])
def test_original_names_refuse_what_makes_no_sense(name, number):
    with pytest.raises(ValueError, match=r"unknown objective|more than 1|zero or more"):
        original_objective(name, number)


def test_an_objective_judges_a_measured_value():
    assert parse_objective("latency.p95 < 300ms").holds(0.299)
    assert not parse_objective("latency.p95 < 300ms").holds(0.3)
