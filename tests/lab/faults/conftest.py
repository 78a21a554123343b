"""One lab process for each file of tests; every test leaves its providers without faults."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab.faults.field import NAMES, Field, running_field


@pytest.fixture(scope="module")
def whole_field(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    with running_field(tmp_path_factory.mktemp("field") / "stderr") as field:
        yield field


@pytest.fixture
def field(whole_field: Field) -> Iterator[Field]:
    yield whole_field
    for name in NAMES:
        whole_field.heal(name)
