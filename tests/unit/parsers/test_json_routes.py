"""The quick way through objects whose keys have come before gives what the careful way does."""

from __future__ import annotations

import copy
import json
from functools import cache
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hooktail_parsers import Parsed, ParseError, Record, Step
from hooktail_parsers.builtin import FORMATS
from hooktail_parsers.json_logs.aliases import aliases
from hooktail_parsers.json_logs.parser import JsonParser, JsonPlan, ObjectReader
from hooktail_parsers.json_logs.values import MISSING
from hooktail_parsers.late import LateRecord

CADDY = {
    "level": "info",
    "ts": 1741940813.123,
    "logger": "http.log.access.log0",
    "request": {
        "remote_ip": "203.0.113.7", "client_ip": "203.0.113.8", "method": "GET",
        "host": "shop.example:8443", "uri": "/cart?step=2",
        "headers": {
            "User-Agent": ["Agent/1.0"], "Referer": ["https://shop.example/"],
            "Cookie": ["sid=1"], "X-Forwarded-For": ["203.0.113.9"], "Accept": ["*/*"],
        },
        "tls": {"version": 772},
    },
    "user_id": "", "duration": 0.0013, "size": 5120, "status": 200,
}  # fmt: skip
PINO = {
    "level": 30, "time": 1741940813123,
    "req": {
        "id": 1, "method": "GET", "url": "/cart?step=2", "query": {},
        "headers": {"host": "shop.example", "user-agent": "Agent/1.0"},
        "remoteAddress": "::ffff:203.0.113.7",
    },
    "res": {"statusCode": 200, "headers": {"content-type": "text/html"}},
    "responseTime": 5, "msg": "request completed",
}  # fmt: skip
NGINX = {
    "msec": "1741940813.123", "remote_addr": "203.0.113.7", "request": "GET /cart?step=2 HTTP/1.1",
    "host": "shop.example:8443", "server_port": 443, "scheme": "https", "https": "on",
    "status": "200", "referer": "-", "ua": "Agent/1.0", "remote_user": "-", "cookie": "sid=1",
    "bytes_sent": "5120", "request_time": "0.012", "xff": "203.0.113.9", "request_id": "7",
    "session_id": 42, "upstream": "10.0.0.1:80",
}  # fmt: skip
APP = {
    "event": "request_finished", "date": "2025-03-14", "time": "08:26:53",
    "request": {"method": "GET", "path": "/cart", "query": "step=2", "headers": {"Host": ["a.b"]}},
    "client": {"ip": "203.0.113.7"}, "response": {"status": 200, "bytes": 7}, "duration": "12ms",
    "elapsed_ms": 12.5, "latency_us": 7, "user": {"id": 42}, "port": "8080", "tls": {"v": 1},
}  # fmt: skip
OBJECTS: list[tuple[str, dict[str, Any]]] = [
    ("caddy_json", CADDY),
    ("pino_http_json", PINO),
    ("nginx_json", NGINX),
    ("json_app", APP),
]
OBJECTS += [
    (name, orjson.loads(known.example[known.example.index("{") :]))
    for name, known in FORMATS.items()
    if isinstance(known.make({}) if known.kind == "format" else None, JsonParser)
]
WHOLE = st.sampled_from([0, 99, 100, 999, 1000, 65_535, 65_536]) | st.integers(7, 21).flatmap(
    lambda digits: st.integers(10**digits - 2, 10**digits + 2)
)
STAMPS = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["2025-03-14T08:26:53", "2025-03-14 08:26:60", "2025-02-30T08:26:53"]),
    st.sampled_from(["", "."]),
    st.sampled_from(["", "1", "12", "123", "1234567", "9" * 50, "\u0661\u0662\u0663"]),
    st.sampled_from(["", "Z", "z", "+01:00", "-0530", " +0100", "+00:00", "Z "]),
)
VALUES = (
    st.none() | st.booleans() | st.integers(-5, 10**19) | st.floats() | WHOLE | STAMPS
    | WHOLE.map(str) | st.floats(0, 1e12).map(str) | st.floats(0, 1e8)
    | st.sampled_from([
        *sorted(MISSING), "GET", "M Y", "/", "/ä?b", "https://a.example/p?q=1", "http://[::1]:80/x",
        "GET /x HTTP/1.1", "*", "200", "000", "1.5", "12ms", "2025-03-14T08:26:53.123456Z",
        "2025-03-14T08:26:60Z", "2025-03-14 09:26:53,5 +0100", "2025-02-30T08:26:53Z", "08:26:53",
        "14/Mar/2025:09:26:53 +0100", "1741940813.5", "198.51.100.4, 10.0.0.1", "[2001:DB8::7]:443",
        "EXAMPLE.org:99", "localhost", "web1", "https", "HTTP/1.1", "on", "a%20b%ff", "a+b",
        "started", "\x00", "\udcff", "é" * 3, "1741940813.123", "0741940813.123", "?a=1", "?",
        "0.012s", "12.5\u00b5s", "http://a", "http:///p", "https://a.example?b=/", "x" * 9000,
        18446744073709551616, -9223372036854775809, 1e300,
    ])
    | st.text(max_size=5)
    | st.lists(st.sampled_from(["a", "b=c", "-", "203.0.113.7", 2**64]), max_size=2)
    | st.dictionaries(st.sampled_from(["host", "Host", "cookie", "id", "name"]), st.just("x"))
)  # fmt: skip


