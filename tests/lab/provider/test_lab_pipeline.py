"""Each hook of an effect, over real sockets: seen by httpx and `websockets`, gone after healing."""

from __future__ import annotations

import json
import time
from dataclasses import replace

import httpx
import pytest
import trio
from websockets.exceptions import ConnectionClosedError, InvalidStatus

from battlectl.lab.faults.effect import Effect
from battlectl.lab.faults.kind import OnConnections, read_parameters
from battlectl.lab.faults.noop import KIND as NOOP
from battlectl.lab.faults.scope import make_fault
from battlectl.lab.faults.table import KINDS
from battlectl.lab.net.wire import Response
from battlectl.lab.provider import http_side, provider, room, ws_side
from battlectl.lab.provider.backend import Unreachable
from tests.lab.provider.served import call, in_thread, kind_of, request, served, texts, until

pytestmark = pytest.mark.real

CHAIN_ID = request("eth_chainId")
CHAIN_REPLY = {"jsonrpc": "2.0", "id": 1, "result": "0x3e7"}


class Late(Effect):
    async def hold(self, message):
        await self.wait(0.2)


class Hanging(Effect):
    async def hold(self, message):
        await self.healed.wait()


class Behind(Effect):
    def view(self, view):
        return replace(view, head=view.head - 100)


class Answering(Effect):
    def answer(self, message, call):
        return {"jsonrpc": "2.0", "id": call.id, "result": "made up"} if call.method == "eth_call" else None


class Asking(Effect):
    async def ask(self, message, call):
        return replace(call, method="eth_chainId", params=[])


class Replying(Effect):
    def reply(self, message, call, reply):
        return reply | {"result": [call.method, call.id]}


class Reversing(Effect):
    def replies(self, message, replies):
        return replies[::-1]


class Torn(Effect):
    def body(self, message, body):
        return body[:10]


class Refusing(Effect):
    def response(self, message, response):
        return Response(503, (), b"no")


class Slow(Effect):
    def delivery(self, message, delivery):
        return delivery.with_changes(bytes_per_s=40, slow_from=delivery.data.index(b"\r\n\r\n") + 4)


class Cutting(Effect):
    ending = "reset"

    def delivery(self, message, delivery):
        return delivery.with_changes(cut_after=20, ending=self.ending)


class Closing(Cutting):
    ending = "close"


class Doubling(Effect):
    def events(self, connection, subscription, event):
        return [event, event]


class Silent(Effect):
    def events(self, connection, subscription, event):
        return []


class Deaf(Effect):
    def is_deaf(self, connection):
        return True


class NoSockets(Effect):
    def handshake(self, connection):
        return Response(429, ((b"retry-after", b"7"),), b"too many")


class Unwelcome(Effect):
    def accepted(self, connection):
        return False


class Impatient(Effect):
    def idle_seconds(self, connection):
        return 0.1


class Broken(Effect):
    def reply(self, message, call, reply):
        raise ZeroDivisionError("a bug in a fault")


class BrokenEvents(Effect):
    def events(self, connection, subscription, event):
        raise ZeroDivisionError("a bug in a fault")


class BrokenHold(Effect):
    async def hold(self, message):
        raise ZeroDivisionError("a bug in a fault")


class Down(Effect):
    listens = False

    async def start(self, place):
        place.reset_connections(self.strikes)


async def say(client, body):
    """The decoded answer to one POST on a connection that is kept."""
    return await in_thread(lambda: client.post("/", json=body).json())


async def test_without_faults_http_and_websocket_say_the_same():
    batch = [request("eth_chainId", id_=5), request("nope", id_="x"), {"jsonrpc": "2.0", "method": "a"}, 3]

    def over_http(client):
        bodies = [json.dumps(CHAIN_ID), json.dumps(batch), "{", "[]", json.dumps(request("eth_call", {}))]
        return [client.post("/any/path", content=body).json() for body in bodies]

    def over_websocket(client):
        bodies = [json.dumps(CHAIN_ID), json.dumps(batch), "{", "[]", json.dumps(request("eth_call", {}))]
        for body in bodies:
            client.send(body)
        return texts(client, len(bodies))

    async with served() as there:
        said = await there.in_client(over_http)
        assert said == await there.in_socket(over_websocket)
    assert said[0] == CHAIN_REPLY
    assert [reply.get("id") for reply in said[1]] == [5, "x", None]
    assert said[2]["error"]["code"] == -32700
    assert there.provider.counters.calls == {"eth_chainId": 4, "nope": 2, "a": 2, "eth_call": 2}
    assert (there.provider.counters.messages_http, there.provider.counters.messages_ws) == (5, 5)
    assert there.provider.counters.faulted_messages == 0


