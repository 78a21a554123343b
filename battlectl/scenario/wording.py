"""Pydantic's errors in the words of the file: what is wrong at this place, and what to write instead.

Rule: every message ends in a way out, and none speaks of Python.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from pydantic_core import ErrorDetails

from battlectl.scenario.places import describe

EXAMPLES = {
    "version": "version: 1",
    "name": "name: What this proves",
    "phases": "phases: {warmup: 5s, steady: 30s}",
    "load": "load: {reads: {rate: 100/s, calls: [eth_blockNumber]}}",
    "rate": "rate: 200/s",
    "calls": "calls: [eth_blockNumber]",
    "method": "method: eth_blockNumber",
    "batch": "batch: [eth_blockNumber, eth_gasPrice]",
    "file": "file: addresses.txt",
    "objective": "objective: success_rate >= 99.5%",
    "objectives": 'objectives: ["success_rate >= 99.5%"]',
    "base": "base: 50/s",
    "peak": "peak: 500/s",
    "at": "at: 20s",
    "for": "for: 10s",
    "in": "in: battle",
    "chaos": "chaos: [{kill: provider_a, at: 20s, for: 10s}]",
    "provider": "provider: provider_a",
    "kinds": "kinds: [kill, latency]",
    "count": "count: 5",
    "methods": "methods: [eth_call]",
    "id": "id: provider_a",
    "url": "url: http://127.0.0.1:8545",
    "ws_url": "ws_url: ws://127.0.0.1:8546",
    "path": "path: /rpc/fastest",
    "tags": "tags: [fast, http]",
    "seed": "seed: 7",
    "expect": "expect: {kind: quantity}",
    "http": "http: {path: /rpc}",
    "ramp": "ramp: [50/s, 500/s]",
    "steps": "steps: [{rate: 50/s, for: 10s}, {rate: 100/s}]",
    "burst": "burst: {base: 50/s, peak: 500/s, at: 20s, for: 10s}",
    "users": "users: 20",
    "headers": "headers: {X-Tier: paid}",
    "ready": "ready: {method: eth_blockNumber, within: 10s}",
    "tls": "tls: {ca: ca.pem}",
    "attribution": "attribution: {provider: X-Served-By, attempts: X-Attempts}",
    "lab": "lab: {providers: 3}",
    "driver": "driver: toxiproxy",
    "socket": "socket: /run/haproxy/admin.sock",
    "backend": "backend: nodes",
    "processes": "processes: {provider_a: {pid_file: a.pid, restart: [./start-node, a]}}",
    "pid": "pid: 4711",
    "lease": "lease: 5s",
    "providers": "providers: [{id: provider_a, url: http://127.0.0.1:8545}]",
    "safety": "safety: {min_success_rate: 50%}",
    "generator": "generator: {max_lag: 10ms}",
    "checks": "checks: {telemetry: fail}",
    "feeds": "feeds: {addresses: addresses.txt}",
}
"""What to write for a key that is missing, or whose value has the wrong shape."""

SHAPES = {
    "string_type": "a text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}

BOUNDS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "greater_than": lambda ctx: f"more than {_number(ctx['gt'])}",
    "greater_than_equal": lambda ctx: f"{_number(ctx['ge'])} or more",
    "less_than": lambda ctx: f"less than {_number(ctx['lt'])}",
    "less_than_equal": lambda ctx: f"{_number(ctx['le'])} or less",
}

OF_A_PATH = ("^/", "^(/")
"""How the patterns of paths, and of places in a document, begin."""
PATTERNS = {
    "path": "a path begins with / and has no spaces, try /rpc/fastest",
    "url": "not a URL, try http://127.0.0.1:8545",
    "ws_url": "not a WebSocket URL, try ws://127.0.0.1:8546",
}


def word_error(error: ErrorDetails, key: str, known: Iterable[str]) -> str:
    """One pydantic error as a sentence; `key` is the last key of its path, `known` the keys that fit."""
    kind, ctx = error["type"], error.get("ctx", {})
    if kind == "extra_forbidden":
        return f'unknown key "{key}"{nearest(key, known)}'
    if kind == "missing" and isinstance(error["loc"][-1], int):
        return f"has too few values{_such_as(key, ', try ')}"
    if kind == "missing":
        return f'"{key}" is missing{_such_as(key, ", add ")}'
    if kind == "value_error":
        return error["msg"].removeprefix("Value error, ")
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        return _word_tag(ctx)
    if kind == "literal_error":
        return _word_literal(error["input"], ctx["expected"])
    if kind == "string_pattern_mismatch":
        return PATTERNS.get(key) or _word_pattern(error["input"], ctx["pattern"])
    if kind in SHAPES:
        given = "empty" if error["input"] is None else describe(error["input"])
        return f"is {given}, must be {SHAPES[kind]}{_such_as(key, ', try ')}"
    if kind in BOUNDS:
        return f"{_number(error['input'])} is out of range, must be {BOUNDS[kind](ctx)}"
    return _word_length(kind, ctx, key) or error["msg"]


def nearest(word: str, known: Iterable[str]) -> str:
    """`, did you mean "x"?`, or the known words when none is near."""
    names = list(known)
    near = [n for n in names if n.lower() == word.lower()] or get_close_matches(word, names, 1)
    if near:
        return f', did you mean "{near[0]}"?'
    return f", known are {', '.join(names)}" if names else ", leave it away"


def _word_tag(ctx: Mapping[str, Any]) -> str:
    """Of mappings that one key tells apart, as `driver` does in the `chaos` of a target."""
    key = ctx["discriminator"].strip("'")
    if "tag" not in ctx:
        return f'"{key}" is missing{_such_as(key, ", add ")}'
    tags = [tag.strip("'") for tag in ctx["expected_tags"].split(", ")]
    return f'there is no {key} "{ctx["tag"]}"{nearest(ctx["tag"], tags)}'


def _word_literal(given: Any, expected: str) -> str:
    allowed = expected.replace("'", '"')
    if isinstance(given, str) and given == expected:
        return f"is {describe(given)}, must be the number {allowed}: remove the quotes"
    choices = [word.strip("'") for word in expected.replace(" or ", ", ").split(", ")]
    near = get_close_matches(given, choices, 1) if isinstance(given, str) else []
    hint = f', did you mean "{near[0]}"?' if near else ""
    return f"is {describe(given)}, must be {allowed}{hint}"


def _word_pattern(given: Any, pattern: str) -> str:
    if pattern.startswith(OF_A_PATH):
        return f"{describe(given)} is no path: begin with one slash, without a host, as in /api/admin/chains"
    return (
        f"{describe(given)} is no name: begin with a letter, then letters, digits, _ and -, at most 64 in all"
    )


def _word_length(kind: str, ctx: Mapping[str, Any], key: str) -> str | None:
    if kind == "string_too_short":
        return f"is an empty text, write one{_such_as(key, ' such as ')}"
    if kind == "string_too_long":
        return f"is longer than {ctx['max_length']:,} characters, shorten it"
    if kind == "too_short":
        return f"has fewer than {ctx['min_length']}, add one{_such_as(key, ' such as ')}"
    if kind == "too_long":
        return f"has more than {ctx['max_length']:,}, remove some"
    return None


def _such_as(key: str, lead: str) -> str:
    return f"{lead}`{EXAMPLES[key]}`" if key in EXAMPLES else ""


def _number(value: Any) -> str:
    whole = isinstance(value, float) and value == int(value) if value not in (float("inf"),) else False
    return f"{int(value):,}" if whole or isinstance(value, int) else str(value)
