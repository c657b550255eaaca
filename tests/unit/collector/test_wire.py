"""Requests are read from bytes however these are cut."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooktail.collector.wire import (
    MAX_BODY_BYTES,
    MAX_HEAD_BYTES,
    Head,
    RequestReader,
    WireError,
)

if TYPE_CHECKING:
    from collections.abc import Iterable


def read_all(pieces: Iterable[bytes]) -> list[tuple[Head, bytes]]:
    reader, requests = RequestReader(), []
    head = None
    for piece in pieces:
        reader.feed(piece)
        while True:
            head = head or reader.head()
            body = reader.body() if head else None
            if head is None or body is None:
                break
            requests.append((head, body))
            head = None
    assert reader.pending_bytes == 0
    return requests


def one(text: bytes) -> tuple[Head, bytes]:
    (request,) = read_all([text])
    return request


def post(body: bytes, path: bytes = b"/id/pixel.png") -> bytes:
    return b"POST %b HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%b" % (path, len(body), body)


def chunked(body: bytes, size: int, trailers: bytes = b"") -> bytes:
    head = b"POST /id/pixel.png HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    chunks = b"".join(b"%x;x=1\r\n%b\r\n" % (len(part), part) for part in parts)
    return head + chunks + b"0\r\n" + trailers + b"\r\n"


bodies = st.binary(max_size=60) | st.sampled_from([b"\r\n\r\n", b"0\r\n\r\n", b"POST / HTTP/1.1"])


@given(
    st.lists(st.tuples(bodies, st.sampled_from(["length", "chunks", "trailers"])), max_size=5),
    st.data(),
)
def test_the_same_requests_come_out_in_any_chunking(
    sent: list[tuple[bytes, str]], data: st.DataObject
) -> None:
    text = b""
    for body, how in sent:
        trailers = b"X-Sum: 1\r\n" if how == "trailers" else b""
        text += post(body) if how == "length" else chunked(body, 7, trailers)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=30)))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]

    assert [body for _, body in read_all(pieces)] == [body for body, _ in sent]


def test_byte_by_byte_is_the_same_as_whole() -> None:
    text = post(b"one") + chunked(b"two and more", 5) + post(b"")

    assert read_all(bytes([byte]) for byte in text) == read_all([text])


@given(
    st.sampled_from([b"", post(b"body"), chunked(b"some body", 4, b"T: 1\r\n")]),
    st.integers(0, 120),
    st.binary(max_size=100),
    st.integers(1, 20),
)
def test_any_bytes_are_read_or_refused(text: bytes, at: int, noise: bytes, size: int) -> None:
    text = text[:at] + noise + text[at:]
    reader, status = RequestReader(), 400
    try:
        for start in range(0, len(text), size):
            reader.feed(text[start : start + size])
            while reader.head() is not None and reader.body() is not None:
                pass
    except WireError as error:
        status = error.status
    assert 400 <= status < 600


def test_the_head_says_what_is_asked_of_it() -> None:
    head, body = one(
        b"POST /id/pixel.png?x=1 HTTP/1.1\r\nHost: h\r\nCONTENT-type:  Application/JSON; "
        b"charset=utf-8 \r\nContent-Length: 2\r\n\r\n{}"
    )

    assert body == b"{}"
    assert head == Head(
        method="POST",
        path="/id/pixel.png",
        content_type="application/json",
        length=2,
        keep_alive=True,
        expects_continue=False,
    )


@pytest.mark.parametrize(
    ("version", "connection", "keep_alive"),
    [
        (b"1.1", b"", True),
        (b"1.1", b"Connection: close\r\n", False),
        (b"1.1", b"Connection: upgrade, Close\r\n", False),
        (b"1.0", b"", False),
        (b"1.0", b"Connection: Keep-Alive\r\n", True),
    ],
)
def test_connections_are_kept_as_the_version_says(
    version: bytes, connection: bytes, keep_alive: bool
) -> None:
    head, _ = one(b"GET / HTTP/%b\r\nHost: h\r\n%b\r\n" % (version, connection))

    assert head.keep_alive is keep_alive


def test_the_absolute_form_and_leading_empty_lines_are_understood() -> None:
    head, _ = one(b"\r\n\r\nGET http://h:1/id/pixel.png?q HTTP/1.1\r\nHost: h\r\n\r\n")

    assert head.path == "/id/pixel.png"


def test_expecting_to_continue_is_noticed() -> None:
    text = b"POST / HTTP/1.%b\r\nHost: h\r\nExpect: 100-Continue\r\nContent-Length: 0\r\n\r\n"

    assert one(text % b"1")[0].expects_continue
    assert not one(text % b"0")[0].expects_continue


@pytest.mark.parametrize(
    ("text", "status"),
    [
        (b"\x16\x03\x01", 400),
        (b"GET /\r\n\r\n", 400),
        (b"GET  / HTTP/1.1\r\nHost: h\r\n\r\n", 400),
        (b"PRI * HTTP/2.0\r\n\r\n", 505),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost : h\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: h\r\n folded\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: h\r\nHost: i\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: h\r\n\r\n", 411),
        (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 65537\r\n\r\n", 413),
        (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %b\r\n\r\n" % (b"9" * 5000), 413),
        (b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        (chunked(b"x", 1).replace(b"Host: h", b"Host: h\r\nContent-Length: 1"), 400),
        (b"POST / HTTP/1.1\r\nHost: h\r\nExpect: wonders\r\nContent-Length: 0\r\n\r\n", 417),
        (b"GET /" + b"a" * MAX_HEAD_BYTES, 431),
        (chunked(b"x", 1).replace(b"1;x=1", b"zz"), 400),
        (chunked(b"x", 1).replace(b"1;x=1", b"0x1"), 400),
        (chunked(b"xyz", 3).replace(b"3;x=1", b"1"), 400),
        (chunked(b"x", 1).replace(b"1;x=1", b"1" * 300), 400),
        (chunked(b"x" * (MAX_BODY_BYTES + 1), 1000), 413),
        (chunked(b"x", 1, b"T: " + b"t" * MAX_HEAD_BYTES), 431),
    ],
)
def test_what_cannot_be_framed_is_refused(text: bytes, status: int) -> None:
    with pytest.raises(WireError) as caught:
        read_all([text])

    assert caught.value.status == status


def test_a_body_of_the_greatest_size_passes() -> None:
    body = b"x" * MAX_BODY_BYTES

    assert one(post(body))[1] == body
    assert one(chunked(body, 1000))[1] == body