async def test_noop_counts_and_changes_nothing():
    async with served() as there:
        fault = make_fault("noop", NOOP, read_parameters(NOOP, {"methods": ["eth_chainId"]}), 0)
        await there.provider.add_fault(fault)

        def talk(client):
            client.post("/", json=request("eth_blockNumber"))
            return client.post("/", json=CHAIN_ID).json()

        assert await there.in_client(talk) == CHAIN_REPLY
        assert fault.hits == there.provider.counters.faulted_messages == 1


@pytest.mark.parametrize("transport", ["http", "ws"])
async def test_hold_makes_late_and_delays_add_up(transport):
    def measure_http(client):
        client.post("/", json=CHAIN_ID)
        begin = time.monotonic()
        assert client.post("/", json=CHAIN_ID).json() == CHAIN_REPLY
        return time.monotonic() - begin

    def measure_ws(client):
        begin = time.monotonic()
        assert call(client, "eth_chainId") == CHAIN_REPLY
        return time.monotonic() - begin

    async with served() as there:
        measure = there.in_client(measure_http) if transport == "http" else there.in_socket(measure_ws)
        await there.inject(Late)
        await there.inject(Late)
        assert await measure >= 0.4


async def test_what_hangs_is_answered_when_healed_and_does_not_hold_others_on_its_socket():
    async with served() as there:
        fault = await there.inject(Hanging, methods=("eth_blockNumber",))
        answered = []

        def talk(client):
            client.send(json.dumps(request("eth_blockNumber", id_=1)))
            client.send(json.dumps(request("eth_chainId", id_=2)))
            answered.append(json.loads(client.recv(timeout=10))["id"])
            answered.append(json.loads(client.recv(timeout=10))["id"])

        async with trio.open_nursery() as nursery:
            nursery.start_soon(there.in_socket, talk)
            await until(lambda: answered == [2])
            await there.provider.remove_fault(fault)
        assert answered == [2, 1]


async def test_a_client_that_leaves_a_hang_is_forgotten():
    async with served() as there:
        await there.inject(Hanging)

        def talk(client):
            with pytest.raises(httpx.ReadTimeout):
                client.post("/", json=CHAIN_ID, timeout=0.2)

        for _ in range(3):
            await there.in_client(talk)
        await until(lambda: not there.provider.connections)


async def test_a_pipelined_request_is_not_lost_while_the_first_is_held():
    body = json.dumps(CHAIN_ID).encode()
    whole = b"POST / HTTP/1.1\r\nhost: lab\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)
    async with served() as there:
        fault = await there.inject(Hanging)
        stream = await trio.open_tcp_stream("127.0.0.1", there.port)
        async with stream:
            await stream.send_all(whole)
            await until(lambda: fault.hits == 1)
            await stream.send_all(whole)
            await trio.sleep(0.05)
            await there.provider.remove_fault(fault)
            said = b""
            with trio.fail_after(10):
                while said.count(b"0x3e7") < 2:
                    said += await stream.receive_some()


@pytest.mark.parametrize("transport", ["http", "ws"])
async def test_a_view_is_shown_on_both_transports(transport):
    async with served(block_time=60) as there:
        head = there.shared.view().head

        async def seen():
            def over_http(client):
                return client.post("/", json=request("eth_blockNumber")).json()

            if transport == "http":
                return int((await there.in_client(over_http))["result"], 16)
            reply = await there.in_socket(lambda client: call(client, "eth_blockNumber"))
            return int(reply["result"], 16)

        fault = await there.inject(Behind)
        assert await seen() == head - 100
        await there.provider.remove_fault(fault)
        assert await seen() == head


