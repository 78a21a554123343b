"""validate, schema, init and the lookup of files, against real folders."""

import io
import json
import os
from pathlib import Path

import pytest
import yaml

from battlectl.commands.files import BUILTIN, find_scenarios, find_target, load_scenario, load_target
from battlectl.commands.init import init
from battlectl.commands.schema import schema
from battlectl.commands.validate import validate
from battlectl.errors import UserError

ROOT = Path(__file__).parents[2]
SHORT = "version: 1\nname: {name}\ntags: [{tag}]\nphases: {{steady: 5s}}\n" + (
    "load: {{reads: {{rate: 5/s, calls: [eth_chainId]}}}}\n"
)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def write(path, text):
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def run_validate(*paths, sets=(), tags=(), target=None):
    out, err = io.StringIO(), io.StringIO()
    code = validate([Path(path) for path in paths], sets, tags, target, out, err)
    return int(code), out.getvalue(), err.getvalue()


def test_a_valid_file_is_summed_up_in_a_line():
    write("a.yml", SHORT.format(name="A", tag="fast"))
    assert run_validate("a.yml") == (0, "a.yml: valid: 1 workload, 1 phase, 5s in all, 0 objectives\n", "")


def test_every_shipped_scenario_is_valid():
    code, out, err = run_validate(ROOT / "scenarios")
    assert (code, err) == (0, "")
    shipped = [path for path in (ROOT / "scenarios").rglob("*.yml") if path.parent.name != "nightly"]
    assert len(out.splitlines()) == len(shipped) >= 3


def test_good_and_bad_files_of_one_command_are_all_told():
    write("a.yml", SHORT.format(name="A", tag="fast"))
    write("b.yml", SHORT.format(name="B", tag="fast").replace("5/s", "5"))
    write("c.yml", SHORT.format(name="C", tag="fast").replace("steady", "9"))
    code, out, err = run_validate(".")
    assert code == 2
    assert out.startswith("a.yml: valid")
    assert [line.split(":")[0] for line in err.splitlines()] == ["b.yml", "c.yml", "c.yml"]


def test_an_unknown_target_makes_a_scenario_invalid():
    write("a.yml", SHORT.format(name="A", tag="fast"))
    write("config/mine.yml", "version: 1\nurl: http://127.0.0.1:1\n")
    write("config/addresses.yml", "version: 1\n")
    code, _, err = run_validate("a.yml", target="mien")
    assert code == 2
    assert 'there is no target "mien"; looked for\n  config/mien.yml' in err
    assert err.strip().endswith('there are: generic.example, lab, mine; did you mean "mine"?')


@pytest.mark.parametrize("kind", ["missing", "folder", "pipe", "huge", "loop", "long"])
def test_a_path_that_is_no_scenario_is_a_tidy_line(kind):
    path = Path("x.yml")
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "huge":
        path.write_bytes(b"#" * (5 * 2**20))
    elif kind == "long":
        path = Path("x" * 5000)
    elif kind == "loop":
        path.symlink_to(path)
    code, out, err = run_validate(path)
    assert (code, out, err.count("\n")) == (2, "", 1)
    wanted = {
        "missing": "No such file",
        "folder": "no scenario files",
        "pipe": "not a regular file",
        "huge": "larger than 1 MiB",
        "loop": "Too many levels",
        "long": "File name too long",
    }
    assert wanted[kind] in err


def test_folders_are_searched_and_each_file_is_taken_once():
    for name in ("b/z.yml", "b/a.yaml", "a.yml", "b/notes.txt", "b/feed.csv"):
        write(name, SHORT.format(name="A", tag="fast"))
    found = find_scenarios([Path("a.yml"), Path(), Path("b")])
    assert [str(path) for path in found] == ["a.yml", "b/a.yaml", "b/z.yml"]


def test_tags_choose_files_that_carry_at_least_one():
    write("a.yml", SHORT.format(name="A", tag="fast"))
    write("b.yml", SHORT.format(name="B", tag="slow"))
    assert [path.name for path in find_scenarios([Path()], ["fast"])] == ["a.yml"]
    assert len(find_scenarios([Path()], ["fast", "slow"])) == 2
    with pytest.raises(UserError, match="none of 2 scenarios has the tag nightly"):
        find_scenarios([Path()], ["nightly"])


