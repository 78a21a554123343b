"""Whether the real nodes behind a lab may be used: those of other people only where the config says so."""

from __future__ import annotations

from urllib.parse import urlsplit

from battlectl.errors import UserError
from battlectl.scenario.parse_target import is_disguised, is_public
from battlectl.scenario.target import Target
from battlectl.scenario.target_relays import addresses_of_relays


def refuse_public(target: Target, name: str) -> None:
    """Raises `UserError` for every relay beyond this machine and its networks that is not allowed."""
    refused = [
        f'the target {name}: {place}: "{host}" is a public host: if you may load it, set `allow_public: true`'
        for place, url in addresses_of_relays(target.lab.relays)
        if (is_public(host := urlsplit(url).hostname or "") or is_disguised(host)) and not target.allow_public
    ]
    if refused:
        raise UserError("\n".join(refused))
