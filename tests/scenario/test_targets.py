"""Config files: where load may go, what is masked, what is refused."""

import pytest

from battlectl.errors import BadFile
from battlectl.scenario.masking import url_secrets
from battlectl.scenario.parse_target import is_disguised, is_public, parse_target

GENERIC = "version: 1\nkind: generic\nurl: http://127.0.0.1:8545/rpc\n"


def parse(text, **environ):
    return parse_target(text, "t.yml", environ)


def problems_of(text, **environ):
    with pytest.raises(BadFile) as caught:
        parse(text, **environ)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "127.9.9.9", "10.1.2.3", "192.168.0.9", "172.16.3.4", "169.254.1.1", "0.0.0.0"),
        *("::1", "fd00::1", "fe80::1", "fe80::1%eth0", "::ffff:10.0.0.1"),
        *("localhost", "gateway", "lasso.local", "rpc.internal", "a.b.test", "x.localhost", "GATEWAY.LOCAL."),
    ],
)
def test_hosts_that_load_may_go_to(host):
    assert not is_public(host)


@pytest.mark.parametrize(
    "host",
    [
        *("8.8.8.8", "172.32.0.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"),
        *("example.com", "eth.llamarpc.com.", "local.example.com", "notlocal", "x.test.io")[:3],
        *("x.test.io", "internal.example"),
    ],
)
def test_hosts_that_need_an_allowance(host):
    assert is_public(host)


@pytest.mark.parametrize("host", ["127.1", "134744072", "0x08080808", "8.8.2056", "010.0.0.1", "1.2.3.4.5"])
def test_addresses_in_disguise_are_refused(host):
    assert is_disguised(host)
    (line,) = problems_of(f"version: 1\nurl: http://{host}:80/\nallow_public: true\n")
    assert line == "t.yml:2:6: url: an address is written in full, as in 127.0.0.1: write it so"


def test_a_public_host_needs_an_explicit_allowance():
    text = "version: 1\nurl: https://rpc.example.com/\n"
    assert problems_of(text) == [
        't.yml:2:6: url: "rpc.example.com" is a public host: if it is yours to load, add `allow_public: true`'
    ]
    assert parse(f"{text}allow_public: true\n").target.allow_public


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("version: 1\n", 't.yml:1:1: "url" is missing, add `url: http://127.0.0.1:8545`'),
        (
            "version: 1\nkind: lab\nurl: http://127.0.0.1\n",
            "t.yml:3:1: url: the lab has an address of its own",
        ),
        (GENERIC + "lab: {providers: 3}\n", "t.yml:4:1: lab: only `kind: lab` has a lab"),
        ("version: 1\nurl: ws://127.0.0.1\n", "t.yml:2:6: url: not a URL, try http://127.0.0.1:8545"),
        ("version: 1\nurl: http://\n", "t.yml:2:6: url: not a URL, try http://127.0.0.1:8545"),
        ("version: 1\nurl: http://:80/\n", "t.yml:2:6: url: names no host and port"),
        ("version: 1\nurl: http://127.0.0.1:99999/\n", "t.yml:2:6: url: not a URL (Port out of range"),
        ("version: 1\nurl: http://[::1/\n", "t.yml:2:6: url: not a URL (Invalid IPv6"),
        ("version: 1\nurl: http://127.0.0.1/#x\n", "t.yml:2:6: url: a fragment"),
        ("version: 1\nkind: lassoo\n", 't.yml:2:7: kind: is the text "lassoo", must be "lab", "generic"'),
        ("version: 1\nkind: proxyd\n", 't.yml:1:1: "url" is missing'),
        (GENERIC + "chain: 1\n", "t.yml:4:1: chain: only lasso and erpc have a chain: leave it away"),
        (GENERIC + "revision: current\n", "t.yml:4:1: revision: only `kind: lasso` has a revision: leave"),
        (GENERIC + "lab: {}\n", "t.yml:4:1: lab: only `kind: lab` has a lab: leave it away"),
        (
            "version: 1\nkind: lasso\nurl: http://127.0.0.1:4000\n",
            't.yml:1:1: "chain" is missing, a target of kind lasso is addressed by it: add `chain: ethereum`',
        ),
        (
            "version: 1\nkind: lasso\nchain: 1\nurl: http://127.0.0.1:4000/rpc/1\n",
            "t.yml:4:6: url: is the address of Lasso itself: leave away what begins with /rpc",
        ),
        (
            "version: 1\nkind: erpc\nchain: 1\nurl: http://127.0.0.1:4000\n",
            't.yml:1:1: "profile" is missing, a target of kind erpc is addressed by it: add `profile: main`',
        ),
        (
            GENERIC + "attribution: {provider: X-By, body: {attempts: a.b}}\n",
            "t.yml:4:14: attribution: headers or the body tell it, not both: leave one away",
        ),
        (
            GENERIC + "attribution: {attempts: X-A, retries: X-R}\n",
            "t.yml:4:14: attribution: retries are attempts but one: name the one that the target sends",
        ),
        (GENERIC + "providers: [{id: a}, {id: b}, {id: a}]\n", 't.yml:4:36: providers.2.id: "a" is already'),
        (GENERIC + "providers: [{url: http://x}]\n", 't.yml:4:13: providers.0: "id" is missing'),
        (GENERIC + "providers: [{id: a, tier: gold}]\n", "t.yml:4:27: providers.0.tier: is the text"),
        (
            GENERIC + "providers: [{id: a, ws_url: http://x}]\n",
            "t.yml:4:29: providers.0.ws_url: not a WebSocket",
        ),
        (GENERIC + "headers: {Host: x}\n", "t.yml:4:11: headers.Host: Host is written by battlectl itself"),
        (GENERIC + "headers: {X-A: 1}\n", "t.yml:4:16: headers.X-A: is the number 1, must be a text"),
        (GENERIC + "headers: {X-A: a, x-a: b}\n", "t.yml:4:19: headers.x-a: the same header as X-A"),
        (GENERIC + "headers: {X A: a}\n", "t.yml:4:11: headers.X A: no header name"),
        (GENERIC + "ready: {within: 5}\n", 't.yml:4:17: ready.within: "5" needs a unit'),
        (
            GENERIC + "attribution: {provider: X Served By}\n",
            't.yml:4:25: attribution.provider: the text "X Served By" is no name',
        ),
        (
            GENERIC + "attribution: X-Served-By\n",
            't.yml:4:14: attribution: is the text "X-Served-By", must be a mapping',
        ),
        (
            GENERIC + "attribution: {providers: X-Served-By}\n",
            't.yml:4:15: attribution.providers: unknown key "providers", did you mean "provider"?',
        ),
        (GENERIC + "redy: {within: 5s}\n", 't.yml:4:1: redy: unknown key "redy", did you mean "ready"?'),
        ("version: 1\nurl: ${AGGREGATOR}\n", "t.yml:2:6: url: the variable AGGREGATOR is not set"),
    ],
)
def test_what_a_config_cannot_say(text, problem):
    (line,) = problems_of(text)
    assert line.startswith(problem)


