"""Many requests at once on connections of our own, at a tenth of what aiohttp's client costs.

    start ─► idle connection ─────► Connection ─► finished ─► outcomes ─► on_outcomes, once a turn
      └────► waiting ─► connect ─────┘                                     of the event loop

aiohttp's connector opens connections (names, addresses, TLS, proxy) and its parser reads answers;
between them there is no task, future or timer for a request. One timer sweeps over all connections
for what is late, idle for long or not really closed.

A request on a used connection that is lost before any byte of an answer goes out once more, at
once, on a new connection: the server had closed the old one at that very moment, and may even have
seen the first copy. The `event_id` is there for that.

The last answer that accepted an event, came in one piece and kept its connection is remembered: the
same bytes again mean the same, and are not parsed. Within one second a server often says the same
to the last byte.
"""

from __future__ import annotations

import asyncio
import inspect
import random
from collections import deque
from typing import TYPE_CHECKING, Generic, cast

import aiohttp
from aiohttp import http_parser
from aiohttp.client_proto import ResponseHandler
from yarl import URL

from hooktail.delivery import target as settings
from hooktail.delivery.answers import AnswerReader, NoHttpError
from hooktail.delivery.connection import Connection
from hooktail.delivery.lane import P
from hooktail.delivery.outcome import Retry
from hooktail.delivery.trouble import translate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hooktail.delivery.lane import OnOutcomes
    from hooktail.delivery.outcome import Outcome
    from hooktail.delivery.target import Target

BUFFER_BYTES = 65_536
CLOSE_S = 5.0
"""After it a connection that will not close is hung up."""
GOODBYE_S = 1.0
"""The same at the very end."""
SWEEPS_PER_TIMEOUT = 16
_LEAST_SWEEP_S, _MOST_SWEEP_S = 0.01, 1.0

_LEANED_ON = (
    (aiohttp.TCPConnector.connect, ("req", "traces", "timeout")),
    (aiohttp.ClientRequest.__init__, ("method", "url", "headers", "loop", "ssl", "proxy")),
    (ResponseHandler.is_connected, ("self",)),
    (ResponseHandler.connection_lost, ("self",)),
)
"""Not all of it is promised by aiohttp; see `missing`."""


