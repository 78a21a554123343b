"""Fixtures over the real parts: each is a factory, so that a test says how many and in which form."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import mkdtemp

import pytest

from tests.real.anvil import Node, running_anvils
from tests.real.envoy import Gateway, running_envoy
from tests.real.nginx import FastServer, running_nginx


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """What the factories of one test have started; everything ends with the test."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def folder(tmp_path: Path) -> Callable[[], Path]:
    """A new folder for each part: the files of two gateways of one test must not mix."""
    return lambda: Path(mkdtemp(dir=tmp_path))


@pytest.fixture
def anvils(stack: ExitStack, folder: Callable[[], Path]) -> Callable[[int], tuple[Node, ...]]:
    """`anvils(3)`: three nodes that share a genesis, one block a second each."""
    return lambda count: stack.enter_context(running_anvils(count, folder()))


@pytest.fixture
def envoy(stack: ExitStack, folder: Callable[[], Path]) -> Callable[..., Gateway]:
    """`envoy(urls, retries=True)`: a gateway in front of them."""
    return lambda upstreams, *, retries: stack.enter_context(
        running_envoy(tuple(upstreams), folder(), retries=retries)
    )


@pytest.fixture
def nginx(stack: ExitStack, folder: Callable[[], Path]) -> Callable[..., FastServer]:
    """`nginx()`: a server that answers any single JSON-RPC call; `nginx(core=0)` pins it."""
    return lambda core=None: stack.enter_context(running_nginx(folder(), core=core))
