"""Two bare clients that post the lines of a file, to compare the daemon with.

    python benchmarks/clients.py aiohttp PORT BODIES CONCURRENCY
    python benchmarks/clients.py protocol PORT BODIES CONCURRENCY

They read no logs, keep no books and try nothing twice. `aiohttp` is a `ClientSession`, which the
daemon uses too; `protocol` writes ready-made bytes to a socket and looks for nothing but the end
of the answer: no client on asyncio can cost less.
"""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Iterator

PATH = "/benchmark/pixel.png"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


async def with_aiohttp(port: int, bodies: Iterator[bytes], concurrency: int) -> None:
    """Posts with aiohttp's `ClientSession`, a task for each request in flight."""
    import aiohttp  # noqa: PLC0415 - the other client does without it

    headers = {"Content-Type": "application/json"}
    url = f"http://127.0.0.1:{port}{PATH}"
    async with (
        aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=concurrency),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=headers,
        ) as session,
        asyncio.TaskGroup() as tasks,
    ):

        async def work() -> None:
            for body in bodies:
                async with session.post(url, data=body, allow_redirects=False) as response:
                    await response.read()
                    response.raise_for_status()

        for _ in range(concurrency):
            tasks.create_task(work())


class Connection(asyncio.BufferedProtocol):
    """Posts one body after the other on one connection.

    Buffered, because asyncio allocates 256 KiB for each receive of a plain `Protocol`.
    """

    def __init__(self, port: int, bodies: Iterator[bytes], done: asyncio.Future[None]) -> None:
        self._head = (
            f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            "Content-Type: application/json\r\nContent-Length: "
        ).encode()
        self._bodies = bodies
        self._done = done
        self._buffer = bytearray(65_536)
        self._answer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._post()

    def get_buffer(self, sizehint: int) -> bytearray:  # noqa: ARG002 - asyncio's signature
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        self._answer += self._buffer[:nbytes]
        end = self._answer.find(b"\r\n\r\n")
        length = _LENGTH.search(self._answer, 0, end) if end >= 0 else None
        if length is None or len(self._answer) < end + 4 + int(length[1]):
            return
        if not self._answer.startswith(b"HTTP/1.1 200 "):
            self._done.set_exception(ConnectionError("not every answer was 200"))
        self._answer = b""
        self._post()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._done.done():
            self._done.set_exception(exc or ConnectionError("the endpoint hung up"))

    def _post(self) -> None:
        body = next(self._bodies, None)
        if body is not None:
            self._transport.write(self._head + b"%d\r\n\r\n%b" % (len(body), body))
            return
        if not self._done.done():
            self._done.set_result(None)
        self._transport.close()


async def with_protocol(port: int, bodies: Iterator[bytes], concurrency: int) -> None:
    """Posts with one `Connection` for each request in flight."""
    loop = asyncio.get_running_loop()
    all_done = []
    for _ in range(concurrency):
        done: asyncio.Future[None] = loop.create_future()
        all_done.append(done)
        await loop.create_connection(
            lambda done=done: Connection(port, bodies, done),  # type: ignore[misc]  # mypy cannot infer a lambda with a default
            "127.0.0.1",
            port,
        )
    await asyncio.gather(*all_done)


def main() -> None:
    kind, port, path, concurrency = sys.argv[1:]
    bodies = iter(Path(path).read_bytes().splitlines())
    post = {"aiohttp": with_aiohttp, "protocol": with_protocol}[kind]
    asyncio.run(post(int(port), bodies, int(concurrency)))


if __name__ == "__main__":
    main()
