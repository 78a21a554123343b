"""A chain that goes another way between two looks, and back: no stream that tells it is accused."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from battlectl.observe.streams.cell import StreamCells
from battlectl.observe.streams.heads import HeadStream
from battlectl.observe.streams.log_truth import LogTruth
from battlectl.observe.streams.logs import LogStream
from battlectl.observe.streams.terms import Terms
from battlectl.observe.streams.truth import Truth

LOOK = 0.1
SETTLE = 0.5
BLOCKS = 12
FORGIVEN = {
    "events",
    "observed",
    "reemitted",
    "unproven",
    "removed",
    "wanted_ns",
    "open_ns",
    "streams",
}

flashes = st.lists(
    st.tuples(st.integers(20, 10 * BLOCKS), st.integers(1, 4), st.integers(-2, 1)),
    max_size=4,
    unique_by=lambda one: one[0],
)
"""(after which look, how many blocks are replaced, by how many more)."""


def told(flashed):
    """What a node tells, as (t, number, hash, parent) in order: block n from second n on, and the flashes."""
    said = [(float(n), n, f"{n}a", f"{n - 1}a") for n in range(1, BLOCKS + 1)]
    for place, depth, more in flashed:
        t = place * LOOK + 0.03
        head = min(BLOCKS, int(t))
        fork = max(1, head - depth)
        parent = f"{fork}a"
        for number in range(fork + 1, max(fork + 1, head + more) + 1):
            hash_ = f"{number}x{place}"
            said.append((t, number, hash_, parent))
            parent = hash_
        said += [(t + 0.04, n, f"{n}a", f"{n - 1}a") for n in range(fork + 1, head + 1)]
    return sorted(said, key=lambda one: one[0])


def play(stream, truth, tell, flashed):
    """Look by look, with what the node tells between; what was found."""
    steps = [(n * LOOK, 0, None) for n in range(10, 10 * (BLOCKS + 2))]
    steps += [(one[0], 1, one) for one in told(flashed)]
    stream.opened(0.0)
    for t, kind, one in sorted(steps, key=lambda step: step[:2]):
        if kind:
            tell(*one)
            continue
        head = min(BLOCKS, int(t + 1e-9))
        truth.see(t, head, f"{head}a", f"{head - 1}a")
        stream.look(t)
    stream.finish(BLOCKS + 2.0)


@settings(max_examples=150)
@given(flashes)
def test_headers_of_it_are_not_known_to_be_wrong(flashed):
    truth, cells = Truth(), StreamCells()
    stream = HeadStream("s", truth, cells, Terms(SETTLE, 1e9), 0.0)
    play(stream, truth, stream.head, flashed)
    counts = {name: n for name, n in cells.total().counts.items() if n}
    assert set(counts) <= FORGIVEN
    assert counts["observed"] == BLOCKS
    assert counts.get("unproven", 0) == sum(not one[2].endswith("a") for one in told(flashed))


@settings(max_examples=150)
@given(flashes)
def test_logs_of_it_are_not_known_to_be_wrong(flashed):
    truth, cells = Truth(), StreamCells()
    logs = LogTruth(truth)
    for number in range(1, BLOCKS + 1):
        logs.see(f"{number}a", (0,))
    stream = LogStream("s", logs, cells, Terms(SETTLE, 1e9), 0.0)
    shown: list[tuple[int, str]] = []

    def tell(t, number, hash_, parent):
        while shown and shown[-1][0] >= number:
            stream.log(t, *shown.pop(), 0, removed=True)
        stream.log(t, number, hash_, 0)
        shown.append((number, hash_))

    play(stream, truth, tell, flashed)
    counts = {name: n for name, n in cells.total().counts.items() if n}
    assert set(counts) <= FORGIVEN
    assert counts["observed"] == BLOCKS