class FastLane(Generic[P]):
    """See the module. `aclose` after `stop`."""

    def __init__(self, target: Target, on_outcomes: OnOutcomes[P], *, limit: int) -> None:
        self.target = target
        self.limit = limit
        self.head = b""
        self.known = b""
        self.buffer = bytearray(BUFFER_BYTES)
        self.silent_retries = 0
        """Parcels sent again at once after a used connection turned out to be closed."""
        self._on_outcomes = on_outcomes
        self._loop = asyncio.get_running_loop()
        self._broken: asyncio.Future[None] = self._loop.create_future()
        self._connector = aiohttp.TCPConnector(
            limit=0,
            force_close=True,
            ttl_dns_cache=settings.DNS_CACHE_S,
            ssl=True if target.tls is None else target.tls,
        )
        self._timeout = aiohttp.ClientTimeout(sock_connect=target.connect_timeout_s)
        self._request: aiohttp.ClientRequest | None = None
        self._connections: set[Connection] = set()
        self._idle: dict[Connection, None] = {}
        self._closing: dict[Connection, float] = {}
        self._connecting: set[asyncio.Task[None]] = set()
        self._waiting: deque[P] = deque()
        self._again: deque[P] = deque()
        """What waits for a connection that nobody has used."""
        self._outcomes: list[tuple[P, Outcome]] = []
        self._sweeper: asyncio.TimerHandle | None = None
        self._sweep_s = min(
            max(target.timeout_s / SWEEPS_PER_TIMEOUT, _LEAST_SWEEP_S), _MOST_SWEEP_S
        )

    # -- what the destination sees

    def start(self, parcels: Sequence[P]) -> None:
        """Sends parcels, each on an idle connection or the next that is free or new."""
        now = self._loop.time()
        deadline = now + self.target.timeout_s
        idle = self._idle
        for parcel in parcels:
            while idle:
                connection = idle.popitem()[0]
                if not connection.closing:
                    connection.post(parcel, now, deadline)
                    break
            else:
                self._waiting.append(parcel)
        if self._waiting:
            self._connect()
        if self._sweeper is None:
            self._sweeper = self._loop.call_later(self._sweep_s, self._sweep)

    def retarget(self, target: Target) -> None:
        """Sends to another account from now on; all else of the target is the same."""
        self.target = target
        try:
            self._request = request_of(target, self._loop)
            self.head = head_of(self._request)
        except aiohttp.InvalidURL:
            self._request = None  # said when a connection is opened
        self.known = b""
        # The account may be part of the host's name.
        for connection in [*self._idle]:
            self._drop(connection)
        self._idle.clear()

    async def run(self) -> None:
        """Waits until cancelled; raises what a bug raised."""
        await self._broken

    def stop(self) -> list[P]:
        """Hands over the outcomes that are known, hangs up and returns the other parcels."""
        self._hand_over()
        parcels = [*self._again, *self._waiting]
        self._again.clear()
        self._waiting.clear()
        for task in self._connecting:
            task.cancel()
        for connection in [*self._connections]:
            if connection.parcel is not None:
                parcels.append(cast("P", connection.parcel))
                connection.parcel = None
                connection.abort()
            else:
                self._drop(connection)
        self._idle.clear()
        return parcels

    async def aclose(self) -> None:
        """Closes what is idle, politely for a moment."""
        self.stop()
        await asyncio.gather(*self._connecting, return_exceptions=True)
        ends_at = self._loop.time() + GOODBYE_S
        while self._connections or self._closing:
            if self._loop.time() >= ends_at:
                for connection in (*self._connections, *self._closing):
                    connection.abort()
                ends_at = float("inf")
            await asyncio.sleep(_LEAST_SWEEP_S)
        if self._sweeper is not None:
            self._sweeper.cancel()
        await self._connector.close()

    # -- what a connection tells

    def finished(self, connection: Connection, outcome: Outcome, *, keep: bool) -> None:
        """Notes an outcome and finds the next work for the connection."""
        if not self._outcomes:
            self._loop.call_soon(self._flush)
        self._outcomes.append((cast("P", connection.parcel), outcome))
        connection.parcel = None
        if not keep or len(self._connections) > self.limit:
            self._drop(connection)
        elif self._waiting:
            now = self._loop.time()
            connection.post(self._waiting.popleft(), now, now + self.target.timeout_s)
        else:
            self._idle[connection] = None

    def lost(self, connection: Connection) -> None:
        """Forgets a connection; what was on it is sent once more."""
        if connection.parcel is not None:
            self._again.append(cast("P", connection.parcel))
            connection.parcel = None
            self.silent_retries += 1
        self._connections.discard(connection)
        self._idle.pop(connection, None)
        self._closing.pop(connection, None)
        self._connect()

    def broke(self, error: BaseException) -> None:
        """Has `run` raise."""
        if not self._broken.done():
            self._broken.set_exception(error)

    # -- outcomes

    def _flush(self) -> None:
        try:
            self._hand_over()
        except BaseException as error:
            self.broke(error)
            raise

    def _hand_over(self) -> None:
        if self._outcomes:
            outcomes, self._outcomes = self._outcomes, []
            self._on_outcomes(outcomes)

    def _fail(self, parcel: P, outcome: Outcome) -> None:
        if not self._outcomes:
            self._loop.call_soon(self._flush)
        self._outcomes.append((parcel, outcome))

    # -- opening and closing

    def _connect(self) -> None:
        """Opens as many connections as there are parcels without one, and room."""
        needed = len(self._waiting) + len(self._again) - len(self._connecting)
        room = self.limit - len(self._connections) - len(self._connecting)
        # A connection that was lost left room, unless the limit was lowered: never wait for that.
        room = max(room, len(self._again) - len(self._connecting))
        if not self._connections and not self._connecting:
            room = max(room, 1)
        for _ in range(min(needed, room)):
            task = self._loop.create_task(self._open(), name="connect")
            self._connecting.add(task)
            task.add_done_callback(self._opened)

    def _opened(self, task: asyncio.Task[None]) -> None:
        self._connecting.discard(task)
        if task.cancelled():
            return
        if error := task.exception():
            self.broke(error)
        else:
            self._connect()

    async def _open(self) -> None:
        """Opens one connection and sends on it, or lets one parcel fail."""
        outcome: Outcome
        try:
            async with asyncio.timeout(self.target.total_s) as patience:
                if self._request is None:
                    self._request = request_of(self.target, self._loop)
                    self.head = head_of(self._request)
                link = await self._connector.connect(self._request, [], self._timeout)
        except TimeoutError:
            outcome = Retry("timeout" if patience.expired() else "connect_timeout")
        except (aiohttp.ClientError, UnicodeError) as error:
            outcome = translate(error)
        else:
            handler = link.protocol
            if handler is not None and handler.is_connected() and not handler.should_close:
                self._adopt(link)
                return
            talks = handler is not None and handler.is_connected()
            link.close()
            outcome = Retry("protocol" if talks else "disconnected")
        if self._again or self._waiting:
            self._fail((self._again or self._waiting).popleft(), outcome)

    def _adopt(self, link: aiohttp.connector.Connection) -> None:
        now = self._loop.time()
        spread = random.uniform(1 - settings.AGE_SPREAD, 1 + settings.AGE_SPREAD)
        retire_at = now + settings.MAX_CONNECTION_AGE_S * spread
        connection = Connection(self, link, self._loop, retire_at)
        self._connections.add(connection)
        if parcels := self._again or self._waiting:
            connection.post(parcels.popleft(), now, now + self.target.timeout_s)
        else:  # its parcel has found another
            self._idle[connection] = None

    def _drop(self, connection: Connection) -> None:
        """Closes a connection without a parcel; it counts no more, but is not forgotten."""
        self._connections.discard(connection)
        if len(self._closing) >= max(self.limit, 1):
            next(iter(self._closing)).abort()
        self._closing[connection] = self._loop.time() + CLOSE_S
        connection.close()
        if self._waiting:
            self._connect()

    def _sweep(self) -> None:
        """Ends what is late, closes what was idle for long, hangs up what does not close."""
        try:
            now = self._loop.time()
            for connection in [*self._connections]:
                if connection.parcel is not None:
                    if connection.deadline <= now:
                        connection.expire()
                elif not connection.idle_since:
                    connection.idle_since = now
                elif now - connection.idle_since >= settings.KEEPALIVE_S:
                    self._idle.pop(connection, None)
                    self._drop(connection)
            for connection, hang_up_at in [*self._closing.items()]:
                if hang_up_at <= now:
                    connection.abort()
        except BaseException as error:
            self.broke(error)
            raise
        if self._connections or self._closing or self._connecting:
            self._sweeper = self._loop.call_later(self._sweep_s, self._sweep)
        else:
            self._sweeper = None


