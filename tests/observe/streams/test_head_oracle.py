"""What is done to a stream is what is found in it: loss, doubling, delay, over chains with reorgs.

The oracle knows no hash and no rank of the checker: it works on the places in the list of what a perfect
stream would have said.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from hypothesis import given, settings
from hypothesis import strategies as st

from battlectl.observe.streams.cell import MISSING, StreamCell, StreamCells, merged_cells
from battlectl.observe.streams.heads import HeadStream
from battlectl.observe.streams.terms import Terms
from battlectl.observe.streams.truth import Truth

TERMS = Terms(settle=0.5, stall_after=1e9)


@dataclass(frozen=True)
class Said:
    """A place in what a perfect stream says; `turn` counts the reorgs before it."""

    t: float
    number: int
    hash: str
    parent: str
    turn: int
    top: int
    """The height that was reached before the reorg that began this turn."""


@st.composite
def chains(draw, with_returns=False):
    """What a perfect stream says, over a chain with reorgs; with returns, some go back to what was left."""
    said: list[Said] = []
    chain: list[tuple[str, str]] = []  # (hash, parent) by number
    turn, top, branches = 0, 0, []
    for t in range(1, draw(st.integers(2, 12))):
        depth = draw(st.sampled_from([0, 0, 0, 1, 2, 4]))
        if not 0 < depth < len(chain):
            new = [(f"{len(chain)}-{t}", chain[-1][0] if chain else "none")]
        else:
            turn, top = turn + 1, len(chain) - 1
            branches.append(list(chain))
            left = [one for one in branches if with_returns and one != chain and one[0] == chain[0]]
            if left and draw(st.booleans()):
                back = draw(st.sampled_from(left))
                fork = next((n for n, (a, b) in enumerate(zip(back, chain, strict=False)) if a != b), None)
                if fork is None:
                    turn -= 1
                    continue
                chain, new = chain[:fork], back[fork:]
            else:
                chain = chain[:-depth]
                new = []
                for n in range(draw(st.integers(1, depth + 1))):
                    new.append((f"{len(chain) + n}-{t}", new[-1][0] if new else chain[-1][0]))
        for hash_, parent in new:
            said.append(Said(float(t), len(chain), hash_, parent, turn, top))
            chain.append((hash_, parent))
    return said, [hash_ for hash_, _ in chain]


def play(said, events, lag, cuts):
    """Events are (t, place); what was counted."""
    truth, cells = Truth(), StreamCells(cuts)
    stream = HeadStream("s", truth, cells, TERMS, 0.0)
    stream.opened(0.0)
    until = max([t for t, _ in events] + [said[-1].t]) + 2.0
    steps = [(one.t + lag, 0, place) for place, one in enumerate(said)]
    steps += [(t, 1, place) for t, place in events]
    steps += [(n / 4, 2, 0) for n in range(int(until * 4) + 1)]
    for t, kind, place in sorted(steps, key=lambda step: step[:2]):
        one = said[place]
        if kind == 0:
            truth.see(t, one.number, one.hash, one.parent)
        elif kind == 1:
            stream.head(t, one.number, one.hash, one.parent)
        elif truth.head is not None:
            truth.see(t, truth.head.number, truth.head.hash, truth.head.parent)
    stream.finish(until)
    return cells.take()


deliveries = st.lists(st.sampled_from([0.1, 0.1, 0.1, 0.9, 1.7, 3.2]), max_size=2)
"""After how long each copy of an event comes; none of them: it is lost."""


@settings(max_examples=120, deadline=None)
@given(
    chains(),
    st.lists(st.one_of(st.just([0.1]), deliveries), min_size=60, max_size=60),
    st.sampled_from([0.0, 0.3]),
    st.lists(st.integers(0, 12).map(float), max_size=3, unique=True).map(sorted),
)
def test_what_was_done_to_a_stream_is_what_is_found(chain, done, lag, cuts):
    said, final = chain
    events = sorted((said[p].t + late, p) for p in range(len(said)) for late in done[p])
    by_segment = play(said, events, lag, cuts)
    cell = merged_cells(StreamCell.from_json(one.to_json()) for one in by_segment.values())
    found = {name: n for name, n in cell.counts.items() if name in JUDGED and n}
    assert found == {name: n for name, n in oracle(said, final, events).items() if n}


JUDGED = {"observed", "duplicates", "out_of_order", "back_filled", "reemitted", "gaps", *MISSING} | {
    "reorgs_followed",
    "reorgs_partial",
    "reorgs_hidden",
    "wrong_fork",
    "invented",
    "unproven",
    "false_links",
}


def oracle(said, final, events):
    """All findings, from places alone."""
    order = [place for _, place in events]
    came = set(order)
    firsts = list(dict.fromkeys(order))
    highest = [max(firsts[:n], default=-1) for n in range(len(firsts))]
    steps = [place for n, place in enumerate(firsts) if place > highest[n]]
    late = len(firsts) - len(steps)
    again = sum(
        any(said[before].number >= said[place].number for before in steps[:n])
        for n, place in enumerate(steps)
    )
    counts = {"observed": len(came), "duplicates": len(order) - len(came), "reemitted": again}
    counts |= {"out_of_order": late, "back_filled": late}
    lost = [p for p, one in enumerate(said) if p not in came and one.hash in final]
    runs = set()
    for place in lost:
        is_stale = any(said[p].number == said[place].number for p in came if p < place)
        jumped = next((step for step in steps if step > place), None)
        kind = "tail" if jumped is None else "start" if jumped == steps[0] else "middle"
        kind = "missing_" + ("unreplaced" if is_stale else kind)
        counts[kind] = counts.get(kind, 0) + 1
        runs.add((jumped, kind))
    counts["gaps"] = len(runs)
    for name in map(told_of, turns(said, came)):
        counts[name] = counts.get(name, 0) + 1
    return counts


def turns(said, came):
    """(how many of the new branch came, how many there were) for each reorg that concerns the stream."""
    for turn, group in groupby(range(len(said)), key=lambda place: said[place].turn):
        branch = [p for p in group if said[p].number <= said[p].top]
        numbers = {said[p].number for p in branch}
        if turn and any(said[p].number in numbers and said[p].turn < turn for p in came):
            yield len(came & set(branch)), len(branch)


def told_of(turn):
    """The name of what a reorg is counted as."""
    shown, of = turn
    return "reorgs_followed" if shown == of else "reorgs_partial" if shown else "reorgs_hidden"


@settings(max_examples=80, deadline=None)
@given(chains(with_returns=True), st.sampled_from([0.0, 0.3]))
def test_a_perfect_stream_has_no_finding_whatever_the_chain_does(chain, lag):
    said, _ = chain
    cells = play(said, [(one.t + 0.1, place) for place, one in enumerate(said)], lag, ())
    cell = merged_cells(cells.values())
    counts = {name for name, n in cell.counts.items() if name in JUDGED and n}
    assert counts <= {"observed", "reemitted", "reorgs_followed"}
    assert cell.count("observed") == len(said)


@settings(max_examples=80, deadline=None)
@given(chains(with_returns=True), st.sets(st.integers(0, 60)), st.sampled_from([0.0, 0.3]))
def test_what_is_missing_is_what_never_came_even_where_the_chain_goes_back(chain, lost, lag):
    said, final = chain
    events = [(one.t + 0.1, place) for place, one in enumerate(said) if place not in lost]
    cell = merged_cells(play(said, events, lag, ()).values())
    shown = {said[place].hash for _, place in events}
    assert cell.missing == len(set(final) - shown)
    assert cell.count("wrong_fork") == cell.count("unproven") == 0


@settings(max_examples=60, deadline=None)
@given(
    chains(),
    st.lists(st.tuples(st.floats(1, 12), st.integers(0, 11)), max_size=5, unique_by=lambda one: one[0]),
)
def test_each_block_of_another_chain_is_wrong_or_invented_and_costs_no_other_finding(chain, strangers):
    said, _ = chain
    highest = max(one.number for one in said)
    alien = [Said(t, min(n, highest), f"x{t}", "x", 0, 0) for t, n in strangers]
    whole = [*said, *alien]
    events = [(one.t + 0.1, place) for place, one in enumerate(whole)]
    truth, cells = Truth(), StreamCells()
    stream = HeadStream("s", truth, cells, TERMS, 0.0)
    stream.opened(0.0)
    looks = [(one.t, one) for one in said] + [(n / 4, None) for n in range(80)]
    steps = [(t, 0, one) for t, one in looks] + [(t, 1, whole[place]) for t, place in events]
    for t, kind, one in sorted(steps, key=lambda step: step[:2]):
        one = one or truth.head
        if one is not None:
            (stream.head if kind else truth.see)(t, one.number, one.hash, one.parent)
    stream.finish(20.0)
    cell = cells.total()
    gone = sum(one.number > said[-1].number for one in alien)  # Beyond a branch that is shorter at the end.
    wrong, invented, unproven = (cell.count(name) for name in ("wrong_fork", "invented", "unproven"))
    assert wrong + invented + unproven == len(alien)
    assert unproven <= gone
    firsts = {one.number: one.t for one in reversed(said)}
    early = sum(firsts[one.number] > one.t + 0.1 + TERMS.settle for one in alien)
    assert early - unproven <= invented <= early
    assert cell.count("observed") == len(said)
    assert cell.missing == cell.count("duplicates") == cell.count("out_of_order") == 0
