"""What a server writes of any request in JSON is read back, the first time and the quick times."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hooktail_parsers import Record
from hooktail_parsers.builtin import FORMATS
from hooktail_parsers.json_logs import values

if TYPE_CHECKING:
    from collections.abc import Callable

MISSING = ("", "-")
TOKEN = st.from_regex(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,12}", fullmatch=True).filter(
    lambda token: token not in values.MISSING  # `--` and `nil` are no methods
)
TEXT = st.text(st.characters(codec="utf-8"), min_size=1, max_size=25).map("a{}".format)
PIECE = st.text(st.characters(codec="utf-8", exclude_characters="? "), max_size=15)


class Request(NamedTuple):
    """A request as a server sees it."""

    ip: str
    at: datetime
    method: str
    path: str
    query: str | None
    status: int
    size: int
    referrer: str | None
    agent: str | None

    @property
    def target(self) -> str:
        return self.path if self.query is None else f"{self.path}?{self.query}"


REQUESTS = st.builds(
    Request,
    ip=st.integers(1, 2**32 - 1).map(IPv4Address).map(str)
    | st.integers(2**100, 2**128 - 1).map(IPv6Address).map(str),
    at=st.datetimes(
        datetime(1999, 1, 1),  # noqa: DTZ001  # the zone is drawn below
        datetime(2037, 12, 31),  # noqa: DTZ001
        timezones=st.integers(-14 * 4, 14 * 4).map(
            lambda quarters: timezone(timedelta(minutes=15 * quarters))
        ),
    ),
    method=TOKEN,
    path=PIECE.map("/{}".format),
    query=st.none() | PIECE,
    status=st.integers(100, 599),
    size=st.integers(0, 2**40),
    referrer=st.none() | TEXT,
    agent=st.none() | TEXT,
)  # fmt: skip


def nginx(request: Request) -> bytes:
    """As `log_format … escape=json` does: text only, nothing for what is missing."""
    values = {
        "time": request.at.isoformat(timespec="seconds"),
        "remote_addr": request.ip,
        "request": f"{request.method} {request.target} HTTP/1.1",
        "status": str(request.status),
        "body_bytes_sent": str(request.size),
        "http_referer": request.referrer or "",
        "http_user_agent": request.agent or "",
    }

    def escaped(text: str) -> str:
        return "".join(
            f"\\{each}" if each in '"\\' else f"\\u{ord(each):04X}" if each < " " else each
            for each in text
        )

    pairs = ",".join(f'"{key}":"{escaped(text)}"' for key, text in values.items())
    return f"{{{pairs}}}".encode()


def caddy(request: Request) -> bytes:
    """As Go's encoder does: objects in objects, headers as lists."""
    headers = {"User-Agent": request.agent, "Referer": request.referrer}
    found = {
        "ts": request.at.isoformat(timespec="microseconds"),
        "logger": "http.log.access",
        "request": {
            "client_ip": request.ip, "method": request.method, "uri": request.target,
            "headers": {key: [text] for key, text in headers.items() if text is not None},
        },
        "size": request.size, "status": request.status,
    }  # fmt: skip
    return json.dumps(found, ensure_ascii=False).encode()


def application(request: Request) -> bytes:
    """As a logger for JSON does: ASCII, nulls, a number for the time."""
    at_ms = (request.at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    found = {
        "event": "request_finished", "timestamp": at_ms, "method": request.method,
        "path": request.target, "status": request.status, "bytes": request.size,
        "remote_addr": request.ip, "referer": request.referrer, "user_agent": request.agent,
    }  # fmt: skip
    return json.dumps(found).encode()


WRITERS: dict[str, tuple[Callable[[Request], bytes], int]] = {
    "nginx_json": (nginx, 1000), "caddy_json": (caddy, 1), "json_app": (application, 1),
}  # fmt: skip
"""Formats with who writes them, and what a time is exact to, in milliseconds."""


@pytest.mark.parametrize("name", WRITERS)
@settings(max_examples=150, deadline=None)
@given(requests=st.lists(REQUESTS, min_size=1, max_size=6))
def test_what_is_written_is_read_back(name: str, requests: list[Request]) -> None:
    write, exact_ms = WRITERS[name]
    parser = FORMATS[name].make({})

    # The keys come often enough for the quick way, whichever request they come with.
    results = parser.parse_batch([write(request) for request in requests * 5])

    for request, record in zip(requests * 5, results, strict=True):
        assert isinstance(record, Record), (request, record)
        at_ms = (request.at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
        assert record.time_ms == at_ms - at_ms % exact_ms
        assert record.ip == normal(request.ip)
        assert (record.method, record.path, record.query) == request[2:5]
        assert (record.status, record.bytes_sent) == request[5:7]
        assert (record.referrer, record.user_agent) == request[7:9]


def normal(ip: str) -> str:
    mapped = IPv6Address(ip).ipv4_mapped if ":" in ip else None
    return str(mapped or ip)
