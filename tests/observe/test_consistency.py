"""Facts merge in any grouping, are bounded, and come back from where they are stored as they were."""

from hypothesis import given
from hypothesis import strategies as st

from battlectl.observe.consistency import (
    MOST_NAMES,
    MOST_WORDS,
    OTHERS,
    Book,
    Count,
    Fact,
    Seen,
    by_subject,
    counted,
    facts_json,
    merge_facts,
    read_facts,
)
from battlectl.observe.journal import MOST_BYTES, Line, decode_lines, encode_in_steps, encode_line
from battlectl.observe.tally import Delta, Tally

SEEN = st.builds(
    Seen, st.integers(0, 9).map(float), st.sampled_from("ab"), st.integers(0, 3).map(float), st.just("w")
)
COUNTS = st.builds(lambda n, seen: Count(n, seen, seen), st.integers(1, 3), st.none() | SEEN)
FACTS = st.dictionaries(
    st.builds(Fact, st.just("head"), st.sampled_from("xy"), st.just(""), st.integers(0, 1)), COUNTS
)


def merged(*parts):
    result = {}
    for part in parts:
        merge_facts(result, part)
    return result


@given(FACTS, FACTS, FACTS)
def test_facts_merge_in_any_grouping_and_order(one, two, three):
    assert merged(merged(one, two), three) == merged(one, merged(two, three)) == merged(three, two, one)


@given(FACTS)
def test_facts_come_back_as_they_were(facts):
    assert read_facts(facts_json(facts)) == facts


def test_a_book_keeps_the_first_and_the_worst_of_a_run_and_hands_over_what_is_new():
    book, facts = Book([0.0, 5.0, 10.0]), {}
    for t, size in ((1.0, 2), (2.0, 1), (6.0, 5), (7.0, 3)):
        book.add(t, "head", "back", "reads", Seen(t, "a", size, f"at {t}"))
        merge_facts(facts, book.take())
    assert counted(facts, "head", "back").number == 4
    assert counted(facts, "head", "back", [1]).number == 2
    whole = counted(facts, "head", "back")
    assert (whole.first.t, whole.worst.t) == (1.0, 6.0)
    assert book.take() == {}
    assert by_subject(facts, "head") == {"reads": {"back": whole}}


def test_names_beyond_the_bound_are_counted_as_one():
    book = Book([0.0, 1.0])
    for number in range(10 * MOST_NAMES):
        book.add(0.5, "errors", f"shape {number}", "x" * 500)
    taken = book.take()
    assert len(taken) <= MOST_NAMES + 2
    assert sum(count.number for count in taken.values()) == 10 * MOST_NAMES
    assert any(fact.subject == OTHERS for fact in taken)


def crowded():
    book = Book([0.0, 1.0])
    for number in range(2 * MOST_NAMES):
        words = "\u20ac" * 1000
        book.add(0.5, "errors", f"{number}" + "k" * 500, "s" * 500, Seen(0.5, "p" * 60, 1.0, words))
    return Line(1.0, Delta(facts=book.take()), {})


def test_a_line_of_the_journal_loses_examples_before_it_gets_too_long_and_never_counts():
    line = crowded()
    data = encode_line(line)
    assert all(len(part) <= MOST_BYTES for part in data.splitlines())
    tally = Tally()
    for part in decode_lines(data):
        tally.merge(part.delta)
    assert {fact: count.number for fact, count in tally.facts.items()} == {
        fact: count.number for fact, count in line.delta.facts.items()
    }
    assert max(len(c.first.words) for c in line.delta.facts.values() if c.first) <= MOST_WORDS


def drained(steps):
    """What a generator returns in the end."""
    found = []

    def keep():
        found.append((yield from steps))

    for _ in keep():
        pass
    return found[0]


def test_a_line_that_fits_keeps_its_examples_either_way():
    facts = {Fact("head", "back", "reads", 0): Count(2, Seen(1.0, "a", 3.0, "w"), Seen(1.0, "a", 3.0, "w"))}
    line = Line(1.0, Delta(facts=facts), {})
    assert drained(encode_in_steps(line)) == encode_line(line)
    (back,) = decode_lines(encode_line(line))
    assert back.delta.facts == facts


@given(st.lists(st.tuples(st.floats(-1, 30), st.booleans())))
def test_a_tick_is_an_entry_without_an_example(moments):
    cuts = [0.0, 5.0, 10.0, 20.0]
    ticked, added, facts = Book(cuts), Book(cuts), {}
    for t, is_read in moments:
        ticked.tick(t, ("head", "replies", "reads"))
        added.add(t, "head", "replies", "reads")
        if is_read:
            merge_facts(facts, ticked.take())
    merge_facts(facts, ticked.take())
    assert facts == added.take()
