"""An HTTP proxy on loopback: tunnels (CONNECT), forwards plain requests, wants a password."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from typing import Self
from urllib.parse import urlsplit


class ConnectProxy:
    """Serves on 127.0.0.1 as an async context.

    `login` is `user:password`, or empty for none; `refuse` is the status line of the answer to
    everything, if there is one.
    """

    def __init__(self, *, login: str = "", refuse: str = "") -> None:
        self.login = login
        self.refuse = refuse
        self.asked: list[bytes] = []
        """The heads of all requests, those inside a tunnel excepted."""
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def url(self, login: str = "") -> str:
        """The proxy's address, with a user and a password if need be."""
        return f"http://{login}{'@' * bool(login)}127.0.0.1:{self.port}"

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                while await self._serve(reader, writer):
                    pass
        finally:
            writer.transport.abort()
            self._tasks.discard(task)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answers one request; tells whether another may follow."""
        head = await reader.readuntil(b"\r\n\r\n")
        self.asked.append(head)
        method, target = head.split(b" ", 2)[:2]
        body = b""
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length: "):
                body = await reader.readexactly(int(line.split()[1]))
        expected = b"Proxy-Authorization: Basic " + base64.b64encode(self.login.encode())
        refusal = self.refuse
        if self.login and expected not in head.split(b"\r\n"):
            refusal = "407 Proxy Authentication Required"
        if refusal:
            writer.write(f"HTTP/1.1 {refusal}\r\nContent-Length: 0\r\n\r\n".encode())
            await writer.drain()
            return True
        tunnel = method == b"CONNECT"
        where = urlsplit(f"//{target.decode()}" if tunnel else target.decode())
        there_reader, there_writer = await asyncio.open_connection(where.hostname, where.port or 80)
        if tunnel:
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            rest = b"\r\n".join(
                line for line in head.split(b"\r\n")[1:] if not line.lower().startswith(b"proxy-")
            )
            there_writer.write(b"%b %b HTTP/1.1\r\n%b" % (method, where.path.encode(), rest) + body)
        try:
            await asyncio.gather(self._pump(reader, there_writer), self._pump(there_reader, writer))
        finally:
            there_writer.transport.abort()
        return False

    @staticmethod
    async def _pump(one: asyncio.StreamReader, other: asyncio.StreamWriter) -> None:
        while data := await one.read(65_536):
            other.write(data)
            await other.drain()
        other.close()
