"""What is masked and what is left alone, text by text."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from battlectl.commands.masking import MASK, Masker

TOKEN = "tok3n-0f-the-environment"


def masked(tree, *secrets):
    return Masker(secrets or (TOKEN,)).mask_tree(tree)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"header {TOKEN} was refused", "header *** was refused"),
        (f"{TOKEN}{TOKEN}", "******"),
        ("cut: tok3n-0f-th", "cut: ***"),
        ("cut: 'tok3n-0f-th'", "cut: '***'"),
        ("cut: tok3n-0f...", "cut: ***..."),
        ('{"message":"tok3n-0f..."', '{"message":"***..."'),
        ("status 200 (tok3n); is it running?", "status 200 (***); is it running?"),
        ("tok3n of the day", "tok3n of the day"),
        ("tok", "tok"),
        ("nothing here", "nothing here"),
    ],
)
def test_texts(text, expected):
    assert masked(text) == expected


@pytest.mark.parametrize(
    ("secret", "text", "expected"),
    [
        ('with "quotes" and \\', 'said {"m":"with \\"quotes\\" and \\\\"}', 'said {"m":"***"}'),
        ("a b/c?d", "GET /a%20b%2Fc%3Fd HTTP", "GET /*** HTTP"),
        ("a b/c?d", "GET /a%20b/c%3Fd HTTP", "GET /*** HTTP"),
        ("schlüssel-1", "body 'schlüssel-1'", "body '***'"),
        ("line\nbreak-1", "'line\\nbreak-1'", "'***'"),
    ],
)
def test_escaped_forms(secret, text, expected):
    assert masked(text, secret) == expected


def test_the_longer_of_two_secrets_is_masked_first():
    assert masked("it is key-1234-5678", "key-1234", "key-1234-5678") == f"it is {MASK}"


def test_what_a_report_is_made_of_stays():
    tree = {
        "verdict": "pass",
        "total": 8545,
        "windows": [{"name": "steady", "p99.9_ms": 12345678.5}],
        "sketch": {"bins": "eJxpassword12345678=="},
        "plan_hash": "0123steady4567",
    }
    kept = masked(tree, "pass", "total", "steady", "8545", "12345678", "p99.9")
    assert kept == {**tree, "plan_hash": "0123***4567"}


def test_a_port_is_no_secret_and_a_long_number_is():
    assert masked("at 127.0.0.1:8545", "8545") == "at 127.0.0.1:8545"
    assert masked("account 1234567890", "1234567890") == f"account {MASK}"


def test_keys_that_carry_a_secret_are_masked():
    assert masked({f"latency({TOKEN}).p95 < 1s": 1}) == {f"latency({MASK}).p95 < 1s": 1}


@given(before=st.text(max_size=20), secret=st.text(min_size=4, max_size=30), after=st.text(max_size=20))
def test_json_shows_no_secret_and_stays_json(before, secret, after):
    if secret.isdigit():
        return
    data = msgspec.json.encode({"seen": [f"{before} {secret} {after}", 17]}) + b"\n"
    found = msgspec.json.decode(Masker([secret]).mask_json(data))
    assert found["seen"][1] == 17
    assert secret in MASK or secret not in found["seen"][0] or secret in f"{before} {MASK} {after}"


@given(cut=st.integers(4, len(TOKEN)), padding=st.text(alphabet="xyz ", max_size=10))
def test_no_cut_leaves_a_beginning(cut, padding):
    assert TOKEN[:4] not in masked(f"{padding}{TOKEN[:cut]}")
    assert TOKEN[:4] not in masked(f"'{padding}{TOKEN[:cut]}'")


@pytest.mark.parametrize("secret", ["", ">", "abc"])
def test_what_is_too_short_to_be_a_secret_neither_hangs_nor_spoils(secret):
    assert masked({"op": ">=", "text": "two words > abc"}, secret) == {"op": ">=", "text": "two words > abc"}


def test_a_long_word_that_is_a_secret_is_masked_standing_alone():
    assert masked({"label": "correcthorsebattery"}, "correcthorsebattery") == {"label": MASK}