BATCH = [
    request("eth_chainId", id_=1),
    request("eth_call", {"to": "0x" + "11" * 20}, id_=1),  # an id twice
    {"jsonrpc": "2.0", "method": "eth_chainId"},  # a notification
    {"id": 9},  # no request
    request("net_version", id_=None),
    request("nope", id_="z"),
]


@pytest.mark.parametrize("transport", ["http", "ws"])
@pytest.mark.parametrize(
    ("effect", "expected"),
    [
        (Effect, [[1, "0x3e7"], [1, "hash"], [9, -32600], [None, "999"], ["z", -32601]]),
        (Answering, [[1, "0x3e7"], [1, "made up"], [9, -32600], [None, "999"], ["z", -32601]]),
        (Asking, [[1, "0x3e7"], [1, "0x3e7"], [9, -32600], [None, "0x3e7"], ["z", "0x3e7"]]),
        (Reversing, [["z", -32601], [None, "999"], [9, -32600], [1, "hash"], [1, "0x3e7"]]),
        (
            Replying,
            [
                [1, ["eth_chainId", 1]],
                [1, ["eth_call", 1]],
                [9, -32600],
                [None, ["net_version", None]],
                ["z", ["nope", "z"]],
            ],
        ),
    ],
)
async def test_the_calls_of_a_batch_are_touched_one_by_one(transport, effect, expected):
    def shown(reply):
        result = reply.get("result") or reply["error"]["code"]
        return [reply["id"], "hash" if len(str(result)) == 66 else result]

    async with served() as there:
        fault = await there.inject(effect)
        if transport == "http":
            said = await there.in_client(lambda client: client.post("/", json=BATCH).json())
        else:
            said = await there.in_socket(lambda client: client.send(json.dumps(BATCH)) or texts(client, 1)[0])
        assert [shown(reply) for reply in said] == expected
        assert fault.hits == 1


@pytest.mark.parametrize("transport", ["http", "ws"])
async def test_methods_choose_among_the_calls_of_a_batch(transport):
    batch = [request("eth_chainId", id_=1), request("net_version", id_=2)]
    async with served() as there:
        await there.inject(Replying, methods=("net_version",))
        if transport == "http":
            said = await there.in_client(lambda client: client.post("/", json=batch).json())
        else:
            said = await there.in_socket(lambda client: client.send(json.dumps(batch)) or texts(client, 1)[0])
        assert [reply["result"] for reply in said] == ["0x3e7", ["net_version", 2]]


async def test_two_faults_apply_in_the_order_of_their_injection():
    class Also(Effect):
        def reply(self, message, call, reply):
            return reply | {"result": ["also", reply["result"]]}

    async with served() as there:
        await there.inject(Replying)
        await there.inject(Also)
        said = await there.in_client(lambda client: client.post("/", json=CHAIN_ID).json())
        assert said["result"] == ["also", ["eth_chainId", 1]]


async def test_notifications_stay_without_an_answer():
    lone = {"jsonrpc": "2.0", "method": "eth_chainId"}
    async with served() as there:
        await there.inject(Replying)

        def talk(client):
            return [client.post("/", json=body).status_code for body in (lone, [lone])]

        assert await there.in_client(talk) == [204, 204]

        def talk_ws(client):
            client.send(json.dumps([lone]))
            return call(client, "eth_chainId", id_=8)["id"]

        assert await there.in_socket(talk_ws) == 8


@pytest.mark.parametrize("body", [json.dumps(CHAIN_ID), "{", json.dumps([CHAIN_ID])])
async def test_a_body_is_changed_on_both_transports_unreadable_ones_too(body):
    async with served() as there:
        whole = await there.in_client(lambda client: client.post("/", content=body).text)
        await there.inject(Torn)
        assert await there.in_client(lambda client: client.post("/", content=body).text) == whole[:10]
        torn = await there.in_socket(lambda client: client.send(body) or client.recv(timeout=10))
        assert torn == whole[:10]


