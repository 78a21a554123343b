"""What became of a document: compared by what it says, with nothing believed that was not read."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from battlectl.observe.documents import MOST_LISTED, Page, account, needs_another_look
from battlectl.observe.json_places import CUT, MOST_NAME, differences, read_json

TEXT = "a text of 5 characters"


def places(before, after, *apart):
    """(place, before, after) of each difference between two texts."""
    found = [one.shown() for one in differences(read_json(before.encode()), read_json(after.encode()), apart)]
    return [(one.at, one.before, one.after) for one in found]


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ('{"a": 1, "b": 2}', '{"b":2,"a":1}', []),
        ('{"a": 1}', '{"a": 2}', [("/a", "1", "2")]),
        ('{"a": 1}', '{"a": 1.0}', [("/a", "1", "1.0")]),
        ('{"a": 1}', '{"a": true}', [("/a", "1", "true")]),
        ('{"a": 0}', '{"a": false}', [("/a", "0", "false")]),
        ('{"a": 9007199254740993}', '{"a": 9007199254740992}', [("/a", f"{2**53 + 1}", f"{2**53}")]),
        ('{"a": null}', "{}", [("/a", "null", "nothing")]),
        ("{}", '{"a/b~": []}', [("/a~1b~0", "nothing", "a list of 0")]),
        ("[1, 2]", "[2, 1]", [("/0", "1", "2"), ("/1", "2", "1")]),
        ('{"p": [1, 2, 3]}', '{"p": [1, 3]}', [("/p", "a list of 3", "a list of 2")]),
        ('{"p": {"q": 1}}', '{"p": [1]}', [("/p", "an object of 1", "a list of 1")]),
        ('{"u": "key-1"}', '{"u": "key-2"}', [("/u", TEXT, f"another, {TEXT}")]),
    ],
)  # fmt: skip
def test_where_two_documents_differ(before, after, found):
    assert places(before, after) == found


def test_texts_are_never_shown():
    assert "secret" not in str(places('{"a": "secret"}', '{"a": "other secret"}'))


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (r"\ud800", "?"),
        (r"a\ud800b\u001b[31m\n", "a?b?[31m?"),
        ("n" * 5000, "n" * MOST_NAME + CUT),
    ],
)
def test_a_name_is_shown_so_that_it_can_be_written(name, shown):
    ((at, *_),) = places("{}", f'{{"{name}": 1}}')
    assert at == f"/{shown}"
    assert at.encode()


def test_names_that_are_shown_alike_are_two_places():
    long = "n" * 5000
    before, after = f'{{"{long}1": 1, "{long}2": 1}}', f'{{"{long}1": 2, "{long}2": 2}}'
    assert len(places(before, after, f"/{long}1")) == 1


@pytest.mark.parametrize(
    ("apart", "left"),
    [
        ((), ["/at", "/c/0/at", "/c/1/at", "/c/1/n"]),
        (("/at",), ["/c/0/at", "/c/1/at", "/c/1/n"]),
        (("/c/*/at",), ["/at", "/c/1/n"]),
        (("/c",), ["/at"]),
        (("/c/1",), ["/at", "/c/0/at"]),
        (("/a",), ["/at", "/c/0/at", "/c/1/at", "/c/1/n"]),
    ],
)
def test_places_left_out_are_left_out_with_all_below_and_nothing_else(apart, left):
    before = '{"at": 1, "c": [{"at": 1, "n": 1}, {"at": 1, "n": 1}]}'
    after = '{"at": 2, "c": [{"at": 2, "n": 1}, {"at": 2, "n": 2}]}'
    assert [at for at, *_ in places(before, after, *apart)] == left


def test_what_stands_above_a_place_left_out_is_compared():
    assert [at for at, *_ in places('{"c": [{"at": 1}]}', '{"c": []}', "/c/*/at")] == ["/c"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)


def text_of(value, **style):
    return json.dumps(value, **style)


@given(JSON, JSON)
@settings(max_examples=200, deadline=None)
def test_there_is_a_difference_exactly_where_the_documents_are_written_differently(one, other):
    same = text_of(one, sort_keys=True) == text_of(other, sort_keys=True)
    assert (places(text_of(one, indent=1), text_of(other)) == []) is same


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b'{"a": 1, "a": 2}', "there twice"),
        (b'{"a": NaN}', "NaN"),
        (b"\xff", "UTF-8"),
        (b"<html>", "is no JSON"),
        (b"[" * 5000, "too deep"),
        (b"[" * 200 + b"]" * 200, "too deep"),
    ],
)
def test_what_is_no_document_is_not_compared(body, why):
    with pytest.raises(ValueError, match=why):
        read_json(body)


WAS = Page(b'{"chains": [{"id": "a"}], "at": 1}')


def looked(*after, before=WAS, apart=()):
    """The account of a document with these pages after the run; numbers are those of /at."""
    pages = [Page(b'{"chains": [{"id": "a"}], "at": %d}' % p) if isinstance(p, int) else p for p in after]
    return account("/doc", before, pages, apart)


@pytest.mark.parametrize(
    "page",
    [
        Page(b""),
        Page(b" \n"),
        Page(b"{}"),
        Page(b"[]"),
        Page(b"null"),
        Page(b"7"),
        Page(b"<html>sign in</html>"),
        Page(b'{"error": "not found"}'),
        Page(b'{"errors": {"detail": "no"}}'),
        Page(why="status 302"),
    ],
)
def test_what_holds_no_document_is_the_same_as_nothing(page):
    assert account("/doc", page, [page], ()).before.why
    assert not account("/doc", page, [page], ()).looks[0].is_same
    assert not account("/doc", WAS, [page], ()).looks[0].is_same
    assert not needs_another_look(page, page, ())


def test_a_document_with_empty_errors_is_one():
    page = Page(b'{"errors": [], "chains": []}')
    assert account("/doc", page, [page], ()).looks[0].is_same


def test_what_goes_on_changing_is_told_from_what_was_changed():
    assert looked(1).looks[0].is_same
    assert (looked(2, 2, 2).differing, looked(2, 2, 2).restless) == (1, 0)
    assert (looked(2, 3, 4).differing, looked(2, 3, 4).restless) == (1, 1)
    assert looked(2, 3, 4, apart=["/at"]).looks[0].is_same


@pytest.mark.parametrize(
    ("before", "after", "restless"),
    [
        (["x"], (["y", "z"], ["y", "z"], ["w"]), True),
        (["x", 1], (["y", 1], ["y", 2], ["y", 1]), False),
        ([{"n": 1}], ([{"n": 2}, 1], [{"n": 3}, 1], [{"n": 4}, 1]), True),
        ({"n": 1, "nn": 1}, ({"n": 2, "nn": 2}, {"n": 2, "nn": 3}, {"n": 2, "nn": 1}), False),
    ],
)
def test_what_stands_above_or_below_what_moves_is_restless_too(before, after, restless):
    pages = [Page(json.dumps({"a": one}).encode()) for one in (before, *after)]
    found = account("/doc", pages[0], pages[1:], ())
    assert found.differing == 1
    assert bool(found.restless) is restless


def test_a_document_that_is_gone_differs_as_a_whole():
    gone = Page(is_gone=True)
    (one,) = looked(gone, gone, gone).differences
    assert (one.at, one.after) == ("", "nothing")


def test_only_so_many_places_are_listed_and_all_are_counted():
    before, after = ({str(n): n + more for n in range(100)} for more in (0, 1))
    found = account("/d", *(Page(json.dumps(before).encode()), [Page(json.dumps(after).encode())] * 3), ())
    assert (len(found.differences), found.differing) == (MOST_LISTED, 100)
