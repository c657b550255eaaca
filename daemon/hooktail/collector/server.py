"""The stand-in endpoint on a socket: judges each POST, records it, answers or misbehaves."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from hooktail.collector import answer
from hooktail.collector.connection import Connection, Reply
from hooktail.collector.misbehave import Fault, Kind, Plan
from hooktail.collector.record import Received, Recorder
from hooktail.collector.validate import Examined, examine
from hooktail.errors import CannotWriteError

if TYPE_CHECKING:
    from collections.abc import Callable

    from hooktail.collector.wire import Head, WireError

STDOUT = Path("-")
_RECEIVE_BYTES = 262_144
_BACKLOG = 2048
_SILENT = (Kind.STALL, Kind.GARBAGE, Kind.RESET_AFTER)
"""These give no status; of them only the last has taken the event."""
_LOSING = (Kind.STATUS, Kind.STALL, Kind.GARBAGE)


@dataclass(slots=True)
class Counts:
    """`requests == accepted + refused + those lost to a fault`, but for requests half read.

    `failed` counts every fault by its label, also those (delay, drip, close, reset-after) after
    which the event was accepted.
    """

    requests: int = 0
    accepted: int = 0
    refused: int = 0
    failed: dict[str, int] = field(default_factory=dict)
    connections: int = 0
    """Opened since the start."""


class Collector:
    """Stands in for the pixel endpoint. Everything runs on the loop that called `start`.

    Args:
        plan: how to misbehave; `plan` may be replaced at any time.
        record: appends an NDJSON line per POST read whole; `Path("-")` is standard output.
        keep: keeps what came in `received`, without bound: for tests.
        on_event: called for each POST read whole, before it is answered.
        idle_close_s: closes connections on which nothing came for so long.
        account: the only account that there is; without it any will do.
    """

    def __init__(
        self,
        *,
        plan: Plan | None = None,
        record: Path | None = None,
        keep: bool = False,
        on_event: Callable[[Received], None] | None = None,
        idle_close_s: float | None = None,
        account: str | None = None,
    ) -> None:
        self.plan = plan or Plan()
        self.on_event = on_event
        self.idle_close_s = idle_close_s
        self.account = account
        self.counts = Counts()
        self.received: list[Received] = []
        self._keep = keep
        self._record = record
        self._recorder: Recorder | None = None
        self._server: asyncio.Server | None = None
        self._connections: set[Connection] = set()
        self._dirty: list[Connection] = []
        self._turn_ends = False
        self._read = 0
        self._broken: asyncio.Future[Exception] | None = None
        self._all_left: asyncio.Event = asyncio.Event()

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> tuple[str, int]:
        """Listens, and returns the address; port 0 takes any free one.

        Raises:
            CannotWriteError: the address is in use or not ours, or the record cannot be opened.
        """
        self._loop = asyncio.get_running_loop()
        self._broken = self._loop.create_future()
        if self._record is not None:
            self._recorder = Recorder(None if self._record == STDOUT else self._record)
        receive = bytearray(_RECEIVE_BYTES)
        try:
            self._server = await self._loop.create_server(
                lambda: Connection(self, receive), host, port, backlog=_BACKLOG
            )
        except OSError as error:
            self._close_recorder()
            # asyncio wraps the kernel's words in a sentence of its own
            number = error.errno or 0
            why = os.strerror(number) if number > 0 else str(error)
            raise CannotWriteError(f"cannot listen on {host} port {port}: {why}") from error
        bound: tuple[str, int] = self._server.sockets[0].getsockname()[:2]
        return bound

    async def stop(self) -> None:
        """Writes what was received, closes every connection and the socket; may be repeated."""
        if self._server is None:
            return
        server, self._server = self._server, None
        server.close()
        self._end_turn()
        await asyncio.sleep(0)  # connections just accepted are made in the next turn
        for connection in self._connections:
            connection.abort()
        while self._connections:
            self._all_left.clear()
            await self._all_left.wait()
        await server.wait_closed()
        self._close_recorder()

    async def run(self) -> None:
        """Serves until cancelled.

        Raises:
            CannotWriteError: the record can no longer be written; nothing was answered since.
            BrokenPipeError: the record is standard output, and its reader has gone.
        """
        if self._broken is None:
            raise RuntimeError("run() before start()")
        raise await asyncio.shield(self._broken)

    # What a connection asks

    def joined(self, connection: Connection) -> None:
        """Counts a connection."""
        self.counts.connections += 1
        self._connections.add(connection)
        if self._server is None:
            connection.abort()

    def left(self, connection: Connection) -> None:
        """Forgets a connection."""
        self._connections.discard(connection)
        if not self._connections:
            self._all_left.set()

    def dirty(self, connection: Connection) -> None:
        """Has the connection's answers sent at the end of this turn of the loop."""
        self._dirty.append(connection)
        self._end_turn_soon()

    def choose(self, head: Head) -> Fault | None:
        """Counts a request and chooses its fault; only a POST of an event can have one."""
        if _is_stats(head):
            return None
        self.counts.requests += 1
        if head.method != "POST" or not _is_pixel(head.path):
            return None
        fault = self.plan.choose(self._loop.time())
        if fault is not None:
            self.counts.failed[fault.label] = self.counts.failed.get(fault.label, 0) + 1
        return fault

    def take(self, head: Head, body: bytes, fault: Fault | None) -> Reply:
        """Judges a request read whole, records it if it is a POST, and returns the answer."""
        if _is_stats(head):
            stats = orjson.dumps(asdict(self.counts))
            return Reply(answer.answer(200, stats, keep_alive=head.keep_alive), head.keep_alive)
        status, examined = _judge(head, body, self.account)
        accepted = status == 200 and (fault is None or fault.kind not in _LOSING)
        if accepted:
            self.counts.accepted += 1
        elif fault is None or fault.kind not in _LOSING:
            self.counts.refused += 1
        if head.method == "POST":
            self._receive(head, body, status, examined, fault, accepted=accepted)
        if fault is not None and fault.kind is Kind.STATUS:
            return Reply(_failing(fault, keep_alive=head.keep_alive), head.keep_alive)
        if status == 200:
            return Reply(answer.good(keep_alive=head.keep_alive), head.keep_alive)
        text = answer.error(status, "; ".join(examined.problems), keep_alive=head.keep_alive)
        if head.method == "HEAD":
            text = text.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
        return Reply(text, head.keep_alive)

    def refuse(self, error: WireError, *, chosen: bool) -> Reply:
        """Counts a request that cannot be framed, unless `choose` did; returns the answer."""
        self.counts.requests += not chosen
        self.counts.refused += 1
        return Reply(answer.error(error.status, error.message, keep_alive=False), keep_alive=False)

    def _receive(
        self,
        head: Head,
        body: bytes,
        status: int,
        examined: Examined,
        fault: Fault | None,
        *,
        accepted: bool,
    ) -> None:
        said: int | str = status
        if fault is not None and fault.kind in _SILENT:
            said = fault.label
        elif fault is not None and fault.kind is Kind.STATUS:
            said = fault.status
        self._read += 1
        received = Received(
            n=self._read,
            time=time.time(),
            path=head.path,
            body=body,
            is_json=examined.is_json,
            json=examined.value,
            problems=examined.problems,
            answer=said,
            fault=None if fault is None else fault.label,
            accepted=accepted,
        )
        if self._recorder is not None:
            self._recorder.add(received)
            self._end_turn_soon()  # a stall sends nothing, and is recorded all the same
        if self._keep:
            self.received.append(received)
        if self.on_event is not None:
            self.on_event(received)

    def _end_turn_soon(self) -> None:
        if not self._turn_ends:
            self._turn_ends = True
            self._loop.call_soon(self._end_turn)

    def _end_turn(self) -> None:
        self._turn_ends = False
        dirty, self._dirty = self._dirty, []
        if self._recorder is not None:
            try:
                self._recorder.flush()
            except (CannotWriteError, BrokenPipeError) as error:
                self._break(error)
                return
        for connection in dirty:
            connection.flush()

    def _break(self, error: Exception) -> None:
        """Serves nobody any more: what cannot be recorded must not be answered."""
        if self._broken is not None and not self._broken.done():
            self._broken.set_result(error)
        if self._server is not None:
            self._server.close()
        for connection in self._connections:
            connection.abort()

    def _close_recorder(self) -> None:
        if self._recorder is not None:
            self._recorder.close()
            self._recorder = None


