"""Errors have shapes, and some of them tell what no client should know."""

import pytest

from battlectl.jsonrpc.error_shape import leak_in, secrets_of, shape_of

JSON = b"application/json; charset=utf-8"
REVERT = b'{"jsonrpc":"2.0","id":1,"error":{"code":3,"message":"reverted","data":"0x"}}'


@pytest.mark.parametrize(
    ("status", "media", "body", "told"),
    [
        (200, JSON, REVERT, "status 200, application/json, code 3, with code, message"),
        (500, JSON, REVERT, "status 500, application/json, code 3, with code, message"),
        (502, b"text/html", b"<html>", "status 502, text/html, no JSON-RPC error"),
        (503, b"", b"", "status 503, no content type, no JSON-RPC error"),
        (200, JSON, b'{"error":"text"}', "status 200, application/json, no JSON-RPC error"),
        (200, JSON, b'{"error":{"message":"no code"}}', "status 200, application/json, no JSON-RPC error"),
        (200, JSON, b'{"result":1,"error":null}', None),
        (200, JSON, b'{"result":1}', None),
        (200, b"text/html", b"<html>", None),
        (200, JSON, b"[" * 5000, None),
    ],
)
def test_a_shape_is_what_can_be_told_from_outside(status, media, body, told):
    shape = shape_of(status, media, body)
    assert (shape and shape.tell(with_data=False)) == told


def test_data_counts_where_it_is_asked_for():
    shape = shape_of(200, JSON, REVERT)
    assert shape.tell(with_data=True).endswith("with code, data, message")


@pytest.mark.parametrize(("status", "is_alarm"), [(200, False), (400, False), (500, True), (503, True)])
def test_a_callers_own_error_under_5xx_is_an_alarm(status, is_alarm):
    assert shape_of(status, JSON, REVERT).is_alarm is is_alarm


SECRETS = [
    *secrets_of("provider_a", "https://eth.example.com/v3/0123456789abcdef0123"),
    *secrets_of("provider_b", "http://10.0.0.7:8545/?apikey=verysecretkey"),
    *secrets_of("provider_c", "http://user:longpassword@127.0.0.1:9001"),
]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("cannot reach upstream", None),
        ("see https://docs.example.org/errors for help", None),
        ("POST https://eth.example.com failed", "the address of provider_a"),
        ("POST https:\\/\\/eth.example.com\\/v3\\/0123456789abcdef0123", "a key of provider_a"),
        ("dial tcp 10.0.0.7:8545: refused", "the address of provider_b"),
        ("apikey=verysecretkey is wrong", "a key of provider_b"),
        ("longpassword", "a key of provider_c"),
        ("http://192.168.1.5/rpc timed out", "an inner address, at 192.168.1.5"),
        ("http://node:8545 timed out", "an inner address, at node"),
        (
            "wss://mainnet.example.net/ws/9aa3d95b3bc440fa88ea12eaa4456161",
            "a URL with a key, at mainnet.example.net",
        ),
        ("ask http://127.0.0.1:8000/rpc again", None),
        ("http://[", None),
    ],
)
def test_what_an_error_gives_away_is_told_without_being_repeated(text, what):
    body = b'{"error":{"message":"%b"}}' % text.encode()
    told = leak_in(body, SECRETS, ["127.0.0.1:8000"])
    assert told == what
    assert told is None or "secret" not in told
