"""faults.jsonl: what is on the disk when, what is read of it after a kill, and what nobody may read there."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import msgspec
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from battlectl.chaos.journal import (
    NAME,
    BadJournal,
    FaultJournal,
    Header,
    JournalInUse,
    Secrecy,
    read_journal,
    unhealed,
    with_secrets,
)
from battlectl.chaos.leftovers import find_left
from battlectl.commands.masking import Masker
from battlectl.observe.faults import Deed

HEADER = Header(
    run_id="abc123", target="lab", config={"driver": "toxiproxy", "token": "${TOKEN}"}, pid=os.getpid()
)
HOLDER = """
import sys, time
from pathlib import Path
from battlectl.chaos.journal import FaultJournal, Header, Secrecy
journal = FaultJournal(Path(sys.argv[1]), Header(run_id="x", target="t", config={}), Secrecy())
print("open", flush=True)
time.sleep(120)
"""


def deed(fault="kill-a", action="inject", stage="begin", provider="a", t=1.5, undo=None, note=""):
    return Deed(t, fault, provider, action, stage, undo or {}, note)


def write(path, *deeds, header=HEADER, secrecy=None):
    journal = FaultJournal(path, header, secrecy or Secrecy())
    for one in deeds:
        journal.write(one)
    journal.close()


def test_what_was_written_is_read(tmp_path):
    path = tmp_path / NAME
    deeds = [deed(undo={"proxy": "a", "toxics": ["x@1"], "n": 1.25}), deed(stage="done", note="200")]
    write(path, *deeds)
    assert read_journal(path.read_bytes()) == (HEADER, tuple(deeds))
    assert path.stat().st_mode & 0o777 == 0o600


async def test_each_deed_is_on_the_disk_when_add_returns(tmp_path, monkeypatch):
    path, synced = tmp_path / NAME, []
    true_sync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda file: (synced.append(path.read_bytes()), true_sync(file)))
    journal = FaultJournal(path, HEADER, Secrecy())
    await journal.add(deed())
    assert read_journal(synced[-1]) == (HEADER, (deed(),))
    journal.close()


async def test_a_disk_that_is_full_is_an_os_error(tmp_path):
    path = tmp_path / NAME
    write(path)
    journal = FaultJournal(path, None, Secrecy())
    os.close(journal._file)
    journal._file = os.open("/dev/full", os.O_WRONLY)
    with pytest.raises(OSError, match="No space left"):
        await journal.add(deed())
    journal.close()


async def test_a_disk_that_hangs_holds_up_nobody_who_stops_waiting(tmp_path, monkeypatch):
    path, works = tmp_path / NAME, threading.Event()
    journal = FaultJournal(path, HEADER, Secrecy())
    true_sync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda file: (works.wait(30), true_sync(file)))
    with trio.move_on_after(0.2) as patience:
        await journal.add(deed())
    assert patience.cancelled_caught
    journal.close()
    works.set()
    with trio.fail_after(10):
        while journal._under_way:  # noqa: ASYNC110 (a thread)
            await trio.sleep(0.01)
    await journal.add(deed(action="heal"))  # It was kept open for what was under way.
    journal.close()
    assert [one.action for one in read_journal(path.read_bytes())[1]] == ["inject", "heal"]


@given(st.data())
def test_a_kill_at_any_byte_loses_at_most_what_had_not_begun(data):
    deeds = [deed(undo={"k": "é"}), deed(stage="done"), deed(action="heal", stage="begin")]
    lines = [msgspec.json.encode(one) + b"\n" for one in (HEADER, *deeds)]
    whole = b"".join(lines)
    cut = data.draw(st.integers(0, len(whole)))
    header, found = read_journal(whole[:cut])
    ends = [sum(map(len, lines[: n + 1])) for n in range(len(lines))]
    complete = sum(end <= cut for end in ends)
    assert (header is None) is (complete == 0)
    assert found == tuple(deeds)[: max(0, complete - 1)]


def test_a_journal_that_goes_on_drops_the_line_that_was_cut(tmp_path):
    path = tmp_path / NAME
    write(path, deed())
    with path.open("ab") as file:
        file.write(b'{"t":2.0,"fault":"ki')
    write(path, deed(action="heal", stage="done"), header=None)
    _, deeds = read_journal(path.read_bytes())
    assert [one.action for one in deeds] == ["inject", "heal"]


@pytest.mark.parametrize("damage", [b"nonsense\n", b'{"t": 1}\n', b"\xff\n"])
def test_a_line_that_was_damaged_is_no_journal(tmp_path, damage):
    path = tmp_path / NAME
    write(path, deed())
    data = path.read_bytes()
    with pytest.raises(BadJournal, match="line 3"):
        read_journal(data + damage)
    with pytest.raises(BadJournal, match="line 1"):
        read_journal(damage + data)
    path.write_bytes(data + damage)
    [left] = find_left(tmp_path)
    assert (left.path, left.header, left.deeds) == (path, HEADER, ())
    assert "line 3" in left.damage
    path.write_bytes(damage + data)
    [left] = find_left(tmp_path)
    assert (left.header, "line 1" in left.damage) == (None, True)


def test_a_journal_of_another_version_is_not_guessed_at():
    line = msgspec.json.encode(msgspec.to_builtins(HEADER) | {"schema_version": 2}) + b"\n"
    with pytest.raises(BadJournal, match="version 2"):
        read_journal(line)


def test_a_new_run_never_writes_into_the_journal_of_another(tmp_path):
    write(tmp_path / NAME)
    with pytest.raises(FileExistsError):
        FaultJournal(tmp_path / NAME, HEADER, Secrecy())


@pytest.mark.parametrize(
    ("deeds", "left"),
    [
        ([], []),
        ([deed()], ["kill-a"]),
        ([deed(), deed(stage="done")], ["kill-a"]),
        ([deed(), deed(stage="failed")], ["kill-a"]),
        ([deed(), deed(action="heal")], ["kill-a"]),
        ([deed(), deed(action="heal", stage="failed")], ["kill-a"]),
        ([deed(), deed(action="heal", stage="done")], []),
        ([deed(stage="failed")], []),
        ([deed(), deed("other"), deed(action="heal", stage="done")], ["other"]),
        ([deed(), deed(provider="b"), deed(action="heal", stage="done")], ["kill-a"]),
        ([deed(), deed("second"), deed("third")], ["third", "second", "kill-a"]),
    ],
)
def test_what_may_still_be_in_force(deeds, left):
    assert [one.fault for one in unhealed(deeds)] == left


def test_every_run_with_something_left_is_found(tmp_path):
    for name, deeds in {
        "one": [deed()],
        "two": [deed(), deed(action="heal", stage="done")],
        "three": [],
    }.items():
        (tmp_path / "s" / name).mkdir(parents=True)
        write(tmp_path / "s" / name / NAME, *deeds)
    (tmp_path / "s" / "four").mkdir()
    (tmp_path / "s" / "four" / NAME).write_bytes(b"")
    assert [(left.path.parent.name, left.deeds) for left in find_left(tmp_path)] == [("one", (deed(),))]


def test_the_newest_journal_comes_first(tmp_path):
    for age, name in enumerate(("new", "old", "older")):
        (tmp_path / name).mkdir()
        write(tmp_path / name / NAME, deed())
        os.utime(tmp_path / name / NAME, (1_000 - age, 1_000 - age))
    assert [left.path.parent.name for left in find_left(tmp_path)] == ["new", "old", "older"]


def test_what_ends_with_its_run_leaves_nothing(tmp_path):
    write(tmp_path / NAME, deed(), header=msgspec.structs.replace(HEADER, ends_with_run=True))
    assert list(find_left(tmp_path)) == []


def test_nobody_else_can_go_on_with_a_journal_that_is_open(tmp_path):
    path = tmp_path / NAME
    journal = FaultJournal(path, HEADER, Secrecy())
    journal.write(deed())
    for _ in range(2):
        with pytest.raises(JournalInUse):
            FaultJournal(path, None, Secrecy())
    journal.close()
    write(path, deed(action="heal", stage="done"), header=None)
    assert list(find_left(tmp_path)) == []


@pytest.mark.real
def test_a_killed_process_holds_its_journal_no_longer(tmp_path):
    path = tmp_path / NAME
    with subprocess.Popen([sys.executable, "-c", HOLDER, path], stdout=subprocess.PIPE, text=True) as holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "open\n"
            with pytest.raises(JournalInUse):
                FaultJournal(path, None, Secrecy())
        finally:
            holder.kill()
        holder.wait()
    write(path, deed(), header=None)
    [left] = find_left(tmp_path)
    assert left.header is not None
    assert (left.header.pid, left.deeds) == (holder.pid, (deed(),))


def test_a_line_that_a_full_disk_cut_does_not_damage_the_next(tmp_path, monkeypatch):
    path, whole = tmp_path / NAME, os.write
    journal = FaultJournal(path, HEADER, Secrecy())

    def half(file, data):
        if begun:
            raise OSError(28, "No space left on device")
        begun.append(True)
        return whole(file, bytes(data)[:10])

    begun: list[bool] = []
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", half)
        with pytest.raises(OSError, match="No space"):
            journal.write(deed("first"))
    journal.write(deed("second"))
    journal.close()
    assert [one.fault for one in read_journal(path.read_bytes())[1]] == ["second"]


def test_secrets_are_kept_out_and_healing_still_has_them(tmp_path):
    path = tmp_path / NAME
    secrecy = Secrecy({"s3cret-token-77": "TOKEN"}, Masker(["s3cret-token-77", "from-a-url-99"]).mask_tree)
    undo = {"document": '{"key": "s3cret-token-77", "text": "costs ${5}"}'}
    note = "401: s3cret-token-77, http://x/from-a-url-99/"
    write(path, deed(undo=undo, note=note), secrecy=secrecy)
    stored = path.read_bytes()
    assert b"s3cret" not in stored
    assert b"from-a-url" not in stored
    _, [found] = read_journal(stored)
    assert found.note == "401: ***, http://x/***/"
    assert with_secrets(found, {"TOKEN": "s3cret-token-77"}).undo == undo
    with pytest.raises(KeyError, match="TOKEN"):
        with_secrets(found, {})
