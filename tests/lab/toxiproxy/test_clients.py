"""Clients of Toxiproxy that others wrote, unchanged: toxiproxy-python and chaostoolkit-toxiproxy."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import httpx
import pytest
from chaostoxi.proxy import actions as proxy_actions
from chaostoxi.proxy import probes
from chaostoxi.toxic import actions as toxic_actions
from toxiproxy import Toxiproxy
from toxiproxy.exceptions import InvalidToxic, NotFound, ProxyExists

from tests.lab.toxiproxy.lab import lab_process

pytestmark = pytest.mark.real

TOXICS = {
    "latency": {"latency": 150, "jitter": 5},
    "bandwidth": {"rate": 10},
    "slow_close": {"delay": 100},
    "timeout": {"timeout": 100},
    "reset_peer": {"timeout": 0},
    "slicer": {"average_size": 10, "size_variation": 5, "delay": 10},
    "limit_data": {"bytes": 100},
}


@contextlib.contextmanager
def echo_server() -> Iterator[int]:
    """The port of a server that echoes, in threads of its own."""

    def echo(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            while data := connection.recv(65_536):
                connection.sendall(data)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=echo, args=(server.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        acceptor = threading.Thread(target=accept)
        acceptor.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        acceptor.join()


@pytest.fixture(scope="module")
def upstream() -> Iterator[str]:
    with echo_server() as port:
        yield f"127.0.0.1:{port}"


@pytest.fixture(scope="module")
def process() -> Iterator[int]:
    with lab_process() as port:
        yield port


@pytest.fixture
def lab(process: int) -> Iterator[int]:
    """The admin port of a lab that begins and ends empty."""
    yield process
    with httpx.Client(base_url=f"http://127.0.0.1:{process}") as client:
        for name in client.get("/proxies").json():
            assert client.delete(f"/proxies/{name}").status_code == 204


def echoes(listen: str, text: bytes = b"hello") -> bool:
    """Whether a new connection brings the bytes back; ConnectionRefusedError where nothing listens."""
    host, port = listen.split(":")
    with socket.create_connection((host, int(port)), timeout=10) as client:
        client.sendall(text)
        got = b""
        with contextlib.suppress(ConnectionResetError):
            while len(got) < len(text) and (data := client.recv(65_536)):
                got += data
        return got == text


def seconds_to_echo(listen: str, text: bytes = b"hello") -> float:
    start = time.perf_counter()
    assert echoes(listen, text)
    return time.perf_counter() - start


@pytest.fixture
def toxiproxy(lab: int) -> Toxiproxy:
    server = Toxiproxy()
    server.update_api_consumer("127.0.0.1", lab)
    return server


def test_toxiproxy_python_creates_finds_and_destroys_proxies(toxiproxy, upstream):
    assert toxiproxy.running()
    assert toxiproxy.version() == b'{"version": "2.12.0"}\n'
    proxy = toxiproxy.create(upstream=upstream, name="one")
    assert proxy.enabled is True
    assert echoes(proxy.listen)
    with pytest.raises(ProxyExists):
        toxiproxy.create(upstream=upstream, name="one")
    off = toxiproxy.create(upstream=upstream, name="off", enabled=False)
    assert off.enabled is False
    assert set(toxiproxy.proxies()) == {"one", "off"}
    assert toxiproxy.get_proxy("nobody") is None
    toxiproxy.destroy_all()
    assert toxiproxy.proxies() == {}
    with pytest.raises(ConnectionRefusedError):
        echoes(proxy.listen)
    with pytest.raises(NotFound):
        proxy.destroy()


def test_toxiproxy_python_populates(toxiproxy, upstream):
    wanted = [{"name": name, "upstream": upstream, "listen": "127.0.0.1:0"} for name in ("a", "b")]
    made = toxiproxy.populate(wanted)
    assert [proxy.name for proxy in made] == ["a", "b"]
    assert all(echoes(proxy.listen) for proxy in made)
    same = [{"name": proxy.name, "upstream": upstream, "listen": proxy.listen} for proxy in made]
    assert toxiproxy.populate(same) == []


def test_toxiproxy_python_disables_and_enables(toxiproxy, upstream):
    proxy = toxiproxy.create(upstream=upstream, name="one")
    with proxy.down(), pytest.raises(ConnectionRefusedError):
        echoes(proxy.listen)
    assert echoes(proxy.listen)


@pytest.mark.parametrize("type_", TOXICS)
def test_toxiproxy_python_adds_and_removes_every_toxic(toxiproxy, upstream, type_):
    proxy = toxiproxy.create(upstream=upstream, name="one")
    proxy.add_toxic(type=type_, attributes=TOXICS[type_])
    toxic = proxy.get_toxic(f"{type_}_downstream")
    assert toxic.attributes == TOXICS[type_]
    assert (toxic.type, toxic.stream, toxic.toxicity) == (type_, "downstream", 1)
    with pytest.raises(ProxyExists):
        proxy.add_toxic(type=type_, attributes=TOXICS[type_])
    check_toxic(proxy.listen, type_)
    assert proxy.destroy_toxic(f"{type_}_downstream")
    assert proxy.toxics() == {}
    assert echoes(proxy.listen, b"x" * 1000)


def check_toxic(listen: str, type_: str) -> None:
    """Each toxic does what it is for, seen through a plain socket."""
    if type_ == "latency":
        assert seconds_to_echo(listen) > 0.14
    elif type_ == "bandwidth":
        assert seconds_to_echo(listen, b"x" * 3000) > 0.29
    elif type_ in ("timeout", "reset_peer"):
        assert not echoes(listen)
    elif type_ == "limit_data":
        assert echoes(listen, b"x" * 99)
        assert not echoes(listen, b"x" * 101)
    else:
        assert echoes(listen, b"x" * 1000)


def test_toxiproxy_python_resets(toxiproxy, upstream):
    proxy = toxiproxy.create(upstream=upstream, name="one")
    proxy.add_toxic(type="timeout")
    proxy.disable()
    assert toxiproxy.reset()
    assert proxy.toxics() == {}
    assert echoes(toxiproxy.get_proxy("one").listen)
    with pytest.raises(InvalidToxic):
        proxy.add_toxic(type="nonsense")


@pytest.fixture
def configuration(lab: int, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.setenv("chaos_PORT", "")  # the action writes it: let it be forgotten afterwards
    return {"toxiproxy_url": f"http://127.0.0.1:{lab}"}


def create(configuration: dict[str, str], upstream: str, **options: object) -> str:
    """The address of a proxy called chaos that chaostoolkit has made."""
    host, port = upstream.split(":")
    assert proxy_actions.create_proxy("chaos", host, int(port), configuration=configuration, **options)
    return f"127.0.0.1:{configuration['chaos_PORT']}"


def test_chaostoolkit_creates_disables_enables_and_deletes(configuration, upstream):
    listen = create(configuration, upstream)
    assert probes.proxy_exist("chaos", configuration)
    assert probes.get_proxy_attribute("chaos", "upstream", configuration) == upstream
    assert echoes(listen)
    assert proxy_actions.disable_proxy("chaos", configuration)
    assert probes.get_proxy_attribute("chaos", "enabled", configuration) is False
    with pytest.raises(ConnectionRefusedError):
        echoes(listen)
    assert proxy_actions.enable_proxy("chaos", configuration)
    assert echoes(listen)
    assert proxy_actions.modify_proxy("chaos", upstream_address="127.0.0.1:1", configuration=configuration)
    assert not echoes(listen)
    proxy_actions.delete_proxy("chaos", configuration)
    assert not probes.proxy_exist("chaos", configuration)


MAKERS = {
    "latency": toxic_actions.create_latency_toxic,
    "bandwidth": toxic_actions.create_bandwith_degradation_toxic,
    "slow_close": toxic_actions.create_slow_connection_close_toxic,
    "timeout": toxic_actions.create_timeout_toxic,
    "slicer": toxic_actions.create_slicer_toxic,
}


@pytest.mark.parametrize("type_", TOXICS)
def test_chaostoolkit_creates_and_deletes_every_toxic(configuration, upstream, type_):
    listen = create(configuration, upstream, listen_host="127.0.0.1")
    if type_ in MAKERS:
        assert MAKERS[type_]("chaos", "t", **TOXICS[type_], configuration=configuration)
    elif type_ == "limit_data":
        assert toxic_actions.create_limiter_toxic("chaos", "t", 100, configuration=configuration)
    else:
        attributes = TOXICS[type_]
        assert toxic_actions.create_toxic(
            "chaos", "t", type_, attributes=attributes, configuration=configuration
        )
    (toxic,) = probes.get_proxy_attribute("chaos", "toxics", configuration)
    assert (toxic["type"], toxic["attributes"]) == (type_, TOXICS[type_])
    check_toxic(listen, type_)
    assert toxic_actions.delete_toxic("chaos", "t", configuration)
    assert echoes(listen)


def test_chaostoolkit_resets(configuration, upstream):
    listen = create(configuration, upstream)
    assert toxic_actions.create_timeout_toxic("chaos", "t", 100, configuration=configuration)
    assert proxy_actions.disable_proxy("chaos", configuration)
    assert proxy_actions.reset(configuration)
    assert probes.get_proxy_attribute("chaos", "toxics", configuration) == []
    assert echoes(listen)
