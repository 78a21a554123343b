"""Lasso's recorded exchanges, replayed against the gateway: same status, error code and JSON shape.

Values are masked: only their types count, and a recorded null or empty list says nothing of the type. The
`result` of a call is the provider's document, so of that only the outermost type is compared.
"""

import base64
import json
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from tests.lab.gateway.differences import DIFFERENCES
from tests.lab.gateway_ws.upstreams import lab

WIRE = Path(__file__).parent / "wire"
FOLDERS = {"current": WIRE, "2025-10": WIRE / "2025-10"}
FILES = [(revision, path.name) for revision in FOLDERS for path in sorted(FOLDERS[revision].glob("0*.json"))]


def recorded(revision, file):
    return json.loads((FOLDERS[revision] / file).read_text("utf-8"))


@asynccontextmanager
async def gateway_and_client(revision):
    async with (
        lab(block_time=1.0, revision=revision, profiles=("public", "battle")) as running,
        httpx.AsyncClient(base_url=running.url, trust_env=False, timeout=30) as client,
    ):
        yield running, client


async def send(client, request):
    body = request["body"]
    content = body if isinstance(body, str) else None if body is None else json.dumps(body)
    return await client.request(
        request["method"], request["path"], headers=request["headers"], content=content
    )


def kind(value):
    """The type of a JSON value, by its name."""
    names = {bool: "boolean", int: "number", float: "number", str: "string", dict: "object", list: "array"}
    return "null" if value is None else names[type(value)]


def compare(wanted, found, place=""):
    """How two values differ in shape, one line each."""
    if wanted is None or kind(wanted) != kind(found):
        if wanted is not None:
            yield f"{place}: {kind(wanted)} is {kind(found)}"
    elif isinstance(wanted, dict):
        yield from (f"{place}.{key}: missing" for key in sorted(wanted.keys() - found.keys()))
        yield from (f"{place}.{key}: added" for key in sorted(found.keys() - wanted.keys()))
        for key in sorted(wanted.keys() & found.keys()):
            if key == "code":
                yield from (
                    [] if wanted[key] == found[key] else [f"{place}.code: {wanted[key]} is {found[key]}"]
                )
            elif key == "result":
                yield from [] if kind(wanted[key]) == kind(found[key]) else [f"{place}.result: another type"]
            else:
                yield from compare(wanted[key], found[key], f"{place}.{key}")
    elif (
        isinstance(wanted, list)
        and wanted
        and all(isinstance(item, dict) and "jsonrpc" in item for item in wanted)
    ):
        if len(wanted) != len(found):
            yield f"{place}: {len(wanted)} replies are {len(found)}"
        for one, other in zip(sorted(wanted, key=by_id), sorted(found, key=by_id), strict=False):
            yield from compare(one, other, f"{place}[]")
    elif isinstance(wanted, list) and wanted:
        yield from dict.fromkeys(line for item in found for line in compare(wanted[0], item, f"{place}[]"))


def by_id(reply):
    return str(reply["id"])


def json_body(response):
    """The body as JSON, or as text."""
    try:
        return response.json()
    except ValueError:
        return response.text


def media_type(headers):
    return headers.get("content-type", "").partition(";")[0]


def mismatches(exchange, response):
    """All that differs from what was recorded."""
    wanted = exchange["response"]
    if response.status_code != wanted["status"]:
        yield f"status: {wanted['status']} is {response.status_code}"
    headers = httpx.Headers([tuple(pair) for pair in wanted["headers"]])
    if media_type(headers) != media_type(response.headers):
        yield f"content type: {media_type(headers)} is {media_type(response.headers)}"
    yield from compare(wanted["body"], json_body(response), "body")
    for name in ("x-lasso-request-id", "x-lasso-meta", "access-control-allow-methods"):
        if (name in headers) != (name in response.headers):
            yield f"{name}: {'missing' if name in headers else 'added'}"
    if "x-lasso-meta" in headers and "x-lasso-meta" in response.headers:
        yield from compare(meta(headers), meta(response.headers), "meta")


def meta(headers):
    text = headers["x-lasso-meta"]
    assert "=" not in text
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


@pytest.mark.parametrize(("revision", "file"), FILES)
async def test_recorded_exchanges(revision, file):
    """What differs must be what the table of differences says, to the letter."""
    async with gateway_and_client(revision) as (_, client):
        for index, exchange in enumerate(recorded(revision, file)):
            found = list(mismatches(exchange, await send(client, exchange["request"])))
            excused = [
                line for row in DIFFERENCES if (revision, file, index) in row.where for line in row.lines
            ]
            told = f"{file}[{index}] {exchange['request']['method']} {exchange['request']['path']}"
            assert sorted(found) == sorted(excused), told


def test_every_difference_is_of_a_recorded_exchange():
    there = {
        (revision, file, index) for revision, file in FILES for index in range(len(recorded(revision, file)))
    }
    assert {place for row in DIFFERENCES for place in row.where} <= there


def test_the_documentation_lists_the_differences():
    text = " ".join((Path(__file__).parents[3] / "docs" / "gateway.md").read_text("utf-8").split())
    assert [row.reason for row in DIFFERENCES if row.reason not in text] == []
