"""Lasso's configuration with the lab behind it: a file for `config/profiles/`.

Rule: two YAML documents, the profile and its chains; the values are JSON, which YAML reads as it stands.
"""

from __future__ import annotations

import json

from battlectl.lab.control import Lab

CHAIN, CHAIN_ID = "battlechain", 999


def lasso_config(lab: Lab) -> str:
    """A profile with one chain, that of the lab, and no limits of its own."""
    head = {
        "name": "battlectl's lab",
        "slug": "public",
        "type": "standard",
        "default_rps_limit": 100_000,
        "default_burst_limit": 100_000,
    }
    lines = [f"{key}: {json.dumps(value)}" for key, value in head.items()]
    lines += ["---", "chains:", f"  {CHAIN}:", f"    chain_id: {CHAIN_ID}", "    providers:"]
    for priority, one in enumerate(lab.providers, 1):
        provider = {"id": one.id, "name": one.id, "url": one.url, "ws_url": one.ws_url, "priority": priority}
        lines.append(f"      - {json.dumps(provider)}")
    return "\n".join([*lines, ""])
