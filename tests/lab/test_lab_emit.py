"""The configurations that `battlectl lab up --emit` prints: whole, with the lab's providers and no other."""

from __future__ import annotations

import json

import pytest
import yaml

from battlectl.commands.lab_emit import EMITTED, Ports, choose_ports, emit, started_text, target_text
from battlectl.errors import UserError
from battlectl.lab.control import Lab, LabProvider
from battlectl.scenario.parse_target import parse_target
from battlectl.targets import ADAPTERS

PROVIDERS = tuple(
    LabProvider(f"provider_{letter}", "node", f"http://127.0.0.1:{port}", f"ws://127.0.0.1:{port}")
    for letter, port in (("a", 9001), ("b", 9002))
)
LAB = Lab(None, None, "http://127.0.0.1:8474", PROVIDERS, 1, None)
PORTS = Ports(10_000, 10_001)


def test_lasso_reads_a_profile_and_its_chains():
    profile, chains = yaml.safe_load_all(emit("lasso", LAB, PORTS))
    assert {"name", "slug", "type", "default_rps_limit", "default_burst_limit"} == profile.keys()
    chain = chains["chains"]["battlechain"]
    assert chain["chain_id"] == 999
    assert [(one["id"], one["url"], one["ws_url"], one["priority"]) for one in chain["providers"]] == [
        ("provider_a", "http://127.0.0.1:9001", "ws://127.0.0.1:9001", 1),
        ("provider_b", "http://127.0.0.1:9002", "ws://127.0.0.1:9002", 2),
    ]


def test_envoy_has_the_providers_and_the_two_headers():
    text = emit("envoy", LAB, PORTS)
    cluster = json.loads(text)["static_resources"]["clusters"][0]
    endpoints = cluster["load_assignment"]["endpoints"][0]["lb_endpoints"]
    assert [one["endpoint"]["address"]["socket_address"]["port_value"] for one in endpoints] == [9001, 9002]
    assert '"include_attempt_count_in_response": true' in text
    assert "%UPSTREAM_REMOTE_ADDRESS%" in text


def test_haproxy_has_servers_with_the_names_of_the_providers():
    text = emit("haproxy", LAB, PORTS)
    assert "server provider_a 127.0.0.1:9001 check" in text
    assert "server provider_b 127.0.0.1:9002 check" in text
    assert "bind 127.0.0.1:10000" in text
    assert text.count("set-header") == 2


@pytest.mark.parametrize("kind", EMITTED)
def test_the_config_file_that_is_shown_beside_is_one(kind):
    target = parse_target(target_text(kind, LAB, PORTS), "t.yml", {}).target
    assert target.kind == kind in ADAPTERS
    assert [provider.id for provider in target.providers] == ["provider_a", "provider_b"]
    assert target.chaos is not None
    assert f"  kind: {json.dumps(kind)}" in started_text(kind, LAB, PORTS)


def test_a_token_is_named_and_never_shown():
    assert '"token": "${SECRET}"' in target_text("envoy", LAB, PORTS, "SECRET")


@pytest.mark.parametrize(
    ("kind", "port", "gateway", "said"),
    [
        ("nginx", None, {}, '--emit: "nginx" has no configuration here, choose one of lasso, envoy, haproxy'),
        (
            "envoy",
            None,
            {"strategy": "fastest"},
            "--strategy is the lab's gateway's, in whose place envoy is",
        ),
        ("lasso", 4000, {}, "--port: the configuration of lasso does not say where it listens"),
    ],
)
def test_what_cannot_be_emitted(kind, port, gateway, said):
    with pytest.raises(UserError, match=said):
        choose_ports(kind, port, gateway)


def test_ports_are_the_usual_ones_unless_told():
    assert choose_ports("envoy", None, {"revision": None}).port == 10_000
    assert choose_ports("haproxy", 18_000, {}).port == 18_000
