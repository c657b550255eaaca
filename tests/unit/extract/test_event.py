"""The body: keys and order, addresses cleaned, nobody's data in it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from hooktail.collector.validate import validate
from hooktail.config.sections import Payload, SourceSection
from hooktail.extract.event import BodyBuilder, Timestamps
from hooktail.extract.privacy import Scrubber
from hooktail.extract.text import stated
from hooktail.extract.validation import TooLarge
from hooktail.extract.visitor import Mac, derive
from hooktail_parsers import Record

SHOP = SourceSection(name="shop", paths=("/a",), site="https://shop.example")
VISIT = Record(
    time_ms=1_705_314_600_123, ip="81.2.69.142", user_agent="Firefox/128.0", path="/a", query="b=1"
)
SECRET = b"s" * 32
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def built(
    record: Record,
    source: SourceSection = SHOP,
    fields: dict[str, object] | None = None,
    payload: Payload = "flat",
) -> dict[str, object]:
    builder = BodyBuilder(source, payload=payload, visitor_secret=SECRET)
    visitor_id = builder.visitor_of(record).id
    body = builder.build(
        "pageview",
        "the-id",
        record,
        fields or {},
        visitor_id=visitor_id,
        session_id=stated(record.session),
    )
    assert validate(body) == []
    value: dict[str, object] = orjson.loads(body)
    return value


def url_of(record: Record, site: str | None = SHOP.site) -> object:
    return built(record, replace(SHOP, site=site)).get("url")


def referrer_of(referrer: str | None) -> object:
    return built(structs.replace(VISIT, referrer=referrer)).get("referrer")


def test_keys_stand_in_the_order_of_the_contract() -> None:
    record = structs.replace(VISIT, referrer="https://a.example/", session="s1")
    assert list(built(record, fields={"order_id": "A1"})) == [
        "event_name",
        "event_id",
        "timestamp",
        "visitor_id",
        "persistent_anonymous_user_id",
        "session_id",
        "url",
        "referrer",
        "user_agent",
        "ip_address",
        "order_id",
    ]


def test_what_is_absent_is_left_out() -> None:
    record = Record(time_ms=0, ip="81.2.69.142", user_agent="x", referrer="-", session="")
    assert list(built(record, replace(SHOP, site=None, send_event_id=False))) == [
        "event_name",
        "timestamp",
        "visitor_id",
        "persistent_anonymous_user_id",
        "user_agent",
        "ip_address",
    ]


def test_fields_are_flat_or_nested_or_both() -> None:
    fields: dict[str, object] = {"value": 9.5}
    flat = built(VISIT, fields=fields)
    nested = built(VISIT, fields=fields, payload="nested")
    both = built(VISIT, fields=fields, payload="both")
    assert flat["value"] == 9.5
    assert "event_payload" not in flat
    assert nested["event_payload"] == fields
    assert "value" not in nested
    assert both["value"] == 9.5
    assert both["event_payload"] == fields
    assert "event_payload" not in built(VISIT, payload="nested")


@pytest.mark.parametrize(
    ("time_ms", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1_705_314_600_009, "2024-01-15T10:30:00.009Z"),
        (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
    ],
)
def test_times_are_written_with_exactly_three_digits_and_z(time_ms: int, text: str) -> None:
    assert built(structs.replace(VISIT, time_ms=time_ms))["timestamp"] == text


@pytest.mark.parametrize(
    ("site", "scheme", "host", "port", "url"),
    [
        ("https://shop.example", None, None, None, "https://shop.example/a?b=1"),
        ("http://shop.example:8080", None, None, None, "http://shop.example:8080/a?b=1"),
        ("<https://shop.example/>", None, None, None, "https://shop.example/a?b=1"),
        ("https://shop.example", None, "m.shop.example", None, "https://m.shop.example/a?b=1"),
        ("https://shop.example", None, "m.shop.example", 443, "https://m.shop.example/a?b=1"),
        ("https://shop.example", None, "m.shop.example", 80, "https://m.shop.example/a?b=1"),
        ("https://shop.example", "http", None, None, "http://shop.example/a?b=1"),
        ("https://shop.example:444", None, "shop.example", None, "https://shop.example:444/a?b=1"),
        (None, None, "a.example", None, "https://a.example/a?b=1"),
        (None, "http", "a.example", 80, "http://a.example/a?b=1"),
        (None, "http", "a.example", 443, "http://a.example:443/a?b=1"),
        (None, "https", "a.example", 8443, "https://a.example:8443/a?b=1"),
        (None, None, "2a01:4f8::1", 8443, "https://[2a01:4f8::1]:8443/a?b=1"),
        (None, None, "a b<c>", None, None),
        (None, None, None, None, None),
    ],
)
def test_the_url_takes_from_the_site_what_the_log_leaves_out(
    site: str | None, scheme: str | None, host: str | None, port: int | None, url: str | None
) -> None:
    assert url_of(structs.replace(VISIT, scheme=scheme, host=host, port=port), site) == url


@pytest.mark.parametrize(
    ("path", "query", "target"),
    [
        ("/a", None, "/a"),
        ("/a", "", "/a"),
        ("/a%20b", "c=%2B+d", "/a%20b?c=%2B+d"),
        ("/a#b", "c", "/a"),
        ("/a", "c=1#d", "/a?c=1"),
        ("/<a>", "<b>", "/a?b"),
        ("/a b\x00\x1f", "é=ü", "/a%20b?é=ü"),
        ("/\ud800", None, "/"),
        ("/a;jsessionid=123/b", None, "/a/b"),
    ],
)
def test_the_url_is_as_requested_but_for_what_no_url_holds(
    path: str, query: str | None, target: str
) -> None:
    assert url_of(structs.replace(VISIT, path=path, query=query)) == f"https://shop.example{target}"


@pytest.mark.parametrize("path", ["*", "a", None])
def test_without_a_path_there_is_no_url(path: str | None) -> None:
    assert url_of(structs.replace(VISIT, path=path)) is None


@pytest.mark.parametrize(
    ("referrer", "expected"),
    [
        ("https://a.example/b?c=1#d", "https://a.example/b?c=1"),
        ("https://user:word@a.example/", "https://a.example/"),
        ("<https://a.example/>", "https://a.example/"),
        ("android-app://com.google.android.gm/", "android-app://com.google.android.gm/"),
        ("https://a.example:8443", "https://a.example:8443"),
        ("https://a.example/?token=x&page=2", "https://a.example/?page=2"),
        ("-", None),
        ("", None),
        ("/relative", None),
        ("about:blank", None),
        ("https://", None),
        ("https://a b/", None),
        ("https:///x", None),
        ("https://:80:80", None),
        ("https://::1/", None),
        ("https://[::1]:8443/", "https://[::1]:8443/"),
        ("https://[1:2]/", None),
        (None, None),
        ("https://a.example/" + "x" * 3000, None),
        ("https://a.example/x?" + "y" * 3000, "https://a.example/x"),
    ],
)
def test_referrers_are_cleaned_the_same_way(referrer: str | None, expected: str | None) -> None:
    assert referrer_of(referrer) == expected


@pytest.mark.parametrize(
    "name",
    ["email", "e-mail", "user[email]", "Email", "phone", "tel", "name", "first_name",
     "lastName", "address", "password", "token", "access_token", "api_key", "key", "secret",
     "client_secret", "code", "state", "session", "sessionid", "sid", "signature", "otp%20",
     "to%6Ben"],
)  # fmt: skip
def test_parameters_that_name_a_person_or_a_secret_are_taken_out(name: str) -> None:
    assert Scrubber().query(f"a=1&{name}=x&b=2") == "a=1&b=2"


@pytest.mark.parametrize(
    "name",
    ["utm_source", "utm_campaign", "gclid", "gbraid", "wbraid", "fbclid", "msclkid", "ttclid",
     "li_fat_id", "twclid", "q", "page", "filename", "product_name", "keyword", "monkey",
     "zip_code", "estate"],
)  # fmt: skip
def test_campaigns_click_ids_and_the_rest_stay(name: str) -> None:
    assert Scrubber().query(f"a=1&{name}=x") == f"a=1&{name}=x"


def test_values_and_path_segments_that_look_like_e_mail_are_taken_out() -> None:
    assert Scrubber().query("u=a%40b.example&q=x") == "q=x"
    assert Scrubber().query("u=me@b.example") == ""
    assert Scrubber().path("/unsubscribe/a@b.example/now") == "/unsubscribe/now"
    assert Scrubber().path("/@handle/pkg@1.2.3") == "/@handle/pkg@1.2.3"
    assert Scrubber().path("/a@b.example") == "/"


def test_what_a_rule_uses_stays() -> None:
    assert Scrubber({"code"}).query("code=X1&state=2") == "code=X1"


@pytest.mark.parametrize(
    "record",
    [
        structs.replace(VISIT, path="/" + "x" * 2048),
        structs.replace(VISIT, query="x" * 2048),
        structs.replace(VISIT, user_agent="x" * 1025),
    ],
)
def test_what_is_over_its_limit_makes_no_body(record: Record) -> None:
    with pytest.raises(TooLarge):
        built(record)


def test_a_body_over_32_kib_is_refused() -> None:
    with pytest.raises(TooLarge):
        built(VISIT, fields={f"f{i}": "x" * 1000 for i in range(40)})


def test_the_visitor_is_the_same_in_both_keys_and_every_session() -> None:
    body = built(VISIT)
    assert body["visitor_id"] == body["persistent_anonymous_user_id"]
    assert (
        body["visitor_id"] == built(structs.replace(VISIT, time_ms=5, path="/other"))["visitor_id"]
    )
    assert (
        body["visitor_id"]
        == derive(Mac(SECRET), "https://shop.example", "81.2.69.142", "Firefox/128.0").id
    )


def test_visitors_differ_by_secret_site_address_and_agent() -> None:
    ids = {
        derive(Mac(b"a"), "s", "81.2.69.142", "x").id,
        derive(Mac(b"b"), "s", "81.2.69.142", "x").id,
        derive(Mac(b"a"), "t", "81.2.69.142", "x").id,
        derive(Mac(b"a"), "s", "81.2.69.143", "x").id,
        derive(Mac(b"a"), "s", "81.2.69.142", "y").id,
        derive(Mac(b"a"), "s8", "1.2.69.142", "x").id,
    }
    assert len(ids) == 6


def test_a_household_with_ipv6_stays_one_visitor() -> None:
    first, second = (
        derive(Mac(b"a"), "s", "2a01:4f8:0:1::5", "x").id,
        derive(Mac(b"a"), "s", "2a01:4f8:0:1:9::", "x").id,
    )
    assert first == second


@given(
    st.builds(
        Record,
        time_ms=st.integers(0, 253_402_300_799_999),
        ip=st.ip_addresses().map(str),
        user_agent=st.text(min_size=1).map(lambda text: f"x{text}"),
        path=st.none() | st.text().map(lambda text: f"/{text}"),
        query=st.none() | st.text(),
        host=st.none() | st.text() | st.just("a.example"),
        port=st.none() | st.integers(-1, 65_536),
        scheme=st.none() | st.sampled_from(["http", "https", "ws"]),
        referrer=st.none()
        | st.text()
        | st.text().map(lambda text: f"https://{text}")
        | st.text("[]:@.0a/", max_size=8).map(lambda text: f"https://{text}"),
        session=st.none() | st.text(),
    )
)
def test_for_any_record_the_body_is_valid(record: Record) -> None:
    built(record)


@given(st.lists(st.integers(0, 253_402_300_799_999) | st.integers(0, 200_000), max_size=5))
def test_times_are_written_as_they_are(times_ms: list[int]) -> None:
    written = Timestamps()
    for time_ms in times_ms:
        moment = EPOCH + timedelta(milliseconds=time_ms)
        expected = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        assert written.text(time_ms) == expected


@pytest.mark.parametrize(
    ("limit", "record"),
    [
        ({"max_url_length": 64}, structs.replace(VISIT, path="/" + "a" * 60)),
        ({"max_user_agent_length": 64}, structs.replace(VISIT, user_agent="a" * 65)),
        ({"max_body_bytes": 1024}, structs.replace(VISIT, path="/" + "a" * 1000)),
    ],
)
def test_the_limits_can_be_lowered(limit: dict[str, int], record: Record) -> None:
    lower = replace(SHOP, **limit)  # type: ignore[arg-type]  # each value is a whole number
    built(record)
    built(VISIT, lower)

    with pytest.raises(TooLarge):
        built(record, lower)


def test_a_referrer_over_a_lower_limit_is_left_out_too() -> None:
    lower = replace(SHOP, max_url_length=64)
    long, short = "https://a.example/" + "a" * 60, "https://a.example/b"

    assert "referrer" not in built(structs.replace(VISIT, referrer=long), lower)
    assert (
        built(structs.replace(VISIT, referrer=f"{short}?c={'d' * 60}"), lower)["referrer"] == short
    )
