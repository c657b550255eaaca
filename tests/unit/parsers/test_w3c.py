"""Formats whose header names the columns: IIS and other W3C writers, CloudFront."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hooktail_parsers import (
    OptionError,
    ParseError,
    Record,
    Result,
    Skip,
    StatefulParser,
    Step,
)
from hooktail_parsers.testing import check_parser
from hooktail_parsers.w3c.parser import ALIASES, FORMATS, W3cParser

BY_NAME = {known.name: known for known in FORMATS}
FIELDS = (
    "date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent)"
    " cs(Referer) cs(Cookie) sc-status sc-bytes time-taken"
)
HEADER = f"#Fields: {FIELDS}".encode()
LINE = (
    rb"2025-03-14 08:26:53 192.0.2.10 POST /p.aspx a=1+2 443 CORP\jdoe ::ffff:203.0.113.7%0"
    rb" Mozilla/5.0+(X11;++http://bot.example/) https://ref.example/?q=red+shoes sid=a+b;+_ga=1"
    rb" 200 512 1500"
)
TABS = (
    b"2025-03-14\t08:26:53\tFRA6\t182\t2001:db8::7\tGET\td1.cloudfront.net\t/a%20b.html\t200\t"
    b"https://ref.example/?x=%2522\tAgent%2F1%20(X11)\tq=a%2520b\tsid=abc;%20_ga=1\tHit\tID==\t"
    b"Shop.example\thttps\t217\t0.25\t203.0.113.50,%20192.0.2.1\tTLSv1.3\tCIPHER\tHit"
)


def parser(name: str = "iis_w3c", **options: str) -> StatefulParser:
    made = BY_NAME[name].make({key.replace("__", "."): value for key, value in options.items()})
    assert isinstance(made, StatefulParser)
    return made.fork()


def lines_of(*lines: bytes, name: str = "iis_w3c", **options: str) -> list[Result]:
    return list(parser(name, **options).parse_batch(lines))


def record(*lines: bytes, name: str = "iis_w3c", **options: str) -> Record:
    parsed = lines_of(*lines, name=name, **options)[-1]
    assert isinstance(parsed, Record), parsed
    return parsed


def refusal(*lines: bytes, name: str = "iis_w3c", **options: str) -> str:
    parsed = lines_of(*lines, name=name, **options)[-1]
    assert isinstance(parsed, ParseError), parsed
    return parsed.reason


def ms(year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> int:
    when = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    return int(when.timestamp()) * 1000


def quiet(result: Result | None) -> object:
    return result.reason if isinstance(result, ParseError) else result


@pytest.mark.parametrize("known", FORMATS, ids=lambda known: known.name)
def test_every_format_keeps_the_contract(known: object) -> None:
    found = next(each for each in FORMATS if each is known)

    check_parser(found, found.example.encode().split(b"\n"))


def test_iis_keeps_the_contract_with_given_columns() -> None:
    check_parser(BY_NAME["iis_w3c"], [LINE, LINE.replace(b"POST", b"GET")], {"fields": FIELDS})


def test_an_iis_line_has_all_its_parts() -> None:
    assert record(HEADER, LINE + b"\r") == Record(
        time_ms=ms(2025, 3, 14, 8, 26, 53),
        ip="203.0.113.7",
        method="POST",
        port=443,
        path="/p.aspx",
        query="a=1+2",
        status=200,
        referrer="https://ref.example/?q=red+shoes",
        user_agent="Mozilla/5.0 (X11; +http://bot.example/)",
        user="CORP\\jdoe",
        bytes_sent=512,
        duration_s=1.5,
        cookies="sid=a+b; _ga=1",
        fields={"s-ip": "192.0.2.10"},
    )


def test_a_header_gives_a_state_only_where_it_changes() -> None:
    first, again, other = lines_of(HEADER, HEADER, b"#Fields: date time cs-uri-stem")

    assert isinstance(first, Step)
    assert isinstance(other, Step)
    assert first.line == again == other.line == Skip("directive")
    assert first.state != other.state


def test_a_parser_restored_from_a_state_reads_on() -> None:
    *_, step, there = lines_of(b"#Date: 2025-03-14 00:00:00", HEADER, LINE)
    assert isinstance(step, Step)
    assert step.state is not None
    other = parser()

    other.restore(step.state)
    assert other.parse(LINE) == there
    other.restore("")
    assert quiet(other.parse(LINE)) == "no_fields_yet"


def test_a_fork_knows_nothing_of_the_other_file() -> None:
    one = parser()
    one.parse(HEADER)

    assert quiet(one.fork().parse(LINE)) == "no_fields_yet"
    assert isinstance(one.parse(LINE), Record)


@pytest.mark.parametrize(
    "state",
    [
        "x",
        "[]",
        '{"fields": 1}',
        '{"other": "x"}',
        '{"fields": "\u20ac"}',
        "[" * 99_999,
        "1" * 10**6,
    ],
)
def test_a_text_that_is_no_state_is_refused(state: str) -> None:
    with pytest.raises(ValueError, match=r"state|Expecting"):
        parser().restore(state)


def test_without_a_header_the_option_names_the_columns() -> None:
    assert refusal(LINE) == "no_fields_yet"
    assert record(LINE, fields=FIELDS) == record(HEADER, LINE)


def test_an_unusable_header_is_no_licence_to_guess() -> None:
    for header in (b"#Fields:", b"#Fields: " + b"a " * 300, b"#Fields: " + b"a" * 20_000):
        parsed = lines_of(HEADER, header, LINE, fields=FIELDS)

        assert isinstance(parsed[1], Step)
        assert quiet(parsed[1].line) == "bad_fields"
        assert quiet(parsed[2]) == "no_fields_yet"


def test_a_line_with_another_number_of_values_is_refused() -> None:
    assert refusal(HEADER, LINE + b" x") == "column_count"
    assert refusal(HEADER, LINE.rpartition(b" ")[0]) == "column_count"


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b" 200 ", b" 20 ", "syntax"),
        (b" 200 ", b" abc ", "syntax"),
        (b"08:26:53", b"08:61:53", "bad_time"),
        (b"2025-03-14", b"2025-02-30", "bad_time"),
        (b"POST", b"[2]USER", "not_a_request"),
        (b"POST", b"RETR", "not_a_request"),
        (b"POST", b"-", "not_a_request"),
        (b"/p.aspx", b"-", "not_a_request"),
        (b"/p.aspx", b"rtmp://media.example/x", "not_a_request"),
    ],
)
def test_what_is_no_request_is_refused(old: bytes, new: bytes, reason: str) -> None:
    assert refusal(HEADER, LINE.replace(old, new)) == reason


@pytest.mark.parametrize("status", [b"0", b"000", b"-"])
def test_a_status_that_says_nothing_is_none(status: bytes) -> None:
    assert record(HEADER, LINE.replace(b" 200 ", b" %s " % status)).status is None


def test_a_date_directive_gives_the_day_to_a_time_alone() -> None:
    header = b"#Fields: time c-ip cs-method cs-uri-stem sc-status"
    line = b"16:44:49 203.0.113.7 GET /x 200"

    assert record(b"#Date: 2000-10-09 16:44:49", header, line).time_ms == ms(
        2000, 10, 9, 16, 44, 49
    )
    assert record(header, line).time_ms is None


def test_times_are_utc_in_iis_and_local_where_the_column_says_so() -> None:
    utc = b"#Fields: date time cs-uri-stem"
    local = b"#Fields: date-local  time-local cs-uri-stem"
    line = b"2025-07-01 12:00:00.250 /x"

    assert record(utc, line, timezone="Europe/Berlin").time_ms == ms(2025, 7, 1, 12) + 250
    assert record(local, line, timezone="Europe/Berlin").time_ms == ms(2025, 7, 1, 10) + 250
    assert (
        record(utc, line, name="w3c", timezone="Europe/Berlin").time_ms == ms(2025, 7, 1, 10) + 250
    )
    offset = record(b"#GMT-Offset: -0800", utc, line, name="w3c")
    assert offset.time_ms == ms(2025, 7, 1, 20) + 250


def test_a_leap_second_stays_within_its_minute() -> None:
    line = b"2016-12-31 23:59:60 /x"

    assert record(b"#Fields: date time cs-uri-stem", line).time_ms == ms(2017, 1, 1) - 1
    fraction = line.replace(b":60", b":60.250")
    assert record(b"#Fields: date time cs-uri-stem", fraction).time_ms == ms(2017, 1, 1) - 1


@pytest.mark.parametrize(
    "clock", [b"08:26:61.123", b"24:00:00.123", b"08-26-53.123", b"x8:26:53.1"]
)
def test_a_fraction_makes_no_time_of_what_is_none(clock: bytes) -> None:
    line = b"2025-03-14 " + clock + b" /x"

    assert refusal(b"#Fields: date time cs-uri-stem", line) == "bad_time"


def test_quoted_values_may_hold_spaces_and_doubled_quotes() -> None:
    header = (
        b"#Fields:   date-local time-local   cs-method cs-uri-stem c-ip cs(User-Agent) cs(Host)"
        b" sc-status s-note TimeTakenMS"
    )
    line = (
        b'2025-03-14 08:26:53.363   GET /a "203.0.113.7" "Agent ""one"" +two" "Shop.example:8080"'
        b' 404 " w/ spaces " 359'
    )

    found = record(header, line, name="iis_advanced_logging")

    assert (found.ip, found.user_agent) == ("203.0.113.7", 'Agent "one" +two')
    assert (found.host, found.port, found.status) == ("shop.example", 8080, 404)
    assert (found.duration_s, found.fields) == (0.359, {"s-note": " w/ spaces "})


def test_a_client_s_own_quotes_do_not_move_columns() -> None:
    """IIS quotes nothing, so that a quote at the start of a value is the client's."""
    agent = LINE.replace(b"Mozilla/5.0+", b'"Mozilla/5.0+')

    assert record(HEADER, agent).user_agent == '"Mozilla/5.0 (X11; +http://bot.example/)'
    assert record(HEADER, agent).referrer == "https://ref.example/?q=red+shoes"


