"""An echo server with `websockets`: python server.py VARIANT. Its paths are described in ../README.md."""

import asyncio
import sys
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import serve
from shared import server_options

REPORTS = asyncio.Queue()


async def handle(socket):
    url = urlsplit(socket.request.path)
    query = parse_qs(url.query)
    match url.path:
        case "/":
            async for message in socket:
                await socket.send(message)
        case "/extensions":
            await socket.send(",".join(extension.name for extension in socket.protocol.extensions))
            await socket.wait_closed()
        case "/fragments":
            await socket.send(["조각", "", "x" * 70_000, "끝"])
            await socket.wait_closed()
        case "/close":
            await socket.close(int(query["code"][0]), query.get("reason", [""])[0])
        case "/report":
            await socket.wait_closed()
            await REPORTS.put(f"{socket.close_code} {socket.close_reason}")
        case "/reported":
            await socket.send(await REPORTS.get())
            await socket.wait_closed()
        case _:
            await socket.close(4404, "no such path")


def select(_, offered):
    return "chat.v1" if "chat.v1" in offered else None


async def main():
    options = {"select_subprotocol": select, **server_options(sys.argv[1])}
    async with serve(handle, "127.0.0.1", 0, **options) as server:
        print(f"listening on ws://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
        # The end of stdin ends the server, however that comes.
        await asyncio.to_thread(sys.stdin.read)


asyncio.run(main())
