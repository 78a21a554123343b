"""What the gateway decides by, without a gateway: breaker, strategies, latencies, heads, routes, filters."""

import random
from collections import Counter, OrderedDict

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from battlectl.lab.gateway import breaker as b
from battlectl.lab.gateway import heads, latency
from battlectl.lab.gateway.breaker import Breaker
from battlectl.lab.gateway.filters import MOST_FILTERS, home_of, remember
from battlectl.lab.gateway.head_answers import heads_in, judge_heads
from battlectl.lab.gateway.questions import needed_block, read_question
from battlectl.lab.gateway.routes import Route, RouteError, check_route, read_route
from battlectl.lab.gateway.settings import BreakerSettings, GatewaySettings, ProviderSettings
from battlectl.lab.gateway.state import read_settings, settings_json
from battlectl.lab.gateway.strategies import STRATEGIES, Standing
from battlectl.lab.gateway.traffic import Traffic, percentile
from battlectl.lab.gateway.truth import MOST_EVENTS, MOST_METHODS, OTHER, Truth, truth_document
from battlectl.lab.net.wire import Request
from battlectl.lab.rpc.envelope import Call, RpcError

RULES = BreakerSettings(failures=3, open_s=1.0, growth=2.0, longest_s=5.0, successes=2)
CHANCE = random.Random(7)


def played(events, breaker=None, rules=RULES):
    """A breaker after `ok@T` and `fail@T`, and the states it was in at each."""
    breaker, states = breaker or Breaker(), []
    for event in events.split():
        what, _, when = event.partition("@")
        breaker = b.begin(b.at(breaker, float(when)))
        if what != "look":
            ended = b.after_success(breaker, rules) if what == "ok" else None
            breaker = ended or b.after_failure(breaker, float(when), rules)
        states.append(breaker.state)
    return breaker, states


@pytest.mark.parametrize(
    ("events", "states"),
    [
        ("fail@0 fail@0 ok@0 fail@0 fail@0", "closed closed closed closed closed"),
        ("fail@0 fail@0 fail@0 look@0.9 look@1", "closed closed open open half_open"),
        ("fail@0 fail@0 fail@0 ok@1 ok@1 fail@1", "closed closed open half_open closed closed"),
        ("fail@0 fail@0 fail@0 fail@1 look@2.9 look@3", "closed closed open open open half_open"),
        ("fail@0 fail@0 fail@0 ok@1 fail@1 look@3", "closed closed open half_open open half_open"),
        ("fail@0 fail@0 fail@0 fail@0.5 look@1", "closed closed open open half_open"),
        ("fail@0 fail@0 fail@0 ok@0.5 ok@0.5", "closed closed open half_open closed"),
    ],
)
def test_breaker_histories(events, states):
    assert played(events)[1] == states.split()


def test_back_off_grows_to_its_bound_and_starts_anew_after_closing():
    assert [b.open_seconds(openings, RULES) for openings in range(5)] == [1, 2, 4, 5, 5]
    assert b.open_seconds(10**9, RULES) == 5
    breaker, _ = played("fail@0 fail@0 fail@0 fail@1 ok@9 ok@9 fail@9 fail@9 fail@9")
    assert breaker.until == 10


def test_the_trial_is_one_and_ends_however_it_ends():
    half_open = b.at(Breaker("open", until=1), 1)
    on_trial = b.begin(half_open)
    assert on_trial.on_trial
    assert b.abandon(on_trial) == half_open
    assert not b.after_success(on_trial, RULES).on_trial
    assert b.begin(Breaker()) == Breaker()


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 3)), max_size=60))
def test_a_breaker_keeps_its_rules_whatever_happens(history):
    breaker, now, in_a_row = Breaker(), 0.0, 0
    for is_ok, later in history:
        now += later
        before = b.at(breaker, now)
        assert before.state != "open" or now < before.until
        breaker = b.after_success(before, RULES) if is_ok else b.after_failure(before, now, RULES)
        in_a_row = 0 if is_ok else in_a_row + 1
        if breaker.state == "open" and before.state != "open":
            assert before.state == "half_open" or in_a_row >= RULES.failures
            assert RULES.open_s - 1e-6 <= breaker.until - now <= RULES.longest_s + 1e-6
        if breaker.state == "closed" and before.state != "closed":
            assert is_ok
        assert (before.state, breaker.state) != ("open", "closed")
        assert (before.state, breaker.state) != ("closed", "half_open")