def test_the_host_header_outranks_the_server_s_port() -> None:
    header = b"#Fields: date time cs-method cs-uri-stem s-port cs-host c-ip X-Forwarded-For"
    line = b"2025-03-14 08:26:53 GET /p 8080 Shop.example 192.0.2.1 198.51.100.1,+10.0.0.9"

    found = record(header, line)

    assert (found.host, found.port, found.ip) == ("shop.example", None, "192.0.2.1")
    assert (found.xff, found.fields) == ("198.51.100.1, 10.0.0.9", {"s-port": "8080"})


def test_a_question_mark_in_the_stem_begins_the_query() -> None:
    header = b"#Fields: date time cs-uri-stem cs-uri-query"

    one = record(header, b"2025-03-14 08:26:53 /a?b=1 -", name="shoutcast_w3c")
    two = record(header, b"2025-03-14 08:26:53 /a?b c=1")

    assert (one.method, one.path, one.query) == (None, "/a", "b=1")
    assert (two.path, two.query) == ("/a", "b?c=1")


def test_an_absolute_uri_gives_scheme_and_host() -> None:
    header = b"#Fields: date time cs-method cs-uri"
    line = b"2025-03-14 08:26:53 GET HTTPS://Shop.example:8443/x?y"

    found = record(header, line, name="w3c")

    assert (found.scheme, found.host, found.port) == ("https", "shop.example", 8443)
    assert (found.path, found.query) == ("/x", "y")


