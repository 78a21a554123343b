"""What `battlectl lab up` and `lab relay` say once the lab is up: a line for programs, or text for people.

Rule: every command shown works when it is pasted, so none is broken over lines however narrow the terminal,
and a call says that it is JSON: the lab does not mind, but real nodes behind relays do.
No key in the URL of a real node is shown, and no token: commands name its environment variable.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from dataclasses import asdict

from battlectl.lab.control import Lab
from battlectl.lab.spec import TOXIPROXY_PORT, LabSpec, is_loopback
from battlectl.scenario.masking import mask_urls

CALL = '{"jsonrpc":"2.0","id":1,"method":"eth_blockNumber","params":[]}'
KILL = '{"type":"kill","ttl_ms":30000}'


def ready_json(lab: Lab) -> str:
    """One line: {"ready": true} and the fields of Lab, which docs/lab.md lists."""
    return json.dumps({"ready": True, **asdict(lab)})


def ready_text(lab: Lab, spec: LabSpec, token_env: str | None = None) -> str:
    """The addresses for people, with commands to try on them."""
    kind = "relayed" if spec.relays else "simulated"
    count = f"{len(lab.providers)} {kind} provider{'' if len(lab.providers) == 1 else 's'}"
    lines = [
        f"The lab is up: {count}{' behind a gateway' if lab.url else ''}.",
        "",
        *_addresses(lab, spec),
        *(["", *warnings] if (warnings := list(_warnings(lab, spec))) else []),
        "",
        "Try it, from another terminal:",
        *(f"  {what}:\n    {command}" for what, command in _commands(lab, token_env)),
        "",
        "Ctrl-C ends it.",
    ]
    return "\n".join(lines)


def _addresses(lab: Lab, spec: LabSpec) -> Iterator[str]:
    rows = [(provider.id, provider.url, provider.ws_url) for provider in lab.providers]
    if lab.url is not None:
        rows.insert(0, ("gateway", lab.url, lab.ws_url or ""))
    rows.append(("admin API", lab.admin_url, _about_admin(lab, spec)))
    upstreams = {relay.id: f"  -> {_masked(relay.address.url)}" for relay in spec.relays}
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    for name, url, rest in rows:
        line = f"  {name:<{widths[0]}}  {url:<{widths[1]}}  {rest}{upstreams.get(name, '')}"
        yield line.rstrip()


def _about_admin(lab: Lab, spec: LabSpec) -> str:
    """Where another port was taken than the one that clients of Toxiproxy look at, that is said."""
    moved = spec.admin_ports[0] == TOXIPROXY_PORT and not lab.admin_url.endswith(f":{TOXIPROXY_PORT}")
    return f"({TOXIPROXY_PORT} is taken)" if moved else ""


def _warnings(lab: Lab, spec: LabSpec) -> Iterator[str]:
    for provider in lab.providers:
        if provider.trouble is not None:
            trouble = f"the node behind {provider.id} did not answer: {provider.trouble}"
            yield f"Warning: {trouble}. Relayed anyway."
    if not is_loopback(spec.host) and spec.token is None:
        yield f"Warning: whoever reaches {spec.host} can break this lab: --token-env gives its API a token."


def _commands(lab: Lab, token_env: str | None) -> Iterator[tuple[str, str]]:
    """What each is for, and the command: a comment beside it would not be one in every shell."""
    first = lab.providers[0]
    url = lab.url or first.url
    token = f' -H "Authorization: Bearer ${token_env}"' if token_env else ""
    yield "one call", f"curl -s {url} -H 'content-type: application/json' -d {shlex.quote(CALL)}"
    kill = f"curl -s{token} {lab.admin_url}/proxies/{first.id}/toxics -d {shlex.quote(KILL)}"
    yield f"kill {first.id} for 30 s", kill
    named = f" --token-env {token_env}" if token_env else ""
    by_hand = f"battlectl chaos kill {first.id} --for 10s --admin {lab.admin_url}{named}"
    yield "the same for 10 s, proven and healed", by_hand
    yield "see what happened to whom", f"battlectl lab status --admin {lab.admin_url}{named}"
    yield "load (`battlectl init` writes a first scenario)", f"battlectl run scenarios/ --target {url}"
    yield "WebSocket (pip install websockets)", f"python -m websockets {lab.ws_url or first.ws_url}"


def _masked(url: str) -> str:
    shown: str = mask_urls(url)[0]
    return shown
