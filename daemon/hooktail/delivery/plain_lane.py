"""Sending with aiohttp's own client: what everybody uses, and what the fast lane is measured by.

A connection that was used before may be closed by the server at the very moment we write to it.
aiohttp never sends a POST again, so we do: once, at once, only on such a connection and only if no
byte of an answer came. The server may have seen the first copy; the `event_id` is there for that.

Connections have a maximum age, because a live one never notices that the name in the URL means
another address now. An old one is closed after its next answer; nothing in flight is touched.
"""

from __future__ import annotations

import asyncio
import random
import time
from contextvars import ContextVar
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import aiohttp

from hooktail.delivery import target as settings
from hooktail.delivery.trouble import translate

if TYPE_CHECKING:
    from aiohttp.client_proto import ResponseHandler
    from aiohttp.tracing import Trace

    from hooktail.delivery.outcome import Outcome
    from hooktail.delivery.target import Target

_reused: ContextVar[bool] = ContextVar("reused", default=False)
"""Whether the current task's request went out on a connection that was used before."""


class _AgingConnector(aiohttp.TCPConnector):
    """Knows which connections were used before, and retires the old ones."""

    def __init__(self, target: Target, *, limit: int) -> None:
        super().__init__(
            limit=limit,
            keepalive_timeout=settings.KEEPALIVE_S,
            ttl_dns_cache=settings.DNS_CACHE_S,
            ssl=True if target.tls is None else target.tls,
        )
        self._retire_at: WeakKeyDictionary[ResponseHandler, float] = WeakKeyDictionary()

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - the signature is aiohttp's
    ) -> aiohttp.connector.Connection:
        """Gives a connection, as the library asks for it in the requesting task."""
        while True:
            connection = await super().connect(req, traces, timeout)
            protocol = connection.protocol
            assert protocol is not None  # noqa: S101 - just acquired
            if not protocol.should_close:
                break
            connection.close()  # the server said something that nobody had asked for
        now = time.monotonic()
        retire_at = self._retire_at.get(protocol)
        _reused.set(retire_at is not None)
        if retire_at is None:
            spread = random.uniform(1 - settings.AGE_SPREAD, 1 + settings.AGE_SPREAD)
            self._retire_at[protocol] = now + settings.MAX_CONNECTION_AGE_S * spread
        elif now >= retire_at:
            protocol.force_close()
        return connection


class PlainLane:
    """Sends one body at a time per call of `send`; at most `connections` calls at once.

    With more, waiting for a connection would count as the endpoint's time.
    """

    def __init__(self, target: Target, *, connections: int) -> None:
        self._target = target
        self._session = aiohttp.ClientSession(
            connector=_AgingConnector(target, limit=connections),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=target.headers,
            auto_decompress=False,
            trust_env=False,
            timeout=aiohttp.ClientTimeout(
                total=target.total_s,
                sock_connect=target.connect_timeout_s,
                sock_read=target.timeout_s,
            ),
        )
        self.silent_retries = 0
        """Events sent again at once after a used connection turned out to be closed."""

    def retarget(self, target: Target) -> None:
        """Sends to another account from now on; all else of the target is the same."""
        self._target = target

    async def aclose(self) -> None:
        """Closes all connections."""
        await self._session.close()

    async def send(self, body: bytes) -> Outcome:
        """Posts `body` and judges the answer. Raises nothing but CancelledError (and our bugs)."""
        _reused.set(False)
        try:
            return await self._post(body)
        except aiohttp.ClientError as error:
            if not (_reused.get() and _before_any_answer(error)):
                return translate(error)
        except (TimeoutError, UnicodeError) as error:
            return translate(error)
        self.silent_retries += 1
        try:
            return await self._post(body)
        except (aiohttp.ClientError, TimeoutError, UnicodeError) as error:
            return translate(error)

    async def _post(self, body: bytes) -> Outcome:
        target = self._target
        response = await self._session.post(
            target.url, data=body, allow_redirects=False, proxy=target.proxy
        )
        try:
            answer = await _first_bytes(response)
        finally:
            # Gives the connection back, or closes it if there is more to read.
            response.release()
        return target.judge(response.status, response.headers, answer)


async def _first_bytes(response: aiohttp.ClientResponse) -> bytes:
    """Reads a little of the body. What goes wrong here no longer matters: the status is known."""
    content = response.content
    most = settings.ANSWER_WORDS_BYTES
    answer = b""
    try:
        if content.is_eof():  # came together with the head, as most do
            return content.read_nowait(most)
        async with asyncio.timeout(settings.ANSWER_S):
            while len(answer) < most and not content.at_eof():
                answer += await content.read(most - len(answer))
    except (aiohttp.ClientError, TimeoutError, OSError):
        response.close()
    return answer


def _before_any_answer(error: aiohttp.ClientError) -> bool:
    """Tells whether a connection that stood was lost with no byte of an answer."""
    if isinstance(error, aiohttp.ServerDisconnectedError):
        # Otherwise it carries the part of the answer that came.
        return isinstance(error.message, str)
    if isinstance(error, aiohttp.ClientConnectorError):
        return False
    return isinstance(error, aiohttp.ClientOSError | aiohttp.ClientConnectionResetError)
