"""Request lines and targets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooktail_parsers.request import Request, read_request
from hooktail_parsers.text import decoder

_DECODE = decoder("utf-8")


def origin(method: str, path: str | None, query: str | None = None) -> Request:
    return Request(method, None, None, None, path, query)


@pytest.mark.parametrize(
    ("line", "request_"),
    [
        (b"GET / HTTP/1.1", origin("GET", "/")),
        (b"get /s?a=1#frag HTTP/1.1", origin("get", "/s", "a=1#frag")),
        (b"GET /? HTTP/1.1", origin("GET", "/", "")),
        (b"GET /?a?b HTTP/2", origin("GET", "/", "a?b")),
        (b"GET /a b c.html HTTP/1.1", origin("GET", "/a b c.html")),
        (b"GET  /a  HTTP/3.0 ", origin("GET", "/a")),
        (b"GET /", origin("GET", "/")),
        (b"GET /a b", origin("GET", "/a b")),
        (b"OPTIONS / RTSP/1.0", origin("OPTIONS", "/")),
        (b"GET //evil.example/x HTTP/1.1", origin("GET", "//evil.example/x")),
        (b"OPTIONS * HTTP/1.0", origin("OPTIONS", "*")),
        (b"M-SEARCH /x HTTP/1.1", origin("M-SEARCH", "/x")),
        (
            b"GET http://Ex.org:8080/x?y=1 HTTP/1.1",
            Request("GET", "http", "ex.org", 8080, "/x", "y=1"),
        ),
        (b"GET HTTPS://ex.org HTTP/1.1", Request("GET", "https", "ex.org", None, "/", None)),
        (b"GET http://ex.org?a HTTP/1.1", Request("GET", "http", "ex.org", None, "/", "a")),
        (
            b"GET http://[2001:db8::1]:80/ HTTP/1.1",
            Request("GET", "http", "[2001:db8::1]", 80, "/", None),
        ),
        (
            b"CONNECT www.example.com:443 HTTP/1.1",
            Request("CONNECT", None, "www.example.com", 443, None, None),
        ),
    ],
)
def test_a_request_has_its_parts(line: bytes, request_: Request) -> None:
    assert read_request(line, _DECODE) == request_


@pytest.mark.parametrize(
    "line",
    [
        b"", b"-", b" ", b"HELP", b"batman", b"GET", b"GET ", b"- /", b"\x16\x03\x01\x02 /",
        b"\x03\x00", b"PRI * HTTP/2.0", b"GET * HTTP/1.1", b"GET foo HTTP/1.1", b"lv|'= /x",
        b"G\xc3\x89T / HTTP/1.1", b" GET / HTTP/1.1", b"GET HTTP/1.1", b"<BADREQ>", b"- - -",
        b"GET http:///x HTTP/1.1", b"GET http://ex.org:99999/ HTTP/1.1", b"GET mailto:a@b HTTP/1.1",
        b"CONNECT www.example.com HTTP/1.1", b"CONNECT a@b:1 HTTP/1.1",
        b"GET http://-/ HTTP/1.1", b"GET ?a=1 HTTP/1.1", b"GET a.example:443 HTTP/1.1",
    ],
)  # fmt: skip
def test_what_is_no_request_gives_none(line: bytes) -> None:
    assert read_request(line, _DECODE) is None


@given(st.binary() | st.binary().map(lambda tail: b"GET http://" + tail))
def test_any_bytes_are_no_request_or_begin_with_its_method(line: bytes) -> None:
    request = read_request(line, _DECODE)

    assert request is None or line.split(b" ")[0] == request.method.encode()
