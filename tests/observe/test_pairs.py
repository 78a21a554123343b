"""Two answers to one call: equal, different, or not to be compared, and why not."""

from battlectl.jsonrpc.same_json import first_difference, normal_result
from battlectl.observe.chain_seen import ChainSeen
from battlectl.observe.consistency import Book
from battlectl.observe.pairs import MOST_WAITING, Half, Pairs

ASKED = b'"eth_getBalance","params":["0x1","0x2"]}'


def half(value=b'"0x1"', t=1.0, asked=ASKED, provider="a"):
    return Half(t, t + 0.1, "eth_getBalance", asked, value, provider)


def found(*halves, chain=None, final=True, **more):
    """Kind -> (how often, the words of the first)."""
    book = Book([0.0, 100.0])
    pairs = Pairs(book, "twins", first_difference, chain, **more)
    for side, number, one in halves:
        pairs.hear(side, number, one)
    pairs.settle(50.0, final=final)
    return {
        fact.kind: (count.number, count.first and count.first.words) for fact, count in book.take().items()
    }


def test_equal_answers_are_equal_whichever_comes_first():
    assert found((0, 1, half()), (1, 1, half())) == {"equal": (1, None)}
    assert found((1, 1, half()), (0, 1, half())) == {"equal": (1, None)}


def test_a_difference_is_told_in_the_order_of_the_sides():
    told = {"unwatched": (1, 'eth_getBalance: result is "0x1" and "0x2"')}
    other = half(b'"0x2"')
    assert found((0, 1, half()), (1, 1, other)) == told
    assert found((1, 1, other), (0, 1, half())) == told


def test_what_cannot_be_compared_is_counted_apart():
    assert found((0, 1, half(None)), (1, 1, half())) == {"unanswered": (1, None)}
    assert found((0, 1, half(asked=b"x")), (1, 1, half())) == {"unlike": (1, None)}
    assert found((0, 1, half()), (1, 2, half())) == {"alone": (2, None)}


def test_memory_is_bounded():
    halves = [(0, number, half()) for number in range(MOST_WAITING + 10)]
    assert found(*halves, final=False) == {"alone": (10, None)}


def read(*looks):
    chain = ChainSeen()
    for t, number, hash_, parent in looks:
        chain.see(t, number, hash_, parent)
    return chain


def test_a_reorg_around_a_difference_explains_it_and_an_unread_chain_explains_nothing():
    pair = (0, 1, half()), (1, 1, half(b'"0x2"'))
    turned = read(
        (0.5, 9, "a9", "a8"), (0.9, 10, "a10", "a9"), (1.2, 10, "b10", "a9"), (3.0, 11, "b11", "b10")
    )
    calm = read((0.5, 9, "a9", "a8"), (0.9, 10, "a10", "a9"), (3.0, 11, "a11", "a10"))
    early = read((0.5, 9, "a9", "a8"))
    assert set(found(*pair, chain=turned)) == {"after_reorg"}
    assert set(found(*pair, chain=calm)) == {"different"}
    assert set(found(*pair, chain=early)) == {"unsettled"}
    assert set(found(*pair, chain=calm, is_new=lambda t: t < 5)) == {"not_noticed_yet"}


def test_json_is_compared_and_not_its_text():
    one = normal_result(b'{"jsonrpc":"2.0","id":1,"result":{"b":"0xAB","a":[1,true]}}')
    assert one == normal_result(b'{"id":7,"result":{"a":[1,true],"b":"0xab"},"jsonrpc":"2.0"}')
    other = normal_result(b'{"result":{"a":[1,1],"b":"0xab"}}')
    assert one != other
    assert first_difference(one, other) == "result.a[1] is true and 1"
    assert first_difference(one, normal_result(b'{"result":{"a":[1,true]}}')) == "result.b is there once only"
    assert first_difference(one, normal_result(b'{"result":null}')).startswith("result is {")
