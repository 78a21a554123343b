"""What no lab can be is refused before anything starts, and what an upstream says is read."""

import pytest

from battlectl.commands.lab import lab_spec
from battlectl.errors import UserError
from battlectl.lab.spec import LabError, LabSpec, check_spec, is_loopback, read_upstreams

NODE = "http://127.0.0.1:8545"
FAR = "http://rpc.example.com/v3/0123456789abcdef0123456789abcdef"


def asked(environ=None, **said):
    """The lab of a command line on which only this was said."""
    words = {"admin_port": None, "token_env": None, "gateway": {}, **said}
    return lab_spec(environ or {}, **words)


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        (LabSpec(providers=0), "try 3"),
        (LabSpec(providers=27), "1 to 26"),
        (LabSpec(block_time=0), "try 1s"),
        (LabSpec(block_time=float("inf")), "block time"),
        (LabSpec(latency=-1), "latency"),
        (LabSpec(attempt_timeout=float("inf")), "attempt timeout"),
        (LabSpec(port=70_000), "port 70000"),
        (LabSpec(admin_ports=(-1,)), "port -1"),
        (LabSpec(port=9000, admin_ports=(9000,)), "try another for one of them"),
        (LabSpec(token=""), "token"),
        (LabSpec(token="two words"), "token"),
        (LabSpec(token="line\nbreak"), "token"),
        (LabSpec(revision="2024"), "known are current, 2025-10"),
        (LabSpec(strategy="quickest"), "known are fastest, cheapest"),
        (LabSpec(host="0.0.0.0"), "--allow-any-address"),
        (LabSpec(host="example.com"), "--allow-any-address"),
        (LabSpec(host="localhost"), "no name is one"),
        (LabSpec(relays=read_upstreams([FAR])), "--allow-any-address"),
        (LabSpec(relays=read_upstreams([f"{NODE} ws://10.0.0.1:1"])), "10.0.0.1 is beyond"),
    ],
)
def test_an_impossible_lab_is_refused_before_anything_starts(spec, says):
    with pytest.raises(LabError) as refused:
        check_spec(spec)
    assert says in str(refused.value)


@pytest.mark.parametrize(
    "spec",
    [
        LabSpec(),
        LabSpec(host="::1"),
        LabSpec(admin_ports=(9000,)),
        LabSpec(port=9000, admin_ports=(9000, 0)),
        LabSpec(port=9000, admin_ports=(9000,), has_gateway=False),
        LabSpec(host="0.0.0.0", allow_any_address=True),
        LabSpec(relays=read_upstreams([FAR]), allow_any_address=True),
        LabSpec(relays=read_upstreams(["http://localhost:8545"])),
        LabSpec(providers=0, relays=read_upstreams([NODE])),
    ],
)
def test_a_possible_lab_is_not(spec):
    check_spec(spec)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.1", "::", "localhost", "example.com", ""])
def test_what_is_not_loopback(host):
    assert not is_loopback(host)


def test_a_token_is_not_in_what_is_printed_of_a_spec():
    assert "hush" not in repr(LabSpec(token="hush"))


def test_upstreams_have_a_letter_or_a_name_and_perhaps_a_websocket_elsewhere():
    relays = read_upstreams(
        [NODE, f"erigon={NODE}/rpc", f"geth={NODE} ws://127.0.0.1:8546/ws", "http://[::1]:1"]
    )
    assert [relay.id for relay in relays] == ["provider_a", "erigon", "geth", "provider_d"]
    assert [relay.address.ws_url for relay in relays] == [
        "ws://127.0.0.1:8545",
        "ws://127.0.0.1:8545/rpc",
        "ws://127.0.0.1:8546/ws",
        "ws://[::1]:1",
    ]


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        (["127.0.0.1:8545"], "http://127.0.0.1:8545"),
        (["ftp://127.0.0.1"], "http or https"),
        ([""], "an upstream is"),
        (["1st=" + NODE], "an upstream is"),
        ([f"{NODE} http://127.0.0.1:1"], "ws or wss"),
        ([NODE, f"provider_a={NODE}"], 'two relays are called "provider_a": give each'),
        ([NODE] * 27, "at most 26"),
    ],
)
def test_a_bad_upstream_is_refused_with_a_way_out(texts, says):
    with pytest.raises(LabError) as refused:
        read_upstreams(texts)
    assert says in str(refused.value)


def test_a_bad_upstream_is_not_quoted_because_it_may_hold_a_key():
    with pytest.raises(LabError) as refused:
        read_upstreams(["ftp://host/0123456789abcdef"])
    assert "0123456789abcdef" not in str(refused.value)


def test_the_admin_port_is_toxiproxy_s_or_any_free_one_unless_it_was_said():
    assert asked().admin_ports == (8474, 0)
    assert asked(admin_port=9000).admin_ports == (9000,)
    assert asked(admin_port=0).admin_ports == (0,)
    assert asked(gateway={"port": 8474}).admin_ports == (0,)
    assert asked(gateway={"port": 9000}).admin_ports == (8474, 0)
    assert LabSpec().admin_ports == (0,)


def test_a_token_comes_from_the_environment():
    assert asked({"TOKEN": "hush"}, token_env="TOKEN").token == "hush"
    for environ in ({}, {"TOKEN": ""}):
        with pytest.raises(UserError, match="TOKEN is not set"):
            asked(environ, token_env="TOKEN")


@pytest.mark.parametrize(
    "said", [{"strategy": "fastest"}, {"revision": "current"}, {"port": 1}, {"chain_id": 1}]
)
def test_what_is_the_gateway_s_is_refused_without_one(said):
    with pytest.raises(UserError, match=f"--{next(iter(said)).replace('_', '-')} .*add --gateway"):
        asked(upstreams=[NODE], has_gateway=False, gateway={"port": None, **said})
    with_one = asked(upstreams=[NODE], has_gateway=True, gateway=said)
    assert {name: getattr(with_one, name) for name in said} == said
