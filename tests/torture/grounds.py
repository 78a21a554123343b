"""Where battlectl is tortured: a lab, or real processes, with three providers, and a look at them.

Rule: `look` says what is broken now and asks nobody but the providers and their APIs, by clients that are not
battlectl's. A ground serves many runs, and everything that it started is gone when it is left.
"""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil

from tests.chaos.plain_toxiproxy import plain_toxiproxy
from tests.cli.command import Desk
from tests.real.parts import require
from tests.real.processes import free_port, running, wait_ready
from tests.torture import chaos
from tests.torture.admin_api import FAULTS, SETTINGS, serving_admin_api
from tests.torture.chaos import A, B, C, Fault
from tests.torture.labs import running_lab, target_file, urls_of

NODE = Path(__file__).with_name("node.py")
CALL = {"jsonrpc": "2.0", "id": 1, "method": "eth_blockNumber", "params": []}
PROVIDERS = (A, B, C)
HAPROXY = """
global
    nbthread 1
    stats socket {socket} mode 600 level admin
defaults
    mode http
    timeout client 10s
    timeout server 10s
    timeout connect 2s
    timeout queue 2s
frontend rpc
    bind 127.0.0.1:{port}
    default_backend nodes
backend nodes
    balance roundrobin
    server provider_a {provider_a}
    server provider_b {provider_b}
    server provider_c {provider_c}
"""


@dataclass(frozen=True, slots=True)
class Ground:
    """A target that stays: its config file, what can be broken there, and what is."""

    name: str
    desk: Desk
    target: str
    faults: Sequence[Fault]
    look: Callable[[], list[str]]
    has_lease: bool = False


Open = Callable[[Path], AbstractContextManager[Ground]]


@contextmanager
def lab_ground(folder: Path) -> Iterator[Ground]:
    """A lab that outlives the runs, broken under leases."""
    desk = Desk(folder)
    with running_lab(desk) as lab, _client() as client:
        driver = {"driver": "toxiproxy", "url": lab["admin_url"]}
        target = target_file(desk, lab["url"], urls_of(lab), driver)
        look = _looks_at_lab(client, lab)
        yield Ground("lab", desk, target, chaos.LAB, look, has_lease=True)


@contextmanager
def embedded_ground(folder: Path) -> Iterator[Ground]:
    """`kind: lab`: it begins and ends with the run; whether its processes are gone is looked at elsewhere."""
    yield Ground("embedded", Desk(folder), "lab", chaos.LAB, list)


@contextmanager
def plain_ground(folder: Path) -> Iterator[Ground]:
    """A Toxiproxy without leases."""
    desk = Desk(folder)
    with running_lab(desk) as lab, plain_toxiproxy(lab["admin_url"]) as admin, _client() as client:
        target = target_file(desk, lab["url"], urls_of(lab), {"driver": "toxiproxy", "url": admin})
        yield Ground("toxiproxy", desk, target, chaos.PLAIN, _looks_at_lab(client, lab))


@contextmanager
def http_ground(folder: Path) -> Iterator[Ground]:
    """An admin API, described by templates: one kind with a probe, one without, one as a document."""
    desk = Desk(folder)
    with running_lab(desk) as lab, _client() as client, serving_admin_api(lab["admin_url"]) as api:
        driver = {"driver": "http", "url": api.url, "faults": FAULTS}
        target = target_file(desk, lab["url"], urls_of(lab), driver)
        look_at_lab = _looks_at_lab(client, lab)

        def look() -> list[str]:
            return look_at_lab() + ([] if api.settings == SETTINGS else ["the settings are changed"])

        yield Ground("http", desk, target, chaos.HTTP, look)


@contextmanager
def haproxy_ground(folder: Path) -> Iterator[Ground]:
    """HAProxy in front of the lab's nodes."""
    desk = Desk(folder)
    program = require("haproxy")
    with ExitStack() as stack:
        lab, client = stack.enter_context(running_lab(desk)), stack.enter_context(_client())
        port, runtime = free_port(), str(folder / "s")
        servers = {name: url.partition("://")[2] for name, url in urls_of(lab).items()}
        config, log = folder / "haproxy.cfg", folder / "haproxy.log"
        config.write_text(HAPROXY.format(socket=runtime, port=port, **servers))
        process = stack.enter_context(running([program, "-db", "-f", config], log))
        url = f"http://127.0.0.1:{port}"
        wait_ready(process, log, lambda: _answers(client, url) or None)
        driver = {"driver": "haproxy", "socket": runtime, "backend": "nodes"}

        def look() -> list[str]:
            states = _say(runtime, "show servers state nodes").splitlines()[2:]
            rows = [line.split() for line in states if line]
            return [f"{row[3]} is in state {row[6]}" for row in rows if row[6] != "0"]

        yield Ground("haproxy", desk, target_file(desk, url, urls_of(lab), driver), chaos.HAPROXY, look)


