"""What catches the defects of routing, breakers, telemetry and metadata."""

from __future__ import annotations

from collections.abc import Mapping

from tests.matrix.trial import Trial

TRIALS: Mapping[str, Trial] = {}