@cache
def reader_of(name: str) -> JsonParser:
    parser = FORMATS[name].make({})
    assert isinstance(parser, JsonParser)
    return parser


def comparable(parsed: Parsed) -> object:
    return parsed.reason if isinstance(parsed, ParseError) else repr(parsed)


def places(found: object, way: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    if not isinstance(found, dict | list):
        return []
    pairs = found.items() if isinstance(found, dict) else enumerate(found)
    return [(*way, key, *more) for key, each in pairs for more in [(), *places(each)]]


@settings(max_examples=3000, deadline=None)
@given(st.data())
def test_the_quick_way_is_the_careful_way(data: st.DataObject) -> None:
    name, sample = data.draw(st.sampled_from(OBJECTS))
    found = copy.deepcopy(sample)
    for way in data.draw(st.lists(st.sampled_from(places(sample)), max_size=3)):
        at: Any = found
        for step in way[:-1]:
            at = at[step] if has(at, step) else None
        if has(at, way[-1]):
            at[way[-1]] = data.draw(VALUES)
    parser = reader_of(name)
    try:
        # Not by orjson, which writes no whole number beyond 64 bits.
        line = json.dumps(found, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        line = json.dumps(found).encode()
    known = orjson.dumps(sample)

    for each in (known, known, known, line, line, line, line, known, line):
        quick = parser.parse(each)
    careful = reader_of(name).careful_parse(line)

    assert comparable(quick) == comparable(careful)
    assert comparable(parser.parse_batch([line])[0]) == comparable(careful)


EDGES = [10**digits + more for digits in range(7, 22) for more in (-1, 0)]
TRICKY: list[object] = [
    None, True, {}, [], [2**64], "", "-", "undefined", "?", "?a=1", "\u00e9", "http://a", "http:///p",
    "https://a.example?b=/", "https://a.example/?b=/", "/p??", "200 OK", "12.5\u00b5s", "1m2.5s",
    0, 99, 100, 65_536, 0.1, 0.0123456789, 1741940813.1234567, 1e300, "1741940813.123",
    "0741940813.123", "174194081x.123", "1741940813.\u0661\u0662\u0663",
    *EDGES, *map(float, EDGES), *map(str, EDGES), *(-each for each in EDGES[-8:]),
    *(
        f"2025-03-14{mark}08:26:{second}{fraction}{zone}"
        for mark in "T "
        for second in ("53", "60")
        for fraction in ("", ".1", ".123", ",123456", ".12x", f".{'9' * 50}", ".\u0661\u0662\u0663")
        for zone in ("", "Z", "+01:00", " -0530")
    ),
]  # fmt: skip


@pytest.mark.parametrize(("name", "sample"), OBJECTS, ids=lambda each: str(each)[:20])
def test_no_value_in_no_place_is_read_otherwise(name: str, sample: dict[str, Any]) -> None:
    parser = FORMATS[name].make({})
    assert isinstance(parser, JsonParser)
    parser.parse_batch([json.dumps(sample).encode()] * 4)
    for way in places(sample):
        found = copy.deepcopy(sample)
        inner: Any = found
        for step in way[:-1]:
            inner = inner[step]
        for value in TRICKY:
            inner[way[-1]] = value
            line = json.dumps(found).encode()

            assert comparable(parser.parse(line)) == comparable(parser.careful_parse(line)), line


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_whatever_stood_there_when_the_way_was_made(data: st.DataObject) -> None:
    name, sample = data.draw(st.sampled_from(OBJECTS))
    lines = [json.dumps(sample).encode()]
    for _ in range(2):
        found = copy.deepcopy(sample)
        at = data.draw(st.sampled_from(places(sample)))
        inner: Any = found
        for step in at[:-1]:
            inner = inner[step]
        inner[at[-1]] = data.draw(VALUES)
        lines.append(json.dumps(found).encode())
    parser = FORMATS[name].make({})
    assert isinstance(parser, JsonParser)

    parser.parse_batch(lines[1:2] * 4)
    parsed = parser.parse_batch(lines)

    assert [*map(comparable, parsed)] == [comparable(parser.careful_parse(each)) for each in lines]


def has(at: object, step: str | int) -> bool:
    """Whether something is there still: what held it may have been replaced."""
    if isinstance(at, dict):
        return step in at
    return isinstance(at, list) and isinstance(step, int) and step < len(at)


@pytest.mark.parametrize(("name", "sample"), OBJECTS, ids=lambda each: str(each)[:20])
def test_a_line_like_those_before_is_read_the_quick_way(name: str, sample: object) -> None:
    line = orjson.dumps(sample)
    parser = FORMATS[name].make({})

    parsed = [parser.parse(line) for _ in range(5)]

    assert isinstance(parsed[-1], LateRecord)
    assert all(each == parsed[0] for each in parsed)
    assert repr(parsed[-1]) == repr(parsed[0])


def test_keys_that_are_never_the_same_make_no_routes() -> None:
    plan = JsonPlan(aliases(target="url", method="method", time="time"))
    reader = ObjectReader({}, plan)

    parsed = [
        reader.record({"url": "/a", "method": "GET", f"key{number}": 1}) for number in range(2000)
    ]

    assert all(type(each) is Record for each in parsed)


def test_a_key_of_the_log_is_never_code() -> None:
    odd = {"url": "/a", "method": "GET", "x'] or __import__('os').abort() or o0['url": {"a": 1}}
    reader = ObjectReader({}, JsonPlan(aliases(target="url", method="method", ip="x.a")))

    for _ in range(5):
        parsed = reader.record(odd)

    assert isinstance(parsed, Record)
    assert parsed.path == "/a"


def test_a_time_that_only_the_wrapper_has_is_put_into_any_kind_of_record() -> None:
    wrapper, inner = FORMATS["cri"], FORMATS["nginx_json"]
    assert wrapper.wrap is not None
    parser = wrapper.wrap(inner.make({}), {})
    line = b'2025-03-14T08:26:53.987654321Z stdout F {"request":"GET /p HTTP/1.1","status":"200"}'

    for result in parser.parse_batch([line] * 6):
        record = result.finished[0].parsed if isinstance(result, Step) else result
        assert isinstance(record, Record)
        assert record.time_ms == 1741940813987


def test_a_day_that_is_none_is_a_bad_time_the_quick_way_too() -> None:
    line = (
        b'{"date":"\xc3\xa9","time":"08:26:53","c-ip":"203.0.113.7","cs-method":"GET",'
        b'"cs-uri-stem":"/cart","sc-status":"200"}'
    )
    parser = FORMATS["cloudfront_v2_json"].make({})

    results = parser.parse_batch([line.replace(b"\xc3\xa9", b"2025-03-14")] * 5 + [line])

    assert isinstance(results[4], LateRecord)
    assert isinstance(results[5], ParseError)
    assert results[5].reason == "bad_time"
