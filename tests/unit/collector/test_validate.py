"""What the stand-in endpoint calls a good body."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooktail.collector.validate import examine, validate

GOOD: dict[str, Any] = {
    "event_name": "purchase",
    "event_id": "0189f2f0-0000-8000-8000-000000000001",
    "timestamp": "2024-01-15T10:30:00.000Z",
    "visitor_id": "v1",
    "persistent_anonymous_user_id": "v1",
    "session_id": "s1",
    "url": "https://shop.example/checkout/success?order=7",
    "referrer": "https://shop.example/checkout",
    "user_agent": "Mozilla/5.0",
    "ip_address": "203.0.113.195",
    "order_id": "7",
    "value": 99.99,
    "items": [{"id": "1", "price": 29.99}],
}


def problems_with(**changes: Any) -> list[str]:
    return validate(orjson.dumps({**GOOD, **changes}))


def test_a_whole_event_has_no_problems() -> None:
    assert validate(orjson.dumps(GOOD)) == []


def test_the_three_required_keys_are_enough() -> None:
    least = {key: GOOD[key] for key in ("event_name", "ip_address", "user_agent")}

    assert validate(orjson.dumps(least)) == []


@pytest.mark.parametrize("key", ["event_name", "ip_address", "user_agent"])
def test_each_required_key_is_missed(key: str) -> None:
    body = orjson.dumps({name: value for name, value in GOOD.items() if name != key})

    assert validate(body) == [f"{key}: required and missing"]


@pytest.mark.parametrize("key", list(GOOD))
@pytest.mark.parametrize("absent", [None, "", "-"])
def test_absent_values_must_be_left_out(key: str, absent: str | None) -> None:
    assert any(problem.startswith(f"{key}: absent") for problem in problems_with(**{key: absent}))


@pytest.mark.parametrize("absent", [None, "", "-"])
def test_absent_values_must_be_left_out_of_the_payload_too(absent: str | None) -> None:
    (problem,) = problems_with(event_payload={"order_id": absent})

    assert problem.startswith("event_payload.order_id: absent")


def test_the_payload_is_an_object() -> None:
    assert problems_with(event_payload={"order_id": "7"}) == []
    assert len(problems_with(event_payload=[1])) == 1
    assert len(problems_with(event_payload="x")) == 1


@pytest.mark.parametrize("key", [key for key in GOOD if isinstance(GOOD[key], str)][:-1])
def test_text_keys_hold_text(key: str) -> None:
    assert problems_with(**{key: 7}) != []
    assert problems_with(**{key: {"a": 1}}) != []


@pytest.mark.parametrize(
    "timestamp",
    [
        "2024-01-15T10:30:00Z",
        "2024-01-15T10:30:00.000000Z",
        "2024-01-15T10:30:00.000+00:00",
        "2024-01-15 10:30:00.000Z",
        "2024-02-30T10:30:00.000Z",
        "2024-01-15T24:30:00.000Z",
        "2024-01-15T23:59:60.000Z",
        "2024-01-15T10:30:00.000Z\n",
        "٢٠٢٤-01-15T10:30:00.000Z",  # digits, but not these
    ],
)
def test_a_timestamp_is_a_real_instant_of_24_characters(timestamp: str) -> None:
    assert len(problems_with(timestamp=timestamp)) == 1


@pytest.mark.parametrize("ip", ["192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1"])
def test_addresses_of_both_families_pass(ip: str) -> None:
    assert problems_with(ip_address=ip) == []


@pytest.mark.parametrize("ip", ["192.0.2.1:80", "[2001:db8::1]", "fe80::1%eth0", "host", "1.2.3"])
def test_what_is_no_address_is_refused(ip: str) -> None:
    assert len(problems_with(ip_address=ip)) == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.example",
        "https://shop.example:8443/a?b=c",
        "https://[2001:db8::1]/",
        "https://bücher.example/ü?q=%20",
        "HTTPS://shop.example?x",
    ],
)
def test_absolute_urls_pass(url: str) -> None:
    assert problems_with(url=url, referrer=url) == []


@pytest.mark.parametrize(
    "url",
    [
        "<https://shop.example/>",
        "https://shop.example/<b>",
        "/checkout",
        "//shop.example/",
        "https://",
        "https:///path",
        "https://shop.example/a b",
        "https://shop.example/\n",
    ],
)
def test_other_urls_are_refused(url: str) -> None:
    assert len(problems_with(url=url)) == 1
    assert len(problems_with(referrer=url)) == 1


def test_a_referrer_may_be_an_app() -> None:
    assert problems_with(referrer="android-app://com.example.shop/") == []
    assert len(problems_with(url="android-app://com.example.shop/")) == 1


def test_both_visitor_keys_say_the_same() -> None:
    assert problems_with(visitor_id="v2") == ["visitor_id: must equal persistent_anonymous_user_id"]
    only_one = {key: value for key, value in GOOD.items() if key != "visitor_id"}
    assert validate(orjson.dumps(only_one)) == []


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff", b"\xef\xbb\xbf{}", b'{"a":NaN}', b'{"a":1e999}', b'{"a":1}x']
)
def test_what_is_not_utf8_json_is_refused(body: bytes) -> None:
    examined = examine(body)

    assert not examined.is_json
    assert len(examined.problems) == 1


@pytest.mark.parametrize("body", [b"[]", b"null", b'"text"', b"1"])
def test_json_that_is_no_object_is_refused(body: bytes) -> None:
    examined = examine(body)

    assert examined.is_json
    assert len(examined.problems) == 1


def test_a_key_given_twice_is_refused_at_any_depth() -> None:
    good = orjson.dumps(GOOD)

    assert validate(b'{"event_name":"x",' + good[1:]) == ["event_name: given more than once"]
    assert validate(good[:-1] + b',"o":{"a":1,"a":1}}') == ["a: given more than once"]
    assert validate(json.dumps(GOOD, indent=2).encode()) == []


def test_a_body_nested_too_deeply_is_refused_and_not_followed() -> None:
    deep = b'{"a":' + b"[" * 1000 + b"]" * 1000 + b"}"

    assert validate(deep) != []


def test_a_long_value_is_not_repeated_in_the_problem() -> None:
    (problem,) = problems_with(ip_address="9" * 10_000)

    assert len(problem) < 200


@given(st.binary(max_size=200))
def test_any_bytes_are_judged_without_raising(body: bytes) -> None:
    assert isinstance(validate(body), list)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from([*GOOD, "event_payload", "other"]), json_values))
def test_any_object_is_judged_without_raising(event: dict[str, Any]) -> None:
    for problem in validate(json.dumps({**GOOD, **event}).encode("utf-8", "replace")):
        assert ": " in problem