A, B, C = (
    Standing("a", priority=2, tier="paid", in_flight=1, latency=0.2),
    Standing("b", priority=1, tier="free", in_flight=5, latency=0.1),
    Standing("c", priority=3, tier="free", in_flight=0, latency=None),
)


@pytest.mark.parametrize(
    ("strategy", "turn", "order"),
    [
        ("round-robin", 0, "abc"),
        ("round-robin", 4, "bca"),
        ("load-balanced", 0, "cab"),
        ("cheapest", 0, "bca"),
        ("cheapest", 2, "cba"),
        ("priority", 5, "bac"),
        ("fastest", 0, "cba"),
    ],
)
def test_strategies_by_table(strategy, turn, order):
    assert "".join(found.id for found in STRATEGIES[strategy]([A, B, C], turn, CHANCE)) == order


standings = st.lists(
    st.builds(
        Standing,
        st.text("abcdefgh", min_size=1, max_size=3),
        st.integers(0, 3),
        st.sampled_from(["free", "paid"]),
        st.integers(0, 5),
        st.none() | st.floats(0, 10),
    ),
    max_size=6,
    unique_by=lambda standing: standing.id,
)


@given(standings, st.sampled_from(sorted(STRATEGIES)), st.integers(0, 10**9), st.integers())
def test_a_strategy_names_each_provider_once_and_is_repeatable(found, strategy, turn, seed):
    order = STRATEGIES[strategy]
    once = order(found, turn, random.Random(seed))
    assert sorted(once) == sorted(found)
    assert once == order(found, turn, random.Random(seed))


@given(standings, st.integers(0, 10**9))
def test_strategies_keep_their_word(found, turn):
    def ordered(strategy):
        return STRATEGIES[strategy](found, turn, CHANCE)

    tiers = [standing.tier for standing in ordered("cheapest")]
    assert tiers == sorted(tiers)
    priorities = [standing.priority for standing in ordered("priority")]
    assert priorities == sorted(priorities)
    loads = [standing.in_flight for standing in ordered("load-balanced")]
    assert loads == sorted(loads)
    latencies = [-1 if standing.latency is None else standing.latency for standing in ordered("fastest")]
    assert latencies == sorted(latencies)


def test_latency_weighted_draws_in_proportion_to_speed():
    pair = [Standing("quick", latency=0.01), Standing("slow", latency=0.03)]
    chance = random.Random(1)
    first = Counter(STRATEGIES["latency-weighted"](pair, 0, chance)[0].id for _ in range(4_000))
    assert 0.71 < first["quick"] / 4_000 < 0.79  # three to one, five standard deviations either way


def test_turns_share_evenly_among_equals():
    equals = [Standing(name) for name in "abc"]
    for strategy in ("round-robin", "load-balanced", "cheapest", "fastest"):
        firsts = Counter(STRATEGIES[strategy](equals, turn, CHANCE)[0].id for turn in range(300))
        assert firsts == {"a": 100, "b": 100, "c": 100}


def test_a_latency_follows_and_is_forgotten():
    scores = {}
    latency.renew(scores, "eth_call", 1.0, now=0)
    latency.renew(scores, "eth_call", 0.0, now=1)
    assert latency.known(scores, "eth_call", now=1) == pytest.approx(0.8)
    assert latency.known(scores, "eth_call", now=1 + latency.STALE_SECONDS) is not None
    assert latency.known(scores, "eth_call", now=2 + latency.STALE_SECONDS) is None
    assert latency.known(scores, "eth_gasPrice", now=1) is None


def test_the_methods_that_clients_make_up_take_no_memory():
    scores, truth = {}, Truth()
    for number in range(5_000):
        latency.renew(scores, f"made_up_{number}", 1.0, now=0)
        truth.attempts["p", "http", truth.label(f"made_up_{number}")] += 1
        truth.record("failover", number=number)
    assert len(scores) == latency.MOST_METHODS
    assert len(truth.attempts) == MOST_METHODS + 1
    assert truth.attempts["p", "http", OTHER] == 5_000 - MOST_METHODS
    document = truth_document(truth)
    assert len(document["events"]["failover"]) == MOST_EVENTS
    assert document["events"]["failover"][-1]["number"] == 4_999
    assert document["totals"] == {"failover": 5_000}


