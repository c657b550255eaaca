"""One client's connection: requests in, answers out, in order, and the ways to break off.

Answers go out once per turn of the loop, after the endpoint has written what it received: what a
client was told is in the record. It does not know what an answer means.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from enum import Enum, auto
from typing import TYPE_CHECKING, NamedTuple, Protocol, cast

from hooktail.collector import answer
from hooktail.collector.misbehave import Kind
from hooktail.collector.wire import MAX_BODY_BYTES, RequestReader, WireError

if TYPE_CHECKING:
    from hooktail.collector.misbehave import Fault
    from hooktail.collector.wire import Head

_LINGER_S = 2.0
_RESET = struct.pack("ii", 1, 0)


class Reply(NamedTuple):
    """What goes back: whole bytes, and whether the connection may be used again."""

    text: bytes
    keep_alive: bool


class Endpoint(Protocol):
    """What a connection asks of the server; called on the loop thread."""

    idle_close_s: float | None

    def joined(self, connection: Connection) -> None:
        """A connection was made."""

    def left(self, connection: Connection) -> None:
        """A connection was lost."""

    def choose(self, head: Head) -> Fault | None:
        """Counts a request and says how to misbehave."""

    def take(self, head: Head, body: bytes, fault: Fault | None) -> Reply:
        """Judges a request read whole, records it, and returns the answer."""

    def refuse(self, error: WireError, *, chosen: bool) -> Reply:
        """Counts a request that cannot be framed, unless `choose` did; returns the answer."""

    def dirty(self, connection: Connection) -> None:
        """The connection has something to send: calls its `flush` at the end of this turn."""


class _Phase(Enum):
    READY = auto()
    """Reads requests."""
    BUSY = auto()
    """An answer is on its way in time; the requests behind it wait."""
    MUTED = auto()
    """Nothing more will be answered; what comes is read and forgotten."""


class _Ending(Enum):
    CLOSE = auto()
    LINGER = auto()
    """Ends our side and reads on for a while: closing with bytes unread would send a reset, which
    may destroy the answer on its way."""
    RESET = auto()


class Connection(asyncio.BufferedProtocol):
    """Speaks HTTP/1.1 with one client.

    `receive` is scratch space that all connections share: the loop fills it and calls
    `buffer_updated` without letting anybody between.
    """

    def __init__(self, endpoint: Endpoint, receive: bytearray) -> None:
        self._endpoint = endpoint
        self._receive = receive
        self._loop = asyncio.get_running_loop()
        self._reader = RequestReader()
        self._phase = _Phase.READY
        self._head: Head | None = None
        self._fault: Fault | None = None
        self._out: list[bytes] = []
        self._ending: _Ending | None = None
        self._write_blocked = False
        self._read_paused = False
        self._eof = False
        self._timer: asyncio.TimerHandle | None = None
        self._idle_timer: asyncio.TimerHandle | None = None
        self._active_s = self._loop.time()

    # What the transport calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begins to serve."""
        self._transport = cast("asyncio.Transport", transport)
        self._endpoint.joined(self)
        if self._endpoint.idle_close_s is not None:
            self._idle_timer = self._loop.call_later(self._endpoint.idle_close_s, self._idle)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # asyncio's signature
        """Forgets everything."""
        self._phase = _Phase.MUTED
        for timer in (self._timer, self._idle_timer):
            if timer is not None:
                timer.cancel()
        self._out.clear()
        self._ending = None
        self._endpoint.left(self)

    def get_buffer(self, sizehint: int) -> bytearray:  # noqa: ARG002  # asyncio's signature
        """Lends the shared scratch space."""
        return self._receive

    def buffer_updated(self, nbytes: int) -> None:
        """Takes what has come."""
        if self._phase is _Phase.MUTED:
            return
        self._active_s = self._loop.time()
        self._reader.feed(memoryview(self._receive)[:nbytes])
        self._advance()

    def eof_received(self) -> bool:
        """Sends what is still owed to a client that has ended its side, then closes."""
        self._eof = True
        if self._phase is _Phase.MUTED:
            return self._ending is not None
        if self._phase is _Phase.READY and not self._write_blocked:
            self._end(_Ending.CLOSE)
        return True

    def pause_writing(self) -> None:
        """Stops answering: the client does not read."""
        self._write_blocked = True
        self._pace()

    def resume_writing(self) -> None:
        """Goes on answering."""
        self._write_blocked = False
        self._advance()

    # What the endpoint calls

    def flush(self) -> None:
        """Sends what is waiting, then ends the connection if that was decided."""
        if self._out:
            self._transport.write(b"".join(self._out))
            self._out.clear()
        match self._ending:
            case _Ending.CLOSE:
                self._transport.close()
            case _Ending.LINGER if self._eof:
                self._transport.close()
            case _Ending.LINGER:
                with contextlib.suppress(OSError):  # the client may have gone
                    self._transport.write_eof()
                self._timer = self._loop.call_later(_LINGER_S, self.abort)
            case _Ending.RESET:
                self._reset()
            case None:
                pass
        self._ending = None

    def abort(self) -> None:
        """Closes at once, unsent answers and all."""
        self._transport.abort()

    # One request after the other

    def _advance(self) -> None:
        try:
            while self._phase is _Phase.READY and not self._write_blocked:
                if not self._next_request():
                    break
        except WireError as error:
            self._send(self._endpoint.refuse(error, chosen=self._head is not None).text)
            self._end(_Ending.LINGER)
        if self._eof and self._phase is _Phase.READY and not self._write_blocked:
            self._end(_Ending.CLOSE)
        self._pace()

    def _next_request(self) -> bool:
        """Serves a request if there is a whole one; says whether to look for another."""
        if self._head is None:
            head = self._reader.head()
            if head is None:
                return False
            self._head, self._fault = head, self._endpoint.choose(head)
            if self._fault is not None and self._fault.kind is Kind.RESET_BEFORE:
                self._end(_Ending.RESET)
                return False
            if head.expects_continue and not self._reader.pending_bytes:
                self._send(answer.CONTINUE)
        body = self._reader.body()
        if body is None:
            return False
        head, fault, self._head = self._head, self._fault, None
        self._carry_out(self._endpoint.take(head, body, fault), fault)
        return True

    def _carry_out(self, reply: Reply, fault: Fault | None) -> None:
        if fault is None:
            self._finish(reply)
            return
        pause_s = fault.pause_s
        match fault.kind:
            case Kind.STATUS:
                self._finish(reply)
            case Kind.CLOSE:
                self._finish(Reply(reply.text, keep_alive=False))
            case Kind.DELAY:
                self._phase = _Phase.BUSY
                self._timer = self._loop.call_later(pause_s, self._finish_late, reply)
            case Kind.DRIP:
                self._phase = _Phase.BUSY
                self._drip(reply, pause_s, 0)
            case Kind.GARBAGE:
                self._finish(Reply(answer.GARBAGE, keep_alive=False))
            case Kind.STALL:
                self._phase = _Phase.MUTED
            case Kind.RESET_AFTER | Kind.RESET_BEFORE:
                self._end(_Ending.RESET)

    def _finish(self, reply: Reply) -> None:
        self._send(reply.text)
        if not reply.keep_alive:
            self._end(_Ending.CLOSE)

    def _finish_late(self, reply: Reply) -> None:
        self._phase = _Phase.READY
        self._active_s = self._loop.time()
        self._finish(reply)
        self._advance()

    def _drip(self, reply: Reply, pause_s: float, sent: int) -> None:
        if sent < len(reply.text) - 1:
            self._send(reply.text[sent : sent + 1])
            self._timer = self._loop.call_later(pause_s, self._drip, reply, pause_s, sent + 1)
        else:
            self._finish_late(reply._replace(text=reply.text[sent:]))

    def _send(self, text: bytes) -> None:
        if not self._out:
            self._endpoint.dirty(self)
        self._out.append(text)

    def _end(self, ending: _Ending) -> None:
        self._phase = _Phase.MUTED
        if not self._out:
            self._endpoint.dirty(self)
        self._ending = ending

    def _reset(self) -> None:
        client: socket.socket | None = self._transport.get_extra_info("socket")
        if client is not None:
            with contextlib.suppress(OSError):  # already closed
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._transport.abort()

    def _pace(self) -> None:
        """Stops reading while requests pile up behind one that is not answered yet."""
        waits = self._phase is _Phase.BUSY or self._write_blocked
        piles_up = waits and self._reader.pending_bytes > MAX_BODY_BYTES
        if piles_up and not self._read_paused:
            self._transport.pause_reading()
        elif self._read_paused and not piles_up:
            self._transport.resume_reading()
        self._read_paused = piles_up

    def _idle(self) -> None:
        limit_s = self._endpoint.idle_close_s or 0.0
        idle_s = self._loop.time() - self._active_s
        asked = self._head is not None or self._reader.pending_bytes
        if self._phase is _Phase.READY and not asked and idle_s >= limit_s:
            self._transport.close()
            return
        left_s = limit_s - idle_s if idle_s < limit_s else limit_s
        self._idle_timer = self._loop.call_later(left_s, self._idle)
