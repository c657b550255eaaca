"""The one door to aiohttp: bytes out, an `Outcome` back, and no exception of the library.

The URL holds the account id. It leaves this module in no log, outcome or exception; an answer that
repeats it ("Cannot POST /ID/pixel.png") has it masked first.

A connection that was used before may be closed by the server at the very moment we write to it.
aiohttp never sends a POST again, so we do: once, at once, only on such a connection and only if no
byte of an answer came. The server may have seen the first copy; the `event_id` is there for that.

Connections have a maximum age, because a live one never notices that the name in the URL means
another address now. An old one is closed after its next answer; nothing in flight is touched.
"""

from __future__ import annotations

import asyncio
import random
import ssl
import time
from contextvars import ContextVar
from typing import TYPE_CHECKING, Self
from urllib.parse import quote
from weakref import WeakKeyDictionary

import aiohttp

from hooktail import __version__
from hooktail.delivery.outcome import Misconfigured, Retry, classify
from hooktail.errors import ConfigError, Problem

if TYPE_CHECKING:
    from types import TracebackType

    from aiohttp.client_proto import ResponseHandler
    from aiohttp.tracing import Trace

    from hooktail.config.sections import DestinationSection
    from hooktail.delivery.outcome import Outcome

KEEPALIVE_S = 10.0
"""Idle connections are closed by us first: common servers wait 15 s or longer."""
DNS_CACHE_S = 30
MAX_CONNECTION_AGE_S = 300.0
ANSWER_BYTES = 4096
ANSWER_S = 5.0
"""For the body of an answer. Its status has judged the event by then."""

_reused: ContextVar[bool] = ContextVar("reused", default=False)
"""Whether the current task's request went out on a connection that was used before."""


class _AgingConnector(aiohttp.TCPConnector):
    """Knows which connections were used before, and retires the old ones."""

    def __init__(self, *, limit: int, tls: ssl.SSLContext | None) -> None:
        super().__init__(
            limit=limit,
            keepalive_timeout=KEEPALIVE_S,
            ttl_dns_cache=DNS_CACHE_S,
            ssl=True if tls is None else tls,
        )
        self.max_age_s = MAX_CONNECTION_AGE_S
        self._retire_at: WeakKeyDictionary[ResponseHandler, float] = WeakKeyDictionary()

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - the signature is aiohttp's
    ) -> aiohttp.connector.Connection:
        """Gives a connection, as the library asks for it in the requesting task."""
        connection = await super().connect(req, traces, timeout)
        protocol = connection.protocol
        assert protocol is not None  # noqa: S101 - just acquired
        now = time.monotonic()
        retire_at = self._retire_at.get(protocol)
        _reused.set(retire_at is not None)
        if retire_at is None:
            # Spread, so that connections opened together are not all closed together.
            self._retire_at[protocol] = now + self.max_age_s * random.uniform(0.8, 1.2)
        elif now >= retire_at:
            protocol.force_close()
        return connection