def request_of(target: Target, loop: asyncio.AbstractEventLoop) -> aiohttp.ClientRequest:
    """Makes the request that aiohttp would make; it tells the connector where to, too."""
    try:
        url = URL(target.url)
    except ValueError:
        raise aiohttp.InvalidURL("***") from None  # the message would repeat the account id
    return aiohttp.ClientRequest(
        "POST",
        url,
        headers=target.headers,
        loop=loop,
        ssl=True if target.tls is None else target.tls,
        proxy=None if target.proxy is None else URL(target.proxy),
    )


def head_of(request: aiohttp.ClientRequest) -> bytes:
    """Returns the head of a request up to the value of its `Content-Length`."""
    lines = [f"POST {request.url.raw_path_qs} HTTP/1.1"]
    lines += [
        f"{name}: {value}"
        for name, value in request.headers.items()
        if name.lower() != "content-length"
    ]
    return "\r\n".join([*lines, "Content-Length: "]).encode()


def missing(loop: asyncio.AbstractEventLoop) -> str:
    """Says what of aiohttp is not as this module needs it, or nothing.

    Asked once at the start: without it the plain lane sends.
    """
    in_c = getattr(http_parser, "HttpResponseParserC", None)
    if http_parser.HttpResponseParser is not in_c:
        return "the parser in C"
    try:
        for function, names in _LEANED_ON:
            unknown = set(names) - set(inspect.signature(function).parameters)
            if unknown:
                return f"{function.__qualname__}({', '.join(sorted(unknown))})"
        for owner, attribute in (
            (aiohttp.connector.Connection, "protocol"),
            (aiohttp.connector.Connection, "transport"),
            (ResponseHandler, "should_close"),
        ):
            if not isinstance(getattr(owner, attribute), property):
                return f"{owner.__qualname__}.{attribute}"
        reader = AnswerReader(ResponseHandler(loop), loop)
        reader.feed(b"HTTP/1.1 204 No Content\r\n\r\n")
    except (AttributeError, TypeError, ValueError, NoHttpError) as error:
        return str(error)
    return "" if reader.complete and reader.reusable else "the parser as it was"