async def test_a_response_is_replaced_over_http_alone():
    async with served() as there:
        fault = await there.inject(Refusing, transport="http")

        def status(client):
            response = client.post("/", json=CHAIN_ID)
            return response.status_code, response.text

        assert await there.in_client(status) == (503, "no")
        assert await there.in_socket(lambda client: call(client, "eth_chainId")) == CHAIN_REPLY
        await there.provider.remove_fault(fault)
        assert (await there.in_client(status))[0] == 200


async def test_slow_bytes_and_their_release():
    async with served() as there:
        fault = await there.inject(Slow)
        begin = time.monotonic()
        assert await there.in_client(lambda client: client.post("/", json=CHAIN_ID).json()) == CHAIN_REPLY
        assert time.monotonic() - begin >= 0.9  # 39 bytes or so, at 40 a second
        heard = []

        def talk(client):
            with client.stream("POST", "/", json=request("eth_getBlockByNumber", "latest", True)) as reply:
                heard.append(reply.status_code)
                reply.read()
            heard.append(client.post("/", json=CHAIN_ID).json())  # the connection is kept

        async with trio.open_nursery() as nursery:
            nursery.start_soon(there.in_client, talk)
            await until(lambda: heard == [200])
            await there.provider.remove_fault(fault)  # else it would take minutes
        assert heard == [200, CHAIN_REPLY]
        assert there.newest == 2


@pytest.mark.parametrize(
    ("effect", "error"), [(Cutting, httpx.ReadError), (Closing, httpx.RemoteProtocolError)]
)
async def test_an_answer_is_cut(effect, error):
    async with served() as there:
        await there.inject(effect)

        def talk(client):
            with pytest.raises(error):
                client.post("/", json=CHAIN_ID)

        await there.in_client(talk)


async def test_events_are_doubled_dropped_and_left_alone_again():
    async with served(block_time=0.1) as there:

        def numbers(client, count):
            return [int(text["params"]["result"]["number"], 16) for text in texts(client, count)]

        def talk(client):
            call(client, "eth_subscribe", "newHeads")
            before = numbers(client, 3)
            fault = trio.from_thread.run(there.inject, Doubling)
            doubled = numbers(client, 9)
            trio.from_thread.run(there.provider.remove_fault, fault)
            after = numbers(client, 5)
            return before, doubled, after, fault.hits

        before, doubled, after, hits = await there.in_socket(talk)
        seen = before + doubled + after
        assert [number for i, number in enumerate(seen) if number not in seen[:i]] == list(
            range(seen[0], seen[-1] + 1)
        )
        assert max(doubled.count(number) for number in doubled) == 2
        assert after[-3:] == [after[-1] - 2, after[-1] - 1, after[-1]]
        assert hits >= 4
        fault = await there.inject(Silent)

        def silence(client):
            call(client, "eth_subscribe", "newHeads")
            with pytest.raises(TimeoutError):
                client.recv(timeout=0.5)

        await there.in_socket(silence)
        assert fault.hits >= 3


async def test_a_deaf_socket_hears_nothing_until_healed():
    async with served() as there:
        fault = await there.inject(Deaf)

        def talk(client):
            client.send(json.dumps(CHAIN_ID))
            with pytest.raises(TimeoutError):
                client.recv(timeout=0.3)
            assert not client.ping().wait(timeout=0.1)
            trio.from_thread.run(there.provider.remove_fault, fault)
            return call(client, "eth_chainId")

        assert await there.in_socket(talk) == CHAIN_REPLY


async def test_a_handshake_is_refused_and_plain_requests_are_not():
    async with served() as there:
        fault = await there.inject(NoSockets)
        with pytest.raises(InvalidStatus) as refusal:
            await there.in_socket(lambda client: None)
        assert refusal.value.response.status_code == 429
        assert refusal.value.response.headers["Retry-After"] == "7"
        assert await there.in_client(lambda client: client.post("/", json=CHAIN_ID).json()) == CHAIN_REPLY
        assert fault.hits == 1
        await there.provider.remove_fault(fault)
        assert await there.in_socket(lambda client: call(client, "eth_chainId")) == CHAIN_REPLY


