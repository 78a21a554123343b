"""Units as people write them: "250ms", "200/s", "99.9%", "64KiB".

Rule: units live at the edges. Inside, durations are seconds, rates are per second, ratios are 0 to 1 and
sizes are bytes; every parser here raises `ValueError` with a way out in its text.
"""

from __future__ import annotations

import re

DURATION_UNITS = {
    "ns": 1e-9,
    "us": 1e-6,
    "µs": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "m": 60.0,
    "min": 60.0,
    "h": 3600.0,
}
RATE_UNITS = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
SIZE_UNITS = {
    "B": 1,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
}

LARGEST = 1e15
"""No quantity is larger, in base units: a slip of the keyboard must not become an infinite run."""

NUMBER = r"[0-9]+(?:_[0-9]+)*(?:\.[0-9]+)?"
DURATION_PATTERN = rf"^(?:{NUMBER}\s*(?:ns|us|µs|ms|s|min|m|h)\s*)+$"
RATE_PATTERN = rf"^{NUMBER}\s*/\s*(?:s|min|m|h)$"
RATIO_PATTERN = rf"^{NUMBER}\s*%$"
SIZE_PATTERN = rf"^{NUMBER}\s*(?:B|KB|MB|GB|KiB|MiB|GiB)$"

_DURATION_PART = re.compile(rf"({NUMBER})\s*(ns|us|µs|ms|s|min|m|h)\s*")
_RATE = re.compile(rf"({NUMBER})\s*/\s*(s|min|m|h)")
_SIZE = re.compile(rf"({NUMBER})\s*(B|KB|MB|GB|KiB|MiB|GiB)")
_BARE = re.compile(rf"-?{NUMBER}")


def parse_duration(text: object) -> float:
    """Seconds from "250ms", "30s", "1h30m"."""
    written = _written(text)
    if not re.fullmatch(DURATION_PATTERN, written):
        raise ValueError(_complaint(written, "a duration", "s", 'try "250ms", "30s" or "1h30m"'))
    return _rounded(sum(float(n) * DURATION_UNITS[unit] for n, unit in _DURATION_PART.findall(written)))


def parse_rate(text: object) -> float:
    """Arrivals per second from "200/s", "30/min"."""
    written = _written(text)
    match = _RATE.fullmatch(written)
    if match is None:
        raise ValueError(_complaint(written, "a rate", "/s", 'try "200/s" or "30/min"'))
    return _rounded(float(match[1]) / RATE_UNITS[match[2]])


def parse_ratio(text: object) -> float:
    """A ratio from "99.9%", or from a bare number between 0 and 1."""
    if isinstance(text, (int, float)) and not isinstance(text, bool) and 0 <= text <= 1:
        return float(text)
    written = _written(text)
    if re.fullmatch(RATIO_PATTERN, written):
        ratio = float(written.rstrip("% ").replace("_", "")) / 100
    elif _BARE.fullmatch(written) and 0 <= float(written) <= 1:
        ratio = float(written)
    else:
        raise ValueError(_complaint(written, "a ratio", "%", 'try "99.9%"'))
    if ratio > 1:
        raise ValueError(f'"{written}" is more than 100%')
    return _rounded(ratio)


def parse_size(text: object) -> int:
    """Bytes from "64KiB", "10MB"."""
    written = _written(text)
    match = _SIZE.fullmatch(written)
    if match is None:
        raise ValueError(_complaint(written, "a size", "B", 'try "64KiB" or "10MB"'))
    return round(_rounded(float(match[1]) * SIZE_UNITS[match[2]]))


def format_size(size: float) -> str:
    """A size as people read it: "512 B", "1.5 MB"."""
    for unit in ("GB", "MB", "KB"):
        if abs(size) >= SIZE_UNITS[unit]:
            return f"{size / SIZE_UNITS[unit]:,.4g} {unit}"
    return f"{size:,.0f} B"


def format_duration(seconds: float) -> str:
    """A duration as people read it: "250ms", "1.5s", "2m30s"."""
    if seconds < 0:
        return f"-{format_duration(-seconds)}"
    if seconds >= 3600:
        hours, rest = divmod(round(seconds), 3600)
        minutes, secs = divmod(rest, 60)
        return f"{hours}h" + (f"{minutes}m" if minutes else "") + (f"{secs}s" if secs else "")
    if seconds >= 60:
        minutes, secs = divmod(round(seconds), 60)
        return f"{minutes}m" + (f"{secs}s" if secs else "") if minutes < 60 else "1h"
    if seconds >= 1:
        return f"{_digits(seconds)}s"
    if seconds >= 1e-3 or seconds == 0:
        return f"{_digits(seconds * 1e3)}ms"
    return f"{_digits(seconds * 1e6)}us"


def format_times(count: int) -> str:
    """How often, as people say it: "once", "1,200 times"."""
    return "once" if count == 1 else f"{count:,} times"


def format_rate(per_second: float) -> str:
    """A rate as people read it: "200/s"."""
    return f"{_digits(per_second)}/s"


def format_ratio(ratio: float) -> str:
    """A ratio in per cent that never rounds a loss away: 0.99999 is "99.999%", not "100%"."""
    text = f"{ratio * 100:.2f}"
    if text.endswith("0") and abs(float(text) / 100 - ratio) > 1e-12:
        text = f"{ratio * 100:.6f}"  # Rounded to a rounder number than it is: 96.997% is not 97%.
    if ratio < 1 and text.startswith("100"):
        text = "99.999999"
    return text.rstrip("0").rstrip(".") + "%" if "." in text else text + "%"


def _digits(value: float) -> str:
    if value >= 99.95:
        return f"{value:.0f}"
    text = f"{value:.3g}"
    return f"{value:.15f}".rstrip("0").rstrip(".") if "e" in text else text


def _rounded(value: float) -> float:
    if value > LARGEST:
        raise ValueError("is too large a number to mean anything, try a smaller one")
    return float(f"{value:.12g}")


def _written(text: object) -> str:
    if isinstance(text, bool) or text is None:
        return str(text).lower().replace("none", "null")
    return str(text).strip()


def _complaint(written: str, kind: str, unit: str, hint: str) -> str:
    if _BARE.fullmatch(written):
        if written.startswith("-"):
            return f'"{written}" is negative and has no unit, {hint}'
        choice = f'"{written}ms" or "{written}s"' if unit == "s" else f'"{written}{unit}"'
        return f'"{written}" needs a unit, try {choice}'
    if written.startswith("-"):
        return f'"{written}" is negative, {hint}'
    return f'"{written}" is not {kind}, {hint}'
