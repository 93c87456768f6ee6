"""What the client and the server have in common."""

import random

from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory, ServerPerMessageDeflateFactory

TERMS = {
    "default": {},
    "no-takeover": {"server_no_context_takeover": True, "client_no_context_takeover": True},
    "window-10": {"server_max_window_bits": 10, "client_max_window_bits": 10},
}


def client_options(variant):
    """How a variant of compression is called in `websockets`, for a client."""
    return _options(variant, ClientPerMessageDeflateFactory)


def server_options(variant):
    """How a variant of compression is called in `websockets`, for a server."""
    return _options(variant, ServerPerMessageDeflateFactory)


def _options(variant, factory):
    extensions = None if variant == "none" else [factory(**TERMS[variant])]
    return {"compression": None, "extensions": extensions, "max_size": None}


def messages():
    """Text and binary messages of 0 bytes to 1 MiB, at the borders of the forms of a frame's length."""
    for size in [0, 1, 125, 126, 127, 4096, 65_535, 65_536, 1 << 20]:
        yield ("sockeye " * (size // 8 + 1))[:size]
        yield ("연어가 돌아왔다 🐟 " * (size // 26 + 1))[: size // 3]
        yield random.Random(size).randbytes(size)


REASONS = [
    (1000, ""),
    (1000, "안녕히"),
    (1001, "leaving"),
    (1011, "a reason"),
    (3000, "a library's"),
    (4999, "가" * 41),
]
