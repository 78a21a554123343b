"""What a file says literally and nobody else may read: API keys in URLs, tokens in headers.

Rule: when in doubt it is masked; a report without a key is still a report.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

MASK = "***"
_SECRET_HEADER = re.compile(r"authorization|cookie|key|token|secret|password|auth", re.IGNORECASE)
_KEY_LIKE = re.compile(r"(?=[^/]*[0-9])[A-Za-z0-9_-]{16,}|[A-Za-z0-9_-]{24,}")
_WORDS = re.compile(r"(?:[a-z]{1,15}|[0-9]{1,4})(?:[_-](?:[a-z]{1,15}|[0-9]{1,4}))+")
"""Long, and a name all the same: `half_open_max_requests`, `ethereum-mainnet-1`."""
_REFERENCE = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*\}")


def mask_headers(tree: Any) -> tuple[Any, frozenset[str]]:
    """A tree whose secret-looking header values are masked, and those values."""
    secrets: set[str] = set()
    return _mask_headers(tree, secrets), frozenset(secrets)


def _mask_headers(value: Any, secrets: set[str]) -> Any:
    if isinstance(value, list):
        return [_mask_headers(child, secrets) for child in value]
    if not isinstance(value, dict):
        return value
    return {
        key: _mask_values(child, secrets)
        if key == "headers" and isinstance(child, dict)
        else _mask_headers(child, secrets)
        for key, child in value.items()
    }


def _mask_values(headers: Mapping[str, Any], secrets: set[str]) -> dict[str, Any]:
    return {name: _mask_value(name, value, secrets) for name, value in headers.items()}


def _mask_value(name: str, value: Any, secrets: set[str]) -> Any:
    if not isinstance(value, str) or not value or not _SECRET_HEADER.search(name) or _REFERENCE.search(value):
        return value
    secrets.add(value)
    return MASK


def url_secrets(url: str) -> frozenset[str]:
    """The parts of a URL that look like keys: user and password, long path parts, query values."""
    parts = urlsplit(url)
    login = parts.netloc.rpartition("@")[0]
    basic = base64.b64encode(unquote(login).encode()).decode()  # As it is sent, and may be sent back.
    found = {login, basic, *login.split(":", 1), *_KEY_LIKE.findall(parts.path)}
    found |= {pair.partition("=")[2] for pair in parts.query.split("&")}
    return frozenset(part for part in found if len(part) >= 4 and not _REFERENCE.fullmatch(part))


def mask_urls(tree: Any) -> tuple[Any, frozenset[str]]:
    """A tree whose URLs show no keys, and the keys."""
    if isinstance(tree, dict):
        pairs = {key: mask_urls(child) for key, child in tree.items()}
        return {k: v[0] for k, v in pairs.items()}, frozenset().union(*(v[1] for v in pairs.values()))
    if isinstance(tree, list):
        items = [mask_urls(child) for child in tree]
        return [item[0] for item in items], frozenset().union(*(item[1] for item in items))
    if not isinstance(tree, str) or "://" not in tree:
        return tree, frozenset()
    secrets = safe_secrets(tree)
    return hide(tree, secrets), secrets


def hide(text: str, secrets: Iterable[str]) -> str:
    """A text without these."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, MASK)
    return text


def name_secrets(name: str) -> frozenset[str]:
    """Parts of a name in JSON that look like keys: names may be URLs, or the keys themselves."""
    of_url = safe_secrets(name) if "://" in name else frozenset()
    return of_url | {part for part in _KEY_LIKE.findall(name) if not _WORDS.fullmatch(part)}


def mask_name(name: str) -> str:
    """A name without what looks like a key."""
    return hide(name, name_secrets(name))


def safe_secrets(url: str) -> frozenset[str]:
    """Those of a URL that may be none."""
    try:
        return url_secrets(url)
    except ValueError:
        return frozenset()
