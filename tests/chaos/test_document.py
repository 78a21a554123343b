"""Changes of a document: a value put there, an element taken out, and both undone."""

from __future__ import annotations

import pytest

from battlectl.chaos.document import Change
from battlectl.chaos.pointer import MISSING, NoPlace

LIST = {"v": 1, "providers": [{"id": "a"}, {"id": "b"}, {"id": "c"}]}
MAPPING = {"providers": {"a": {"on": True}, "b": {"on": True}}}
OUT_OF_LIST = Change("/providers/[id=b]", MISSING)
OUT_OF_MAPPING = Change("/providers/b", MISSING)
SWITCHED_OFF = Change("/providers/b/on", False)


@pytest.mark.parametrize(
    ("change", "before", "after"),
    [
        (OUT_OF_LIST, LIST, {"v": 1, "providers": [{"id": "a"}, {"id": "c"}]}),
        (OUT_OF_MAPPING, MAPPING, {"providers": {"a": {"on": True}}}),
        (SWITCHED_OFF, MAPPING, {"providers": {"a": {"on": True}, "b": {"on": False}}}),
    ],
)
def test_it_is_made_seen_and_undone(change, before, after):
    assert not change.is_made(before)
    assert change.made(before) == after
    assert change.is_made(after)
    assert not change.is_undone(before, after)
    assert change.undone(before, after) == before
    assert change.is_undone(before, before)


def test_an_element_goes_back_to_its_place_beside_what_others_have_done():
    """Somebody else has raised the version and taken out another provider."""
    now = {"v": 2, "providers": [{"id": "a"}]}
    assert OUT_OF_LIST.undone(LIST, now) == {"v": 2, "providers": [{"id": "a"}, {"id": "b"}]}
    assert LIST["providers"][1] == {"id": "b"}, "nothing is changed in place"


@pytest.mark.parametrize("change", [OUT_OF_LIST, OUT_OF_MAPPING])
def test_what_is_not_there_cannot_be_taken_out(change):
    without = change.made(LIST if change is OUT_OF_LIST else MAPPING)
    with pytest.raises(NoPlace):
        change.made(without)


def test_a_document_without_the_list_says_nothing_of_a_removal():
    with pytest.raises(NoPlace):
        OUT_OF_LIST.is_made({"other": 1})
