"""The list of faults in docs/faults.md is the one that the code has."""

from __future__ import annotations

import re
from pathlib import Path

from battlectl.lab.faults.catalogue import TOXICS, catalogue_markdown, catalogue_rows
from battlectl.lab.faults.table import KINDS
from battlectl.lab.toxics import table as toxics

DOCS = Path(__file__).parents[3] / "docs" / "faults.md"

VOCABULARY = """
    kill flap restart reset hang rpc_latency trickle partition
    http_5xx http_429 wrong_content_type html_200 empty_body truncated_json garbage
    rate_limit_in_body rate_limit_in_batch rpc_error method_error revert wrong_id batch_partial batch_reorder
    stale_head lag head_regress head_jump reorg missing_logs null_near_tip inconsistent_views wrong_chain
    ws_close ws_refuse ws_stall ws_half_open ws_duplicate ws_skip ws_reorder sub_lost
"""


def test_the_docs_are_what_the_code_says(request):
    if request.config.getoption("--rewrite-golden"):
        DOCS.write_text(catalogue_markdown(), "utf-8")
    assert DOCS.read_text("utf-8") == catalogue_markdown(), "rewrite it: pytest --rewrite-golden, this file"


def test_toxiproxys_toxics_are_those_of_the_lab_with_their_attributes():
    assert {name for name, _, _ in TOXICS} == set(toxics.TOXICS)
    for name, attributes, _ in TOXICS:
        fields = toxics.TOXICS[name].attributes.__struct_fields__
        assert re.findall(r"[a-z_]+(?=,| \(|$)", attributes) == list(fields)


def test_a_toxic_without_attributes_claims_none():
    rows = {row.name: row for row in catalogue_rows()}
    assert rows["noop"].what == "nothing"
    assert rows["limit_data"].what == "the connection ends after so many bytes: bytes"
    assert "| `noop` | none | nothing |" in catalogue_markdown()


def test_every_fault_of_the_vocabulary_is_there():
    assert set(KINDS) == {*VOCABULARY.split(), "rpc_noop"}


def test_every_kind_has_a_section_and_a_row_with_all_its_attributes():
    rows = {row.name: row for row in catalogue_rows()}
    assert list(rows) == [*KINDS, *(name for name, _, _ in TOXICS)]
    text = catalogue_markdown()
    for name, kind in KINDS.items():
        assert f"### `{name}`\n" in text
        assert [parameter.name for parameter in rows[name].parameters] == list(
            kind.parameters.__struct_fields__
        )
        assert all(parameter.description for parameter in rows[name].parameters)
        assert rows[name].what
        assert rows[name].expect


def test_a_row_says_what_fits():
    rows = {row.name: row for row in catalogue_rows()}
    shown = {parameter.name: (parameter.values, parameter.default) for parameter in rows["kill"].parameters}
    assert shown["mode"] == ("one of refuse, reset", '"refuse"')
    assert shown["probability"] == ("number from 0 to 1", "1.0")
    (required,) = (parameter for parameter in rows["method_error"].parameters if parameter.default is None)
    assert (required.name, required.values) == ("methods", "list of text")
    assert rows["reorg"].where == ("node",)
