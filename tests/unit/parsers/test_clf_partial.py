"""Formats that lack the status or the time."""

from __future__ import annotations

from support.clf import STAMP, TIME_MS, Formats

from hooktail_parsers import Record
from hooktail_parsers.ncsa.partial import FORMATS

PARTIAL = Formats(FORMATS)
TLS = f'{STAMP} 203.0.113.7 TLSv1.2 ECDHE-RSA-AES128-GCM-SHA256 "GET /p?a=1 HTTP/1.1" 1375'


def test_a_request_in_the_ssl_log_has_https_and_no_status() -> None:
    assert PARTIAL.record("apache_ssl_request", TLS) == Record(
        time_ms=TIME_MS,
        ip="203.0.113.7",
        method="GET",
        scheme="https",
        path="/p",
        query="a=1",
        bytes_sent=1375,
        fields={"ssl_protocol": "TLSv1.2", "ssl_cipher": "ECDHE-RSA-AES128-GCM-SHA256"},
    )


def test_a_request_without_tls_in_the_ssl_log_has_no_scheme() -> None:
    line = f'{STAMP} client.example - - "GET / HTTP/1.0" -'

    assert PARTIAL.record("apache_ssl_request", line) == Record(
        time_ms=TIME_MS, method="GET", path="/"
    )


def test_what_is_no_request_in_the_ssl_log_is_rejected() -> None:
    assert PARTIAL.refusal("apache_ssl_request", TLS.replace("GET /p?a=1 HTTP/1.1", "-")) == (
        "not_a_request"
    )
    assert PARTIAL.refusal("apache_ssl_request", TLS.replace("14/Mar", "31/Feb")) == "bad_time"


def test_a_line_without_a_time_says_the_rest() -> None:
    line = '203.0.113.7 - bob "GET /p?a=1 HTTP/1.1" 200 65508'

    assert PARTIAL.record("clf_no_time", line) == Record(
        ip="203.0.113.7",
        method="GET",
        path="/p",
        query="a=1",
        status=200,
        user="bob",
        bytes_sent=65508,
    )
    assert PARTIAL.record("clf_no_time", f"{line} 4.386").duration_s == 4.386
    assert PARTIAL.record("clf_no_time", f'{line} "-" "Agent" 4.386').user_agent == "Agent"


def test_a_line_with_a_time_is_another_format() -> None:
    line = f'203.0.113.7 - - {STAMP} "GET /p?a=1 HTTP/1.1" 200 65508'

    assert PARTIAL.refusal("clf_no_time", line) == "syntax"
    assert PARTIAL.refusal("clf_no_time", f"shop.example {line.replace(STAMP + ' ', '')}") == (
        "syntax"
    )
