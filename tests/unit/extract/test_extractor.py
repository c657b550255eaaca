"""From lines to events: the whole way, its balance, and that batching changes nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooktail.collector.validate import validate
from hooktail.config.sections import FieldSection, MultilineSection, RuleSection, SourceSection
from hooktail.extract import build_extractor, check_source
from hooktail.extract.explain import explain
from hooktail.extract.extractor import Extractor
from hooktail.extract.once import OnceBook
from hooktail.extract.steps import (
    EVENT,
)
from hooktail.extract.visitor import Mac, derive
from hooktail.model import Claim, Extraction, Lines
from hooktail_parsers import ParseError, Record, Skip

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hooktail_parsers import Parsed, Parser

NOW_MS = 1_705_314_660_000
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
SECRET = b"s" * 32
PURCHASE = RuleSection(
    name="purchase",
    when={"method": "GET", "path": "/checkout/success", "status": "2xx"},
    once_per="order_id",
    fields=(
        FieldSection(name="order_id", source="query.order", required=True),
        FieldSection(name="value", source="query.total", type="number"),
        FieldSection(name="currency", constant="USD"),
    ),
)
SHOP = SourceSection(
    name="shop", paths=("/var/log/access.log",), site="https://shop.example", rules=(PURCHASE,)
)


def line(
    target: str = "/",
    *,
    ip: str = "81.2.69.142",
    status: object = 200,
    agent: str = AGENT,
    time: str = "15/Jan/2024:10:30:00 +0000",
    method: str = "GET",
) -> bytes:
    request = f"{method} {target} HTTP/1.1"
    text = f'{ip} - - [{time}] "{request}" {status} 512 "https://a.example/" "{agent}"'
    return text.encode("utf-8", "surrogatepass")


def extractor(source: SourceSection = SHOP, once: OnceBook | None = None) -> Extractor:
    return build_extractor(
        source,
        payload="flat",
        visitor_secret=SECRET,
        once=OnceBook() if once is None else once,
        now_ms=lambda: NOW_MS,
    )


def batch(*texts: bytes, start: int = 0) -> Lines:
    return Lines(list(texts), start, start + sum(map(len, texts)) + len(texts))


def run(*texts: bytes, source: SourceSection = SHOP) -> Extraction:
    return extractor(source).extract(batch(*texts), b"generation")


def test_the_purchase_of_the_contract() -> None:
    taken = run(line("/checkout/success?order=ORDER123&total=99.99"))
    (event,) = taken.events
    body = orjson.loads(event.body)
    assert list(body.items()) == [
        ("event_name", "purchase"),
        ("event_id", event.event_id),
        ("timestamp", "2024-01-15T10:30:00.000Z"),
        ("visitor_id", derive(Mac(SECRET), "https://shop.example", "81.2.69.142", AGENT).id),
        ("persistent_anonymous_user_id", body["visitor_id"]),
        ("session_id", body["session_id"]),
        ("url", "https://shop.example/checkout/success?order=ORDER123&total=99.99"),
        ("referrer", "https://a.example/"),
        ("user_agent", AGENT),
        ("ip_address", "81.2.69.142"),
        ("order_id", "ORDER123"),
        ("value", 99.99),
        ("currency", "USD"),
    ]
    assert event.name == "purchase"
    assert event.conversion
    assert event.start == 0
    assert taken.settled == {}
    assert len(taken.claims) == 1


def test_a_page_view_is_no_conversion() -> None:
    (event,) = run(line("/a")).events
    assert (event.name, event.conversion) == ("pageview", False)


def test_the_first_rule_that_matches_wins_and_the_page_view_comes_last() -> None:
    rules = (
        RuleSection(name="first", when={"path": "/a"}),
        RuleSection(name="second", when={"path": "prefix:/a"}),
    )
    taken = run(line("/a"), line("/ab"), line("/b"), source=replace(SHOP, rules=rules))
    assert [event.name for event in taken.events] == ["first", "second", "pageview"]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (line("/a.css"), "filtered.static_file"),
        (line("/a", status=404), "filtered.status"),
        (line("/a", method="POST"), "filtered.method"),
        (line("/ping"), "filtered.excluded_path"),
        (line("/a", agent="-"), "filtered.no_user_agent"),
        (line("/a", agent="curl/8.0"), "filtered.bot"),
        (line("/a", ip="10.0.0.1"), "filtered.private_ip"),
        (line("/a", ip="host.example"), "filtered.no_ip"),
        (line("/a", time="01/Jan/2024:10:30:00 +0000"), "expired.age"),
        (line("/a", time="15/Jan/2024:11:30:00 +0000"), "filtered.future"),
        (line("/checkout/success"), "filtered.required_field_missing"),
        (line("/checkout/success?order=1", agent="curl/8.0"), "filtered.bot"),
        (line("/checkout/success?order=1", ip="10.0.0.1"), "filtered.private_ip"),
        (line("/" + "x" * 3000), "unparsable.too_large"),
    ],
)
def test_every_drop_is_counted_under_its_reason(text: bytes, key: str) -> None:
    taken = run(text)
    assert taken.events == []
    assert taken.settled == {key: 1}


def test_what_no_parser_can_read_is_kept_with_its_offset() -> None:
    good, bad = line("/a"), b"\x16\x03\x01 no log line"
    taken = extractor().extract(batch(good, bad, start=1000), b"g")
    (kept,) = taken.unparsable
    assert len(taken.events) == 1
    assert kept.start == 1000 + len(good) + 1
    assert kept.text == bad
    assert taken.settled == {f"unparsable.{kept.reason}": 1}


def test_a_second_line_with_the_key_of_an_order_is_no_second_purchase() -> None:
    order = "/checkout/success?order=A1"
    taken = run(line(order), line(order, ip="81.2.69.143"), line("/checkout/success?order=A2"))
    assert [event.start for event in taken.events] == [0, 2 * len(line(order)) + 2]
    assert taken.settled == {"filtered.once_per": 1}
    assert len(taken.claims) == 2


def test_a_purchase_read_again_after_a_crash_is_the_same_event() -> None:
    text = line("/checkout/success?order=A1")
    first = run(text)
    restarted = extractor(once=OnceBook(first.claims))
    again = restarted.extract(batch(text), b"generation")
    assert again.events == first.events
    assert again.claims == []


def test_two_web_hosts_give_an_order_the_same_id() -> None:
    here = run(line("/a"), line("/checkout/success?order=A1"))
    there = run(line("/checkout/success?order=A1", ip="81.2.69.143"))
    assert here.events[1].event_id == there.events[0].event_id


def test_without_a_key_an_event_is_not_lost_and_has_the_id_of_its_line() -> None:
    optional = replace(PURCHASE, fields=(FieldSection(name="order_id", source="query.order"),))
    taken = run(line("/checkout/success"), source=replace(SHOP, rules=(optional,)))
    assert len(taken.events) == 1
    assert taken.claims == []


def test_the_event_id_can_be_left_out_of_the_body() -> None:
    (event,) = run(line("/a"), source=replace(SHOP, send_event_id=False)).events
    assert event.event_id
    assert "event_id" not in orjson.loads(event.body)


class Canned:
    """A plugin's parser that returns, or raises, what it is told."""

    def __init__(self, *results: object, batch_fails: bool = False) -> None:
        self._results = list(results)
        self._batch_fails = batch_fails

    def parse(self, text: bytes) -> Parsed:
        result = self._results[int(text)]
        if isinstance(result, Exception):
            raise result
        return result  # type: ignore[return-value]  # what a plugin may wrongly return

    def parse_batch(self, lines: Sequence[bytes]) -> list[Parsed]:
        if self._batch_fails:
            raise RuntimeError("plugin")
        return [self.parse(text) for text in lines]