def belief(head, pace=1.0, at=0.0):
    """Most were at this head at that time."""
    return heads.Belief(head, head, at, pace)


@pytest.mark.parametrize(
    ("before", "said", "believed"),
    [
        (None, [], None),
        (None, [7], 7),
        (None, [7, 9], 9),
        (None, [7, 9, 1_000], 9),
        (10, [], 10),
        (10, [11, 10, 10], 11),  # one may be first
        (10, [10, 10, 11, 7], 11),
        (10, [20, 10, 11], 11),  # but nobody jumps alone
        (10, [1_000, 1_001, 11], 1_000),  # most may
        (10, [10, 3, 3], 10),  # the frozen are late, however many
        (10, [8, 8, 8], 8),  # a chain that all have set back is followed
        (10, [1_000], 1_000),  # one alone is all that is known
    ],
)
def test_which_head_is_believed(before, said, believed):
    found = heads.believe(None if before is None else belief(before), said, now=1.0)
    assert (None if found is None else found.head) == believed


def looked(before, *rounds, every=1.0):
    """The belief after these looks, one after the other."""
    now = 0.0 if before is None else before.at
    for said in rounds:
        now += every
        before = heads.believe(before, said, now)
    return before


@pytest.mark.parametrize("pace", [0.1, 1, 20])
def test_the_pace_of_the_chain_is_learnt(pace):
    found = looked(None, *([int(100 + pace * second)] * 3 for second in range(60)))
    assert found.pace == pytest.approx(pace, rel=0.3)
    ahead = found.furthest(60.0) - int(100 + pace * 59)
    assert heads.LEAD <= ahead <= heads.LEAD + heads.HASTE * pace * 1.5 + 1


def test_when_most_stand_still_or_fall_back_the_one_that_goes_on_is_followed():
    for others in ([10, 10], [3, 3]):
        assert looked(belief(10), *([10 + n, *others] for n in range(1, 90))).head == 99


def test_when_most_lag_behind_and_move_the_one_that_does_not_is_followed():
    assert looked(belief(10), *([10 + n, 3 + n, 3 + n] for n in range(1, 90))).head == 99


def test_one_that_goes_ahead_a_little_each_time_gets_nowhere():
    found = looked(belief(10), *([10 + 4 * n, 10 + n, 10 + n] for n in range(1, 60)))
    assert found.head <= 70 + heads.LEAD + heads.HASTE


@given(
    st.none() | st.integers(0, 10**6), st.lists(st.integers(0, 10**6), min_size=3, max_size=7), st.integers()
)
def test_one_provider_cannot_lie_about_the_head(before, honest, lie):
    """With all others in agreement, whatever one says moves the belief by what the chain can do at most."""
    agreed = honest[0]
    said = [agreed] * len(honest)
    step = heads.LEAD + heads.HASTE
    if before is None or abs(before - agreed) <= step:
        known = None if before is None else belief(before)
        found = heads.believe(known, [*said, abs(lie) % 10**9], now=1.0)
        assert found.head >= agreed
        assert found.head <= max(agreed, before or agreed) + step


@pytest.mark.parametrize(
    ("head", "believed", "lags"), [(None, 9, False), (9, None, False), (7, 9, False), (6, 9, True)]
)
def test_who_lags(head, believed, lags):
    assert heads.lags(head, believed, limit=2) is lags


@pytest.mark.parametrize(
    ("votes", "won"), [("", None), ("x", "x"), ("xy", None), ("xyx", "x"), ("xyxy", None), ("x-", "x")]
)
def test_majority(votes, won):
    assert heads.majority(None if vote == "-" else vote for vote in votes) == won


def rpc(method, *params, id_=1):
    return Call(id_, True, method, list(params))


def reply(result, id_=1):
    return {"jsonrpc": "2.0", "id": id_, "result": result}


