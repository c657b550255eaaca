"""An endpoint that does nothing but answer, after so many milliseconds, also over TLS.

    python benchmarks/answering.py ANSWER_MS [CERTIFICATE KEY]

Prints its port. It costs about as little as one in Python can, so that it keeps a fast client busy.
"""

from __future__ import annotations

import asyncio
import re
import ssl
import sys
from typing import cast

ANSWER = b"HTTP/1.1 200 OK\r\nServer: benchmark\r\nContent-Length: 0\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_BUFFER = bytearray(65_536)


class Answers(asyncio.BufferedProtocol):
    """Answers each request on one connection."""

    def __init__(self, answer_s: float) -> None:
        self._answer_s = answer_s
        self._request = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def get_buffer(self, sizehint: int) -> bytearray:  # noqa: ARG002 - asyncio's signature
        return _BUFFER

    def buffer_updated(self, nbytes: int) -> None:
        self._request += _BUFFER[:nbytes]
        end = self._request.find(b"\r\n\r\n")
        length = _LENGTH.search(self._request, 0, end) if end >= 0 else None
        if length is None or len(self._request) < end + 4 + int(length[1]):
            return
        self._request = b""
        if self._answer_s:
            asyncio.get_running_loop().call_later(self._answer_s, self._transport.write, ANSWER)
        else:
            self._transport.write(ANSWER)


async def serve(answer_s: float, certificate: list[str]) -> None:
    """Answers until it is killed."""
    context = None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Answers(answer_s), "127.0.0.1", 0, ssl=context, backlog=4096
    )
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(float(sys.argv[1]) / 1000, sys.argv[2:]))
