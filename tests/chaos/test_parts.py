"""Secrets in what is stored, places in documents, templates, and the config of drivers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from battlectl.chaos.concealed import conceal, reveal
from battlectl.chaos.drivers import DRIVERS
from battlectl.chaos.pointer import MISSING, NoPlace, read_at, with_value
from battlectl.chaos.templates import fill, fill_path
from battlectl.scenario.target_chaos import TargetChaos, check_secrets, read_again

TEXTS = st.text(st.sampled_from('ab$${}NAME_x1/\n"'), max_size=12)
TREES = st.recursive(
    TEXTS | st.integers() | st.none(),
    lambda t: st.lists(t, max_size=3) | st.dictionaries(TEXTS, t, max_size=3),
)


@given(TREES, st.dictionaries(TEXTS.filter(len), st.sampled_from(["A", "KEY_2"]), max_size=2))
def test_what_was_concealed_comes_back_to_the_byte(tree, secrets):
    by_name = {name: value for value, name in secrets.items()}
    secrets = {value: name for name, value in by_name.items()}
    assert reveal(conceal(tree, secrets), by_name) == tree


def test_no_secret_is_left_and_a_variable_that_is_gone_is_named():
    stored = conceal({"url": "http://x/KEY123/y", "list": ["KEY123"]}, {"KEY123": "MY_KEY"})
    assert stored == {"url": "http://x/${MY_KEY}/y", "list": ["${MY_KEY}"]}
    with pytest.raises(KeyError, match="MY_KEY"):
        reveal(stored, {})


DOCUMENT = {"a": [{"id": "x", "n": 1}, {"id": "y"}], "b/c": {"~": None}}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("", DOCUMENT),
        ("/a/0/n", 1),
        ("/a/1", {"id": "y"}),
        ("/a/[id=y]/n", MISSING),
        ("/b~1c/~0", None),
        ("/new", MISSING),
    ],
)
def test_places_are_read_and_written_and_the_document_itself_stays(path, value):
    assert read_at(DOCUMENT, path) is value or read_at(DOCUMENT, path) == value
    changed = with_value(DOCUMENT, path, "changed")
    assert read_at(changed, path) == "changed"
    assert with_value(changed, path, value) == DOCUMENT
    assert read_at(DOCUMENT, "/a/0/n") == 1


@pytest.mark.parametrize("path", ["/a/7", "/a/-1", "/a/x", "/a/[id=z]", "/a/0/n/deep", "/none/deep"])
def test_a_place_that_is_not_there_is_told(path):
    with pytest.raises(NoPlace):
        read_at(DOCUMENT, path)


def test_what_is_filled_into_a_path_adds_no_part_to_it():
    assert fill_path("/x/{p}", {"p": "a/../b?c#d"}) == "/x/a%2F..%2Fb%3Fc%23d"
    assert fill({"{p}": ["{n}", "n={n}", "{{n}}"]}, {"p": "k", "n": 2.5}) == {"k": [2.5, "n=2.5", "{n}"]}


ADAPTER = TypeAdapter(TargetChaos)


def test_every_driver_of_a_config_file_can_be_opened():
    schema = ADAPTER.json_schema()
    assert set(schema["discriminator"]["mapping"]) == set(DRIVERS)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"driver": "scripted"}, "does not match any of the expected tags"),
        ({"driver": "process", "processes": {"a": {}}}, "needs one of pid, pid_file and pid_command"),
        ({"driver": "process", "processes": {"a": {"pid": 7, "pid_file": "x"}}}, "and no second one"),
        ({"driver": "process", "processes": {"a": {"pid": 7, "restart": ["x"]}}}, "has another pid"),
        (
            {
                "driver": "process",
                "processes": {"a": {"pid_file": "p", "restart": ["x"], "expect_restart": "5s"}},
            },
            "either `restart` starts it",
        ),
        ({"driver": "http", "url": "http://x", "faults": {"kill": {}}}, "needs `inject` and `heal`"),
        ({"driver": "toxiproxy", "url": "http://x", "lease": "1s"}, "greater than or equal to 2"),
    ],
)
def test_a_config_that_makes_no_sense_is_refused(config, words):
    with pytest.raises(ValidationError, match=words):
        ADAPTER.validate_python(config)


def test_the_journal_has_no_secret_and_whoever_heals_has_it_again():
    shown = {"driver": "toxiproxy", "url": "http://127.0.0.1:${PORT}", "token": "${TOKEN}"}
    config, secrets = read_again(shown, {"PORT": "8474", "TOKEN": "letmein-123"})
    assert (config.url, config.token) == ("http://127.0.0.1:8474", "letmein-123")
    assert secrets["letmein-123"] == "TOKEN"
    with pytest.raises(ValueError, match="TOKEN is not set"):
        read_again(shown, {"PORT": "8474"})
    with pytest.raises(ValueError, match="cannot be read"):
        read_again({"driver": "toxiproxy"}, {})
    pid = {"driver": "process", "processes": {"a": {"pid": "${PID}"}}}
    assert read_again(pid, {"PID": "77"})[0].processes["a"].pid == 77


def test_a_secret_that_is_written_out_is_refused():
    assert list(check_secrets({"driver": "toxiproxy", "url": "http://x", "token": "${TOKEN}"})) == []
    [mistake] = check_secrets({"driver": "toxiproxy", "url": "http://x", "token": "letmein"})
    assert mistake.path == ("chaos", "token")
    [masked] = check_secrets({"driver": "http", "headers": {"X-Token": "***"}})
    assert masked.path == ("chaos", "headers", "X-Token")
