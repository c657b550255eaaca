"""The bytes of the answers. No IO, no clock."""

from __future__ import annotations

from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus

import orjson

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000b4944415478da636000020000050001e9fadcd80000000049454e44ae426082"
)
"""A transparent PNG of one pixel."""

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
GARBAGE = b"\x16\x03\x01\x00\xff no HTTP is spoken here \x00\xfe\xff\r\n\r\n"
_NO_BODY = (204, 304)


@lru_cache(256)
def answer(
    status: int,
    body: bytes = b"",
    content_type: str = "application/json",
    headers: tuple[tuple[str, str], ...] = (),
    *,
    keep_alive: bool = True,
) -> bytes:
    """Returns a whole HTTP/1.1 answer."""
    lines = [f"HTTP/1.1 {status} {_phrase(status)}"]
    if status not in _NO_BODY:
        lines += [f"Content-Type: {content_type}", f"Content-Length: {len(body)}"]
    else:
        body = b""
    lines += ["Cache-Control: no-store", *(f"{name}: {value}" for name, value in headers)]
    lines.append(f"Connection: {'keep-alive' if keep_alive else 'close'}")
    return "\r\n".join(lines).encode("ascii") + b"\r\n\r\n" + body


def good(*, keep_alive: bool) -> bytes:
    """The pixel: the event was taken."""
    return answer(200, PIXEL, "image/png", keep_alive=keep_alive)


def error(
    status: int, message: str, headers: tuple[tuple[str, str], ...] = (), *, keep_alive: bool
) -> bytes:
    """An answer that says in JSON what was wrong."""
    body = orjson.dumps({"error": message})
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        headers = (*headers, ("Allow", "POST"))
    return answer(status, body, headers=headers, keep_alive=keep_alive)


def retry_after(seconds: int, date_from: float | None) -> tuple[tuple[str, str], ...]:
    """`Retry-After` in seconds, or as a date counted from `date_from` (unix seconds)."""
    text = str(seconds) if date_from is None else formatdate(date_from + seconds, usegmt=True)
    return (("Retry-After", text),)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "On Request"
