"""Where the real parts are.

Rule: PATH first, then what `.ci/install-real` put into `.real/`, then the commands beside this Python. A test
that lacks a part is skipped by its name; in CI (`CI` is set) that is a failure, so that a green build has run
them all.
"""

import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

REAL = Path(__file__).resolve().parents[2] / ".real"
SYSTEM = "/usr/local/sbin:/usr/sbin:/sbin"  # Debian keeps servers here, and a user's PATH does not


@dataclass(frozen=True, slots=True)
class Part:
    """A program that comes from elsewhere: its name, its command, how to get it."""

    title: str
    command: str
    install: str = "run .ci/install-real"
    below_real: str = ""  # a glob below .real/
    is_binary: bool = False  # a script of that name is a wrapper: killing it leaves the real one alive


PARTS = {
    part.command: part
    for part in (
        Part("anvil", "anvil", below_real="node_modules/@foundry-rs/anvil-*/bin/anvil", is_binary=True),
        Part("Envoy", "envoy", install="run make setup"),
        Part("nginx", "nginx"),
        Part("HAProxy", "haproxy"),
        Part("wrk", "wrk", install="run .ci/install-real --bench"),
        Part("hey", "hey", install="run .ci/install-real --bench"),
        Part("autocannon", "autocannon", "run .ci/install-real --bench", "node_modules/.bin/autocannon"),
        Part("Locust", "locust", "run .ci/install-real --bench", "locust/bin/locust"),
    )
}


def find(command: str) -> Path | None:
    """The program behind a command, or None."""
    part = PARTS[command]
    return next((path for path in _candidates(part) if not (part.is_binary and _is_script(path))), None)


def missing(command: str) -> str:
    """What to tell a person who lacks the part."""
    part = PARTS[command]
    return f"{part.title} is not installed: {part.install}"


def require(command: str) -> Path:
    """The program, or the end of the test that needs it: a skip, or in CI a failure."""
    path = find(command)
    if path is not None:
        return path
    import pytest  # here, because the bench looks for parts too and must not pay for it

    if os.environ.get("CI"):
        pytest.fail(missing(command))
    return pytest.skip(missing(command))


def _candidates(part: Part) -> Iterator[Path]:
    on_path = shutil.which(part.command, path=f"{os.environ.get('PATH', '')}:{SYSTEM}")
    if on_path:
        yield Path(on_path)
    if part.below_real:
        yield from sorted(REAL.glob(part.below_real))
    in_environment = Path(sys.executable).parent / part.command
    if in_environment.exists():
        yield in_environment


def _is_script(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == b"#!"
