"""A target's config file: text in, a frozen target out, or every mistake at once.

Rule: load goes to the hosts of `url` and `ws_url`, faults to those of `chaos` and `providers`, and to a
public one only when the file says so.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from string import ascii_lowercase
from typing import Any
from urllib.parse import urlsplit

from battlectl.errors import BadFile
from battlectl.scenario.check_telemetry import check_telemetry, telemetry_address
from battlectl.scenario.checks import check_headers
from battlectl.scenario.located import read_yaml
from battlectl.scenario.masking import mask_headers, mask_urls
from battlectl.scenario.parse import locate_mistakes, mask_problems
from battlectl.scenario.places import Mistake, Path
from battlectl.scenario.substitute import substitute
from battlectl.scenario.target import Target
from battlectl.scenario.target_chaos import check_secrets
from battlectl.scenario.target_kinds import check_kind
from battlectl.scenario.target_relays import check_relays
from battlectl.scenario.target_unchanged import check_unchanged, mask_unchanged, unchanged_address
from battlectl.scenario.validated import validate_tree
from battlectl.scenario.wording import nearest

PRIVATE_SUFFIXES = (".local", ".internal", ".localhost", ".test")
_URL = re.compile(r"(?:http|ws)s?://\S+")
_NUMERIC = re.compile(r"(?:0[xX][0-9A-Fa-f]*|[0-9]+)")


@dataclass(frozen=True, slots=True)
class ParsedTarget:
    """A valid config file; `resolved` shows no secrets, `secrets` are what it hides."""

    target: Target
    resolved: dict[str, Any]
    secrets: frozenset[str]


def parse_target(text: str, file: str, environ: Mapping[str, str]) -> ParsedTarget:
    """The target of a config file; raises `BadFile` with all problems."""
    filled = substitute(read_yaml(text, file), environ)
    target, mistakes = validate_tree(Target, filled.located)
    problems = list(
        locate_mistakes(filled.located, [*mistakes, *check_target_tree(filled.located.tree)]),
    )
    shown, header_secrets = mask_headers(filled.shown)
    shown, url_parts = mask_urls(shown)
    shown, document_parts = mask_unchanged(shown)
    if target is not None and target.chaos is not None:
        problems.extend(locate_mistakes(filled.located, check_secrets(shown["chaos"])))
    if problems or target is None:
        raise BadFile(mask_problems(problems, filled.secrets))
    _, filled_parts = mask_urls(filled.located.tree)
    _, filled_documents = mask_unchanged(filled.located.tree)
    parts = url_parts | filled_parts | document_parts | filled_documents
    return ParsedTarget(target, shown, frozenset(filled.secrets) | header_secrets | parts)


def check_target_tree(tree: Mapping[str, Any]) -> Iterator[Mistake]:
    """Rules between the fields; works on the plain tree, so that one wrong field does not hide the rest."""
    kind = tree.get("kind", "generic")
    for key in ("url", "ws_url") if kind == "lab" else ():
        if tree.get(key) is not None:
            message = f"the lab has an address of its own: leave {key} away, or use kind: generic"
            yield Mistake((key,), message, True)
    yield from check_kind(tree)
    yield from check_relays(tree.get("lab"))
    if kind == "lab":
        yield from _check_lab(tree)
    else:
        yield from _check_truth(tree.get("truth"), tree.get("providers"))
    yield from check_telemetry(tree)
    yield from check_unchanged(tree)
    for path, address in _addresses(tree) if kind != "lab" else ():
        yield from _check_host(path, address, tree.get("allow_public") is True)
    yield from _check_ids(tree.get("providers"))
    yield from _check_named(tree.get("chaos"), tree.get("providers"))
    yield from _check_headers(tree.get("headers"), ("headers",))
    watched = tree.get("unchanged")
    if isinstance(watched, dict):
        yield from _check_headers(watched.get("headers"), ("unchanged", "headers"))


def _check_headers(headers: Any, path: Path) -> Iterator[Mistake]:
    if isinstance(headers, dict) and all(isinstance(value, str) for value in headers.values()):
        yield from check_headers(headers, path)


def _check_lab(tree: Mapping[str, Any]) -> Iterator[Mistake]:
    """It has its own way to be broken, and its chain can be read past every fault, or at a provider."""
    if "chaos" in tree:
        yield Mistake(("chaos",), "the lab brings its own way to be broken: leave it away", True)
    truth, lab = tree.get("truth"), tree.get("lab")
    if isinstance(truth, dict) and "url" in truth:
        message = "the lab's chain is read past every fault: leave it away, or name a `provider`"
        yield Mistake(("truth", "url"), message, True)
    count = lab.get("providers", 3) if isinstance(lab, dict) else 3
    known = [f"provider_{letter}" for letter in ascii_lowercase[: count if isinstance(count, int) else 0]]
    name = truth.get("provider") if isinstance(truth, dict) else None
    if isinstance(name, str) and name not in known:
        yield Mistake(("truth", "provider"), f'this lab has no provider "{name}"{nearest(name, known)}')


def _addresses(tree: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """Where something is sent to: load, and with `chaos` the faults and the questions to providers."""
    found: list[tuple[Path, Any]] = [((key,), tree.get(key)) for key in ("url", "ws_url")]
    chaos, providers, truth = tree.get("chaos"), tree.get("providers"), tree.get("truth")
    if isinstance(truth, dict):
        found.append((("truth", "url"), truth.get("url")))
    found += telemetry_address(tree)
    found += unchanged_address(tree)
    if isinstance(chaos, dict):
        found.append((("chaos", "url"), chaos.get("url")))
        listed = enumerate(providers if isinstance(providers, list) else ())
        found += [(("providers", i, "url"), one.get("url")) for i, one in listed if isinstance(one, dict)]
    yield from ((path, address) for path, address in found if isinstance(address, str))


def _check_truth(truth: Any, providers: Any) -> Iterator[Mistake]:
    if not isinstance(truth, dict):
        return
    if len({"provider", "url"} & truth.keys()) != 1:
        yield Mistake(("truth",), "is read at one place: `provider: NAME` or `url: http://...`", True)
    listed = [one for one in providers if isinstance(one, dict)] if isinstance(providers, list) else []
    name = truth.get("provider")
    if isinstance(name, str) and not any(one.get("id") == name and one.get("url") for one in listed):
        yield Mistake(("truth", "provider"), f'"{name}" is no provider with a `url`: add it, or name another')


def _check_named(chaos: Any, providers: Any) -> Iterator[Mistake]:
    """A name in `chaos` that no provider has would be of no use, and nobody would know."""
    listed = [one for one in providers if isinstance(one, dict)] if isinstance(providers, list) else []
    known = [one["id"] for one in listed if isinstance(one.get("id"), str)]
    for key in ("processes", "proxies", "servers") if isinstance(chaos, dict) else ():
        named = chaos.get(key)
        for name in named if isinstance(named, dict) else ():
            if known and name not in known:
                message = f'"{name}" is no provider of this file{nearest(str(name), known)}'
                yield Mistake(("chaos", key, name), message, True)


def _check_host(path: Path, url: str, is_allowed: bool) -> Iterator[Mistake]:
    if not _URL.fullmatch(url):
        return  # the type says so already
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        yield Mistake(path, f"not a URL ({error}), try http://127.0.0.1:8545")
        return
    if not host or port == 0:
        yield Mistake(path, "names no host and port, try http://127.0.0.1:8545")
    elif parts.fragment:
        yield Mistake(path, "a fragment (#...) is never sent: leave it away")
    elif is_disguised(host):
        yield Mistake(path, "an address is written in full, as in 127.0.0.1: write it so")
    elif is_public(host) and not is_allowed:
        message = f'"{host}" is a public host: if it is yours to load, add `allow_public: true`'
        yield Mistake(path, message)


def is_disguised(host: str) -> bool:
    """Whether a name is an IPv4 address in another spelling (127.1, 0x7f000001), which resolvers accept."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return _NUMERIC.fullmatch(host.rstrip(".").rpartition(".")[2]) is not None
    return False


def is_public(host: str) -> bool:
    """Whether a host is neither loopback, private, link-local, a bare name nor under a private suffix."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        name = host.rstrip(".").lower()
        return "." in name and not name.endswith(PRIVATE_SUFFIXES)
    mapped = getattr(address, "ipv4_mapped", None) or address
    return not (mapped.is_private or mapped.is_loopback or mapped.is_link_local)


def _check_ids(providers: Any) -> Iterator[Mistake]:
    seen: dict[str, int] = {}
    for i, provider in enumerate(providers if isinstance(providers, list) else ()):
        name = provider.get("id") if isinstance(provider, dict) else None
        if not isinstance(name, str):
            continue
        if name in seen:
            message = f'"{name}" is already the id of provider {seen[name]}, counted from 0: choose another'
            yield Mistake(("providers", i, "id"), message)
        seen.setdefault(name, i)