def plugged(parser: Parser) -> Extractor:
    return Extractor(
        SHOP,
        parser,
        payload="flat",
        visitor_secret=SECRET,
        once=OnceBook(),
        now_ms=lambda: NOW_MS,
    )


def test_what_is_no_record_and_not_meant_to_be_is_filtered() -> None:
    taken = plugged(Canned(Skip("blank"), Skip("directive"))).extract(batch(b"0", b"1"), b"g")
    assert taken.settled == {"filtered.blank": 1, "filtered.directive": 1}


def test_a_plugin_that_breaks_its_promises_stops_nothing() -> None:
    results = (RuntimeError("plugin"), ParseError("syntax"), None, Skip("blank"))
    for parser in (Canned(*results), Canned(*results, batch_fails=True)):
        taken = plugged(parser).extract(batch(b"0", b"1", b"2", b"3"), b"g")
        assert taken.settled == {
            "unparsable.parser_failed": 2,
            "unparsable.syntax": 1,
            "filtered.blank": 1,
        }
        assert len(taken.unparsable) == 3


def test_a_record_that_cannot_be_written_is_kept() -> None:
    absurd = Record(method="GET", status=200, path="/", ip="81.2.69.142", user_agent=AGENT)
    absurd.time_ms = "noon"  # type: ignore[assignment]  # what a plugin may wrongly return
    taken = plugged(Canned(absurd)).extract(batch(b"0"), b"g")
    assert taken.settled == {"unparsable.internal_error": 1}
    assert [kept.text for kept in taken.unparsable] == [b"0"]


