"""faults.jsonl: what is on the disk when, what is read of it after a kill, and what nobody may read there."""

from __future__ import annotations

import os
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
    Secrecy,
    find_unhealed,
    read_journal,
    unhealed,
    with_secrets,
)
from battlectl.commands.masking import Masker
from battlectl.observe.faults import Deed

HEADER = Header(run_id="abc123", target="lab", config={"driver": "toxiproxy", "token": "${TOKEN}"})


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
    with pytest.raises(BadJournal, match=str(path)):
        find_unhealed(tmp_path)


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
    assert {path.parent.name: left for path, (_, left) in find_unhealed(tmp_path).items()} == {
        "one": (deed(),)
    }


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
