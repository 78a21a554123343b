"""`battlectl lab status`: the providers of a running lab as its admin API tells of them.

Rule: three questions are asked and nothing is changed. Names come from whoever made the proxies, so they are
shown inert; keys in the URLs of real nodes are not shown. Where the terminal is too narrow for the table,
each provider has lines of its own.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from typing import Any, TextIO

import httpx

from battlectl.errors import ExitCode, NotReady, UserError
from battlectl.lab.spec import TOXIPROXY_PORT
from battlectl.quantities import format_duration
from battlectl.report.inert import one_line
from battlectl.report.tables import plain_table
from battlectl.scenario.masking import mask_urls

PATIENCE = 5.0
"""Seconds for each question; everything runs on this machine."""
QUESTIONS = ("providers", "proxies", "leases")
COLUMNS = ("provider", "address", "up", "generation", "connections", "requests", "faults in force")
SIDES = "llrrrrl"
MOST_BODY_SHOWN = 160

Answers = Mapping[str, Any]
Row = tuple[str, ...]


def status(admin: str, token: str | None, as_json: bool, out: TextIO) -> ExitCode:
    """Print the status of the lab at `admin`; `UserError` for no URL, `NotReady` when none answers."""
    if not admin.startswith(("http://", "https://")):
        raise UserError(f'--admin: "{one_line(admin)}" is no http URL, try http://127.0.0.1:{TOXIPROXY_PORT}')
    answers = ask(admin.rstrip("/"), token)
    try:
        text = (
            json.dumps(mask_urls(answers)[0])
            if as_json
            else show(answers, shutil.get_terminal_size((100, 24)).columns)
        )
    except (AttributeError, KeyError, TypeError) as error:
        raise NotReady(f"{admin} answers, but not as a lab does ({type(error).__name__}: {error})") from error
    print(text, file=out)
    return ExitCode.PASS


def ask(admin: str, token: str | None) -> dict[str, Any]:
    """What the admin API says to each of QUESTIONS; raises `NotReady`."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    try:
        with httpx.Client(headers=headers, timeout=PATIENCE, trust_env=False) as client:
            return {question: _ask(client, f"{admin}/{question}") for question in QUESTIONS}
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        hint = "`battlectl lab up` starts one, and says where its admin API is"
        raise NotReady(f"no lab answers at {one_line(admin)} ({error}); {hint}") from error


def show(answers: Answers, width: int) -> str:
    """The table, or a block for each provider where it would be wider than `width`."""
    remaining = {lease["id"]: lease["remaining_ms"] / 1000 for lease in answers["leases"]}
    rows = [
        _row(name, provider, answers["proxies"][name]["toxics"], remaining)
        for name, provider in answers["providers"].items()
        if name in answers["proxies"]  # one that went between two questions is gone
    ]
    if not rows:
        return "The lab is up and has no providers."
    table = plain_table(COLUMNS, rows, SIDES)
    return table if max(map(len, table.splitlines())) <= width else "\n\n".join(map(_block, rows))


def _ask(client: httpx.Client, url: str) -> Any:
    reply = client.get(url)
    if reply.status_code == 401:
        raise NotReady(f"{url} wants a token: name the environment variable that holds it with --token-env")
    try:
        reply.raise_for_status()
        return reply.json()
    except (httpx.HTTPStatusError, ValueError) as error:
        shown = one_line(reply.text, MOST_BODY_SHOWN)
        raise NotReady(f"{url} is no admin API of a lab: status {reply.status_code}, {shown}") from error


def _row(name: str, provider: Answers, toxics: list[Answers], remaining: Mapping[str, float]) -> Row:
    faults = [_fault(toxic, remaining) for toxic in toxics]
    if not provider["enabled"]:
        faults.insert(0, "disabled")
    return (
        one_line(name),
        one_line(provider["url"] or "-"),
        "yes" if provider["up"] else "no",
        f"{provider['generation']:,}",
        f"{provider['connections']:,}",
        f"{sum(provider['requests'].values()):,}",
        "\n".join(faults) or "none",
    )


def _fault(toxic: Answers, remaining: Mapping[str, float]) -> str:
    name, kind, lease = one_line(toxic["name"]), one_line(toxic["type"]), toxic.get("lease")
    shown = name if name == kind else f"{kind} as {name}"
    if lease is None:
        return shown
    left = remaining.get(lease)
    return f"{shown} ({'ending' if left is None else f'{format_duration(left)} left'})"


def _block(row: Row) -> str:
    return "\n".join(_block_lines(row))


def _block_lines(row: Row) -> Iterator[str]:
    yield row[0]
    for column, value in zip(COLUMNS[1:], row[1:], strict=True):
        yield f"  {column}: {', '.join(value.splitlines())}"
