"""Reading an answer from the bytes of a connection, with aiohttp's parser, in bounded memory."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aiohttp.http_parser import HttpResponseParser

from hooktail.delivery import target as settings

if TYPE_CHECKING:
    import asyncio

    from aiohttp.client_proto import ResponseHandler
    from aiohttp.http_parser import RawResponseMessage
    from aiohttp.streams import StreamReader

    from hooktail.delivery.outcome import Outcome
    from hooktail.delivery.target import Target

MAX_ANSWER_BYTES = 65_536
"""Of one answer, with its head and the interim ones before it. Who says more is cut off."""

_SWITCHING_PROTOCOLS = 101
_HEAD_END = re.compile(rb"\n\r?\n")


class NoHttpError(Exception):
    """What came is no answer, or has no end."""


class AnswerReader:
    """Reads the answers on one connection, one after the other."""

    __slots__ = (
        "_before",
        "_handler",
        "_loop",
        "_message",
        "_parser",
        "_payload",
        "complete",
        "received",
        "reusable",
    )

    def __init__(self, handler: ResponseHandler, loop: asyncio.AbstractEventLoop) -> None:
        self._handler = handler  # told by the parser's streams to pause; we stop reading before
        self._loop = loop
        self._parser: HttpResponseParser | None = None
        self.restart()

    def restart(self) -> None:
        """Makes ready for the next answer; only behind a complete one."""
        self._message: RawResponseMessage | None = None
        self._payload: StreamReader | None = None
        self._before = b""  # the end of what was fed, while no head is whole
        self.received = 0
        """Bytes of this answer so far."""
        self.complete = False
        """Whether nothing more is to be read of this answer."""
        self.reusable = True
        """Whether another request may follow on the connection."""

    @property
    def answered(self) -> bool:
        """Whether the status is known."""
        return self._message is not None

    def feed(self, data: bytes) -> None:
        """Takes bytes; raises NoHttpError if they are no answer, or one without an end."""
        self.received += len(data)
        if self._parser is None:
            self._parser = HttpResponseParser(
                self._handler,
                self._loop,
                MAX_ANSWER_BYTES,
                read_until_eof=True,
                auto_decompress=False,
            )
        # The parser keeps to itself what it read in the call in which it meets an error: a head is
        # fed apart from what follows it.
        while self._message is None and (head := _HEAD_END.search(self._before + data)):
            end = head.end() - len(self._before)
            self._before = b""
            self._take(data[:end])
            data = data[end:]
            if not data:
                return
        if self._message is None:
            self._before = (self._before + data)[-2:]
        self._take(data)

    def _take(self, data: bytes) -> None:
        assert self._parser is not None  # noqa: S101 - made by the caller
        try:
            messages, upgraded, _ = self._parser.feed_data(data)
        except Exception as error:  # whatever the parser raises, these bytes are the reason
            if self._message is None:
                raise NoHttpError from error
            self.complete, self.reusable = True, False  # the status has judged the event
            return
        for message, payload in messages:
            if self._message is not None:
                self.reusable = False  # an answer that nobody asked for
            elif message.code == _SWITCHING_PROTOCOLS or not 100 <= message.code <= 199:
                self._message, self._payload = message, payload
                self.reusable = not (message.should_close or upgraded)
        if self._payload is not None:
            if self._payload.is_eof() or upgraded:
                self.complete = True
            elif self.received > MAX_ANSWER_BYTES or self._payload.exception() is not None:
                self.complete, self.reusable = True, False
        elif self.received > MAX_ANSWER_BYTES:
            raise NoHttpError

    def judge(self, target: Target) -> Outcome:
        """Says what the answer means, as far as it came; only if `answered`."""
        message, payload = self._message, self._payload
        assert message is not None  # noqa: S101 - asked for only when answered
        assert payload is not None  # noqa: S101 - set together
        body = b""
        if payload.exception() is None:
            body = payload.read_nowait(settings.ANSWER_WORDS_BYTES)
        return target.judge(message.code, message.headers, body)
