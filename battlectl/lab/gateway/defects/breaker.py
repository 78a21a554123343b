"""Defects of the circuit breakers: each is a provider that keeps its breaker in another way."""

from __future__ import annotations

from battlectl.lab.gateway.breaker import State
from battlectl.lab.gateway.defects.defect import Defect
from battlectl.lab.gateway.provider import Provider
from battlectl.lab.gateway.settings import BreakerSettings, ProviderSettings, Transport
from battlectl.lab.gateway.state import Gateway
from battlectl.lab.gateway.truth import Truth
from battlectl.lab.net.upstream import pool_for


class NeverOpens(Provider):
    """Its failures are noted, and have no consequence."""

    __slots__ = ()

    def failed(
        self,
        transport: Transport,
        now: float,
        rules: BreakerSettings,
        truth: Truth,
        reason: str,
        began: State | None = None,
    ) -> None:
        """Count it."""
        self.noted(reason)
        self.failures_in_a_row, self.successes_in_a_row = self.failures_in_a_row + 1, 0


def _never_open(gateway: Gateway) -> None:
    def new_provider(settings: ProviderSettings) -> Provider:
        return NeverOpens(settings, pool_for(settings.url))

    gateway.seams.new_provider = new_provider


DEFECTS = (
    Defect(
        name="breaker-never-opens",
        area="breaker",
        summary="a provider that fails is asked first again and again, and each time the client waits for it",
        when="while a provider fails, however it fails",
        finding="breaker",
        plant=_never_open,
    ),
)
