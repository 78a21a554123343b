"""What all tests share: golden files, and an interpreter as users have it."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from pathlib import Path

import hypothesis
import pytest

from tests.machine import machine, pytest_itemcollected

__all__ = ["golden", "machine", "pytest_itemcollected"]

# A test says what is right, not that it was fast: a busy machine must not make an example an error.
hypothesis.settings.register_profile(
    "untimed", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("untimed")

GOLDEN = Path(__file__).parent / "golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--rewrite-golden", action="store_true", help="write tests/golden anew instead of comparing with it"
    )


WAIT_LONG = ("cli", "torture", "real", "matrix", "lab", "chaos", "run")
"""Folders whose files take longest, the longest first."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes long: where several workers share the files, none is left alone with it."""
    places = {folder: place for place, folder in enumerate(WAIT_LONG)}
    root = Path(__file__).parent
    items.sort(key=lambda item: places.get(item.path.relative_to(root).parts[0], len(places)))


RECURSION_LIMIT = sys.getrecursionlimit()

# A shell starts what it puts in the background with SIGINT ignored, and whatever a test starts inherits that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _usual_recursion_limit() -> None:
    """A library under web3 raises it for the whole process, so far that nesting ends at the C stack."""
    sys.setrecursionlimit(RECURSION_LIMIT)


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """`golden(name, text)` compares with tests/golden/NAME; `make golden` rewrites it."""

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        if request.config.getoption("--rewrite-golden"):
            path.write_bytes(text.encode())
        assert path.exists(), f"{path} is missing: `make golden` writes it"
        assert text == path.read_bytes().decode(), f"{path} differs: `make golden`, and review the diff"

    return compare
