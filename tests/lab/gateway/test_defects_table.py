"""The table of defects: what may be planted, how it is asked for, and that the docs have it."""

import io
import json
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from battlectl.commands.lab import lab_spec
from battlectl.commands.lab_defects import defects, markdown, rows
from battlectl.errors import UserError
from battlectl.lab.control import gateway_settings
from battlectl.lab.gateway.building import build_gateway, sound_seams
from battlectl.lab.gateway.defects.defect import Area, FindingKind
from battlectl.lab.gateway.defects.table import BY_AREA, DEFECTS
from battlectl.lab.gateway.settings import GatewaySettings
from battlectl.lab.gateway.state import read_settings
from battlectl.lab.spec import LabError, LabSpec, check_spec
from battlectl.scenario.target import Lab

DOCS = Path(__file__).parents[3] / "docs" / "defects.md"


def test_each_has_a_name_of_its_own_and_stands_in_its_area():
    named = [defect.name for found in BY_AREA.values() for defect in found]
    assert sorted(named) == sorted(DEFECTS)
    assert [d.name for area, found in BY_AREA.items() for d in found if d.area != area] == []
    assert set(BY_AREA) <= set(get_args(Area))
    assert {defect.finding for defect in DEFECTS.values()} <= set(get_args(FindingKind))


def test_the_docs_have_the_table_as_it_is(request):
    intro = DOCS.read_text().partition("\n## ")[0].rstrip("\n")
    text = "\n\n".join([intro, *markdown()]) + "\n"
    if request.config.getoption("--rewrite-golden"):
        DOCS.write_text(text)
    assert DOCS.read_text() == text, "`make golden`, and review the diff"


@pytest.mark.parametrize("as_json", [True, False])
def test_the_command_lists_all_of_them(as_json):
    out = io.StringIO()
    assert defects(as_json, out) == 0
    assert all(name in out.getvalue() for name in DEFECTS)
    if as_json:
        assert json.loads(out.getvalue()) == rows()


def test_a_command_line_and_a_config_file_plant_the_same():
    spec = lab_spec({}, admin_port=None, token_env=None, gateway={"defect": ("head-goes-back",)})
    assert spec.defect == Lab.model_validate({"defect": "head-goes-back"}).defect == ("head-goes-back",)
    assert Lab.model_validate({"defect": ["head-goes-back"]}).defect == ("head-goes-back",)
    settings = gateway_settings(spec, (), None)["gateway"]
    assert read_settings(msgspec.json.encode(settings)).defects == ("head-goes-back",)


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (("head-goes-bak",), 'did you mean "head-goes-back"?'),
        (("head_goes_back",), 'did you mean "head-goes-back"?'),
        (("zzz",), "`battlectl lab defects` lists them"),
        (("head-goes-back", "head-goes-back"), "named twice"),
    ],
)
def test_a_name_that_cannot_be_planted_is_refused_wherever_it_is_written(names, says):
    with pytest.raises(LabError, match=says.replace("?", r"\?")):
        check_spec(LabSpec(defect=names))
    with pytest.raises(ValueError, match=says.replace("?", r"\?")):
        GatewaySettings((), defects=names)
    with pytest.raises(ValueError, match=says.replace("?", r"\?")):
        Lab.model_validate({"defect": list(names)})


def test_a_lab_without_a_gateway_has_nothing_to_plant_it_in():
    with pytest.raises(UserError, match="--defect is the gateway's"):
        lab_spec({}, admin_port=None, token_env=None, has_gateway=False, gateway={"defect": ("x",)})


def test_a_sound_gateway_has_every_seam_as_it_was():
    sound, found = sound_seams(), build_gateway(GatewaySettings(())).seams
    assert found == sound


@pytest.mark.parametrize("name", DEFECTS)
def test_each_changes_something_and_no_two_gateways_share_it(name):
    first, second = (build_gateway(GatewaySettings((), defects=(name,))) for _ in range(2))
    bare = GatewaySettings((), defects=(name,))
    assert first.seams != sound_seams() or first.settings != bare or first.posts != build_gateway(bare).posts
    assert first.seams is not second.seams