def test_secrets_of_a_config_are_known_and_never_shown():
    parsed = parse(
        "version: 1\nurl: https://user:pass1234@rpc.internal/v2/${KEY}?token=abcdefgh\n"
        "headers: {Authorization: Bearer xyz, X-Trace: visible}\n"
        "providers: [{id: a, url: 'https://a.example.com/v3/0123456789abcdef0123'}]\n",
        KEY="from-the-environment",
    )
    shown = str(parsed.resolved)
    for secret in ("pass1234", "abcdefgh", "Bearer xyz", "0123456789abcdef0123", "from-the-environment"):
        assert secret not in shown
        assert secret in parsed.secrets
    assert "${KEY}" in shown
    assert "visible" in shown
    assert "a.example.com" in shown


@pytest.mark.parametrize(
    ("url", "secrets"),
    [
        ("http://127.0.0.1:8545/rpc/fastest/ethereum", set()),
        ("https://x.io/v2/AbCdEf0123456789", {"AbCdEf0123456789"}),
        ("https://x.io/?apikey=12345678&a=b", {"12345678"}),
        ("https://me:secret99@x.io/", {"me:secret99", "secret99", "bWU6c2VjcmV0OTk="}),
    ],
)
def test_which_parts_of_a_url_are_secret(url, secrets):
    assert url_secrets(url) == secrets


def test_a_message_about_a_url_does_not_repeat_the_key_in_it():
    assert not any("hunter22" in line for line in problems_of("version: 1\nurl: 'ftp://x/?key=hunter22'\n"))


CHAOS = "version: 1\nurl: http://127.0.0.1:1\nproviders: [{id: provider_a}]\nchaos:\n"


@pytest.mark.parametrize(
    ("chaos", "place", "message"),
    [
        ("driver: toxiprox", "5:3: chaos", 'there is no driver "toxiprox", did you mean "toxiproxy"?'),
        ("driver: gremlin", "5:3: chaos", 'there is no driver "gremlin", known are toxiproxy, process, http'),
        ("lease: 5s", "5:3: chaos", '"driver" is missing, add `driver: toxiproxy`'),
        ("{driver: toxiproxy, url: 'http://127.0.0.1:1', lease: 5}", "5:57: chaos.lease", '"5" needs a unit'),
        ("{driver: toxiproxy, url: 8474}", "5:28: chaos.url", "is the number 8474, must be a text"),
        (
            "{driver: process, processes: {provider_a: {pid: 1}}}",
            "5:51: chaos.processes.provider_a.pid",
            "1 is",
        ),
        ("{driver: haproxy, socket: s}", "4:1: chaos", '"backend" is missing, add `backend: nodes`'),
        ("{driver: haproxy, sokcet: s, backend: b}", "5:21: chaos.sokcet", 'did you mean "socket"?'),
        (
            "{driver: toxiproxy, url: 'http://127.0.0.1:1', proxies: {provider_q: x}}",
            "5:60: chaos.proxies.provider_q",
            '"provider_q" is no provider of this file, did you mean "provider_a"?',
        ),
    ],
)
def test_a_mistake_in_chaos_is_found_where_it_stands(chaos, place, message):
    found = problems_of(CHAOS + f"  {chaos}\n")
    assert any(place in line and message in line for line in found), found
