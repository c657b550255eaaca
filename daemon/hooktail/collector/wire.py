"""Reads HTTP/1.1 requests from bytes, however they are cut. No IO, no clock.

Feed bytes, then ask for a head, then for its body, and again: requests may follow one another in
one piece of bytes (pipelining). A request that cannot be framed raises `WireError`; nothing can be
read behind it.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

MAX_HEAD_BYTES = 16_384
MAX_BODY_BYTES = 65_536
_MAX_CHUNK_LINE_BYTES = 256

_REQUEST_LINE = re.compile(
    rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([\x21-\x7e\x80-\xff]+) HTTP/([0-9])\.([0-9])"
)
_HEADER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\x00\r\n]*?)[ \t]*")
_CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\x00\r\n]*)?")


class WireError(Exception):
    """A request that cannot be framed; `status` is the answer before the connection closes."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class Head(NamedTuple):
    """What a request's head says, as far as anyone here asks."""

    method: str
    path: str
    """Without the query."""
    content_type: str
    """Media type, lower-case, without parameters; `""` if absent."""
    length: int | None
    """Length of the body in bytes; None if it is chunked."""
    keep_alive: bool
    expects_continue: bool


class RequestReader:
    """Cuts the bytes of one connection into requests."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._at = 0
        self._head: Head | None = None
        self._chunks: list[bytes] = []
        self._chunked_bytes = 0
        self._in_trailers = False

    @property
    def pending_bytes(self) -> int:
        """Bytes fed and not yet taken."""
        return len(self._buffer) - self._at

    def feed(self, piece: bytes | memoryview) -> None:
        """Takes the next bytes of the connection."""
        if self._at:
            del self._buffer[: self._at]
            self._at = 0
        self._buffer += piece

    def head(self) -> Head | None:
        """Returns the next request's head, None if more bytes are needed.

        Raises:
            WireError: the head is malformed, too long, or announces too long a body.
        """
        while self._buffer.startswith(b"\r\n", self._at):  # RFC 9112, section 2.2
            self._at += 2
        end = self._buffer.find(b"\r\n\r\n", self._at, self._at + MAX_HEAD_BYTES)
        if end < 0:
            if self.pending_bytes >= MAX_HEAD_BYTES:
                raise WireError(431, f"the head is longer than {MAX_HEAD_BYTES} bytes")
            first = self._buffer[self._at : self._at + 1]
            if not (first.isalpha() or b"\r".startswith(first)):
                raise WireError(400, "this is no HTTP; is it TLS?")
            return None
        head = _parse_head(bytes(self._buffer[self._at : end]))
        self._at = end + 4
        self._head = head
        return head

    def body(self) -> bytes | None:
        """Returns the body of the head last returned, None if more bytes are needed.

        Raises:
            WireError: the chunks are malformed or too many.
        """
        if self._head is None:
            return None
        if self._head.length is None:
            return self._chunked_body()
        end = self._at + self._head.length
        if len(self._buffer) < end:
            return None
        body = bytes(self._buffer[self._at : end])
        self._at = end
        self._head = None
        return body

    def _chunked_body(self) -> bytes | None:
        while not self._in_trailers:
            line = self._chunk_line()
            if line is None:
                return None
            match = _CHUNK_LINE.fullmatch(line)
            if match is None:
                raise WireError(400, "malformed chunk size")
            size = int(match[1], 16)
            if self._chunked_bytes + size > MAX_BODY_BYTES:
                raise _too_long()
            if size == 0:
                self._in_trailers = True
                break
            start = self._at + len(line) + 2
            if len(self._buffer) < start + size + 2:
                return None
            if self._buffer[start + size : start + size + 2] != b"\r\n":
                raise WireError(400, "a chunk is longer than its size")
            self._chunks.append(bytes(self._buffer[start : start + size]))
            self._chunked_bytes += size
            self._at = start + size + 2
        # The last chunk's line is taken together with the trailers, which end at an empty line.
        end = self._buffer.find(b"\r\n\r\n", self._at, self._at + MAX_HEAD_BYTES)
        if end < 0:
            if self.pending_bytes >= MAX_HEAD_BYTES:
                raise WireError(431, f"the trailers are longer than {MAX_HEAD_BYTES} bytes")
            return None
        self._at = end + 4
        body = b"".join(self._chunks)
        self._head, self._chunks, self._chunked_bytes, self._in_trailers = None, [], 0, False
        return body

    def _chunk_line(self) -> bytes | None:
        end = self._buffer.find(b"\r\n", self._at, self._at + _MAX_CHUNK_LINE_BYTES)
        if end < 0:
            if self.pending_bytes >= _MAX_CHUNK_LINE_BYTES:
                raise WireError(400, "malformed chunk size")
            return None
        return bytes(self._buffer[self._at : end])


@lru_cache(1024)  # one client's heads differ only in their length
def _parse_head(head: bytes) -> Head:
    first, *lines = head.split(b"\r\n")
    request = _REQUEST_LINE.fullmatch(first)
    if request is None:
        raise WireError(400, "malformed request line")
    if request[3] != b"1":
        raise WireError(505, "only HTTP/1.0 and HTTP/1.1 are spoken here")
    modern = request[4] != b"0"
    headers: dict[str, str] = {}
    for line in lines:
        match = _HEADER.fullmatch(line)
        if match is None:
            raise WireError(400, "malformed header line")
        name, value = match[1].decode("ascii").lower(), match[2].decode("latin-1")
        if name in headers:
            if name in ("content-length", "host", "transfer-encoding"):
                raise WireError(400, f"more than one {name}")
            value = f"{headers[name]}, {value}"
        headers[name] = value
    if modern and "host" not in headers:
        raise WireError(400, "HTTP/1.1 needs a Host header")
    expect = headers.get("expect", "").lower()
    if expect not in ("", "100-continue"):
        raise WireError(417, "only 100-continue can be expected")
    method = request[1].decode("ascii")
    connection = [word.strip() for word in headers.get("connection", "").lower().split(",")]
    return Head(
        method=method,
        path=_path(request[2].decode("latin-1")),
        content_type=headers.get("content-type", "").split(";")[0].strip().lower(),
        length=_length(method, headers),
        keep_alive="close" not in connection if modern else "keep-alive" in connection,
        expects_continue=modern and bool(expect),
    )


def _path(target: str) -> str:
    if not target.startswith("/"):  # absolute form: http://host/path
        target = "/" + target.partition("://")[2].partition("/")[2]
    return target.partition("?")[0]


def _length(method: str, headers: dict[str, str]) -> int | None:
    coding, length = headers.get("transfer-encoding"), headers.get("content-length")
    if coding is not None:
        if length is not None:
            raise WireError(400, "both Content-Length and Transfer-Encoding")
        if coding.lower() != "chunked":
            raise WireError(501, "the only transfer coding known here is chunked")
        return None
    if length is None:
        if method == "POST":
            raise WireError(411, "a POST needs Content-Length or chunks")
        return 0
    if not (length.isascii() and length.isdigit()):
        raise WireError(400, "Content-Length is no number")
    if len(length) > 18 or int(length) > MAX_BODY_BYTES:
        raise _too_long()
    return int(length)


def _too_long() -> WireError:
    return WireError(413, f"the body is longer than {MAX_BODY_BYTES} bytes")