async def test_connections_are_reset_when_they_are_not_accepted():
    async with served() as there:
        fault = await there.inject(Unwelcome)

        def talk(client):
            with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError, httpx.ConnectError)):
                client.post("/", json=CHAIN_ID)

        await there.in_client(talk)
        assert there.provider.counters.refused_by_fault == 1
        await there.provider.remove_fault(fault)
        assert await there.in_client(lambda client: client.post("/", json=CHAIN_ID).json()) == CHAIN_REPLY


@pytest.mark.parametrize(
    ("connections", "new_ones", "old_ones"), [("new", 1, 0), ("existing", 0, 1), ("all", 1, 1)]
)
async def test_new_existing_or_all_connections(connections, new_ones, old_ones):
    async with served() as there:

        def talk(old):
            old.post("/", json=CHAIN_ID)
            trio.from_thread.run(_inject, there, connections)
            with httpx.Client(base_url=there.url, trust_env=False) as new:
                statuses = [client.post("/", json=CHAIN_ID).status_code for client in (new, old)]
            return [status == 503 for status in statuses]

        assert await there.in_client(talk) == [bool(new_ones), bool(old_ones)]
        assert there.newest == 2


async def _inject(there, connections):
    await there.inject(Refusing, connections=connections)


async def test_an_idle_connection_is_reset_whichever_protocol_it_speaks():
    async with served() as there:

        def over_http(client):
            client.post("/", json=CHAIN_ID)
            fault = trio.from_thread.run(there.inject, Impatient)
            with socket_of(client) as sock:
                sock.settimeout(10)
                with pytest.raises(ConnectionResetError):
                    sock.recv(1)
            trio.from_thread.run(there.provider.remove_fault, fault)

        def over_websocket(client):
            call(client, "eth_chainId")
            fault = trio.from_thread.run(there.inject, Impatient)
            with pytest.raises(ConnectionClosedError) as info:
                client.recv(timeout=10)
            assert info.value.rcvd is None
            trio.from_thread.run(there.provider.remove_fault, fault)

        await there.in_client(over_http)
        await there.in_socket(over_websocket)


def socket_of(client):
    """A copy of the socket below an httpx client's only connection."""
    (connection,) = client._transport._pool.connections
    return connection._connection._network_stream.get_extra_info("socket").dup()


async def test_a_closed_port_resets_what_is_open_and_tells_the_proxy():
    async with served() as there:

        def talk(client):
            client.post("/", json=CHAIN_ID)
            fault = trio.from_thread.run(there.inject, Down)
            assert not there.provider.listens
            with socket_of(client) as sock, pytest.raises(ConnectionResetError):
                sock.recv(1)
            trio.from_thread.run(there.provider.remove_fault, fault)
            return fault.hits

        assert await there.in_client(talk) == 1
        assert there.refreshes[0] is False
        assert there.refreshes[-1] is True
        assert there.provider.listens


async def test_websockets_are_closed_with_a_code_or_cut():
    class Cut(Effect):
        code = None

        async def start(self, place):
            assert place.close_websockets(self.code, self.strikes) == 1

    class Close(Cut):
        code = 1013

    async with served() as there:
        for effect, code in ((Cut, None), (Close, 1013)):

            def talk(client, effect=effect):
                call(client, "eth_chainId")
                trio.from_thread.run(there.inject, effect)
                with pytest.raises(ConnectionClosedError) as info:
                    client.recv(timeout=10)
                return info.value.rcvd and info.value.rcvd.code

            assert await there.in_socket(talk) == code
        await until(lambda: there.provider.counters.open_websockets == 0)


async def test_what_a_fault_kept_back_is_sent_past_the_faults_and_before_what_comes_then():
    class Keeping(Effect):
        def __init__(self):
            super().__init__()
            self.kept = []

        def events(self, connection, subscription, event):
            self.kept.append((connection, subscription, event))
            return []

        async def stop(self, place):
            for one in self.kept:
                place.notify(*one)

    async with served(block_time=0.1) as there:

        def talk(client):
            call(client, "eth_subscribe", "newHeads")
            first = texts(client, 2)
            fault = trio.from_thread.run(there.inject, Keeping)
            trio.from_thread.run(until, lambda: fault.hits >= 3)
            trio.from_thread.run(there.provider.remove_fault, fault)
            return [int(text["params"]["result"]["number"], 16) for text in first + texts(client, 6)]

        numbers = await there.in_socket(talk)
        assert numbers == list(range(numbers[0], numbers[0] + 8))


