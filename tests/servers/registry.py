"""Every server by name, and the one way to run it: `with serving("close_after_n", n=3) as server`."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

from tests.servers import endings, replies
from tests.servers.connection import Connection
from tests.servers.handle import Handle
from tests.servers.listener import listening
from tests.servers.special import refuse, tls
from tests.servers.wire import Request

Server = Callable[..., AbstractContextManager[Handle]]


def keep_answering(connection: Connection, answer: Callable[[Request], bytes], delay: float) -> None:
    """Answer each request of a connection, `delay` seconds after it was read."""
    while request := connection.read_request():
        if delay:
            connection.pause(delay)
        connection.send(answer(request))


def _replying(answer: Callable[..., bytes]) -> Server:
    def serve(*, delay: float = 0.0, **params: Any) -> AbstractContextManager[Handle]:
        return listening(partial(keep_answering, answer=partial(answer, **params), delay=delay))

    return serve


def _ending(behave: Callable[..., None]) -> Server:
    return lambda **params: listening(partial(behave, **params))


def _tls(**params: Any) -> AbstractContextManager[Handle]:
    return tls(partial(keep_answering, answer=replies.echo, delay=0.0), **params)


SERVERS: dict[str, Server] = {
    "bad_chunk": _replying(replies.bad_chunk),
    "bad_headers": _replying(replies.bad_headers),
    "chunked": _replying(replies.chunked),
    "close_after_n": _ending(endings.close_after_n),
    "close_each": _ending(endings.close_each),
    "drip": _ending(endings.drip),
    "drop_after_n": _ending(endings.drop_after_n),
    "echo": _replying(replies.echo),
    "empty": _replying(replies.empty),
    "endless": _ending(endings.endless),
    "error_object": _replying(replies.error_object),
    "extra_reply": _replying(replies.extra_reply),
    "garbage": _replying(replies.garbage),
    "hang": _ending(endings.hang),
    "html": _replying(replies.html),
    "idle_close": _ending(endings.idle_close),
    "interim": _replying(replies.interim),
    "no_length": _ending(endings.no_length),
    "not_json": _replying(replies.not_json),
    "refuse": refuse,
    "reset": _ending(endings.reset),
    "reversed_batch": _replying(replies.reversed_batch),
    "status": _replying(replies.status),
    "tls": _tls,
    "truncate": _ending(endings.truncate),
    "two_lengths": _replying(replies.two_lengths),
    "wrong_id": _replying(replies.wrong_id),
    "wrong_type": _replying(replies.wrong_type),
    "wrong_version": _replying(replies.wrong_version),
}


def serving(name: str, **params: Any) -> AbstractContextManager[Handle]:
    """Run the named server until the block ends; `params` are those of its function."""
    return SERVERS[name](**params)
