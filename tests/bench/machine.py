"""The machine that figures were taken on: without it they mean nothing."""

import json
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from tests.real.parts import REAL, find

PACKAGES = ("battlectl", "trio", "httptools", "wsproto", "msgspec", "httpx", "websockets")
VERSION_OF = {"nginx": "-v", "wrk": "-v", "autocannon": "--version", "locust": "--version"}


def describe() -> list[tuple[str, str]]:
    """Pairs of name and value."""
    return [
        ("processor", _processor()),
        ("cores", f"{os.cpu_count()}, load average {os.getloadavg()[0]:.2f}"),
        ("system", platform.platform()),
        (
            "python",
            f"{platform.python_implementation()} {platform.python_version()} ({platform.python_compiler()})",
        ),
        ("packages", ", ".join(f"{name} {_package(name)}" for name in PACKAGES)),
        *((name, _tool(name, option)) for name, option in VERSION_OF.items()),
        ("node, ws", f"{_node()}, {_ws()}"),
    ]


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*: (.*)", cpuinfo.read_text()) if cpuinfo.exists() else None
    return found[1] if found else platform.processor()


def _package(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "-"


def _node() -> str:
    program = shutil.which("node")
    return _first_line([program, "--version"]) if program else "-"


def _ws() -> str:
    about = REAL / "node_modules" / "ws" / "package.json"
    return str(json.loads(about.read_text())["version"]) if about.exists() else "-"


def _tool(name: str, option: str) -> str:
    program = find(name)
    return _first_line([program, option]) if program else "-"


def _first_line(command: Sequence[object]) -> str:
    words = [str(word) for word in command]
    shown = subprocess.run(words, capture_output=True, text=True, timeout=30, check=False)
    numbers = re.search(r"\d+\.\d+[\w.+-]*", shown.stdout + shown.stderr)
    return numbers[0] if numbers else "?"
