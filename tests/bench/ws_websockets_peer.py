"""Python's websockets on asyncio: the same connections, each message decoded by json and counted."""

import asyncio
import json
import sys
from pathlib import Path

from tests.bench.pinned import run_pinned
from tests.bench.tool import ended_well
from tests.bench.ws_load import Heard, WsLoad

ASK = {"jsonrpc": "2.0", "id": 1, "method": "eth_subscribe", "params": ["newHeads"]}


def run(load: WsLoad, folder: Path) -> Heard:
    """Without compression, as the others."""
    command = [sys.executable, Path(__file__), load.ws_url, load.connections, load.seconds]
    finished = ended_well(run_pinned(command, load.core, load.seconds, folder))
    messages = int(finished.output.split()[-1])
    return Heard(messages, finished.cpu_seconds, finished.peak_bytes, "decodes them")


async def listen(url: str, connections: int, seconds: float) -> int:
    """How many notifications came."""
    from websockets.asyncio.client import connect  # a peer's cost, not the bench's

    heard = 0

    async def subscribe() -> None:
        nonlocal heard
        async with connect(url, compression=None) as socket:
            await socket.send(json.dumps(ASK))
            async for message in socket:
                heard += json.loads(message).get("method") == "eth_subscription"

    tasks = [asyncio.create_task(subscribe()) for _ in range(connections)]
    await asyncio.wait(tasks, timeout=seconds)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return heard


if __name__ == "__main__":
    print(asyncio.run(listen(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))))