@contextmanager
def process_ground(folder: Path) -> Iterator[Ground]:
    """Nodes that are processes, behind the lab's relays and gateway."""
    desk = Desk(folder)
    commands, files, urls = {}, {}, {}
    for name in PROVIDERS:
        port, files[name] = free_port(), folder / f"{name}.pid"
        commands[name] = [sys.executable, str(NODE), str(port), str(files[name])]
        urls[name] = f"http://127.0.0.1:{port}"
    with _client() as client, ExitStack() as stack:
        for name in PROVIDERS:
            stack.callback(_end_node, files[name])
            node = stack.enter_context(running(commands[name], folder / f"{name}.log"))
            wait_ready(node, folder / f"{name}.log", lambda url=urls[name]: _answers(client, url) or None)
        words = [word for name in PROVIDERS for word in ("--upstream", f"{name}={urls[name]}")]
        lab = stack.enter_context(running_lab(desk, "relay", "--gateway", *words))
        entries = {name: {"pid_file": str(files[name]), "restart": commands[name]} for name in PROVIDERS}
        target = target_file(desk, lab["url"], urls, {"driver": "process", "processes": entries})

        def look() -> list[str]:
            return [
                f"{name} {state}" for name in PROVIDERS if (state := _state(files[name], client, urls[name]))
            ]

        yield Ground("process", desk, target, chaos.PROCESS, look)


def _client() -> httpx.Client:
    return httpx.Client(trust_env=False, timeout=5, limits=httpx.Limits(max_keepalive_connections=0))


def _looks_at_lab(client: httpx.Client, lab: dict[str, Any]) -> Callable[[], list[str]]:
    """Toxics, disabled proxies, and providers that do not answer, or not as the others do."""

    def look() -> list[str]:
        proxies = client.get(f"{lab['admin_url']}/proxies").raise_for_status().json()
        found = [f"{name} is disabled" for name, proxy in proxies.items() if not proxy["enabled"]]
        found += [f"{name} has {t['name']}" for name, proxy in proxies.items() for t in proxy["toxics"]]
        return found or _strange(client, urls_of(lab))

    return look


def _strange(client: httpx.Client, urls: dict[str, str]) -> list[str]:
    """Providers of one chain are on the same height, or nearly."""
    heads = {name: _head(client, url) for name, url in urls.items()}
    highest = max((head for head in heads.values() if head is not None), default=0)
    return [f"{name} says {head}" for name, head in heads.items() if head is None or head < highest - 2]


def _head(client: httpx.Client, url: str) -> int | None:
    try:
        return int(client.post(url, json=CALL).raise_for_status().json()["result"], 16)
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        return None


def _answers(client: httpx.Client, url: str) -> bool:
    return _head(client, url) is not None


def _state(pid_file: Path, client: httpx.Client, url: str) -> str:
    """What is wrong with a node; "" when nothing is."""
    process = _node(pid_file)
    if process is None:
        return "does not run"
    if process.status() == psutil.STATUS_STOPPED:
        return "is stopped"
    return "" if _answers(client, url) else "does not answer"


def _node(pid_file: Path) -> psutil.Process | None:
    """The process that wrote the file, while it lives."""
    with suppress(FileNotFoundError, psutil.NoSuchProcess):
        process = psutil.Process(int(pid_file.read_text()))
        if process.status() != psutil.STATUS_ZOMBIE and str(pid_file) in process.cmdline():
            return process
    return None


def _end_node(pid_file: Path) -> None:
    """One that battlectl has started is nobody's child any more."""
    process = _node(pid_file)
    if process is not None:
        process.kill()


def _say(path: str, command: str) -> str:
    """One command to HAProxy's socket."""
    with socket.socket(socket.AF_UNIX) as stream:
        stream.settimeout(5)
        stream.connect(path)
        stream.sendall(command.encode() + b"\n")
        return b"".join(iter(lambda: stream.recv(65_536), b"")).decode()


def until_calm(ground: Ground, within: float) -> tuple[float, list[str]]:
    """(seconds until nothing was broken, what is broken still) after at most `within` seconds."""
    began = time.monotonic()
    while (found := ground.look()) and time.monotonic() < began + within:
        time.sleep(0.05)
    return time.monotonic() - began, found


GROUNDS: dict[str, Open] = {
    "lab": lab_ground,
    "embedded": embedded_ground,
    "toxiproxy": plain_ground,
    "http": http_ground,
    "haproxy": haproxy_ground,
    "process": process_ground,
}
LEASELESS = ("toxiproxy", "http", "haproxy", "process")