@pytest.mark.parametrize(
    ("call", "result", "found"),
    [
        (rpc("eth_blockNumber"), "0x10", [16]),
        (rpc("eth_blockNumber"), None, []),
        (rpc("eth_blockNumber"), "garbage", []),
        (rpc("eth_getBlockByNumber", "latest", False), {"number": "0x10"}, [16]),
        (rpc("eth_getBlockByNumber", "finalized", False), {"number": "0x10"}, []),
        (rpc("eth_getBlockByNumber", "0x10", False), {"number": "0x10"}, []),
        (rpc("eth_getBlockByNumber", "latest", False), None, []),
        (rpc("eth_getBlockByNumber"), {"number": "0x10"}, []),
        (rpc("eth_gasPrice"), "0x10", []),
    ],
)
def test_heads_that_an_answer_shows(call, result, found):
    assert heads_in([call], [reply(result)]) == found


@pytest.mark.parametrize(
    ("call", "result", "blamed"),
    [
        (rpc("eth_blockNumber"), "0x10", False),
        (rpc("eth_blockNumber"), "0xf", True),
        (rpc("eth_blockNumber"), "0x14", False),
        (rpc("eth_blockNumber"), "0x15", True),
        (rpc("eth_blockNumber"), None, True),
        (rpc("eth_blockNumber"), "sixteen", True),
        (rpc("eth_getBlockByNumber", "latest", False), None, True),
        (rpc("eth_getBlockByNumber", "latest", False), {"number": "0xf"}, True),
        (rpc("eth_getBlockByNumber", "0x10", False), None, True),
        (rpc("eth_getBlockByNumber", "0x11", False), None, False),
        (rpc("eth_gasPrice"), "0xf", False),
    ],
)
def test_answers_that_go_back_or_jump(call, result, blamed):
    complaint = judge_heads([call], [reply(result)], shown=16, furthest=20)
    assert (complaint is not None and complaint.blame == "head") is blamed


def test_heads_in_a_batch_are_told_apart_by_id():
    calls = [rpc("eth_gasPrice", id_=1), rpc("eth_blockNumber", id_="1"), rpc("eth_blockNumber", id_=2)]
    items = [reply("0x63", 1), reply("0x12", 2), reply("0x11", "1")]
    assert sorted(heads_in(calls, items)) == [17, 18]


def test_an_id_that_is_used_twice_tells_no_head():
    calls = [rpc("eth_blockNumber", id_=1), rpc("eth_gasPrice", id_=1)]
    items = [reply("0x11", 1), reply("0x3b9aca00", 1)]
    assert heads_in(calls, items) == []
    assert judge_heads(calls, items, shown=18, furthest=20) is None


@pytest.mark.parametrize(
    ("call", "needed"),
    [
        (rpc("eth_getLogs", {"fromBlock": "0x1", "toBlock": "0x10"}), 16),
        (rpc("eth_getLogs", {"fromBlock": "0x1", "toBlock": "latest"}), None),
        (rpc("eth_getLogs", "nonsense"), None),
        (rpc("eth_call", {}, "0x10"), 16),
        (rpc("eth_call", {}), None),
        (rpc("eth_getBlockByNumber", "0x10", False), 16),
        (rpc("eth_getBlockByNumber", "0x" + "f" * 64, False), None),
        (Call(1, True, "eth_call", {"by": "name"}), None),
    ],
)
def test_which_block_a_call_needs(call, needed):
    assert needed_block([call]) == needed


def test_a_batch_has_a_limit():
    item = {"jsonrpc": "2.0", "id": 1, "method": "eth_gasPrice"}
    assert len(read_question([item] * 50, b"", (), 50).ids) == 50
    with pytest.raises(RpcError, match="batch too large"):
        read_question([item] * 51, b"", (), 50)


def route(path, revision="current", headers=()):
    return read_route(Request("POST", path, headers, b""), revision)


