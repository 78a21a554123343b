"""What faults let themselves be asked for."""

from __future__ import annotations

import msgspec
import pytest

from battlectl.lab.faults.catalogue import TOXICS
from battlectl.lab.faults.kind import BadAttributes, read_parameters
from battlectl.lab.faults.table import KINDS
from tests.lab.faults.scripted import fault_of

REQUIRED = {"method_error": {"methods": ["eth_call"]}}


@pytest.mark.parametrize("name", KINDS)
def test_a_kind_is_known_by_its_name_and_makes_an_effect(name):
    assert KINDS[name].name == name
    fault_of(name, **REQUIRED.get(name, {}))


@pytest.mark.parametrize("name", KINDS)
def test_attributes_are_answered_in_full_and_can_be_given_back(name):
    parameters = read_parameters(KINDS[name], REQUIRED.get(name, {}))
    attributes = msgspec.to_builtins(parameters)
    assert set(attributes) == set(KINDS[name].parameters.__struct_fields__)
    assert read_parameters(KINDS[name], attributes) == parameters


@pytest.mark.parametrize("name", KINDS)
def test_an_unknown_attribute_is_an_error_that_names_it(name):
    with pytest.raises(BadAttributes, match=f"{name}: .*no_such_thing"):
        read_parameters(KINDS[name], {"no_such_thing": 1, **REQUIRED.get(name, {})})


def test_toxiproxys_names_stay_toxiproxys():
    assert not {name for name, _, _ in TOXICS} & set(KINDS)


@pytest.mark.parametrize(
    ("name", "attributes", "words"),
    [
        ("kill", {"probability": 0.5}, "a closed port has no `probability`"),
        ("kill", {"mode": "softly"}, "Invalid enum value 'softly'"),
        ("flap", {"down_ms": 0}, ">= 1"),
        ("reset", {"after_bytes": None}, "nothing would be reset"),
        ("http_5xx", {"status": 404}, ">= 500"),
        ("http_5xx", {"status": 509}, "HTTP names no status 509"),
        ("ws_refuse", {"status": 452}, "HTTP names no status 452"),
        ("ws_refuse", {"connections": "existing"}, "Invalid enum value 'existing'"),
        ("ws_close", {"code": 1006}, "close code 1006 is never sent"),
        ("wrong_content_type", {"content_type": "text/html\n"}, "regex"),
        ("method_error", {}, "missing required field `methods`"),
        ("method_error", {"methods": []}, "length >= 1"),
        ("null_near_tip", {"methods": ["eth_call"]}, "`methods` are some of"),
        ("inconsistent_views", {"blocks": 0}, "all views agree"),
        ("lag", {"blocks": 0}, ">= 1"),
        ("lag", {"blocks": 1.5}, "got `float`"),
        ("hang", {"probability": 1.5}, "<= 1"),
        ("hang", {"transport": "smoke"}, "Invalid enum value 'smoke'"),
    ],
)
def test_what_cannot_be_honoured_is_refused(name, attributes, words):
    with pytest.raises(BadAttributes) as refusal:
        read_parameters(KINDS[name], attributes)
    assert words in str(refusal.value)
    assert str(refusal.value).startswith(f"{name}: ")