class Sender:
    """Sends events to one destination. An async context; `send` may run in many tasks.

    At most `concurrency` calls of `send` at once: waiting for a connection would count as the
    endpoint's time. Raises ConfigError if `ca_file` cannot be used.
    """

    def __init__(
        self,
        section: DestinationSection,
        *,
        concurrency: int,
        user_agent: str = f"hooktail/{__version__}",
    ) -> None:
        self._section = section
        self._concurrency = concurrency
        self._url = section.url().reveal()
        account_id = section.account_id.reveal()
        self._secrets = {account_id, quote(account_id, safe=""), quote(account_id)} - {""}
        self._headers = {
            "Content-Type": "application/json",
            "User-Agent": user_agent,
            # The first words of an answer are read as they come.
            "Accept-Encoding": "identity",
        }
        secure = self._url[:6].lower() == "https:"
        self._tls = _tls_context(section) if secure else None
        self._session: aiohttp.ClientSession | None = None
        self.silent_retries = 0
        """Events sent again at once after a used connection turned out to be closed."""

    async def __aenter__(self) -> Self:
        section = self._section
        self._session = aiohttp.ClientSession(
            connector=_AgingConnector(limit=self._concurrency, tls=self._tls),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=self._headers,
            auto_decompress=False,
            trust_env=False,
            timeout=aiohttp.ClientTimeout(
                total=section.connect_timeout_s + section.timeout_s,
                sock_connect=section.connect_timeout_s,
                sock_read=section.timeout_s,
            ),
        )
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def send(self, body: bytes) -> Outcome:
        """Posts `body` and judges the answer. Raises nothing but CancelledError (and our bugs)."""
        assert self._session is not None, "used outside its context"  # noqa: S101 - our bug
        _reused.set(False)
        try:
            return await self._post(self._session, body)
        except aiohttp.ClientError as error:
            if not (_reused.get() and _before_any_answer(error)):
                return _translate(error)
        except (TimeoutError, UnicodeError) as error:
            return _translate(error)
        self.silent_retries += 1
        try:
            return await self._post(self._session, body)
        except (aiohttp.ClientError, TimeoutError, UnicodeError) as error:
            return _translate(error)

    async def _post(self, session: aiohttp.ClientSession, body: bytes) -> Outcome:
        response = await session.post(self._url, data=body, allow_redirects=False)
        try:
            answer = await _first_bytes(response)
        finally:
            # Gives the connection back, or closes it if there is more to read.
            response.release()
        status = response.status
        if 200 <= status <= 299:
            return classify(status, {}, b"", 0.0)
        headers = {}
        if (retry_after := response.headers.get("Retry-After")) is not None:
            headers["Retry-After"] = retry_after
        if (location := response.headers.get("Location")) is not None:
            headers["Location"] = self._mask(location)
        text = self._mask(answer.decode("utf-8", "replace"))
        return classify(status, headers, text.encode(), time.time())

    def _mask(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text


async def _first_bytes(response: aiohttp.ClientResponse) -> bytes:
    """Reads a little of the body. What goes wrong here no longer matters: the status is known."""
    content = response.content
    answer = b""
    try:
        if content.is_eof():  # came together with the head, as most do
            return content.read_nowait(ANSWER_BYTES)
        async with asyncio.timeout(ANSWER_S):
            while len(answer) < ANSWER_BYTES and not content.at_eof():
                answer += await content.read(ANSWER_BYTES - len(answer))
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


def _translate(error: aiohttp.ClientError | TimeoutError | UnicodeError) -> Outcome:
    """Says in our words what went wrong, the special before the general."""
    match error:
        case aiohttp.ClientConnectorCertificateError(certificate_error=cause):
            return Misconfigured("tls", None, _tls_words(cause))
        case aiohttp.ClientSSLError(os_error=cause):
            if isinstance(cause, ssl.SSLEOFError | ssl.SSLZeroReturnError | ssl.SSLSyscallError):
                return Retry("connect")  # hung up in the middle of a handshake
            return Misconfigured("tls", None, _tls_words(cause))
        case aiohttp.ServerFingerprintMismatch():
            return Misconfigured("tls", None, "")
        case aiohttp.InvalidURL() | UnicodeError():
            return Misconfigured("url", None, "")
        case aiohttp.ConnectionTimeoutError():
            return Retry("connect_timeout")
        case TimeoutError():
            return Retry("timeout")
        case aiohttp.ClientConnectorDNSError():
            return Retry("dns")
        case aiohttp.ClientConnectorError():
            return Retry("connect")
        case aiohttp.ClientConnectionError() | aiohttp.ClientPayloadError():
            return Retry("disconnected")
        case _:
            return Retry("protocol")


def _tls_words(cause: Exception) -> str:
    """Returns why a handshake failed; OpenSSL's words name hosts and issuers, never a URL."""
    if isinstance(cause, ssl.SSLCertVerificationError):
        return cause.verify_message
    return getattr(cause, "reason", None) or type(cause).__name__


def _tls_context(section: DestinationSection) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=section.ca_file)
    except (OSError, ssl.SSLError) as error:
        problem = Problem(
            file=str(section.ca_file),
            key=f"destination.{section.name}.ca_file",
            message=f"cannot be used: {error.strerror or error}",
            allowed="a readable file of PEM certificates",
        )
        raise ConfigError([problem]) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
