"""One connection of the fast lane: one request at a time, no task, future or timer for it.

aiohttp's connector opened it, with TLS and through a proxy if need be; then this protocol takes the
place of aiohttp's on the transport. It reads into a buffer that all connections share: the bytes
are used up before anything else can be read.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from hooktail.delivery import target as settings
from hooktail.delivery.answers import AnswerReader, NoHttpError
from hooktail.delivery.outcome import DELIVERED, Retry

if TYPE_CHECKING:
    from aiohttp.client_proto import ResponseHandler
    from aiohttp.connector import Connection as Link

    from hooktail.delivery.lane import Parcel
    from hooktail.delivery.outcome import Outcome
    from hooktail.delivery.target import Target


class Pool(Protocol):
    """What a connection belongs to."""

    target: Target
    head: bytes
    """The head of a request up to its length."""
    known: bytes
    """An answer that accepts an event, or nothing."""
    buffer: bytearray

    def finished(self, connection: Connection, outcome: Outcome, *, keep: bool) -> None:
        """Is told how a request ended, and whether another may follow on the connection."""

    def lost(self, connection: Connection) -> None:
        """Is told that a connection is gone, with its parcel if that may be sent once more."""

    def broke(self, error: BaseException) -> None:
        """Is told of a bug."""


class Connection(asyncio.BufferedProtocol):
    """Takes over the transport of `link`, which must be connected and silent."""

    __slots__ = (
        "_buffer",
        "_handler",
        "_link",
        "_loop",
        "_pool",
        "_reader",
        "_transport",
        "deadline",
        "idle_since",
        "parcel",
        "retire_at",
        "started_at",
        "used",
    )

    def __init__(
        self, pool: Pool, link: Link, loop: asyncio.AbstractEventLoop, retire_at: float
    ) -> None:
        handler, transport = link.protocol, link.transport
        assert handler is not None  # noqa: S101 - connected
        assert transport is not None  # noqa: S101 - connected
        self._pool = pool
        self._loop = loop
        self._link = link
        self._handler: ResponseHandler = handler
        self._transport: asyncio.Transport = transport
        self._buffer = pool.buffer
        self._reader = AnswerReader(handler, loop)
        self.retire_at = retire_at
        self.parcel: Parcel | None = None
        """What was sent and is not answered."""
        self.used = False
        """Whether an answer came on it."""
        self.started_at = self.deadline = 0.0
        self.idle_since = 0.0
        """When it was first seen idle since its last request; zero if it was not."""
        # An event loop may choose how it reads when it starts to: it starts again.
        transport.pause_reading()
        transport.set_protocol(self)
        transport.resume_reading()

    @property
    def closing(self) -> bool:
        """Whether nothing may be sent on it any more."""
        return self._transport.is_closing()

    def post(self, parcel: Parcel, now: float, deadline: float) -> None:
        """Sends a request; only if the one before has been answered."""
        self.parcel = parcel
        self.started_at = now
        self.idle_since = 0.0
        self.deadline = deadline
        body = parcel.body
        self._transport.write(b"%b%d\r\n\r\n%b" % (self._pool.head, len(body), body))

    def expire(self) -> None:
        """Ends a request whose time is over."""
        self.abort()
        # The status has judged the event, though the rest of the answer is missing.
        self._finish(self._judged() or Retry("timeout"), keep=False)

    def close(self) -> None:
        """Says goodbye."""
        self._link.close()

    def abort(self) -> None:
        """Hangs up."""
        self._transport.abort()
        self._link.close()

    # -- what the transport calls

    def get_buffer(self, sizehint: int) -> bytearray:  # noqa: ARG002 - asyncio's signature
        """Gives the buffer into which to read."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Takes bytes of an answer."""
        known = self._pool.known
        try:
            if (
                nbytes == len(known)
                and self._buffer.startswith(known)
                and not self._reader.received
                and self.parcel is not None
            ):
                self._finish(DELIVERED, keep=True)
            else:
                self._read(bytes(memoryview(self._buffer)[:nbytes]))
        except BaseException as error:
            self._pool.broke(error)
            raise

    def connection_lost(self, exc: Exception | None) -> None:
        """Takes the end of the connection, which may be the end of an answer."""
        self._link.close()
        self._handler.connection_lost(exc)
        try:
            if self.parcel is not None and (not self.used or self._reader.received):
                self._finish(self._judged() or Retry("disconnected"), keep=False)
            self._pool.lost(self)
        except BaseException as error:
            self._pool.broke(error)
            raise

    def _read(self, data: bytes) -> None:
        if self.parcel is None:
            self.abort()  # nobody asked
            return
        reader = self._reader
        in_one_piece, answered = not reader.received, reader.answered
        try:
            reader.feed(data)
        except NoHttpError:
            self._finish(Retry("protocol"), keep=False)
            return
        if reader.complete:
            outcome = reader.judge(self._pool.target)
            keep = reader.reusable
            if in_one_piece and keep and outcome is DELIVERED:
                self._pool.known = data
            reader.restart()
            self._finish(outcome, keep=keep)
        elif reader.answered and not answered:
            self.deadline = min(self.deadline, self._loop.time() + settings.ANSWER_S)

    def _judged(self) -> Outcome | None:
        return self._reader.judge(self._pool.target) if self._reader.answered else None

    def _finish(self, outcome: Outcome, *, keep: bool) -> None:
        self.used = True
        keep = (
            keep
            and self.started_at < self.retire_at
            # A server may answer before it has read everything.
            and not self._transport.get_write_buffer_size()
        )
        self._pool.finished(self, outcome, keep=keep)
