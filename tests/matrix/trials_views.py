"""What catches the defects of heads, chains, consistency, equality and caches."""

from __future__ import annotations

from collections.abc import Mapping

from tests.matrix.trial import Trial

TRIALS: Mapping[str, Trial] = {}