async def test_a_restart_is_a_new_generation_without_what_was_before():
    class Again(Effect):
        async def start(self, place):
            place.restart()

    async with served() as there:

        def talk(client):
            filter_id = client.post("/", json=request("eth_newBlockFilter")).json()["result"]
            trio.from_thread.run(there.inject, Again)
            with httpx.Client(base_url=there.url, trust_env=False) as new:
                return new.post("/", json=request("eth_getFilterChanges", filter_id)).json()

        assert (await there.in_client(talk))["error"]["message"] == "filter not found"
        counters = there.provider.counters
        assert (counters.generation, counters.messages_http) == (2, 1)


async def test_tasks_of_a_fault_end_with_it():
    ended = []

    class Working(Effect):
        async def start(self, place):
            place.start_soon(self.work)

        async def work(self):
            try:
                await trio.sleep_forever()
            finally:
                ended.append(self.healed.is_set())

    async with served() as there:
        fault = await there.inject(Working)
        await trio.testing.wait_all_tasks_blocked()
        await there.provider.remove_fault(fault)
        await until(lambda: bool(ended))
        hasty = await there.inject(Working)  # healed before its task could begin
        await there.provider.remove_fault(hasty)
        await trio.testing.wait_all_tasks_blocked()
        assert len(ended) == 1


@pytest.mark.parametrize("effect", [Broken, BrokenHold])
async def test_a_bug_in_a_fault_is_loud(effect, capfd):
    async with served() as there:
        fault = await there.inject(effect)

        def over_http(client):
            try:
                return client.post("/", json=CHAIN_ID).status_code
            except httpx.RemoteProtocolError:
                return "closed"

        assert await there.in_client(over_http) in (500, "closed")

        def over_websocket(client):
            client.send(json.dumps(CHAIN_ID))
            with pytest.raises(ConnectionClosedError):
                client.recv(timeout=10)

        await there.in_socket(over_websocket)
        assert capfd.readouterr().err.count("ZeroDivisionError: a bug in a fault") == 2
        await there.provider.remove_fault(fault)
        assert await there.in_client(over_http) == 200


async def test_a_bug_in_an_event_hook_is_loud(capfd):
    async with served(block_time=0.1) as there:
        await there.inject(BrokenEvents)

        def talk(client):
            call(client, "eth_subscribe", "newHeads")
            with pytest.raises(ConnectionClosedError):
                client.recv(timeout=10)

        await there.in_socket(talk)
        assert "a bug in a fault" in capfd.readouterr().err


async def test_a_fault_that_does_not_start_is_not_in_force():
    class Stillborn(Effect):
        async def start(self, place):
            raise ZeroDivisionError

        def response(self, message, response):
            return Response(503)

    async with served() as there:
        with pytest.raises(ZeroDivisionError):
            await there.inject(Stillborn)
        assert await there.in_client(lambda client: client.post("/", json=CHAIN_ID).json()) == CHAIN_REPLY


async def test_a_fault_that_never_starts_is_given_up(monkeypatch):
    class Endless(Effect):
        async def start(self, place):
            await trio.sleep_forever()

    monkeypatch.setattr(provider, "START_SECONDS", 0.05)
    async with served() as there:
        with pytest.raises(Unreachable, match="said nothing"):
            await there.inject(Endless)
        assert there.provider.faults == []


async def test_a_fault_that_was_healed_while_a_message_waited_does_not_touch_its_answer():
    class Both(Hanging):
        def reply(self, message, call, reply):
            raise AssertionError("asked after healing")

        body = response = delivery = reply

    async with served() as there:
        fault = await there.inject(Both)
        answers = []

        def over_http(client):
            answers.append(client.post("/", json=CHAIN_ID).json())

        def over_websocket(client):
            answers.append(call(client, "eth_chainId"))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(there.in_client, over_http)
            nursery.start_soon(there.in_socket, over_websocket)
            await until(lambda: fault.hits == 2)
            await there.provider.remove_fault(fault)
        assert answers == [CHAIN_REPLY] * 2