def test_a_source_is_checked_with_its_format_and_options() -> None:
    assert check_source(SHOP, "f") == []
    (unknown,) = check_source(replace(SHOP, format="combnied"), "f")
    (option,) = check_source(replace(SHOP, format_options={"encoding": "no-such"}), "f")
    assert unknown.key == "source[shop].format"
    assert "combined" in unknown.message
    assert option.key == "source[shop].encoding"


TARGETS = st.one_of(
    st.sampled_from(["/", "/a.css", "/ping", "/checkout/success", "*", "/a?email=x&b=1"]),
    st.integers(0, 3).map(lambda order: f"/checkout/success?order={order}&total=1.5"),
    st.text(st.characters(exclude_characters='\n" \\'), max_size=20).map(lambda text: f"/{text}"),
)
REQUESTS = st.builds(
    line,
    TARGETS,
    ip=st.sampled_from(["81.2.69.142", "2a01:4f8::1", "10.0.0.1", "-", "host"]),
    status=st.sampled_from([200, 304, 404, "-"]),
    agent=st.sampled_from([AGENT, "-", "", "curl/8.0"])
    | st.text(st.characters(exclude_characters='\n"', exclude_categories=["Cs"]), max_size=20),
    time=st.sampled_from(["15/Jan/2024:10:30:00 +0000", "15/Jan/2014:10:30:00 +0000", "-"]),
    method=st.sampled_from(["GET", "POST"]),
)
LINES = st.lists(
    REQUESTS | st.binary(max_size=60).filter(lambda text: b"\n" not in text), max_size=12
)


@given(LINES)
def test_every_line_ends_in_one_state(texts: list[bytes]) -> None:
    taken = run(*texts)
    assert len(texts) == len(taken.events) + sum(taken.settled.values())
    kept = sum(n for key, n in taken.settled.items() if key.startswith("unparsable."))
    assert len(taken.unparsable) == kept
    assert "unparsable.internal_error" not in taken.settled


@given(LINES)
def test_every_body_is_valid(texts: list[bytes]) -> None:
    for event in run(*texts).events:
        assert validate(event.body) == []
        assert orjson.loads(event.body)["event_id"] == event.event_id


@given(LINES, st.lists(st.integers(1, 4), min_size=12, max_size=12))
def test_batching_changes_nothing(texts: list[bytes], sizes: list[int]) -> None:
    whole = run(*texts)

    parts, rest, start, one = Extraction(), texts, 0, extractor()
    for size in sizes:
        lines = batch(*rest[:size], start=start)
        taken = one.extract(lines, b"generation")
        parts.events += taken.events
        parts.unparsable += taken.unparsable
        parts.claims += taken.claims
        parts.sessions |= taken.sessions
        parts.ages |= taken.ages
        parts.fitting += taken.fitting
        parts.refused += taken.refused
        for key, number in taken.settled.items():
            parts.settled[key] = parts.settled.get(key, 0) + number
        rest, start = rest[size:], lines.end

    assert parts == whole


@given(LINES)
def test_explain_says_of_every_line_what_the_extractor_does(texts: list[bytes]) -> None:
    book = OnceBook([Claim("unrelated", "owner", NOW_MS)])
    one = extractor(once=book)
    start = 0
    for text in texts:
        told = explain(one, text, start=start, generation=b"g")
        taken = one.extract(batch(text, start=start), b"g")
        start += len(text) + 1
        if told.verdict == EVENT:
            assert taken.events == [told.event]
        else:
            assert taken.settled == {told.verdict: 1}


def test_records_over_lines_that_begin_alike_have_ids_of_their_own() -> None:
    section = SourceSection(
        name="app",
        paths=(),
        format="json_app",
        site="https://shop.example",
        multiline=MultilineSection(json=True),
    )
    head = '{\n "time":"2024-01-15T10:30:00Z","ip":"81.2.69.142","method":"GET","status":200,'
    ids = set()
    for order in (111, 222):
        raw = f'{head}"user_agent":"{AGENT}",\n"path":"/p/{order}"\n}}\n'.encode()
        for pieces in ([raw], raw.splitlines(keepends=True)):  # in any batches
            extractor = build_extractor(
                section,
                payload="flat",
                visitor_secret=SECRET,
                once=OnceBook(),
                now_ms=lambda: NOW_MS,
                limit_age=False,
            )
            reader, start, events = extractor.reader(), 0, []
            for piece in pieces:
                taken = extractor.extract(Lines.of(piece, start), b"generation", reader)
                events += taken.events
                start += len(piece)
            (event,) = events
            ids.add((order, event.event_id))
    assert len(ids) == 2
    assert len({event_id for _, event_id in ids}) == 2
