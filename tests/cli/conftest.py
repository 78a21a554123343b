"""A desk for each test, and the server that most of them load."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.command import Desk
from tests.servers import Handle, serving


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """An empty folder to run battlectl in."""
    return Desk(tmp_path)


@pytest.fixture
def echo() -> Iterator[Handle]:
    """A server that answers everything right."""
    with serving("echo") as server:
        yield server
