"""Who an event is about: cookie, field, or an id made of address and user agent."""

from __future__ import annotations

import hmac
from datetime import UTC, date, datetime, timedelta

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from hooktail.config.sections import Rotation, SourceSection, VisitorSection
from hooktail.extract import build_extractor
from hooktail.extract.once import OnceBook
from hooktail.extract.visitor import MAX_ID, Mac, Visitors, derive, period_of, visitor
from hooktail.model import Lines
from hooktail_parsers import Record

SECRET = b"s" * 32
SITE = "https://shop.example"
AGENT = "Firefox/128.0"
VISIT = Record(time_ms=1_705_314_600_123, ip="81.2.69.142", user_agent=AGENT, path="/")
MADE = derive(Mac(SECRET), SITE, "81.2.69.142", AGENT).id
WHO = VisitorSection(cookie="_ga", field="fields.user.id")


def id_of(record: Record, section: VisitorSection = WHO) -> str:
    return Visitors(section, SECRET).of(record, SITE, AGENT).id


def test_the_cookie_comes_before_the_field_and_both_before_a_made_id() -> None:
    field = replace(VISIT, fields={"user": {"id": 42}})
    both = replace(field, cookies='a=1; _ga="GA1.2.1033501218.1368477899"')

    assert id_of(both) == "GA1.2.1033501218.1368477899"
    assert id_of(field) == "42"
    assert id_of(VISIT) == MADE


@pytest.mark.parametrize(
    "value", ["", "-", " ", "\x00", "x" * (MAX_ID + 1), 10**400, None, True, ["a"], 1.5]
)
def test_what_is_no_id_is_left_alone(value: object) -> None:
    record = replace(VISIT, fields={"user": {"id": value}})

    assert id_of(record) == MADE


def test_control_characters_of_a_cookie_go() -> None:
    assert id_of(replace(VISIT, cookies="_ga=a%00b%0Ac")) == "abc"


@given(st.integers(0, 200_000))
def test_an_id_lasts_for_its_period(day: int) -> None:
    then = date(1970, 1, 1) + timedelta(days=day)
    monday = then - timedelta(days=then.weekday())

    def same(rotation: Rotation, other: date) -> bool:
        return period_of(rotation, day) == period_of(rotation, (other - date(1970, 1, 1)).days)

    assert same("never", date(2100, 1, 1))
    assert same("daily", then)
    assert not same("daily", then + timedelta(days=1))
    assert same("weekly", monday)
    assert same("weekly", monday + timedelta(days=6))
    assert not same("weekly", monday + timedelta(days=7))
    assert same("monthly", then.replace(day=1))
    assert not same("monthly", then.replace(day=1) - timedelta(days=1))


def test_a_rotated_id_changes_at_midnight_utc_in_event_time_and_comes_back_with_it() -> None:
    visitors = Visitors(VisitorSection(rotate="daily"), SECRET)
    midnight_ms = int(datetime(2025, 3, 12, tzinfo=UTC).timestamp() * 1000)

    def at(time_ms: int) -> str:
        return visitors.of(replace(VISIT, time_ms=time_ms), SITE, AGENT).id

    before, after = at(midnight_ms - 1), at(midnight_ms)
    assert before != after
    assert at(midnight_ms + 86_399_999) == after
    assert at(midnight_ms - 1) == before  # a late line
    assert MADE not in (before, after)


def test_a_stated_id_does_not_rotate() -> None:
    section = VisitorSection(cookie="_ga", rotate="daily")
    record = replace(VISIT, cookies="_ga=GA1.2.3.4")

    assert id_of(record, section) == "GA1.2.3.4"


@given(st.text(), st.text())
def test_keys_are_60_bits_and_even_and_differ_with_the_id(one: str, other: str) -> None:
    key = visitor(one).key

    assert 0 <= key < 1 << 60
    assert key % 2 == 0
    assert (visitor(other).key == key) == (
        one.encode("utf-8", "replace") == other.encode("utf-8", "replace")
    )


@pytest.mark.parametrize(
    "chosen", [("visitor_id",), ("persistent_anonymous_user_id",), ("visitor_id",) * 2]
)
def test_visitor_fields_chooses_the_keys_that_are_sent(chosen: tuple[str, ...]) -> None:
    extractor = build_extractor(
        SourceSection(
            name="shop", paths=(), site=SITE, visitor=VisitorSection(visitor_fields=chosen)
        ),
        payload="flat",
        visitor_secret=SECRET,
        once=OnceBook(),
        now_ms=lambda: 1_705_314_660_000,
    )
    line = (
        b'81.2.69.142 - - [15/Jan/2024:10:30:00 +0000] "GET / HTTP/1.1" 200 9 "-" '
        b'"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"'
    )

    (event,) = extractor.extract(Lines([line], 0, len(line) + 1), b"g").events

    sent = orjson.loads(event.body)
    assert {"visitor_id", "persistent_anonymous_user_id"} & sent.keys() == set(chosen)


@given(key=st.binary(max_size=200), messages=st.lists(st.binary(max_size=200), max_size=4))
def test_a_mac_is_an_hmac_of_sha_256(key: bytes, messages: list[bytes]) -> None:
    mac = Mac(key)
    for message in messages:
        assert mac.digest(message) == hmac.digest(key, message, "sha256")
