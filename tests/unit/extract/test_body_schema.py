"""No body breaks the shipped schema, whatever the line and the rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from support.json_schema import EVENT_SCHEMA, breaches

from hooktail.collector.validate import validate
from hooktail.config.sections import (
    ConsentCookie,
    FieldSection,
    From,
    Payload,
    PrivacySection,
    RuleSection,
    SessionSection,
    SourceSection,
    VisitorSection,
)
from hooktail.extract import validation
from hooktail.extract.event import RESERVED
from hooktail.extract.extractor import Extractor
from hooktail.extract.identity import LineIds
from hooktail.extract.once import OnceBook
from hooktail.model import Lines
from hooktail_parsers import Parsed, Record

NOW_MS = 1_705_314_660_000
GOOD: dict[str, Any] = {
    "event_name": "purchase",
    "event_id": LineIds("s", "shop", b"g").event_id(0, b"line", b"purchase"),
    "timestamp": "2024-01-15T10:30:00.000Z",
    "visitor_id": "v",
    "url": "https://shop.example/thanks?a=1",
    "referrer": "android-app://com.example/",
    "user_agent": "Firefox",
    "ip_address": "2a01:4f8::1",
    "value": 9.5,
    "items": [{"product_id": "123", "price": 29.99, "quantity": 1}],
}


def test_the_schema_accepts_a_good_body() -> None:
    assert breaches(GOOD) == []
    assert validate(orjson.dumps(GOOD)) == []


@pytest.mark.parametrize(
    "change",
    [
        {"event_name": ""},
        {"event_name": "-"},
        {"event_name": "x" * 129},
        {"event_name": None},
        {"event_id": "123"},
        {"timestamp": "2024-01-15T10:30:00Z"},
        {"timestamp": "2024-01-15T10:30:00.000+00:00"},
        {"visitor_id": "x" * 257},
        {"url": "/thanks"},
        {"url": "<https://shop.example/thanks>"},
        {"url": "https://me:word@shop.example/"},
        {"url": "https://shop.example/#a"},
        {"url": "https://shop.example/" + "x" * 2048},
        {"referrer": "-"},
        {"user_agent": "-"},
        {"user_agent": "x" * 1025},
        {"ip_address": "fe80::1%eth0"},
        {"ip_address": "[::1]"},
        {"ip_address": "1.2.3.256"},
        {"order_id": ""},
        {"order_id": "-"},
        {"order_id": None},
        {"order_id": "a\x00"},
        {"items": []},
        {"items": [{"name": None}]},
        {"event_payload": {}},
    ],
)
def test_the_schema_refuses_a_bad_one(change: dict[str, Any]) -> None:
    assert breaches(GOOD | change)


def test_the_schema_has_the_limits_and_the_keys_of_the_code() -> None:
    keys = EVENT_SCHEMA["properties"]

    def longest(schema: dict[str, Any]) -> int:
        inner = schema.get("allOf") or EVENT_SCHEMA["$defs"]["id"]["allOf"]
        return int(schema.get("maxLength") or inner[-1]["maxLength"])

    assert set(keys) == RESERVED
    assert longest(keys["event_name"]) == validation.MAX_NAME
    assert longest(keys["visitor_id"]) == validation.MAX_ID
    assert longest(keys["url"]) == longest(keys["referrer"]) == validation.MAX_URL
    assert longest(keys["user_agent"]) == validation.MAX_USER_AGENT


class GivenRecords:
    """A parser that has its records beforehand."""

    def __init__(self, records: list[Record]) -> None:
        self._records = records

    def parse(self, line: bytes) -> Parsed:
        return self._records[int(line)]

    def parse_batch(self, lines: Sequence[bytes]) -> Sequence[Parsed]:
        return list(map(self.parse, lines))


def bodies(records: list[Record], source: SourceSection, payload: Payload) -> list[bytes]:
    extractor = Extractor(
        source,
        GivenRecords(records),
        payload=payload,
        visitor_secret=b"s" * 32,
        once=OnceBook(),
        now_ms=lambda: NOW_MS,
        limit_age=False,
    )
    texts = [b"%d" % number for number in range(len(records))]
    taken = extractor.extract(Lines(texts, 0, 2 * len(texts)), b"generation")
    settled = sum(taken.settled.values())
    assert len(taken.events) + settled == len(records)
    assert "unparsable.internal_error" not in taken.settled
    return [event.body for event in taken.events]


# Surrogates too: a log may say anything.
TEXT = st.text(max_size=30) | st.text(st.characters(), max_size=10)
PIECES = st.lists(
    st.sampled_from(
        ["a", "/", "?", "=", "&", ";", "%", "%40", "@", "b.example", "4111 1111 1111 1111", "-",
         "\x00", "\x85", "#", "<", " ", "+49 170 1234567", "token", "email", "\ud800", "\u2028",
         "https://", "http://u:p@h", "-", "é", '"', "\\", "{", "eyJhbGciOiJI.eyJzdWIi.c2ln"]
    ),
    max_size=12,
).map("".join)  # fmt: skip
ANY_TEXT = TEXT | PIECES
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=6,
)
RECORDS = st.builds(
    Record,
    time_ms=st.integers(0, NOW_MS) | st.just(NOW_MS),
    ip=st.sampled_from(["81.2.69.142", "2a01:4f8::1"]) | st.ip_addresses().map(str),
    method=st.just("GET"),
    status=st.just(200),
    user_agent=st.just("Firefox") | ANY_TEXT.map(lambda text: f"Mozilla {text}"),
    path=PIECES.map(lambda text: f"/{text}") | ANY_TEXT,
    query=st.none() | ANY_TEXT.map(lambda text: f"x={text}&y=1") | ANY_TEXT,
    host=st.none() | ANY_TEXT | st.just("shop.example"),
    scheme=st.none() | st.sampled_from(["http", "https", "ws"]),
    port=st.none() | st.integers(1, 65_535),
    referrer=st.none() | ANY_TEXT | ANY_TEXT.map(lambda text: f"https://a.example/{text}"),
    user=st.none() | ANY_TEXT,
    session=st.none() | ANY_TEXT,
    cookies=st.none() | ANY_TEXT.map(lambda text: f"id={text}"),
    headers=st.none() | st.dictionaries(st.sampled_from(["X-A", "Accept"]), ANY_TEXT, max_size=2),
    fields=st.none() | st.dictionaries(st.sampled_from(["a", "b"]), JSON, max_size=2),
)
FIELDS = (
    FieldSection(name="q", source="query.x"),
    FieldSection(name="path", source="path"),
    FieldSection(name="a", source="fields.a", type="json"),
    FieldSection(name="b", source="fields.b", type="string"),
    FieldSection(name="tags", source="query.x", transform=("split",), type="list"),
    FieldSection(name="number", source="fields.a", type="number"),
    FieldSection(name="from", source="referrer"),
    FieldSection(name="who", template="{user} {cookie.id}"),
    FieldSection(name="hash", source="query.x", transform=("hash_email",)),
    FieldSection(name="order_id", source="header.X-A"),
)
NAMES: st.SearchStrategy[str | From] = st.sampled_from(
    ["purchase", "buy_{query.x}", From("fields.b"), From("user")]
)
PRIVACY = st.builds(
    PrivacySection,
    parameters=st.sampled_from(["remove", "hash"]),
    allow_parameters=st.none() | st.just(("y",)),
    keep_parameters=st.sampled_from([(), ("x",)]),
    fields=st.sampled_from(["hash", "drop", "send"]),
    require_consent=st.none() | st.just(ConsentCookie("id")),
)
SOURCES = st.builds(
    SourceSection,
    name=st.just("shop"),
    paths=st.just(("/a",)),
    site=st.none() | st.just("https://shop.example"),
    private_ips=st.sampled_from(["drop", "send"]),
    bots=st.sampled_from(["tag", "send"]),
    ip_anonymization=st.booleans(),
    visitor=st.sampled_from([VisitorSection(), VisitorSection(cookie="id", field="user")]),
    session=st.sampled_from([SessionSection(), SessionSection(cookie="id", field="fields.b")]),
    privacy=PRIVACY,
    rules=NAMES.map(
        lambda name: (
            RuleSection(name=name, when={"query": {"y": True}}, fields=FIELDS, once_per="q"),
        )
    ),
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(RECORDS, min_size=1, max_size=4), SOURCES, st.sampled_from(["flat", "nested", "both"])
)
def test_a_body_never_breaks_the_schema(
    records: list[Record], source: SourceSection, payload: Payload
) -> None:
    for body in bodies(records, source, payload):
        assert breaches(orjson.loads(body)) == []
        assert validate(body) == []
        assert len(body) <= validation.MAX_BODY_BYTES


@pytest.mark.parametrize(
    "record",
    [
        Record(path="/" + "x" * 2048),
        Record(path="/", query="q=" + "x" * 2048),
        Record(path="/", user_agent="x" * 1025),
        Record(path="/", query="y=1&x=" + "x" * 1025),
        Record(path="/", query="y=1", fields={"a": {"b": "x" * 1025}}),
        Record(path="/", query="y=1", fields={"a": ["x" * 1000] * 40}),
    ],
)
def test_what_is_over_its_limit_is_kept_and_not_cut(record: Record) -> None:
    filled = replace(
        record,
        time_ms=NOW_MS,
        ip="81.2.69.142",
        method="GET",
        status=200,
        user_agent=record.user_agent or "Firefox",
    )
    source = SourceSection(
        name="shop",
        paths=("/a",),
        site="https://shop.example",
        rules=(RuleSection(name="buy", when={"query": {"y": True}}, fields=FIELDS),),
    )

    assert bodies([filled], source, "flat") == []
