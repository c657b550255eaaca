"""The engine of the JSON formats: names, mappings, requests, times and what is refused."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hooktail_parsers import OptionError, Parsed, ParseError, Record, Skip
from hooktail_parsers.json_logs.aliases import APP, SERVER, aliases, normal_key
from hooktail_parsers.json_logs.parser import JsonParser, JsonPlan, ObjectReader

ACCESS = JsonPlan(SERVER, header_prefix="http_")
APPLICATION = JsonPlan(APP, app=True, containers=frozenset(("ctx",)))
AT = {"time": "2025-03-14T08:26:53.123Z"}
TIME_MS = 1_741_940_813_123
GET = {"method": "GET", "uri": "/cart?step=2", "status": 200, **AT}


def parse(line: bytes, plan: JsonPlan = ACCESS, **options: str) -> Parsed:
    return JsonParser(options, plan).parse(line)


def read(found: dict[str, Any], plan: JsonPlan = ACCESS, **options: str) -> Record:
    parsed = parse(json.dumps(found).encode(), plan, **options)
    assert isinstance(parsed, Record), parsed
    return parsed


def refused(found: dict[str, Any], plan: JsonPlan = ACCESS, **options: str) -> str:
    parsed = parse(json.dumps(found).encode(), plan, **options)
    assert not isinstance(parsed, Record)
    return parsed.reason


def mapped(**keys: str) -> dict[str, str]:
    return {f"map.{key}": path for key, path in keys.items()}


@pytest.mark.parametrize(
    "key",
    ["remote_addr", "remoteAddr", "Remote-Addr", "REMOTE_ADDR", "@remoteaddr"],
)
def test_case_and_marks_within_a_key_do_not_count(key: str) -> None:
    assert normal_key(key) == "remoteaddr"
    assert read({**GET, key: "203.0.113.7"}).ip == "203.0.113.7"


def test_keys_may_be_dotted_or_nested_or_both() -> None:
    dotted = {"http.request.method": "GET", "url.path": "/a", **AT}
    nested = {"http": {"request": {"method": "GET"}}, "url": {"path": "/a"}, **AT}
    both = {"http": {"request.method": "GET"}, "url.path": "/a", **AT}

    assert read(dotted) == read(nested) == read(both)
    assert (read(both).method, read(both).path) == ("GET", "/a")


def test_a_better_name_outdoes_a_worse_one_which_stays_among_the_fields() -> None:
    record = read({**GET, "remote_addr": "10.0.0.1", "client_ip": "203.0.113.7"})

    assert record.ip == "203.0.113.7"
    assert record.fields == {"remote_addr": "10.0.0.1"}


@pytest.mark.parametrize("missing", ["", "-", "--", None, "null", "REDACTED"])
def test_where_the_best_name_states_nothing_the_next_one_is_taken(missing: str | None) -> None:
    record = read({**GET, "client_ip": missing, "remote_addr": "203.0.113.7", "ua": missing})

    assert record.ip == "203.0.113.7"
    assert record.user_agent is None


def test_the_last_of_two_equal_keys_counts() -> None:
    line = b'{"time":"2025-03-14T08:26:53Z","uri":"/a","method":"GET","status":200,"status":500}'

    parsed = parse(line)

    assert isinstance(parsed, Record)
    assert parsed.status == 500


@pytest.mark.parametrize(
    ("stamp", "time_ms"),
    [
        ("2025-03-14T08:26:53.123Z", TIME_MS),
        ("2025-03-14T09:26:53.123999999+01:00", TIME_MS),
        ("2025-03-14 08:26:53,123", TIME_MS),
        ("2025/03/14 08:26:53.123", TIME_MS),
        ("[14/Mar/2025:09:26:53 +0100]", TIME_MS - 123),
        ("14/Mar/2025:09:26:53 +0100", TIME_MS - 123),
        ("Fri, 14 Mar 2025 08:26:53 GMT", TIME_MS - 123),
        (1_741_940_813, TIME_MS - 123),
        (1_741_940_813.123, TIME_MS),
        (1_741_940_813_123, TIME_MS),
        (1_741_940_813_123.75, TIME_MS),
        (1_741_940_813_123_456, TIME_MS),
        (1_741_940_813_123_456_789, TIME_MS),
        ("1741940813.123", TIME_MS),
        ("1741940813123456789", TIME_MS),
    ],
)
def test_times_come_in_many_forms(stamp: object, time_ms: int) -> None:
    assert read({**GET, "time": stamp}).time_ms == time_ms


@pytest.mark.parametrize(
    "stamp",
    ["2025-02-30T00:00:00Z", "yesterday", "0.012", 12, -1, 1e300, True, [], "9" * 5000],
)
def test_a_time_that_is_none_is_refused(stamp: object) -> None:
    assert refused({**GET, "time": stamp}) == "bad_time"


def test_a_clock_needs_its_day() -> None:
    assert read({**GET, "date": "2025-03-14", "time": "08:26:53.123"}).time_ms == TIME_MS
    assert refused({**GET, "time": "08:26:53"}) == "bad_time"


def test_a_time_without_a_zone_is_in_the_zone_of_the_options() -> None:
    local = {**GET, "time": "2025-03-14T09:26:53.123"}

    assert read(local, timezone="Europe/Berlin").time_ms == TIME_MS
    assert read(local).time_ms == TIME_MS + 3_600_000


def test_a_users_own_time_format_comes_first() -> None:
    record = read({**GET, "time": "14.03.2025 08-26-53"}, date_format="%d.%m.%Y %H-%M-%S")

    assert record.time_ms == TIME_MS - 123


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ({"request": "GET /a?b=1 HTTP/1.1"}, ("GET", None, None, "/a", "b=1")),
        ({"request": "GET http://Ex.org:81/a? HTTP/1.1"}, ("GET", "http", "ex.org", "/a", "")),
        ({"request": "get /a b HTTP/1.1"}, ("get", None, None, "/a b", None)),
        ({"request": "/a?b", "request_method": "PUT"}, ("PUT", None, None, "/a", "b")),
        ({"request": "GET", "url": "/a"}, ("GET", None, None, "/a", None)),
        ({"method": "GET", "url": "https://ex.org/a?b=1"}, ("GET", "https", "ex.org", "/a", "b=1")),
        ({"method": "GET", "url": "https://u:p@ex.org"}, ("GET", "https", "ex.org", "/", None)),
        ({"method": "GET", "path": "/a", "args": "b=1"}, ("GET", None, None, "/a", "b=1")),
        ({"method": "GET", "path": "/a", "query": "?b=1"}, ("GET", None, None, "/a", "b=1")),
        ({"method": "GET", "path": "//a/b"}, ("GET", None, None, "//a/b", None)),
        ({"path": "/a"}, (None, None, None, "/a", None)),
        ({"request": {"method": "GET", "url": "/a"}}, ("GET", None, None, "/a", None)),
        ({"request": "CONNECT ex.org:443 HTTP/1.1"}, ("CONNECT", None, "ex.org", None, None)),
        ({"request": "OPTIONS * HTTP/1.1"}, ("OPTIONS", None, None, "*", None)),
    ],
)
def test_a_request_comes_as_a_line_as_parts_or_as_an_object(
    found: dict[str, Any], expected: tuple[str | None, ...]
) -> None:
    record = read({**AT, **found})

    assert (record.method, record.scheme, record.host, record.path, record.query) == expected


@pytest.mark.parametrize(
    "found",
    [
        {},
        {"request": ""},
        {"request": "-"},
        {"request": "\x16\x03\x01"},
        {"request": "HELP"},
        {"request": "PRI * HTTP/2.0"},
        {"method": "GET"},
        {"method": "GET", "url": "--"},
        {"method": "G T", "url": "/a"},
        {"method": "GET", "url": "a/b"},
        {"method": "GET", "url": 12},
        {"method": "GET", "url": ["/a"]},
        {"method": {"a": 1}, "url": {"a": 1}},
    ],
)
def test_a_request_that_is_none_is_refused(found: dict[str, Any]) -> None:
    assert refused({**AT, "status": 400, **found}) == "not_a_request"


@pytest.mark.parametrize(
    ("value", "status"),
    [(200, 200), ("200", 200), (200.0, 200), ("200 OK", 200), ("000", None), (0, None),
     ("ok", None), (True, None), (99, None), (1000, None), ("2000", None), ([200], None),
     (None, None)],
)  # fmt: skip
def test_a_status_is_a_number_from_100(value: object, status: int | None) -> None:
    assert read({**GET, "status": value}).status == status


@pytest.mark.parametrize(
    ("value", "ip"),
    [
        ("203.0.113.7:51234", "203.0.113.7"),
        ("[2001:DB8::7]:443", "2001:db8::7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("fe80::1%eth0", "fe80::1"),
        ("10.0.0.1, 203.0.113.7", "203.0.113.7"),
        ("10.0.0.1, 192.168.0.1", "10.0.0.1"),
        (["203.0.113.7", "10.0.0.1"], "203.0.113.7"),
        ("client.example", None),
        ("unix:", None),
        (12, None),
        ({"a": 1}, None),
    ],
)
def test_addresses_come_in_many_forms(value: object, ip: str | None) -> None:
    assert read({**GET, "client_ip": value}).ip == ip


@pytest.mark.parametrize(
    ("found", "seconds"),
    [
        ({"request_time": "0.012"}, 0.012),
        ({"request_time": 1}, 1.0),
        ({"duration_ms": 12}, 0.012),
        ({"duration_us": "1500"}, 0.0015),
        ({"duration_ns": 1_500_000}, 0.0015),
        ({"duration": "12ms"}, 0.012),
        ({"latency": "1.5s"}, 1.5),
        ({"latency": "1m2.5s"}, 62.5),
        ({"latency": "150µs"}, 0.00015),
        ({"latency": "fast"}, None),
        ({"request_time": -1}, None),
        ({"request_time": 1e300}, None),
        ({"request_time": 10**30}, None),
        ({"request_time": ""}, None),
        ({"request_time": True}, None),
    ],
)
def test_durations_have_the_unit_of_their_name_or_their_text(
    found: dict[str, Any], seconds: float | None
) -> None:
    assert read({**GET, **found}).duration_s == seconds


def test_a_duration_of_unknown_unit_is_kept_as_it_is() -> None:
    assert read({**GET, "duration": 12}, APPLICATION).duration_s is None
    assert read({**GET, "duration": "12ms"}, APPLICATION).duration_s == 0.012


def test_host_and_port_come_apart_and_outrank_the_target_in_an_access_log() -> None:
    record = read({**GET, "uri": "http://other.example:81/a", "host": "Shop.Example:8443"})

    assert (record.host, record.port, record.scheme) == ("shop.example", 8443, "http")


def test_in_an_application_the_url_outranks_a_key_that_may_name_the_machine() -> None:
    url = {**GET, "url": "https://shop.example/a", "host": "web1.internal"}

    assert read(url, APPLICATION).host == "shop.example"
    assert read({**GET, "host": "web1"}, APPLICATION).host is None
    assert read({**GET, "host": "shop.example"}, APPLICATION).host == "shop.example"


@pytest.mark.parametrize(
    ("found", "scheme"),
    [
        ({"scheme": "HTTPS"}, "https"),
        ({"protocol": "HTTP/1.1"}, None),
        ({"https": "on"}, "https"),
        ({"tls": {"version": 772}}, "https"),
        ({"is_tls": False}, "http"),
        ({"ssl": "TLSv1.3"}, "https"),
    ],
)
def test_the_scheme_is_stated_or_follows_from_tls(
    found: dict[str, Any], scheme: str | None
) -> None:
    assert read({**GET, **found}).scheme == scheme


def test_headers_come_as_text_or_lists_in_any_case_and_without_secrets() -> None:
    record = read(
        {
            **GET,
            "headers": {
                "USER-AGENT": ["Agent/1.0"],
                "Referer": "https://r.example/",
                "x-forwarded-for": ["203.0.113.7", "10.0.0.1"],
                "Host": ["shop.example"],
                "Cookie": ["sid=abc", "a=1"],
                "Authorization": ["Basic c2VjcmV0"],
                "X-Api-Key": "secret",
                "Sec-Fetch-Dest": ["document"],
                "Empty": [],
            },
        }
    )

    assert (record.user_agent, record.referrer) == ("Agent/1.0", "https://r.example/")
    assert (record.xff, record.host) == ("203.0.113.7, 10.0.0.1", "shop.example")
    assert record.cookies == "sid=abc; a=1"
    assert record.headers is not None
    assert record.headers["sec-fetch-dest"] == "document"
    assert not {"authorization", "x-api-key", "cookie", "empty"} & set(record.headers)


def test_keys_with_the_prefix_of_headers_are_headers() -> None:
    record = read({**GET, "http_sec_fetch_dest": "document", "http_version": "2", "http_x": "-"})

    assert record.headers == {"sec-fetch-dest": "document"}


@pytest.mark.parametrize(
    ("value", "cookies"),
    [("a=1; b=2", "a=1; b=2"), (["a=1", "b=2"], "a=1; b=2"), ({"a": "1", "b": 2}, "a=1; b=2")],
)
def test_cookies_come_as_text_list_or_object(value: object, cookies: str) -> None:
    record = read({**GET, "cookies": value}, session_cookie="b")

    assert record.cookies == cookies
    assert record.session == "2"


@pytest.mark.parametrize(
    ("value", "user"),
    [(42, "42"), ("theuser", "theuser"), ({"id": 42, "name": "x"}, "42"), ({"name": "x"}, "x"),
     (None, None), (True, None), ([], None)],
)  # fmt: skip
def test_a_user_is_a_name_a_number_or_an_object(value: object, user: str | None) -> None:
    assert read({**GET, "user": value}).user == user


def test_the_rest_goes_to_the_fields_by_its_own_names() -> None:
    record = read({**GET, "upstream": "10.0.0.1:80", "geo": {"cc": "DE", "none": None}, "n": "-"})

    assert record.fields == {"upstream": "10.0.0.1:80", "geo": {"cc": "DE"}}


def test_a_users_mapping_outdoes_every_name() -> None:
    record = read(
        {**GET, "client_ip": "10.0.0.1", "peer": {"address": "203.0.113.7"}, "Who.Agent": "A/1"},
        ACCESS,
        **mapped(ip="peer.address", user_agent="who.agent"),
    )

    assert (record.ip, record.user_agent) == ("203.0.113.7", "A/1")


def test_a_mapped_event_makes_a_record_without_method_and_status() -> None:
    line = {
        "event": "signup",
        "at": 1_741_940_813_123,
        "client": {"ip": "::ffff:203.0.113.7", "ua": "Agent/1.0"},
        "page": "https://shop.example/signup?plan=pro",
        "ctx": {"order": "A-7", "password": "hunter2"},
    }
    keys = mapped(
        event="event", time="at", ip="client.ip", user_agent="client.ua", url="page",
        **{"fields.order_id": "ctx.order"},
    )  # fmt: skip

    record = read(line, APPLICATION, **keys)

    assert record == Record(
        time_ms=TIME_MS,
        ip="203.0.113.7",
        scheme="https",
        host="shop.example",
        path="/signup",
        query="plan=pro",
        user_agent="Agent/1.0",
        fields={"event": "signup", "order_id": "A-7"},
    )
    assert refused({"at": 1, "other": "signup"}, APPLICATION, **keys) == "no_request"


def test_a_mapped_event_goes_without_a_page_but_not_with_an_impossible_time() -> None:
    keys = mapped(event="msg")

    assert read({"msg": "order.placed", **AT}, APPLICATION, **keys).path is None
    assert refused({"msg": "order.placed", "time": "x"}, APPLICATION, **keys) == "bad_time"


def test_a_field_that_was_asked_for_may_have_any_name_but_not_private_members() -> None:
    keys = mapped(**{"fields.error": "err", "fields.items": "cart"})
    line = {**GET, "err": "E42", "cart": [{"sku": "a", "token": "t"}]}

    assert read(line, ACCESS, **keys).fields == {"error": "E42", "items": [{"sku": "a"}]}


@pytest.mark.parametrize(
    "options",
    [mapped(color="a"), mapped(ip=""), mapped(ip="a" * 999), {"log_format": "x"},
     {"encoding": "utf-16"}, {"timezone": "Mars/Base"}, {"date_format": "%Q"},
     {"map.fields.a b": "x"}],
)  # fmt: skip
def test_options_that_cannot_be_used_are_refused(options: dict[str, str]) -> None:
    with pytest.raises(OptionError):
        JsonParser(options, ACCESS)


FINISHED = ["request_finished", "request completed", "GET /cart 200", "request", "handled request"]
UNFINISHED = ["request_started", "cache_miss", "incoming request", "loading user", "GET / started"]


@pytest.mark.parametrize("said", FINISHED)
def test_without_a_status_an_application_must_say_that_it_is_done(said: str) -> None:
    assert read({"method": "GET", "url": "/a", "msg": said, **AT}, APPLICATION).path == "/a"


@pytest.mark.parametrize("said", UNFINISHED)
def test_a_request_that_is_not_done_is_skipped(said: str) -> None:
    line = {"method": "GET", "url": "/a", "msg": said, **AT}

    assert refused(line, APPLICATION) == "not_finished"
    assert read({**line, "status": 200}, APPLICATION).status == 200


@pytest.mark.parametrize(
    "found",
    [{"msg": "hello"}, {"request": {"amount": 1}}, {"url": "/a", "status": 200}, {"method": "GET"},
     {"request": "GET /p", "event": "cache_miss"}],
)  # fmt: skip
def test_other_lines_of_an_application_are_skipped(found: dict[str, Any]) -> None:
    assert isinstance(parse(json.dumps({**AT, **found}).encode(), APPLICATION), Skip)


def test_a_name_within_a_context_is_a_worse_answer_than_outside() -> None:
    record = read({**GET, "ctx": {"url": "/inner", "client_ip": "203.0.113.7"}}, APPLICATION)

    assert (record.path, record.ip) == ("/cart", "203.0.113.7")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"", "blank"),
        (b"\x00\x00\r", "blank"),
        (b"plain text", "syntax"),
        (b"[1]", "syntax"),
        (b'"text"', "syntax"),
        (b'{"time":"2025-03-14T08:26:53Z","request":"GET /tr', "syntax"),
        (b'{"a":1}{"b":2}', "syntax"),
        (b"{" * 5000, "syntax"),
        (b'{"a":' * 5000 + b"1" + b"}" * 5000, "syntax"),
    ],
)
def test_what_is_no_object_is_refused(line: bytes, reason: str) -> None:
    parsed = parse(line)

    assert isinstance(parsed, Skip | ParseError)
    assert parsed.reason == reason


@pytest.mark.parametrize(
    "line",
    [
        b'\xef\xbb\xbf{"method":"GET","url":"/a"}',
        b'\x00\x00{"method":"GET","url":"/a"}\r',
        b'  {"method":"GET","url":"/a"},',
        b'{"method":"GET","url":"/a",}',
        b'{"method":"GET","url":"/a","t":,"s":-,"status":000}',
        b'{"method":"GET","url":"/a","t":0.1, 0.2 : 0.3}',
        b'{"method":"GET","url":"/a","x":"\\x07"}',
        b'{"method":"GET","url":"/a","x":NaN}',
    ],
)
def test_what_surrounds_or_blemishes_an_object_is_put_right(line: bytes) -> None:
    parsed = parse(line)

    assert isinstance(parsed, Record), parsed
    assert parsed.path == "/a"


def test_bytes_that_are_no_utf8_become_replacement_characters() -> None:
    line = b'{"method":"GET","url":"/a","ua":"caf\xe9"}'

    broken, latin = parse(line), parse(line, encoding="latin-1")

    assert isinstance(broken, Record)
    assert isinstance(latin, Record)
    assert (broken.user_agent, latin.user_agent) == ("caf\ufffd", "café")


def test_an_object_reader_reads_what_is_decoded_already() -> None:
    reader = ObjectReader({"timezone": "+01:00"}, JsonPlan(aliases(target="uri", time="ts")))

    record = reader.record(
        {"uri": "/a\ud800?b", "ts": "2025-03-14 09:26:53.123", "x": float("nan")}
    )

    assert record == Record(time_ms=TIME_MS, path="/a\ufffd", query="b")


def test_shapes_are_forgotten_and_learnt_again() -> None:
    parser = JsonParser({}, ACCESS)
    lines = [json.dumps({**GET, f"key{n}": n}).encode() for n in range(700)]

    first, again = parser.parse_batch(lines), parser.parse_batch(lines)

    assert first == again
    assert all(isinstance(each, Record) for each in first)


def test_hostile_objects_take_no_time_and_no_room() -> None:
    wide = json.dumps({**GET, **{f"k{n}": "x" * 100 for n in range(20_000)}}).encode()
    keys = json.dumps({**GET, **{"." * n: n for n in range(500)}, "a" * 100_000: 1}).encode()
    nested = b'{"method":"GET","url":"/a","ctx":' + b'{"ctx":' * 900 + b"1" + b"}" * 901
    number = b'{"method":"GET","url":"/a","n":' + b"1" * 1_000_000 + b"}"
    colons = b'{"a":1' + b":" * 100_000 + b"}"
    quotes = b"{" + b'\\"' * 100_000 + b"}"
    began = time.perf_counter()

    for line in (wide, keys, nested, number, colons, quotes):
        parsed = parse(line, APPLICATION)
        if isinstance(parsed, Record):
            assert len(str(parsed.fields)) < 50_000
    assert time.perf_counter() - began < 3


TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
PATHS = st.text(st.characters(codec="utf-8", exclude_characters="?"), max_size=20).map("/".__add__)


@settings(max_examples=60)
@given(
    method=st.from_regex(r"[A-Z]{1,10}", fullmatch=True),
    path=PATHS,
    query=st.none() | TEXT,
    agent=TEXT,
    time_ms=st.integers(200_000_000_000, 4_000_000_000_000),
    status=st.integers(100, 999),
)
def test_what_is_written_is_read_back(
    method: str, path: str, query: str | None, agent: str, time_ms: int, status: int
) -> None:
    target = path if query is None else f"{path}?{query}"
    line = {"method": method, "uri": target, "ua": f"a{agent}", "ts": time_ms, "status": status}

    assert read(line) == Record(
        time_ms=time_ms,
        method=method,
        path=path,
        query=query,
        user_agent=f"a{agent}",
        status=status,
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
KEYS = st.sampled_from(
    ["time", "method", "url", "request", "status", "headers", "user", "ctx", "host", "ip", "tls",
     "cookies", "xff", "duration", "http"]
)  # fmt: skip


@settings(max_examples=150)
@given(found=st.dictionaries(KEYS | TEXT, JSON, max_size=8))
def test_no_value_of_any_type_raises(found: dict[str, object]) -> None:
    for plan in (ACCESS, APPLICATION):
        parsed = ObjectReader(mapped(event="msg"), plan).record(found)
        assert isinstance(parsed, Record | Skip | ParseError)


@settings(max_examples=100)
@given(line=st.binary(max_size=60))
def test_no_bytes_raise(line: bytes) -> None:
    for each in (line, b"{" + line + b"}", b'{"a":"' + line + b'"}'):
        assert isinstance(parse(each), Record | Skip | ParseError)
