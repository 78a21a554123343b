"""`battlectl faults`: every kind is listed, one can be had in full, a wrong name finds the nearest."""

import json

import pytest

from battlectl.commands.faults import in_full, overview
from battlectl.lab.faults.catalogue import catalogue_rows
from battlectl.lab.faults.table import KINDS
from tests.cli.command import crashed

pytestmark = pytest.mark.real
ROWS = catalogue_rows()
IDS = [f"{row.layer}-{row.name}" for row in ROWS]


def test_all_kinds_are_listed_by_layer(desk):
    ran = desk.battlectl("faults")
    assert (ran.code, ran.err) == (0, "")
    listed = {line.split()[0] for line in ran.out.splitlines() if line.startswith("  ") and line[2] != " "}
    assert listed == {row.name for row in ROWS}
    assert set(KINDS) < listed
    for layer in {row.layer for row in ROWS}:
        assert f"\n{layer}\n" in f"\n{ran.out}"


def squeezed(text):
    """Without what a narrow terminal changes."""
    return "".join(text.split())


@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_one_in_full_says_all_that_the_catalogue_does(row):
    text = squeezed(in_full(row, 100))
    for part in (row.what, row.expect, *row.where):
        assert squeezed(part) in text
    for parameter in row.parameters:
        default = "must be given" if parameter.default is None else f"default {parameter.default}"
        said = f"{parameter.name} {parameter.description} ({parameter.values}; {default})"
        assert squeezed(said) in text


@pytest.mark.parametrize("width", [40, 80])
def test_no_line_is_wider_than_the_terminal(width):
    for text in (overview(ROWS, width), *(in_full(row, width) for row in ROWS)):
        assert max(map(len, text.splitlines())) <= width


def test_the_command_tells_of_one(desk):
    ran = desk.battlectl("faults", "kill", COLUMNS="60")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("kill\n  layer     network\n")
    assert "    mode\n" in ran.out


def test_as_json_it_is_the_rows_of_the_catalogue(desk):
    every = json.loads(desk.battlectl("faults", "--json").out)
    assert [row["name"] for row in every] == [row.name for row in ROWS]
    (one,) = json.loads(desk.battlectl("faults", "http_5xx", "--json").out)
    assert one in every
    status = {parameter["name"]: parameter for parameter in one["parameters"]}["status"]
    assert (status["default"], one["layer"]) == ("503", "http")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("stale-head", 'did you mean "stale_head"?'),
        ("kil", 'did you mean "kill"?'),
        ("earthquake", "`battlectl faults` lists them"),
    ],
)
def test_an_unknown_name_is_2_with_the_nearest(desk, name, says):
    ran = desk.battlectl("faults", name)
    assert (ran.code, ran.out) == (2, "")
    assert f'there is no fault "{name}"' in ran.err
    assert says in ran.err
    assert not crashed(ran)
