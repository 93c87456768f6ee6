"""Talks to an echo server of ours with `websockets`: python client.py URL VARIANT"""

import asyncio
import sys

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from shared import REASONS, client_options, messages

URL, VARIANT = sys.argv[1:]


async def negotiation():
    async with open_connection() as socket:
        agreed = socket.protocol.extensions
        expect([extension.name for extension in agreed], [] if VARIANT == "none" else ["permessage-deflate"])
        if VARIANT == "no-takeover":
            expect((agreed[0].remote_no_context_takeover, agreed[0].local_no_context_takeover), (True, True))
        if VARIANT == "window-10":
            expect((agreed[0].remote_max_window_bits, agreed[0].local_max_window_bits), (10, 10))


async def echo():
    async with open_connection() as socket:
        for message in messages():
            await socket.send(message)
            came = await socket.recv()
            if came != message:
                raise AssertionError(f"a message of length {len(message)} came back changed, of length {len(came)}")


async def fragments():
    async with open_connection() as socket:
        parts = ["조", "각", "", "x" * 70_000, "끝"]
        await socket.send(parts)
        expect(await socket.recv(), "".join(parts))


async def burst():
    async with open_connection() as socket:
        sent = [f"{index}번째 " + "연어" * (index % 150) for index in range(2000)]

        async def send():
            for message in sent:
                await socket.send(message)

        sending = asyncio.create_task(send())
        expect([await socket.recv() for _ in sent], sent)
        await sending


async def ping():
    async with open_connection() as socket:
        await (await socket.ping("안부"))


async def close():
    for code, reason in REASONS:
        socket = await open_connection()
        await socket.close(code, reason)
        expect(socket.close_code, code)
        expect(socket.protocol.close_rcvd_then_sent, False)


async def servers_close():
    socket = await open_connection()
    print("stop the server", flush=True)
    try:
        await socket.recv()
    except ConnectionClosed as closed:
        expect((closed.rcvd.code, closed.rcvd.reason), (1001, "the server stops"))
        expect(closed.rcvd_then_sent, True)


def open_connection():
    return connect(URL, proxy=None, **client_options(VARIANT))


def expect(came, wanted):
    if came != wanted:
        raise AssertionError(f"expected {wanted!r}, got {came!r}"[:300])


async def main():
    for run in [negotiation, echo, fragments, burst, ping, close, servers_close]:
        try:
            async with asyncio.timeout(60):
                await run()
        except Exception as error:
            print(f"failed {run.__name__}: {error!r}", flush=True)
            sys.exit(1)
        print(f"ok {run.__name__}", flush=True)


asyncio.run(main())
