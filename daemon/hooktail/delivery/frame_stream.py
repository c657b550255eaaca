"""Frames over a socket, both ways: what is said in one turn of the event loop is one write."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from hooktail.delivery.worker_frames import HEADER

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

FIRST_BYTES = 65_536


class FrameStream(asyncio.BufferedProtocol):
    """Hands each frame to `on_frame` (kind, lane, payload), and calls `on_end` once at the end.

    Both are called on the loop thread. What `on_frame` raises ends the stream.
    """

    def __init__(
        self, on_frame: Callable[[int, int, bytes], None], on_end: Callable[[], None]
    ) -> None:
        self._on_frame = on_frame
        self._on_end = on_end
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray(FIRST_BYTES)
        self._filled = 0
        self._out: list[bytes] = []

    async def connect(self, sock: socket.socket) -> None:
        """Begins on a connected socket, which is the stream's from now on."""
        await self._loop.create_unix_connection(lambda: self, sock=sock)

    def send(self, kind: int, lane: int = 0, payload: bytes = b"") -> None:
        """Sends a frame at the end of this turn of the loop; says nothing if the peer is gone."""
        if not self._out:
            self._loop.call_soon(self._flush)
        self._out += (HEADER.pack(len(payload), kind, lane), payload)

    def close(self) -> None:
        """Ends the stream once all is written; nothing comes after it but `on_end`."""
        if self._transport is not None:
            self._flush()
            self._transport.close()

    def abort(self) -> None:
        """Ends the stream at once."""
        if self._transport is not None:
            self._transport.abort()

    def _flush(self) -> None:
        out, self._out = self._out, []
        if out and self._transport is not None and not self._transport.is_closing():
            self._transport.write(b"".join(out))

    # -- what the transport calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Takes the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - asyncio's signature
        """Gives what is free of the buffer."""
        return memoryview(self._buffer)[self._filled :]

    def buffer_updated(self, nbytes: int) -> None:
        """Hands over the frames that are whole."""
        buffer, end, at = self._buffer, self._filled + nbytes, 0
        wanted = HEADER.size
        while end - at >= HEADER.size:
            length, kind, lane = HEADER.unpack_from(buffer, at)
            wanted = HEADER.size + length
            if end - at < wanted:
                break
            payload = bytes(memoryview(buffer)[at + HEADER.size : at + wanted])
            at += wanted
            wanted = HEADER.size
            self._on_frame(kind, lane, payload)
        self._filled = end - at
        if wanted > len(buffer):
            # A new one: the transport may still look at the old.
            self._buffer = bytearray(wanted)
            self._buffer[: end - at] = buffer[at:end]
        elif at:
            buffer[: end - at] = buffer[at:end]

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Passes on that the peer is gone."""
        self._transport = None
        self._on_end()