def _is_stats(head: Head) -> bool:
    return head.path == "/stats" and head.method == "GET"


def _is_pixel(path: str) -> bool:
    account, _, rest = path[1:].partition("/")
    return bool(account) and rest == "pixel.png"


def _judge(head: Head, body: bytes, account: str | None) -> tuple[int, Examined]:
    """Returns the status a well-behaved endpoint would give, and what it read."""
    examined = examine(body)
    if not _is_pixel(head.path):
        return 404, _but(examined, "path: must be /ACCOUNT/pixel.png")
    if account is not None and head.path[1:].partition("/")[0] != account:
        return 404, _but(examined, "path: no such account")
    if head.method != "POST":
        return 405, _but(examined, "method: must be POST")
    if head.content_type != "application/json":
        return 415, _but(examined, "Content-Type: must be application/json")
    return 400 if examined.problems else 200, examined


def _but(examined: Examined, problem: str) -> Examined:
    return examined._replace(problems=[problem])


def _failing(fault: Fault, *, keep_alive: bool) -> bytes:
    headers: tuple[tuple[str, str], ...] = ()
    if fault.retry_after_s is not None:
        date_from = time.time() if fault.retry_after_date else None
        headers = answer.retry_after(fault.retry_after_s, date_from)
    if fault.status < 400:
        headers = (*headers, ("Location", "/elsewhere/pixel.png"))
    return answer.error(fault.status, f"{fault.label} on request", headers, keep_alive=keep_alive)
