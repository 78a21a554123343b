"""What a config says of documents to watch is refused where it would watch nothing, or somebody else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from battlectl.errors import BadFile
from battlectl.scenario.masking import mask_name
from battlectl.scenario.parse_target import parse_target

GENERIC = "version: 1\nkind: generic\nurl: http://127.0.0.1:1/\n"
TEXT = (Path(__file__).parents[2] / "docs" / "isolation.md").read_text()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"{GENERIC}unchanged: {{}}", "documents"),
        (f"{GENERIC}unchanged: {{documents: []}}", "documents"),
        (f"{GENERIC}unchanged: {{documents: [admin]}}", '"admin" is no path: begin with one slash'),
        (f"{GENERIC}unchanged: {{documents: ['//example.org/x']}}", "documents"),
        (f"{GENERIC}unchanged: {{documents: ['http://127.0.0.1:2/x']}}", "documents"),
        (f"{GENERIC}unchanged: {{documents: ['/x#y']}}", "documents"),
        (f"{GENERIC}unchanged: {{documents: [/x, /x]}}", "is there twice"),
        (f"{GENERIC}unchanged: {{documents: [/x], except: ['']}}", "except"),
        (f"{GENERIC}unchanged: {{documents: [/x], except: [/]}}", "except"),
        (f"{GENERIC}unchanged: {{documents: [/x], url: 'http://example.org'}}", "is a public host"),
        (
            f"{GENERIC}unchanged: {{documents: [/x], url: 'http://127.0.0.1:2/b?key=k1'}}",
            "in each of `documents`",
        ),
        (f"{GENERIC}unchanged: {{documents: [/x], headers: {{'a b': c}}}}", "headers"),
        ("version: 1\nkind: lab\nunchanged: {documents: [/x]}", "watched without being asked"),
    ],
)
def test_a_mistake_is_told(text, message):
    with pytest.raises(BadFile) as caught:
        parse_target(text, "config/x.yml", {})
    assert message in str(caught.value)


def test_the_example_is_valid_and_shows_no_secret():
    block, *_ = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
    parsed = parse_target(block, "docs", {"ADMIN_TOKEN": "tell-nobody-1234"})
    watched = parsed.target.unchanged
    assert watched is not None
    assert (watched.documents[0], watched.except_) == ("/api/admin/chains", ("/chains/*/updated_at",))
    assert watched.headers == {"Authorization": "Bearer tell-nobody-1234"}
    assert "tell-nobody" not in str(parsed.resolved)


KEY = "abcdefgh12345678xyz"


@pytest.mark.parametrize(
    ("watched", "secret"),
    [
        (f"documents: ['/config?token={KEY}']", KEY),
        ("documents: ['/config?a=b&token=short']", "short"),
        (f"documents: [/x, /v3/{KEY}/config]", KEY),
        (f"documents: ['/v3/${{ADMIN_TOKEN}}/config?token={KEY}']", KEY),
        (f"documents: [/x], except: [/keys/{KEY}]", KEY),
        (f"documents: [/x], url: 'http://127.0.0.1:2/{KEY}'", KEY),
    ],
)
def test_a_key_in_the_address_of_a_document_is_a_secret(watched, secret):
    parsed = parse_target(f"{GENERIC}unchanged: {{{watched}}}", "x.yml", {"ADMIN_TOKEN": "tell-nobody-1234"})
    assert secret in parsed.secrets
    assert secret not in str(parsed.resolved)
    assert "tell-nobody" not in str(parsed.resolved)
    assert parsed.target.unchanged is not None
    assert secret in str(parsed.target.unchanged)


def test_a_mistake_about_a_document_does_not_show_its_key():
    with pytest.raises(BadFile) as caught:
        parse_target(f"{GENERIC}unchanged: {{documents: ['/x?token={KEY}', '/x?token={KEY}']}}", "x.yml", {})
    assert KEY not in str(caught.value)


def test_plain_paths_are_no_secrets():
    text = "{documents: [/api/admin/chains/mainnet], except: [/chains/*/last_health_check_updated_at]}"
    parsed = parse_target(f"{GENERIC}unchanged: {text}", "x.yml", {})
    assert not parsed.secrets
    assert parsed.resolved["unchanged"]["except"] == ["/chains/*/last_health_check_updated_at"]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (KEY, "***"),
        (f"eth-{KEY}", "***"),
        ("550e8400-e29b-41d4-a716-446655440000", "***"),
        ("AbCdEfGhIjKlMnOpQrStUvWxYz", "***"),
        (f"https://rpc.example/v3/{KEY}", "https://rpc.example/v3/***"),
        ("https://rpc.example/?key=short", "https://rpc.example/?key=***"),
        ("https://me:word@rpc.example", "https://***@rpc.example"),
        ("providers", "providers"),
        ("half_open_max_requests_per_provider", "half_open_max_requests_per_provider"),
        ("ethereum-mainnet-1", "ethereum-mainnet-1"),
        ("0", "0"),
    ],
)
def test_of_names_that_look_like_keys_nothing_is_shown(name, shown):
    assert mask_name(name) == shown


@pytest.mark.parametrize("key", ["documents", "url", "headers", "except"])
def test_every_key_is_in_the_documentation(key):
    assert re.search(rf"^  {key}:", TEXT, re.MULTILINE)
