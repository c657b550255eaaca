"""Two ways to read a line, a quick one for what is ordinary and a careful one: one meaning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

import pytest
from fuzz.targets import TARGETS, Target
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hooktail_parsers import ParseError, Record
from hooktail_parsers.apps.pairs import PairReader
from hooktail_parsers.builtin import FORMATS
from hooktail_parsers.late import LateRecord
from hooktail_parsers.w3c.parser import W3cParser

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hooktail_parsers import Result

MORE = {
    "ncsa_combined": [b'[::1] - - [14/Mar/2025:09:26:53 +0100] "GET /?a HTTP/1.1" 304 - "" "A"'],
    "nginx_ingress": [
        (
            b'203.0.113.7 - - [14/Mar/2025:09:26:53 +0100] "GET /p HTTP/1.1" 502 - "-" "A" 4 0.1'
            b" [d] [] 10.0.0.9:80, 10.0.0.8:80 0, 512 0.001, 0.011 502, 200 c99"
        )
    ],
    "nginx_xff_first": [b'- - - [14/Mar/2025:09:26:53 +0100] "GET /p HTTP/1.1" 200 5 "-" "A"'],
    "tomcat": [
        b'203.0.113.7 - - [14/Mar/2025:09:26:53 +0100] "GET /p HTTP/1.1" 200 5 12345678 1234567890',
        b'203.0.113.7 - - [14/Mar/2025:09:26:53 +0100] "GET /p HTTP/1.1" 200 5 - 12',
    ],
    "aws_alb": [
        (
            b"h2 2025-03-14T08:26:53.1Z app/s/5 2001:db8::7:50599 - 0.001 0.102 0.000 200 - 225 24 "
            b'"GET https://shop.example:443/p HTTP/2.0" "A" - - - "-"'
        ),
        (
            b"https 2025-03-14T08:26:53.1Z app/s/5 203.0.113.7:1 - -1 -1 -1 400 - 225 24950 "
            b'"- http://shop.example:80- -" "-" - - - "-"'
        ),
    ],
    "envoy_text": [
        b'[2025-03-14T08:26:53.123Z] "GET /p HTTP/1.1" 200 - 0 135 11 10 "-" "A" "d" "h:80" "-"'
    ],
    "squid_native": [
        b"1741940813.985    120 ::1 TCP_TUNNEL/200 491 CONNECT shop.example:443 - HIER_DIRECT/- -"
    ],
}
"""Lines besides the examples."""


@runtime_checkable
class BothWays(Protocol):
    def parse(self, line: bytes) -> Result: ...

    def careful_parse(self, line: bytes) -> Result: ...


BOTH = [
    target
    for target in TARGETS
    if target.format.kind == "format" and isinstance(target.format.make({}), BothWays)
]


def comparable(parser: BothWays, line: bytes, *, careful: bool) -> object:
    try:
        result = (parser.careful_parse if careful else parser.parse)(line)
    except ParseError as error:  # as a `LineParser` may
        result = error
    return result.reason if isinstance(result, ParseError) else repr(result)


@st.composite
def damaged(draw: st.DrawFn, samples: Sequence[bytes]) -> bytes:
    line = draw(st.sampled_from(samples))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(line)))
        until = draw(st.integers(at, min(at + 6, len(line))))
        odd = st.sampled_from(
            [b"", b" ", b'"', b"\\", b"-", b":", b",", b"[", b"]", b"?", b"#", b"\x00", b"\xff",
             b"{", b"}", b"|", b"%", b"0", b"9", b"60", b"A", b"/", b"\r", b"\t", b"\\x22", b"=",
             b"http://h", b"::1", b"10.0.0.1", b"http://a:99999/", b"\xc3\xa9", b" - "]
        )  # fmt: skip
        line = line[:at] + draw(odd | st.binary(max_size=3)) + line[until:]
    return line.replace(b"\n", b"")


@pytest.mark.parametrize("target", BOTH, ids=lambda target: target.name)
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_both_ways_agree_on_any_bytes(target: Target, data: st.DataObject) -> None:
    parser = target.format.make(target.options)
    assert isinstance(parser, BothWays)
    samples = [*target.samples, *MORE.get(target.format.name, ())]
    line = data.draw(damaged(samples))

    for _ in range(4):  # the keys of JSON have to come before
        quick = comparable(parser, line, careful=False)

    assert quick == comparable(parser, line, careful=True)


@pytest.mark.parametrize(
    "name",
    ["nginx_ingress", "traefik_clf", "aws_alb", "aws_elb_classic", "aws_s3", "haproxy_http",
     "envoy_text", "squid_native", "heroku_router_logfmt"],
)  # fmt: skip
def test_the_example_is_read_the_quick_way_and_is_whole_when_it_is_asked_for(name: str) -> None:
    options = {"request_captures": "host,user-agent"} if name == "haproxy_http" else {}
    parser = FORMATS[name].make(options)
    assert isinstance(parser, BothWays)
    line = FORMATS[name].example.encode()

    record = parser.parse(line)

    assert isinstance(record, LateRecord)
    assert record.fields
    assert record == parser.careful_parse(line)
    assert parser.careful_parse(line) == record


PAIRS = [
    b'ts=2025-03-14T08:26:53.123Z level=info msg="request" method=GET path="/p?q=1" status=200',
    b'a="" b= c=1 d="x y"',
    b"a=1 b=2 c=3",
]


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_pairs_that_came_before_are_read_as_those_that_did_not(data: st.DataObject) -> None:
    reader = PairReader(lambda raw: raw.decode("utf-8", "replace"))
    for sample in PAIRS:
        for _ in range(4):
            reader.read(sample)
    line = data.draw(damaged(PAIRS))

    assert reader.read(line) == reader.careful_read(line)


def test_a_late_record_is_a_record_in_all_that_can_be_seen() -> None:
    whole = Record(path="/a", headers={"host": "h"}, fields={"a": 1})
    late: LateRecord[str] = LateRecord(path="/a", careful=lambda _: whole, source="x")
    written: LateRecord[str] = LateRecord(path="/a", careful=lambda _: whole, source="x")
    written.fields = {"b": 2}

    assert late == whole
    assert whole == late
    assert late != Record(path="/a")
    assert repr(late) == repr(whole)
    assert written.headers == {"host": "h"}
    assert written.fields == {"b": 2}
    assert LateRecord[str](path="/b", fields={"c": 3}).fields == {"c": 3}


HEADED = {
    "iis_advanced_logging": [
        b'2025-03-14 08:26:53.363 GET /cart "203.0.113.7" "Mozilla/5.0 (X11)" "shop.example" 200 9',
        b'"2025-03-14" 08:26:53 GET "/a ""b""" 203.0.113.7 "A" "-" 200 "109"',
    ],
    "incapsula_w3c": [],
    "cloudfront_standard": [],
}
"""Formats with a header, and lines below that of the example besides its own."""


@pytest.mark.parametrize("name", HEADED)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_both_ways_agree_below_a_header(name: str, data: st.DataObject) -> None:
    *header, example = FORMATS[name].example.encode().split(b"\n")
    line = data.draw(damaged([example, *HEADED[name]]))
    quick, careful = FORMATS[name].make({}), FORMATS[name].make({})
    assert isinstance(careful, W3cParser)
    careful.parse_batch(header)

    found = quick.parse_batch([*header, line])[-1]
    expected = careful.careful_parse(line)

    assert (found.reason if isinstance(found, ParseError) else repr(found)) == (
        expected.reason if isinstance(expected, ParseError) else repr(expected)
    )