def test_incapsula_has_the_host_in_the_uri_and_quotes_everything() -> None:
    found = record(*BY_NAME["incapsula_w3c"].example.encode().split(b"\n"), name="incapsula_w3c")

    assert (found.scheme, found.host, found.port) == ("https", "shop.example", 443)
    assert (found.path, found.query, found.referrer) == ("/cart", "id=7", None)
    assert found.user_agent == "Mozilla/5.0 (X11; Linux)"


def test_a_cloudfront_line_has_all_its_parts_without_a_header() -> None:
    assert record(TABS, name="cloudfront_standard") == Record(
        time_ms=ms(2025, 3, 14, 8, 26, 53),
        ip="2001:db8::7",
        method="GET",
        scheme="https",
        host="shop.example",
        path="/a%20b.html",
        query="q=a%2520b",
        status=200,
        referrer="https://ref.example/?x=%22",
        user_agent="Agent/1 (X11)",
        bytes_sent=182,
        duration_s=0.25,
        cookies="sid=abc; _ga=1",
        xff="203.0.113.50, 192.0.2.1",
        request_id="ID==",
        fields={
            "x-edge-location": "FRA6",
            "cs(Host)": "d1.cloudfront.net",
            "x-edge-result-type": "Hit",
            "cs-bytes": "217",
            "ssl-protocol": "TLSv1.3",
            "ssl-cipher": "CIPHER",
            "x-edge-response-result-type": "Hit",
        },
    )


def test_cloudfront_without_a_header_knows_how_many_columns_there_ever_were() -> None:
    columns = TABS.split(b"\t") + [b"-"] * 12
    for count in range(len(columns) + 1):
        parsed = lines_of(b"\t".join(columns[:count]), name="cloudfront_standard")[0]

        assert isinstance(parsed, Record) == (count in (12, 15, 18, 19, 23, 24, 26, 33, 34, 35))