def test_a_file_that_cannot_be_read_is_never_left_out_by_a_tag():
    write("a.yml", SHORT.format(name="A", tag="fast"))
    write("b.yml", "name: [\n")
    write("c.yml", SHORT.format(name="A", tag="slow").replace("5/s", "5"))
    with pytest.raises(UserError) as caught:
        find_scenarios([Path()], ["fast"])
    assert [line.split(":")[0] for line in str(caught.value).splitlines()] == ["b.yml", "c.yml"]


def test_a_folder_without_scenarios_is_an_error():
    Path("empty").mkdir()
    with pytest.raises(UserError, match="no scenario files"):
        find_scenarios([Path("empty")])


def test_a_target_is_looked_for_beside_the_working_directory_first():
    here = write("config/lab.yml", "version: 1\nkind: lab\n")
    there = write("deep/config/other.yml", "version: 1\nkind: lab\n")
    scenario = write("deep/er/s.yml", "")
    assert find_target("lab", scenario).resolve() == here.resolve()
    assert find_target("other", scenario).resolve() == there.resolve()
    assert find_target("deep/config/other.yml") == Path("deep/config/other.yml")
    here.unlink()
    assert find_target("lab", scenario) == BUILTIN / "lab.yml"
    assert load_target("lab").target.kind == "lab"


@pytest.mark.parametrize("name", ["x" * 5000, "x\0y", "x" * 5000 + ".yml", ".", "..", "loop"])
def test_an_odd_target_name_is_a_tidy_line(name):
    Path("config").mkdir()
    Path("config/loop.yml").symlink_to("loop.yml")
    Path("config/dir.yml").mkdir()
    with pytest.raises(UserError, match="there is no target"):
        load_target(name)


def test_a_path_that_is_no_target_says_where_it_looked():
    with pytest.raises(UserError, match=r"nowhere/x\.yml"):
        find_target("nowhere/x.yml")


def test_feeds_are_read_from_the_folder_of_the_scenario():
    text = SHORT.format(name="A", tag="fast") + "feeds: {it: data/it.txt}\n"
    write("deep/s.yml", text)
    write("deep/data/it.txt", "x\n")
    assert load_scenario(Path("deep/s.yml")).feeds == {"it": ("x",)}
    Path("deep/data/it.txt").unlink()
    os.mkfifo("deep/data/it.txt")
    assert "not a regular file" in run_validate("deep/s.yml")[2]


def test_init_writes_a_folder_that_validates_and_says_what_is_next():
    out = io.StringIO()
    assert init(Path("new"), out) == 0
    assert "battlectl run new/scenarios/first.yml" in out.getvalue()
    code, _, err = run_validate("new/scenarios")
    assert (code, err) == (0, "")
    for name in ("lab", "generic.example"):
        assert load_target(f"new/config/{name}.yml").target.version == 1
    assert json.loads(Path("new/config/scenario.schema.json").read_text())["title"] == "battlectl scenario"


def test_init_never_writes_over_anything():
    kept = write("new/config/lab.yml", "mine")
    with pytest.raises(UserError, match=r"already has config/lab\.yml"):
        init(Path("new"), io.StringIO())
    assert kept.read_text() == "mine"
    assert not Path("new/scenarios").exists()


def test_init_into_something_that_is_no_folder_is_a_tidy_line():
    write("file", "x")
    with pytest.raises(UserError, match="cannot be written"):
        init(Path("file"), io.StringIO())


def test_the_builtin_configs_are_those_of_the_repository():
    for name in ("lab.yml", "generic.example.yml"):
        assert (BUILTIN / name).read_text() == (ROOT / "config" / name).read_text()


def test_schema_prints_json_and_refuses_other_kinds():
    out = io.StringIO()
    assert schema("target", out) == 0
    assert json.loads(out.getvalue())["title"] == "battlectl target"
    with pytest.raises(UserError, match="known are scenario, target"):
        schema("report", io.StringIO())


def test_shipped_files_name_a_schema_that_is_there():
    for path in [*(ROOT / "scenarios").glob("*.yml"), *(ROOT / "config").glob("*.yml")]:
        first = path.read_text().splitlines()[0]
        assert first.startswith("# yaml-language-server: $schema="), path
        assert (path.parent / first.partition("$schema=")[2]).is_file(), path
        assert yaml.safe_load(path.read_text())["version"] == 1
