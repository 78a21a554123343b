"""What a config says of documents to watch is refused where it would watch nothing, or somebody else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from battlectl.errors import BadFile
from battlectl.scenario.parse_target import parse_target

GENERIC = "version: 1\nkind: generic\nurl: http://127.0.0.1:1/\n"
TEXT = (Path(__file__).parents[2] / "docs" / "isolation.md").read_text()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"{GENERIC}unchanged: {{}}", "documents"),
        (f"{GENERIC}unchanged: {{documents: []}}", "documents"),
        (f"{GENERIC}unchanged: {{documents: [admin]}}", "documents"),
        (f"{GENERIC}unchanged: {{documents: ['//example.org/x']}}", "documents"),
        (f"{GENERIC}unchanged: {{documents: ['http://127.0.0.1:2/x']}}", "documents"),
        (f"{GENERIC}unchanged: {{documents: ['/x#y']}}", "documents"),
        (f"{GENERIC}unchanged: {{documents: [/x, /x]}}", "is there twice"),
        (f"{GENERIC}unchanged: {{documents: [/x], except: ['']}}", "except"),
        (f"{GENERIC}unchanged: {{documents: [/x], except: [/]}}", "except"),
        (f"{GENERIC}unchanged: {{documents: [/x], url: 'http://example.org'}}", "is a public host"),
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


@pytest.mark.parametrize("key", ["documents", "url", "headers", "except"])
def test_every_key_is_in_the_documentation(key):
    assert re.search(rf"^  {key}:", TEXT, re.MULTILINE)
