"""Units as people write them: tables, and what goes out comes in again."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from battlectl import quantities as q


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("250ms", 0.25),
        ("30s", 30.0),
        ("1h30m", 5400.0),
        ("1h 30m 5s", 5405.0),
        ("1.5s", 1.5),
        ("2min", 120.0),
        ("10us", 1e-5),
        ("10µs", 1e-5),
        ("5ns", 5e-9),
        ("1_000ms", 1.0),
        ("0s", 0.0),
        (" 3 s ", 3.0),
    ],
)
def test_durations(text, seconds):
    assert q.parse_duration(text) == pytest.approx(seconds, rel=1e-12)


@pytest.mark.parametrize(
    ("text", "rate"), [("200/s", 200.0), ("30/min", 0.5), ("30 / m", 0.5), ("3600/h", 1.0), ("0.5/s", 0.5)]
)
def test_rates(text, rate):
    assert q.parse_rate(text) == rate


@pytest.mark.parametrize(
    ("text", "ratio"),
    [("99.9%", 0.999), ("100%", 1.0), ("0%", 0.0), (0.5, 0.5), (1, 1.0), ("0.99", 0.99), ("50 %", 0.5)],
)
def test_ratios(text, ratio):
    assert q.parse_ratio(text) == ratio


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("64KiB", 65536),
        ("10MB", 10_000_000),
        ("1.5MiB", 1_572_864),
        ("1GiB", 2**30),
        ("7B", 7),
        ("1KB", 1000),
    ],
)
def test_sizes(text, size):
    assert q.parse_size(text) == size


@pytest.mark.parametrize(
    ("parse", "given_value", "message"),
    [
        (q.parse_duration, 200, '"200" needs a unit, try "200ms" or "200s"'),
        (q.parse_duration, "-3s", '"-3s" is negative, try "250ms", "30s" or "1h30m"'),
        (q.parse_duration, -3, '"-3" is negative and has no unit, try "250ms", "30s" or "1h30m"'),
        (q.parse_duration, True, '"true" is not a duration, try "250ms", "30s" or "1h30m"'),
        (q.parse_duration, None, '"null" is not a duration, try "250ms", "30s" or "1h30m"'),
        (q.parse_duration, "", '"" is not a duration, try "250ms", "30s" or "1h30m"'),
        (q.parse_duration, "5 s s", '"5 s s" is not a duration, try "250ms", "30s" or "1h30m"'),
        (q.parse_duration, "٣s", '"٣s" is not a duration, try "250ms", "30s" or "1h30m"'),
        (q.parse_rate, "200", '"200" needs a unit, try "200/s"'),
        (q.parse_rate, "200rps", '"200rps" is not a rate, try "200/s" or "30/min"'),
        (q.parse_rate, "200/ms", '"200/ms" is not a rate, try "200/s" or "30/min"'),
        (q.parse_ratio, 99.9, '"99.9" needs a unit, try "99.9%"'),
        (q.parse_ratio, "101%", '"101%" is more than 100%'),
        (q.parse_size, 1000, '"1000" needs a unit, try "1000B"'),
        (q.parse_size, "1kb", '"1kb" is not a size, try "64KiB" or "10MB"'),
    ],
)
def test_what_is_refused_comes_with_a_way_out(parse, given_value, message):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the whole message is compared
        parse(given_value)
    assert str(caught.value) == message


@pytest.mark.parametrize("parse", [q.parse_duration, q.parse_rate, q.parse_ratio, q.parse_size])
@pytest.mark.parametrize("unit", ["h", "/s", "%", "GiB", ""])
def test_absurdly_large_numbers_are_refused_and_never_infinite(parse, unit):
    with pytest.raises(ValueError):  # noqa: PT011 - which message depends on the unit
        parse("9" * 500 + unit)


@given(seconds=st.floats(1e-9, 1e6))
def test_a_formatted_duration_is_read_back_within_its_digits(seconds):
    assert q.parse_duration(q.format_duration(seconds)) == pytest.approx(seconds, rel=0.01)


@given(rate=st.floats(1e-6, 1e6))
def test_a_formatted_rate_is_read_back_within_its_digits(rate):
    assert q.parse_rate(q.format_rate(rate)) == pytest.approx(rate, rel=0.01)


@given(ratio=st.floats(0, 1))
def test_a_formatted_ratio_is_read_back_and_never_rounds_a_loss_away(ratio):
    text = q.format_ratio(ratio)
    assert q.parse_ratio(text) == pytest.approx(ratio, abs=1e-4)
    assert (text == "100%") == (ratio == 1)


@given(text=st.text(max_size=20))
def test_any_text_is_a_quantity_or_a_value_error(text):
    for parse in (q.parse_duration, q.parse_rate, q.parse_ratio, q.parse_size):
        try:
            assert math.isfinite(parse(text))
        except ValueError:
            continue


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0ms"),
        (0.25, "250ms"),
        (1.5, "1.5s"),
        (59.9999, "60s"),
        (150, "2m30s"),
        (3599.9, "1h"),
        (5405, "1h30m5s"),
        (-2, "-2s"),
        (4e-6, "4us"),
    ],
)
def test_durations_as_people_read_them(seconds, text):
    assert q.format_duration(seconds) == text


@pytest.mark.parametrize(("count", "text"), [(0, "0 times"), (1, "once"), (1_200, "1,200 times")])
def test_how_often(count, text):
    assert q.format_times(count) == text
