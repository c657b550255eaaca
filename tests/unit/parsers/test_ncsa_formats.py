"""What each writer of the combined format does otherwise."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from support.clf import AGENT, REQUEST, STAMP, TIME_MS, Formats

from hooktail_parsers import Record
from hooktail_parsers.ncsa.formats import FORMATS

NCSA = Formats(FORMATS)
LINE = f"203.0.113.7 - - {STAMP} {REQUEST} {AGENT}"


def whole(**more: object) -> Record:
    record = Record(
        time_ms=TIME_MS,
        ip="203.0.113.7",
        method="GET",
        path="/p",
        query="a=1",
        status=200,
        referrer="https://ref.example/",
        user_agent="Agent/1.0 (X11)",
        bytes_sent=512,
    )
    for key, value in more.items():
        setattr(record, key, value)
    return record


@pytest.mark.parametrize(
    ("tail", "more"),
    [
        ("", {}),
        (' "-"', {}),
        (' "203.0.113.9, 10.0.0.1"', {"xff": "203.0.113.9, 10.0.0.1"}),
        (' "unknown, [2001:db8::7]:443"', {"xff": "unknown, [2001:db8::7]:443"}),
        (' "2.75"', {"fields": {"gzip_ratio": "2.75"}}),
        (r' "a\x22b"', {"fields": {"http_x_forwarded_for": 'a"b'}}),
        (' "203.0.113.9" "-"', {"xff": "203.0.113.9"}),
        (' "203.0.113', {}),
    ],
)
def test_the_last_column_of_main_is_a_forwarded_list_or_a_ratio(
    tail: str, more: dict[str, object]
) -> None:
    assert NCSA.record("nginx_main", LINE + tail) == whole(**more)


def test_ingress_has_timing_upstreams_and_the_id() -> None:
    tail = " 431 0.012 [default-shop-80] [] 10.0.0.9:8080 512 0.011 200 c994"

    assert NCSA.record("nginx_ingress", LINE + tail) == whole(
        duration_s=0.012,
        request_id="c994",
        fields={
            "request_length": 431,
            "proxy_upstream_name": "default-shop-80",
            "upstream_addr": "10.0.0.9:8080",
            "upstream_response_length": "512",
            "upstream_response_time": "0.011",
            "upstream_status": "200",
        },
    )


def test_ingress_retries_are_lists_without_quotes() -> None:
    lists = "10.0.0.1:80, 10.0.0.2:80 : 10.0.0.3:80 0, 1 : 2 0.1, - : 3 502, 504 : 200"

    fields = NCSA.record("nginx_ingress", f"{LINE} 80 0.5 [up] [alt] {lists} id").fields

    assert fields is not None
    assert fields["upstream_addr"] == "10.0.0.1:80, 10.0.0.2:80 : 10.0.0.3:80"
    assert fields["upstream_status"] == "502, 504 : 200"
    assert fields["proxy_alternative_upstream_name"] == "alt"


def test_an_old_ingress_repeats_the_address_and_has_no_id() -> None:
    old = LINE.replace("- -", "- [203.0.113.7] - bob") + " 80 - [] - - - -"

    assert NCSA.record("nginx_ingress", old) == whole(user="bob", fields={"request_length": 80})


@pytest.mark.parametrize("router", ['"shop@docker"', '"shop@docker', '"a@docker -> shop@docker"'])
def test_traefik_names_router_and_server_though_a_quote_is_missing(router: str) -> None:
    line = f'{LINE} 42 {router} "http://10.0.0.9:80" 12ms'

    assert NCSA.record("traefik_clf", line) == whole(
        duration_s=0.012,
        fields={
            "request_count": 42,
            "router": router.strip('"'),
            "server_url": "http://10.0.0.9:80",
        },
    )


def test_traefik_without_an_answer_has_no_status() -> None:
    line = LINE.replace("200 512", "- -") + ' 42 "-" "-" 0ms'

    assert NCSA.record("traefik_clf", line) == whole(
        status=None, bytes_sent=None, duration_s=0.0, fields={"request_count": 42}
    )


@pytest.mark.parametrize("agent", ['a "b" c', 'a " b', '"', 'a" 1 "b'])
def test_writers_that_escape_no_quotes_keep_the_whole_agent(agent: str) -> None:
    line = LINE.replace("Agent/1.0 (X11)", agent)

    assert NCSA.record("morgan_combined", line).user_agent == agent
    tail = ' 42 "shop@docker" "http://10.0.0.9:80" 12ms'
    plain = NCSA.record("traefik_clf", LINE + tail)
    assert NCSA.record("traefik_clf", line + tail) == replace(plain, user_agent=agent)


def test_varnish_knows_the_host_and_not_the_scheme() -> None:
    line = LINE.replace("/p?", "http://Shop.example:8080/p?")

    assert NCSA.record("varnishncsa", line) == whole(host="shop.example", port=8080)
    escaped = line.replace("a=1", r"a=\"")
    assert NCSA.record("varnishncsa", escaped) == whole(host="shop.example", port=8080, query='a="')
    no_place = line.replace("Shop.example:8080", "::1shop.example")
    assert NCSA.refusal("varnishncsa", no_place) == "not_a_request"


@pytest.mark.parametrize("name", ["lighttpd", "ovh"])
@pytest.mark.parametrize(
    ("second", "host", "port", "ident"),
    [
        ("shop.example", "shop.example", None, None),
        ("WWW.shop.example:8443", "www.shop.example", 8443, None),
        ("localhost:9449", "localhost", 9449, None),
        ("localhost", "localhost", None, None),
        ("intranet", "intranet", None, None),
        ("198.51.100.4", "198.51.100.4", None, None),
        ("[2001:DB8::1]:80", "[2001:db8::1]", 80, None),
        ("-", None, None, None),
        ("a8f3c21b99d04e", None, None, "a8f3c21b99d04e"),
    ],
)
def test_the_second_column_is_the_host_unless_it_can_be_none(
    name: str, second: str, host: str | None, port: int | None, ident: str | None
) -> None:
    line = LINE.replace("- -", f"{second} bob")

    assert NCSA.record(name, line) == whole(
        host=host, port=port, user="bob", fields={"ident": ident} if ident else None
    )


def test_elsewhere_the_second_column_is_no_host() -> None:
    record = NCSA.record("ncsa_combined", LINE.replace("- -", "shop.example -"))

    assert (record.host, record.fields) == (None, {"ident": "shop.example"})


def test_litespeed_may_quote_what_comes_before_the_request() -> None:
    plain = NCSA.record("litespeed_combined", LINE)

    assert NCSA.record("litespeed_combined", '"' + LINE) == plain
    assert NCSA.record("litespeed_combined", '"' + LINE.replace("]", ']"')) == plain
    assert NCSA.record("litespeed_combined", LINE.replace("HTTP/1.1", "HTTP/3")) == plain


def test_gunicorn_on_a_socket_writes_no_client_at_all() -> None:
    assert NCSA.record("gunicorn_default", LINE.removeprefix("203.0.113.7")) == whole(ip=None)
    assert NCSA.refusal("ncsa_combined", LINE.removeprefix("203.0.113.7")) == "syntax"


@pytest.mark.parametrize(
    ("tail", "more"),
    [
        ("", {}),
        ("  12", {"duration_s": 0.012}),
        (" -  12", {"duration_s": 0.012}),
        (' "sid=abc; b=c"', {"cookies": "sid=abc; b=c"}),
        (' "sid=abc"  12', {"cookies": "sid=abc", "duration_s": 0.012}),
        (' "sid=abc" x', {}),
    ],
)
def test_jetty_may_log_cookies_and_latency(tail: str, more: dict[str, object]) -> None:
    assert NCSA.record("jetty_ncsa", LINE + tail) == whole(**more)


def test_icecast_logs_how_long_a_client_listened() -> None:
    assert NCSA.record("icecast2", f"{LINE} 1807") == whole(duration_s=1807.0)
    assert NCSA.record("icecast2", LINE) == whole()