def test_cloudfront_agents_of_old_files_are_encoded_twice() -> None:
    old = TABS.replace(b"Agent%2F1%20(X11)", b"Agent/1%2520(X11)")

    assert record(old, name="cloudfront_standard").user_agent == "Agent/1 (X11)"


def test_a_cloudfront_header_may_choose_columns_and_milliseconds() -> None:
    found = record(
        b"#Fields: timestamp(ms) c-ip cs-method cs-uri-stem sc-status",
        b"1741940813123\t203.0.113.7\tGET\t/x\t200",
        name="cloudfront_standard",
    )

    assert (found.time_ms, found.path) == (1_741_940_813_123, "/x")


def test_media_events_are_no_requests() -> None:
    header = b"#Fields: date time x-edge-location c-ip x-event sc-bytes cs-uri-stem"
    line = b"2025-03-14\t08:26:53\tSEA4\t203.0.113.7\tplay\t3914\t/cfx/st"

    assert refusal(header, line, name=ALIASES["cloudfront_rtmp"]) == "not_a_request"


def test_w3c_tells_the_writer_by_software_and_columns() -> None:
    header = b"#Fields: date time cs-uri-stem time-taken"
    line = b"2025-03-14 08:26:53 /x 1500"
    iis = b"#Software: Microsoft Internet Information Services 10.0"
    cloudfront = b"#Fields: date time x-edge-location cs-uri-stem cs(User-Agent)"

    assert record(header, line, name="w3c").duration_s == 1500
    assert record(iis, header, line, name="w3c").duration_s == 1.5
    edge = record(cloudfront, b"2025-03-14\t08:26:53\tFRA6\t/x\tA%20b", name="w3c")
    assert edge.user_agent == "A b"


@pytest.mark.parametrize("column", [b"sc-substatus", b"SC-Win32-Status", b"s-sitename"])
def test_columns_of_iis_alone_tell_its_milliseconds_where_the_software_is_not_named(
    column: bytes,
) -> None:
    header = b"#Fields: date time cs-uri-stem time-taken " + column
    line = b"2025-03-14 08:26:53 /x 1500 0"

    assert record(header, line, name="w3c").duration_s == 1.5
    netscaler = record(b"#Software: NetScaler Web Logging", header, line, name="w3c")
    assert netscaler.duration_s == 1500, "what the software says goes before"


def test_an_address_of_the_server_is_no_sign_of_iis() -> None:
    """NetScaler and Tomcat log it too, and count in seconds."""
    header = b"#Fields: date time s-ip cs-uri-stem time-taken"

    assert record(header, b"2025-03-14 08:26:53 10.0.0.4 /x 15", name="w3c").duration_s == 15


def test_a_header_with_tabs_is_above_lines_with_tabs() -> None:
    found = record(
        b"#Fields: date\ttime\tcs-uri-stem\tcs(User-Agent)\tcs-username",
        b"2025-03-14\t08:26:53\t/x\tAgent 1\t",
        name="w3c",
    )

    assert (found.user_agent, found.user) == ("Agent 1", None)


def test_options_name_other_columns_and_the_session_cookie() -> None:
    header = b"#Fields: date time cs-uri-stem c-ip cs(X-Real-IP) cs(Cookie)"
    line = b"2025-03-14 08:26:53 /x 192.0.2.1 203.0.113.7 a=1;+sid=abc"

    found = record(header, line, map__ip="cs(X-Real-IP)", session_cookie="sid")

    assert (found.ip, found.session, found.fields) == ("203.0.113.7", "abc", {"c-ip": "192.0.2.1"})


@pytest.mark.parametrize("options", [{"fields": " "}, {"nonsense": "1"}, {"map.time": "x"}])
def test_options_that_it_cannot_use_are_refused(options: dict[str, str]) -> None:
    with pytest.raises(OptionError):
        BY_NAME["iis_w3c"].make(options)


@pytest.mark.parametrize("blank", [b"", b"\r", b"    ", b"\x00" * 99, b"\xef\xbb\xbf"])
def test_blank_lines_and_padding_are_skipped(blank: bytes) -> None:
    assert lines_of(HEADER, blank)[-1] == Skip("blank")


def test_a_mark_and_a_hole_in_front_are_passed_over() -> None:
    plain = record(HEADER, LINE)

    assert record(b"\xef\xbb\xbf" + HEADER, b"\x00" * 9 + LINE) == plain


