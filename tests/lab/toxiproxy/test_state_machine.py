"""Any sequence of calls to the admin API leaves the lab in the state that a small model says.

After each step every proxy is as the model has it, and a connection through each enabled one that nothing
breaks echoes. Runs for BATTLECTL_STATEFUL_SECONDS, or 15; `make torture` gives it 60.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.lab.toxiproxy.api import Api, api_of_lab
from tests.lab.toxiproxy.test_clients import echo_server, echoes

pytestmark = pytest.mark.real

SECONDS = float(os.environ.get("BATTLECTL_STATEFUL_SECONDS", "15"))
NAMES = ("a", "b", "ü /c")
HARMLESS: dict[str, dict[str, int]] = {
    "latency": {"latency": 1, "jitter": 0},
    "bandwidth": {"rate": 100_000},
    "slow_close": {"delay": 1},
    "slicer": {"average_size": 10, "size_variation": 20, "delay": 1},
    "limit_data": {"bytes": 100_000},
    "noop": {},
}
"""Toxics through which five bytes pass -> all their attributes."""
DEADLY: dict[str, dict[str, int]] = {"timeout": {"timeout": 0}, "limit_data": {"bytes": 0}}
TOXICS = ("one", "two", "three")


@dataclass
class ModelToxic:
    type: str
    stream: str
    attributes: dict[str, int]
    is_harmless: bool


@dataclass
class ModelProxy:
    listen: str
    enabled: bool
    toxics: dict[str, ModelToxic] = field(default_factory=dict)


class AdminMachine(RuleBasedStateMachine):
    """`lab` and `upstream` are set by the test; every run begins with an empty lab."""

    lab: Api
    upstream: str
    until = 0.0
    checks = 0

    def __init__(self) -> None:
        super().__init__()
        self.proxies: dict[str, ModelProxy] = {}

    @initialize()
    def empty(self) -> None:
        for name in self.lab.want(200, "GET", "/proxies"):
            with contextlib.suppress(AssertionError):  # a slash in a name is never reached
                self.lab.want(204, "DELETE", f"/proxies/{quoted(name)}")

    @property
    def has_time(self) -> bool:
        return time.monotonic() < self.until

    @rule(name=st.sampled_from(NAMES[:2]), enabled=st.booleans())
    def create(self, name: str, enabled: bool) -> None:
        if not self.has_time:
            return
        body = {"name": name, "listen": "127.0.0.1:0", "upstream": self.upstream, "enabled": enabled}
        status, document = self.lab.ask("POST", "/proxies", body)
        assert status == (409 if name in self.proxies else 201)
        if status == 201:
            assert (document["enabled"], document["toxics"]) == (enabled, [])
            self.proxies[name] = ModelProxy(document["listen"], enabled)

    @rule(names=st.lists(st.sampled_from(NAMES[:2]), max_size=3))
    def populate(self, names: list[str]) -> None:
        """Port 0 is another port each time: whoever is named is replaced."""
        if not self.has_time:
            return
        body = [{"name": name, "listen": "127.0.0.1:0", "upstream": self.upstream} for name in names]
        kept = {n for n in names if n in self.proxies and self.proxies[n].listen == "127.0.0.1:0"}
        documents = self.lab.want(201, "POST", "/populate", body)["proxies"] or []
        assert [document["name"] for document in documents] == names
        for name, document in zip(names, documents, strict=True):
            if name not in kept:
                self.proxies[name] = ModelProxy(document["listen"], True)

    @rule(name=st.sampled_from(NAMES), enabled=st.booleans())
    def enable(self, name: str, enabled: bool) -> None:
        if not self.has_time:
            return
        status, document = self.lab.ask("PATCH", f"/proxies/{quoted(name)}", {"enabled": enabled})
        assert status == (200 if name in self.proxies else 404)
        if status == 200:
            assert document["enabled"] is enabled
            self.proxies[name].enabled = enabled
            self.proxies[name].listen = document["listen"]

    @rule(name=st.sampled_from(NAMES))
    def delete(self, name: str) -> None:
        if not self.has_time:
            return
        status, _ = self.lab.ask("DELETE", f"/proxies/{quoted(name)}")
        assert status == (204 if self.proxies.pop(name, None) else 404)

    @rule(
        name=st.sampled_from(NAMES),
        toxic=st.sampled_from(TOXICS),
        stream=st.sampled_from(["upstream", "downstream"]),
        type_=st.sampled_from(sorted(HARMLESS)),
    )
    def add_harmless(self, name: str, toxic: str, stream: str, type_: str) -> None:
        self.add(name, toxic, ModelToxic(type_, stream, HARMLESS[type_], True))

    @rule(
        name=st.sampled_from(NAMES),
        toxic=st.sampled_from(TOXICS),
        stream=st.sampled_from(["upstream", "downstream"]),
        type_=st.sampled_from(sorted(DEADLY)),
    )
    def add_deadly(self, name: str, toxic: str, stream: str, type_: str) -> None:
        self.add(name, toxic, ModelToxic(type_, stream, DEADLY[type_], False))

    def add(self, name: str, toxic: str, model: ModelToxic) -> None:
        if not self.has_time:
            return
        body = {"name": toxic, "type": model.type, "stream": model.stream, "attributes": model.attributes}
        status, document = self.lab.ask("POST", f"/proxies/{quoted(name)}/toxics", body)
        if name not in self.proxies:
            assert status == 404
        elif toxic in self.proxies[name].toxics:
            assert status == 409
        else:
            assert status == 200
            assert document == toxic_document(toxic, model)
            self.proxies[name].toxics[toxic] = model

    @rule(name=st.sampled_from(NAMES), toxic=st.sampled_from(TOXICS))
    def remove(self, name: str, toxic: str) -> None:
        if not self.has_time:
            return
        status, _ = self.lab.ask("DELETE", f"/proxies/{quoted(name)}/toxics/{toxic}")
        known = name in self.proxies and self.proxies[name].toxics.pop(toxic, None)
        assert status == (204 if known else 404)

    @rule(name=st.sampled_from(NAMES), toxic=st.sampled_from(TOXICS), delay=st.integers(0, 3))
    def change(self, name: str, toxic: str, delay: int) -> None:
        """An attribute that some have, and that harms none."""
        if not self.has_time:
            return
        path = f"/proxies/{quoted(name)}/toxics/{toxic}"
        status, document = self.lab.ask("PATCH", path, {"attributes": {"latency": delay, "delay": delay}})
        model = self.proxies[name].toxics.get(toxic) if name in self.proxies else None
        assert status == (200 if model else 404)
        if model is not None:
            changed = {n: delay for n in ("latency", "delay") if n in model.attributes}
            model.attributes = model.attributes | changed
            assert document == toxic_document(toxic, model)

    @rule()
    def reset(self) -> None:
        if not self.has_time:
            return
        self.lab.want(204, "POST", "/reset")
        for name, model in self.proxies.items():
            model.enabled, model.toxics = True, {}
            model.listen = self.lab.want(200, "GET", f"/proxies/{quoted(name)}")["listen"]

    @precondition(lambda self: self.has_time)
    @invariant()
    def the_lab_is_as_the_model(self) -> None:
        AdminMachine.checks += 1
        documents = self.lab.want(200, "GET", "/proxies")
        assert list(documents) == sorted(self.proxies)
        for name, model in self.proxies.items():
            ordered = sorted(model.toxics.items(), key=lambda item: item[1].stream, reverse=True)
            assert documents[name] == {
                "name": name,
                "listen": model.listen,
                "upstream": self.upstream,
                "enabled": model.enabled,
                "Logger": {},
                "toxics": [toxic_document(toxic, one) for toxic, one in ordered],
            }

    @precondition(lambda self: self.has_time)
    @invariant()
    def an_enabled_proxy_echoes_unless_it_is_broken(self) -> None:
        for model in self.proxies.values():
            if not model.enabled:
                if not model.listen.endswith(":0"):
                    with pytest.raises(ConnectionRefusedError):
                        echoes(model.listen)
            elif all(toxic.is_harmless for toxic in model.toxics.values()):
                assert echoes(model.listen)
            else:
                assert not echoes_in_time(model.listen)


def quoted(name: str) -> str:
    return name.replace(" ", "%20").replace("/", "%2F").replace("ü", "%C3%BC")


def toxic_document(name: str, model: ModelToxic) -> dict[str, Any]:
    return {
        "attributes": model.attributes,
        "name": name,
        "type": model.type,
        "stream": model.stream,
        "toxicity": 1,
    }


def echoes_in_time(listen: str) -> bool:
    """Whether bytes come back within a moment; a deadly toxic gives an end or nothing."""
    host, port = listen.split(":")
    with socket.create_connection((host, int(port)), timeout=10) as client:
        client.sendall(b"hello")
        client.settimeout(0.05)
        try:
            return client.recv(5) != b""
        except (TimeoutError, ConnectionResetError):
            return False


def test_any_sequence_of_calls_leaves_the_lab_as_the_model_has_it():
    with api_of_lab() as api, echo_server() as port:
        AdminMachine.lab, AdminMachine.upstream = api, f"127.0.0.1:{port}"
        AdminMachine.until = time.monotonic() + SECONDS
        AdminMachine.checks = 0
        while time.monotonic() < AdminMachine.until:
            run_state_machine_as_test(
                AdminMachine,
                settings=settings(
                    max_examples=10,
                    stateful_step_count=40,
                    deadline=None,
                    derandomize=False,
                    database=None,
                    phases=(Phase.generate, Phase.shrink),
                    suppress_health_check=list(HealthCheck),
                ),
            )
        assert AdminMachine.checks > 5 * SECONDS
        assert api.want(200, "GET", "/leases") == []
