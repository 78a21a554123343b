"""Where faults by hand strike: the target of a config file, or a lab by the URL of its admin API.

Rule: who names nothing means the lab at its usual port. What is written into a journal shows no secret, and
nothing is sent to a public host that no config file allows.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from battlectl.chaos.driver import Driver, DriverError
from battlectl.chaos.toxiproxy import Toxiproxy
from battlectl.commands.chaos_plan import provider_ids
from battlectl.commands.files import load_target
from battlectl.commands.masking import Masker
from battlectl.errors import NotReady, UserError
from battlectl.lab.spec import TOXIPROXY_PORT
from battlectl.report.inert import one_line
from battlectl.scenario.parse_target import is_disguised, is_public
from battlectl.scenario.target_chaos import read_again
from battlectl.scenario.wording import nearest
from battlectl.targets.site import endpoint_of
from battlectl.transport.wire import tls_context

USUAL = f"http://127.0.0.1:{TOXIPROXY_PORT}"


@dataclass(frozen=True, slots=True)
class Ground:
    """`shown` is `config` as its file spells it; `urls` are the providers' own, as far as a file has them.

    `secrets` are what is shown nowhere; `names` has those that healing needs, with their variables.
    """

    name: str
    config: Any
    shown: Mapping[str, Any]
    ids: Sequence[str] = ()
    urls: Mapping[str, str] = field(default_factory=dict)
    trust: ssl.SSLContext | None = None
    secrets: frozenset[str] = frozenset()
    names: Mapping[str, str] = field(default_factory=dict)


def find_ground(
    target: str | None, admin: str | None, token_env: str | None, environ: Mapping[str, str]
) -> Ground:
    """What the command line means; raises `UserError`."""
    if target is None:
        return _lab(admin or USUAL, token_env, environ)
    if admin is not None or token_env is not None:
        raise UserError("--target has an admin API of its own: leave --admin and --token-env away")
    found = load_target(target)
    if found.target.kind == "lab":
        raise UserError(
            f"{target} lives only as long as a run: `battlectl lab up` starts one to be broken by hand"
        )
    if found.target.chaos is None:
        raise UserError(
            f"the target {target} has no way to be broken: add `chaos: {{driver: ...}}` to its config file"
        )
    assert found.target.url is not None, "the config of a generic target names its url"
    shown = found.resolved["chaos"]
    return Ground(
        name=target,
        config=found.target.chaos,
        shown=shown,
        ids=provider_ids(found.target),
        urls={provider.id: provider.url for provider in found.target.providers if provider.url},
        trust=tls_context(endpoint_of(found.target, found.target.url)),
        secrets=found.secrets,
        names=read_again(shown, environ)[1],
    )


def _lab(admin: str, token_env: str | None, environ: Mapping[str, str]) -> Ground:
    _check_admin(admin)
    shown = {"driver": "toxiproxy", "url": admin, **({"token": f"${{{token_env}}}"} if token_env else {})}
    try:
        config, names = read_again(shown, environ)
    except ValueError as error:
        raise UserError(f"--token-env: {error}" if token_env else f"--admin: {error}") from None
    return Ground(name=admin, config=config, shown=shown, secrets=frozenset(names), names=names)


def _check_admin(admin: str) -> None:
    try:
        parts = urlsplit(admin)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not admin.startswith(("http://", "https://")) or not host or not admin.isprintable() or " " in admin:
        raise UserError(f'--admin: "{one_line(admin)}" is no http URL, try {USUAL}')
    if parts.username is not None:
        raise UserError("--admin: a login does not belong in a URL: --token-env names a token")
    if is_disguised(host) or is_public(host):
        raise UserError(f"--admin: {host} is a public host: write a config file with `allow_public: true`")


async def ask_at(driver: Driver, urls: Mapping[str, str]) -> dict[str, str]:
    """Where each provider itself is asked: what the file says, else what the proxies say."""
    known = await driver.addresses() if isinstance(driver, Toxiproxy) else {}
    return {**known, **urls}


def check_provider(provider: str, known: Sequence[str], ground: Ground) -> None:
    """`UserError` for one that is not there; where nobody knows which are, its driver will say."""
    if known and provider not in known:
        raise UserError(f'{ground.name} has no provider "{one_line(provider)}"{nearest(provider, known)}')


def not_ready(ground: Ground, error: DriverError) -> NotReady:
    """The driver is down: nothing was done. What it answered may repeat a secret."""
    hint = "; `battlectl lab up` starts a lab, and says where its admin API is"
    said = Masker(ground.secrets).mask_text(str(error))
    return NotReady(f"{said}{hint if ground.name.startswith('http') else ''}")
