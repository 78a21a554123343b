"""Files appear whole or not at all, and no run writes into another's folder."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from battlectl.commands import folders
from battlectl.commands.folders import new_run_folder, point_latest, slug_of, write_atomically, write_results
from tests.report.scenes import SCENES, hostile

START = datetime(2026, 11, 22, 14, 3, 1, tzinfo=UTC)


def test_a_file_is_replaced_whole(tmp_path):
    path = tmp_path / "report.json"
    write_atomically(path, b"one")
    write_atomically(path, b"two")
    assert path.read_bytes() == b"two"
    assert os.listdir(tmp_path) == ["report.json"]


def test_a_failure_leaves_what_was_there_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "report.json"
    write_atomically(path, b"one")

    def refuse(source, target):
        raise OSError("no space left")

    monkeypatch.setattr(folders.os, "replace", refuse)
    with pytest.raises(OSError, match="no space"):
        write_atomically(path, b"two")
    assert path.read_bytes() == b"one"
    assert os.listdir(tmp_path) == ["report.json"]


@pytest.mark.parametrize("scene", [*SCENES, "hostile"])
def test_results_are_three_files(tmp_path, scene):
    document = hostile() if scene == "hostile" else SCENES[scene]()
    write_results(tmp_path, document)
    assert sorted(os.listdir(tmp_path)) == ["junit.xml", "report.json", "report.md"]
    stored = json.loads((tmp_path / "report.json").read_bytes())
    assert stored["findings"] == json.loads(json.dumps(document["findings"]))


def test_report_json_is_there_even_when_a_renderer_fails(tmp_path, monkeypatch):
    monkeypatch.setattr(folders, "render_markdown", lambda document: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_results(tmp_path, SCENES["pass"]())
    assert os.listdir(tmp_path) == ["report.json"]


def test_a_folder_is_named_after_scenario_time_and_run(tmp_path):
    folder = new_run_folder(tmp_path, "A provider dies: 100%!", START, "6f2a9c01d4e5")
    assert folder == tmp_path / "a-provider-dies-100" / "20261122T140301Z-6f2a9c01"
    assert folder.is_dir()


def test_the_time_is_in_utc(tmp_path):
    local = START.astimezone(timezone(timedelta(hours=9)))
    assert new_run_folder(tmp_path, "x", local, "1").name.startswith("20261122T140301Z-")


def test_an_existing_folder_is_never_used(tmp_path):
    folders = [new_run_folder(tmp_path, "x", START, "6f2a9c01") for _ in range(3)]
    assert [folder.name[-2:] for folder in folders] == ["01", "-2", "-3"]


def test_a_file_in_the_way_is_an_error(tmp_path):
    (tmp_path / "x").write_bytes(b"")
    with pytest.raises(FileExistsError):
        new_run_folder(tmp_path, "x", START, "1")


@given(st.text())
def test_a_slug_is_one_harmless_folder(name):
    slug = slug_of(name)
    assert slug.replace("-", "").isalnum()
    assert slug.isascii()
    assert len(slug) <= 64
    assert slug != "latest"


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("../../etc/passwd", "etc-passwd"),
        ("Latest", "latest-run"),
        ("日本", "scenario"),
        ("Ünïcode", "unicode"),
    ],
)
def test_slugs(name, slug):
    assert slug_of(name) == slug


def test_latest_points_to_the_newest_and_can_be_moved(tmp_path):
    results = tmp_path / "results"
    folders = [new_run_folder(results, "x", START, str(number)) for number in range(2)]
    for folder in folders:
        point_latest(results, folder)
    assert (results / "latest").resolve() == folders[1].resolve()
    assert not os.path.isabs(os.readlink(results / "latest"))
    assert sorted(os.listdir(results)) == ["latest", "x"]
    results.rename(tmp_path / "moved")
    assert (tmp_path / "moved" / "latest").is_dir()


def test_a_folder_called_latest_is_not_destroyed(tmp_path):
    folder = new_run_folder(tmp_path, "x", START, "1")
    (tmp_path / "latest").mkdir()
    with pytest.raises(OSError):  # noqa: PT011 (which one depends on the platform)
        point_latest(tmp_path, folder)
    assert sorted(os.listdir(tmp_path)) == ["latest", "x"]