async def test_healing_twice_is_healing_once():
    stops = []

    class Counting(Effect):
        async def stop(self, place):
            stops.append(1)

    async with served() as there:
        fault = await there.inject(Counting)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(there.provider.remove_fault, fault)
            nursery.start_soon(there.provider.remove_fault, fault)
        assert stops == [1]


async def test_a_client_that_does_not_read_is_not_read_from(monkeypatch):
    monkeypatch.setattr(room, "SOCKET_BYTES", 80_000)
    async with served() as there:
        fault = await there.inject(Hanging)

        def talk(client):
            for number in range(100):
                client.send(json.dumps(request("eth_chainId", id_=number)))
            trio.from_thread.run(until, lambda: fault.hits >= 17)
            held = fault.hits
            trio.from_thread.run(there.provider.remove_fault, fault)
            return held, sorted(text["id"] for text in texts(client, 100))

        held, ids = await there.in_socket(talk)
        assert held < 30
        assert ids == list(range(100))


async def test_a_partition_outlasts_the_patience_of_the_server_for_idle_clients(monkeypatch):
    monkeypatch.setattr(provider, "IDLE_SECONDS", 0.3)
    async with served() as there, await trio.open_tcp_stream("127.0.0.1", there.port) as idle:
        await until(lambda: len(there.provider.connections) == 1)
        fault = make_fault("partition", KINDS["partition"], read_parameters(KINDS["partition"], {}), 1)
        await there.provider.add_fault(fault)
        with trio.move_on_after(1.0) as silence:
            await idle.receive_some()
        assert silence.cancelled_caught
        await there.provider.remove_fault(fault)
        with trio.fail_after(10):
            assert await idle.receive_some() == b""


async def test_all_sockets_together_hold_a_bounded_amount_and_nobody_is_silenced_by_others():
    async with served() as there:
        there.provider.room.most = 80_000
        fault = await there.inject(Hanging, methods=("eth_call",))

        def talk(flooder):
            for number in range(100):
                flooder.send(json.dumps(request("eth_call", {}, id_=number)))
            trio.from_thread.run(until, lambda: fault.hits >= 17)
            other = trio.from_thread.run(there.in_socket, lambda client: call(client, "eth_chainId"))
            held = fault.hits
            trio.from_thread.run(there.provider.remove_fault, fault)
            return held, other, len(texts(flooder, 100))

        held, other, answered = await there.in_socket(talk)
        assert held < 30
        assert (other, answered) == (CHAIN_REPLY, 100)
        await until(lambda: not there.provider.connections)
        assert there.provider.room.taken == 0


async def test_what_a_socket_held_is_free_again_when_its_client_leaves():
    async with served() as there:
        fault = await there.inject(Hanging)

        def talk(client):
            for number in range(10):
                client.send(json.dumps(request("eth_chainId", id_=number)))
            trio.from_thread.run(until, lambda: fault.hits == 10)
            return there.provider.room.taken

        assert await there.in_socket(talk, close_timeout=0.1) >= 10 * room.BYTES_A_TEXT
        await until(lambda: there.provider.room.taken == 0)


async def test_a_share_of_connections_is_drawn_once_for_each_and_forgotten_with_it():
    async with served() as there:
        kind = kind_of(NoSockets, OnConnections)
        fault = make_fault("half", kind, read_parameters(kind, {"probability": 0.5}), 0)
        await there.provider.add_fault(fault)
        refused = 0
        for _ in range(30):
            try:
                await there.in_socket(lambda client: None)
            except InvalidStatus:
                refused += 1
        assert 0 < refused == fault.hits < 30
        await until(lambda: not fault.drawn)


def test_the_names_of_hooks_exist():
    assert all(hasattr(Effect, hook) for hook in (*http_side.ON_CALLS, *ws_side.ON_REPLIES, *ws_side.WAITING))
