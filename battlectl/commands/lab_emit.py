"""`battlectl lab up --emit KIND`: the aggregator's own configuration, its providers pointed at the lab.

Rule: what is printed is the whole file that the aggregator is started from, and nothing else, so that it can
be redirected; its providers have the ids of the lab's. Ports are chosen by the caller.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from battlectl.commands.lab_emit_envoy import envoy_config
from battlectl.commands.lab_emit_haproxy import haproxy_config
from battlectl.commands.lab_emit_lasso import CHAIN, lasso_config
from battlectl.errors import UserError
from battlectl.lab.control import Lab


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the aggregator is to listen, and where it tells of itself."""

    port: int
    stats_port: int


@dataclass(frozen=True, slots=True)
class Emitted:
    """One kind: `config` is its own configuration, `target` what battlectl's config file says of it.

    `usual_port` is where it listens unless told; None where its configuration does not say.
    """

    usual_port: int | None
    start: str
    config: Callable[[Lab, Ports], str]
    target: Callable[[Ports], Mapping[str, Any]]


def choose_ports(kind: str, port: int | None, gateway: Mapping[str, Any]) -> Ports:
    """Of an aggregator of this kind; raises `UserError`. `gateway` holds what was said of the lab's own."""
    if kind not in EMITTED:
        raise UserError(f'--emit: "{kind}" has no configuration here, choose one of {", ".join(EMITTED)}')
    for name, value in gateway.items():
        if value is not None:
            raise UserError(
                f"--{name} is the lab's gateway's, in whose place {kind} is to stand: leave it away"
            )
    usual = EMITTED[kind].usual_port
    if usual is None and port is not None:
        raise UserError(f"--port: the configuration of {kind} does not say where it listens: leave it away")
    return Ports(port or usual or 0, _free_port())


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def emit(kind: str, lab: Lab, ports: Ports) -> str:
    """The configuration of an aggregator in front of this lab."""
    return EMITTED[kind].config(lab, ports)


def started_text(kind: str, lab: Lab, ports: Ports, token_env: str | None = None) -> str:
    """What a person has to do now."""
    return "\n".join(
        [
            f"The lab is up, without a gateway; its admin API is {lab.admin_url}.",
            f"The configuration of {kind} is on stdout: {EMITTED[kind].start}.",
            "battlectl knows it by this config file:",
            "",
            *(f"  {line}" for line in target_text(kind, lab, ports, token_env).splitlines()),
            "",
            "Ctrl-C ends the lab.",
        ]
    )


def target_text(kind: str, lab: Lab, ports: Ports, token_env: str | None = None) -> str:
    """The config file by which battlectl knows that aggregator; JSON values, which YAML reads."""
    providers = [{"id": one.id, "url": one.url, "ws_url": one.ws_url} for one in lab.providers]
    token = {} if token_env is None else {"token": f"${{{token_env}}}"}
    fields = {
        "version": 1,
        "kind": kind,
        **EMITTED[kind].target(ports),
        "providers": providers,
        "chaos": {"driver": "toxiproxy", "url": lab.admin_url, **token},
        "truth": {"url": f"{lab.admin_url}/chain/rpc"},
    }
    return "".join(f"{key}: {json.dumps(value)}\n" for key, value in fields.items())


def _target_of_lasso(_ports: Ports) -> Mapping[str, Any]:
    return {"url": "http://127.0.0.1:4000", "chain": CHAIN, "telemetry": {}}


def _target_at(ports: Ports) -> Mapping[str, Any]:
    return {
        "url": f"http://127.0.0.1:{ports.port}/",
        "ws_url": f"ws://127.0.0.1:{ports.port}/",
        "telemetry": {"url": f"http://127.0.0.1:{ports.stats_port}"},
    }


EMITTED: Mapping[str, Emitted] = {
    "lasso": Emitted(
        None,
        "put it into config/profiles/ and start Lasso",
        lambda lab, _: lasso_config(lab),
        _target_of_lasso,
    ),
    "envoy": Emitted(
        10_000, "envoy -c FILE.json", lambda lab, at: envoy_config(lab, at.port, at.stats_port), _target_at
    ),
    "haproxy": Emitted(
        8_545, "haproxy -db -f FILE", lambda lab, at: haproxy_config(lab, at.port, at.stats_port), _target_at
    ),
}
"""Kind -> what its configuration is."""
