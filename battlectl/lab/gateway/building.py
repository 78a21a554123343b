"""A gateway from its settings: every seam sound, then the defects that the settings name.

Rule: defects are planted before there are providers, in the order in which they are named; without any, none
of their code is imported.
"""

from __future__ import annotations

from collections.abc import Sequence

from battlectl.lab.gateway.attempts import attempt, learn
from battlectl.lab.gateway.forwarding import forward, may_go_on
from battlectl.lab.gateway.head_answers import judge_heads
from battlectl.lab.gateway.judgement import judge_reply
from battlectl.lab.gateway.seams import Seams
from battlectl.lab.gateway.selection import choose_candidates, rank
from battlectl.lab.gateway.sent import settle
from battlectl.lab.gateway.settings import GatewaySettings
from battlectl.lab.gateway.state import Gateway, new_provider
from battlectl.lab.gateway.strategies import STRATEGIES
from battlectl.lab.gateway.ws.block import Block
from battlectl.lab.gateway.ws.inquiry import WITNESSES
from battlectl.lab.gateway.ws.log_trail import Log
from battlectl.lab.gateway.ws.outbox import Outbox
from battlectl.lab.gateway.ws.session import Session
from battlectl.lab.gateway.ws.subscribing import new_subscription_id
from battlectl.lab.gateway.ws.vigil import Vigil
from battlectl.lab.gateway.ws.walk import Shown, Walk
from battlectl.lab.net.http_server import Handler


def build_gateway(settings: GatewaySettings) -> Gateway:
    """A gateway as its settings say, of whose providers nothing is known yet."""
    gateway = Gateway(settings, (), sound_seams())
    if settings.defects:
        from battlectl.lab.gateway.defects.table import DEFECTS

        for name in settings.defects:
            DEFECTS[name].plant(gateway)
    gateway.providers = tuple(map(gateway.seams.new_provider, gateway.settings.providers))
    return gateway


def sound_seams() -> Seams:
    """What a gateway does that keeps its promises."""
    return Seams(
        front=_as_it_is,
        forward=forward,
        choose=choose_candidates,
        rank=rank,
        strategies=dict(STRATEGIES),
        attempt=attempt,
        judge=judge_reply,
        judge_heads=judge_heads,
        learn=learn,
        may_go_on=may_go_on,
        settle=settle,
        new_provider=new_provider,
        serve_client=Session.run,
        outbox=Outbox,
        subscription_id=new_subscription_id,
        admit=_admit_all,
        walk=Walk,
        offer=_offer,
        publish=_publish_all,
        take_back=_take_all_back,
        log_witnesses=WITNESSES,
        vigil=Vigil,
    )


def _as_it_is(handler: Handler) -> Handler:
    return handler


def _admit_all(session: Session) -> None:
    pass


def _offer(walk: Walk, block: Block, how: str) -> list[Shown]:
    return walk.offer(block)


def _publish_all(shown: Sequence[Shown], how: str) -> Sequence[Shown]:
    return shown


def _take_all_back(logs: list[Log]) -> list[Log]:
    return logs