def test_the_ansi_code_page_is_read_with_its_encoding() -> None:
    line = LINE.replace(b"/p.aspx", b"/caf\xe9")

    assert record(HEADER, line).path == "/caf\ufffd"
    assert record(HEADER, line, encoding="cp1252").path == "/café"


@pytest.mark.parametrize(("name", "line"), [("iis_w3c", LINE), ("cloudfront_standard", TABS)])
def test_a_line_cut_anywhere_is_refused_or_is_the_same_client_s(name: str, line: bytes) -> None:
    whole = record(HEADER, line) if name == "iis_w3c" else record(line, name=name)
    for end in range(len(line)):
        head = (HEADER,) if name == "iis_w3c" else ()
        parsed = lines_of(*head, line[:end], name=name)[-1]

        if isinstance(parsed, Record):
            assert (parsed.ip, parsed.path, parsed.time_ms) == (whole.ip, whole.path, whole.time_ms)


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zs", "Zl", "Zp")))
WORDS = st.lists(
    st.text("abcXYZ0189()/.;:_-\xe9", min_size=1, max_size=8), min_size=1, max_size=5
).map(" ".join)


@settings(max_examples=60)
@given(
    method=st.sampled_from(["GET", "POST", "PROPFIND", "get"]),
    path=TEXT,
    agent=WORDS,
    when=st.integers(0, 253_000_000_000).map(lambda time_s: datetime.fromtimestamp(time_s, UTC)),
    status=st.integers(100, 599),
)
def test_what_iis_writes_is_read_back(
    method: str, path: str, agent: str, when: datetime, status: int
) -> None:
    path = "/" + path.replace("?", "").replace('"', "")
    line = f"{when:%H:%M:%S} {method} {path} {agent.replace(' ', '+')} {status} "
    line += f"{when.year:04}-{when:%m-%d}"

    found = record(
        b"#Fields: time cs-method cs-uri-stem cs(User-Agent) sc-status date", line.encode()
    )

    assert (found.method, found.path, found.status) == (method, path, status)
    assert found.user_agent == (None if agent == "-" else agent)
    assert found.time_ms == int(when.timestamp()) * 1000


@settings(max_examples=150)
@given(
    st.lists(st.one_of(st.binary(max_size=60), st.binary(max_size=60).map(b"#Fields: ".__add__)))
)
def test_no_bytes_raise(lines: list[bytes]) -> None:
    for name in ("w3c", "cloudfront_standard", "incapsula_w3c"):
        batch = parser(name).parse_batch(lines)
        single = parser(name)

        assert [quiet(each) for each in batch] == [quiet(single.parse(line)) for line in lines]


def test_the_nuls_that_iis_keeps_room_with_belong_to_no_value() -> None:
    known = next(each for each in FORMATS if each.name == "iis_w3c")
    parser = known.make({})
    assert isinstance(parser, W3cParser)
    parser = parser.fork()
    header = b"#Fields: date time c-ip cs-method cs-uri-stem sc-status X-Forwarded-For"
    line = b"2025-03-14 08:26:53 203.0.113.7 GET /p 200 -"

    _, plain, padded = parser.parse_batch([header, line, line + b"\x00" * 9])

    assert isinstance(plain, Record)
    assert plain.xff is None
    assert padded == plain


@settings(max_examples=300, deadline=None)
@given(
    line=st.lists(
        st.sampled_from(
            [b"2025-03-14", b"08:26:53", b"203.0.113.7", b"GET", b"/p", b"200", b"-", b" ", b" ",
             b" ", b'"', b"\t", b"\x00", b"\r", b"#", b"\xff", b"+", b"?a"]
        ),
        max_size=20,
    ).map(b"".join)
)  # fmt: skip
@pytest.mark.parametrize("separator", [b" ", b"\t"])
def test_the_quick_way_is_the_careful_way(separator: bytes, line: bytes) -> None:
    known = next(each for each in FORMATS if each.name == "w3c")
    parser = known.make({})
    assert isinstance(parser, W3cParser)
    parser = parser.fork()
    header = b"#Fields: date time c-ip cs-method cs-uri-stem sc-status"
    whole = b"2025-03-14 08:26:53 203.0.113.7 GET /p 200"
    for each in (line, whole + line, whole.replace(b" /p", b" " + line)):
        text = each.replace(b" ", separator)
        parser.parse(header.replace(b" ", separator))

        quick = parser.parse(text)
        parser.parse(header.replace(b" ", separator))
        careful = parser.careful_parse(text)

        if isinstance(quick, ParseError):
            assert isinstance(careful, ParseError)
            assert quick.reason == careful.reason
        else:
            assert quick == careful