@pytest.mark.parametrize(
    ("path", "current", "october"),
    [
        ("/", Route(), Route()),
        ("/rpc/battlechain", Route("battlechain"), Route("battlechain")),
        ("/rpc/fastest/999", Route("999", "fastest"), Route("999", "fastest")),
        ("/rpc/round-robin/999", Route("999", "load-balanced"), Route("999", "round-robin")),
        ("/rpc/cheapest/999", Route("cheapest", provider="999"), Route("999", "cheapest")),
        ("/rpc/latency-weighted/999", Route("999", "latency-weighted"), Route("latency-weighted")),
        ("/rpc/999/mock_a", Route("999", provider="mock_a"), Route("999")),
        ("/rpc/provider/mock_a/999", Route("999", provider="mock_a"), Route("999")),
        ("/rpc/profile/p/999", Route("999", profile="p"), None),
        ("/rpc/profile/p/fastest/999", Route("999", "fastest", profile="p"), None),
        ("/rpc/profile/p/provider/a/999", Route("999", provider="a", profile="p"), None),
        (
            "/rpc/999?provider_override=a&transport=ws",
            Route("999", None, "a", None, "ws"),
            Route("999", None, None, None, "ws"),
        ),
        ("/rpc/999?include_meta=body", Route("999", include_meta="body"), Route("999", include_meta="body")),
        ("/rpc/", None, None),
        ("/rpc/a/b/c/d", None, None),
        ("/elsewhere", None, None),
    ],
)
def test_routes(path, current, october):
    assert route(path) == current
    assert route(path, "2025-10") == october


def test_headers_name_provider_transport_and_metadata():
    headers = [
        (b"x-lasso-provider", b"a"),
        (b"x-lasso-transport", b"ws"),
        (b"x-lasso-include-meta", b"headers"),
    ]
    assert route("/rpc/999", headers=headers) == Route("999", None, "a", None, "ws", "headers")


SETTINGS = GatewaySettings((ProviderSettings("a", "http://127.0.0.1:1"),), profiles=("public", "battle"))


@pytest.mark.parametrize(
    ("asked", "status", "code"),
    [
        (Route("moon"), 400, -32602),
        (Route("998"), 400, -32602),
        (Route("999", provider="b"), 400, -32602),
        (Route("999", profile="nope"), 404, -32000),
    ],
)
def test_routes_that_lead_nowhere(asked, status, code):
    with pytest.raises(RouteError) as raised:
        check_route(asked, SETTINGS)
    assert (raised.value.status, raised.value.error.code) == (status, code)


@pytest.mark.parametrize(
    "asked", [Route(), Route("999", profile="battle", provider="a"), Route("battlechain")]
)
def test_routes_that_lead_somewhere(asked):
    check_route(asked, SETTINGS)


def test_settings_survive_being_written_and_read():
    assert read_settings(settings_json(SETTINGS)) == SETTINGS


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ({"providers": [{"id": "a", "url": "ftp://x"}]}, "a URL as in http://"),
        ({"providers": [{"id": "a", "url": "http://x", "ws_url": "http://x"}]}, "a URL as in ws://"),
        ({"providers": [{"id": "a", "url": "http://x"}] * 2}, 'two providers are called "a"'),
        ({"providers": [{"id": "a/b", "url": "http://x"}]}, "matching regex"),
        ({"providers": [], "attempts": 0}, ">= 1"),
        ({"providers": [], "strategy": "quickest"}, "quickest"),
        ({"providers": [], "colour": 1}, "unknown field"),
    ],
)
def test_settings_that_cannot_be(document, says):
    with pytest.raises(msgspec.ValidationError, match=says):
        read_settings(msgspec.json.encode(document))


def test_filters_are_remembered_to_a_bound():
    homes = OrderedDict()
    remember(homes, (rpc("eth_newFilter", {}),), [reply("0xf1")], "a")
    assert home_of(homes, (rpc("eth_getFilterChanges", "0xf1"),)) == "a"
    assert home_of(homes, (rpc("eth_getFilterChanges", "0xf2"),)) is None
    assert home_of(homes, (rpc("eth_getBalance", "0xf1"),)) is None
    for number in range(MOST_FILTERS):
        remember(homes, (rpc("eth_newBlockFilter"),), [reply(hex(number))], "b")
    assert len(homes) == MOST_FILTERS
    assert "0xf1" not in homes or homes["0xf1"] == "b"


def test_traffic_forgets_what_is_a_minute_old():
    traffic = Traffic()
    for second in range(200):
        traffic.count("requests", second)
    assert traffic.lately(199)["requests"] == 61
    assert traffic.lately(1_000)["requests"] == 0
    assert len(traffic.seconds) <= 61


@pytest.mark.parametrize(("share", "found"), [(0.5, 2), (0.95, 4), (0.01, 1), (1.0, 4)])
def test_percentiles_by_nearest_rank(share, found):
    assert percentile([4, 1, 3, 2], share) == found
    assert percentile([], share) is None
