from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hooktail_parsers import OptionError, ParseError, Record
from hooktail_parsers.builders.apache import APACHE_FORMAT, build
from hooktail_parsers.testing import check_parser

COMBINED = '%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i"'
LINE = (
    b'203.0.113.7 - - [14/Mar/2025:09:26:53 +0100] "GET /cart?item=1 HTTP/1.1" 200 512 '
    b'"https://shop.example/" "Mozilla/5.0 (X11; Linux x86_64)"'
)
TIME_MS = 1_741_940_813_000
RECORD = Record(
    TIME_MS, "203.0.113.7", "GET", path="/cart", query="item=1", status=200,
    referrer="https://shop.example/", user_agent="Mozilla/5.0 (X11; Linux x86_64)", bytes_sent=512,
)  # fmt: skip
STAMPED = b"[14/Mar/2025:09:26:53 +0100] 203.0.113.7 "


def parsed(definition: str, line: bytes, **options: str) -> Record:
    result = build(definition, options).parse(line)
    assert isinstance(result, Record), result
    return result


@pytest.mark.parametrize(
    "definition",
    [
        COMBINED,
        COMBINED.replace('"', '\\"'),
        'LogFormat "' + COMBINED.replace('"', '\\"') + '" combined',
        'logformat "%h %l %u %t \\"%r\\" \\\n  ' + COMBINED[17:].replace('"', '\\"') + '" x',
        f"LogFormat '{COMBINED}' combined",
        '"' + COMBINED.replace('"', '\\"') + '"',
        'CustomLog "logs/access" "' + COMBINED.replace('"', '\\"') + '" env=!local',
    ],
)
def test_a_format_is_taken_as_it_stands_in_the_configuration_or_bare(definition: str) -> None:
    line = LINE.replace(b'1" 200', b'1"   200') if "\\\n" in definition else LINE

    assert build(definition, {}).parse(line) == RECORD


def test_the_parser_keeps_the_contract() -> None:
    check_parser(APACHE_FORMAT, [LINE, STAMPED, b""], {"log_format": COMBINED})
    check_parser(
        APACHE_FORMAT,
        [b'2025-03-14T09:26:53.123+0100 shop.example:443 ::1 "GET /a?b HTTP/2.0" "abc" 77 X'],
        {
            "log_format": '%{%FT%T}t.%{msec_frac}t%{%z}t %v:%p %a "%m %U%q %H" "%{sid}C" %D %X',
            "session_cookie": "sid",
        },
    )


def test_the_example_of_the_reference_parses() -> None:
    record = parsed('%h %l %u %t "%r" %>s %b %D', APACHE_FORMAT.example.encode())

    assert record.duration_s == 0.001843


ITEMS = [
    ('"%{Referer}i"', rb'"\"q\" \\ \xc3\xa9 \t"', {"referrer": '"q" \\ é \t'}),
    ('"%!200,304{User-agent}i"', b'"-"', {"user_agent": None}),
    ('"%400,501{User-agent}i"', b'"M 1"', {"user_agent": "M 1"}),
    ("%{Cookie}i", b"sid=a; b=c", {"cookies": "sid=a; b=c"}),
    ("%{sid}C", b"abc", {"cookies": "sid=abc", "session": "abc"}),
    ("%{X-A}i", b"v", {"headers": {"x-a": "v"}}),
    ("%{Content-Type}o", b"text/html; q=1",
     {"fields": {"sent_http_content_type": "text/html; q=1"}}),
    ("%{HTTPS}e", b"on", {"scheme": "https"}),
    ("%{SSL_PROTOCOL}x", b"TLSv1.3", {"scheme": "https"}),
    ("%{SSL_PROTOCOL}x", b"-", {"scheme": None}),
    ("%{UNIQUE_ID}e", b"Zx1", {"request_id": "Zx1"}),
    ("%{Host}i", b"Shop.example:8443", {"host": "shop.example", "port": 8443}),
    ("%v:%p", b"shop.example:443", {"host": "shop.example", "port": 443}),
    ("%V:%{local}p", b"[2001:db8::1]:443", {"host": "[2001:db8::1]", "port": 443}),
    ("%s %>s", b"404 200", {"status": 200}),
    ("%<s", b"404", {"status": 404}),
    ("%B", b"0", {"bytes_sent": 0}),
    ("%b", b"-", {"bytes_sent": None}),
    ("%b %O", b"5 700", {"bytes_sent": 5, "fields": {"bytes_out": "700"}}),
    ("%O", b"700", {"bytes_sent": 700}),
    ("%D", b"1500", {"duration_s": 0.0015}),
    ("%T", b"2", {"duration_s": 2}),
    ("%{ms}T", b"20", {"duration_s": 0.02}),
    ("%T %D", b"2 2500000", {"duration_s": 2.5}),
    ("%u", b'""', {"user": None}),
    ("%u", b"john smith", {"user": "john smith"}),
    ("%{c}a", b"10.0.0.1", {"ip": "203.0.113.7", "fields": {"peer_ip": "10.0.0.1"}}),
    ("%X %k %P", b"+ 3 77",
     {"fields": {"connection_status": "+", "keepalive": "3", "pid": "77"}}),
    ("%L %R %f", b"- proxy-server /srv/a b",
     {"fields": {"handler": "proxy-server", "filename": "/srv/a b"}}),
    ("%{VAR}^ti", b"x", {"fields": {"VAR": "x"}}),
    ("%{note}n", b"x", {"fields": {"note": "x"}}),
    ("100%% %I", b"100% 9", {"fields": {"bytes_in": "9"}}),
]  # fmt: skip


@pytest.mark.parametrize(("item", "text", "expected"), ITEMS)
def test_an_item_says_what_it_says(item: str, text: bytes, expected: dict[str, object]) -> None:
    record = parsed(
        f'%t %h "%r" {item}', STAMPED + b'"GET / HTTP/1.1" ' + text, session_cookie="sid"
    )

    assert {key: getattr(record, key) for key in expected} == expected


TIMES = [
    ("%{%Y-%m-%dT%H:%M:%S}t.%{msec_frac}t%{%z}t", b"2025-03-14T09:26:53.123+0100", 123),
    ("%{%d/%b/%Y %T}t.%{usec_frac}t %{%z}t", b"14/Mar/2025 09:26:53.123456 +0100", 123),
    ("[%{%d/%b/%Y:%T %z}t]", b"[14/Mar/2025:09:26:53 +0100]", 0),
    ("%{begin:%F %T}t %{end:%T}t", b"2025-03-14 08:26:53 08:26:54", 0),
    ("%{sec}t", b"1741940813", 0),
    ("%{sec}t%{usec_frac}t", b"1741940813123456", 123),
    ("%{sec}t.%{msec_frac}t", b"1741940813.123", 123),
    ("%{end:msec}t", b"1741940813123", 123),
    ("%{usec}t", b"1741940813123456", 123),
    ("%{%s}t", b"1741940813", 0),
    ("%{}t", b"[14/Mar/2025:09:26:53 +0100]", 0),
    ("%t %{msec_frac}t", b"[14/Mar/2025:09:26:53 +0100] 123", 0),
]


@pytest.mark.parametrize(("definition", "text", "ms"), TIMES)
def test_the_pieces_of_a_time_are_one_time(definition: str, text: bytes, ms: int) -> None:
    record = parsed(f'{definition} %h "%r"', text + b' 203.0.113.7 "GET / HTTP/1.1"')

    assert record.time_ms == TIME_MS + ms
    assert record.fields is None


@pytest.mark.parametrize("separator", [";", ",", "|", " | "])
def test_a_path_may_hold_the_spaces_that_apache_has_decoded(separator: str) -> None:
    layout = separator.join(["%a", "%{%s}t", "%m", "%U%q", "%>s"])
    line = separator.join(["203.0.113.7", "1741940813", "GET", "/a b/c?d=e%20f", "200"])

    record = parsed(layout, line.encode())

    assert (record.path, record.query, record.status) == ("/a b/c", "d=e%20f", 200)


def test_another_form_of_t_is_read_by_date_format() -> None:
    record = parsed(
        '%t %h "%r"', b'[2025-03-14 09:26:53] 203.0.113.7 "GET / HTTP/1.1"',
        date_format="%F %T", timezone="Europe/Berlin",
    )  # fmt: skip

    assert record.time_ms == TIME_MS


@pytest.mark.parametrize(
    ("definition", "text", "expected"),
    [
        ('"%m %U%q %H"', b'"GET /a b?c=d HTTP/1.1"', {"path": "/a b", "query": "c=d"}),
        ('"%m %U%q %H"', b'"GET /a HTTP/1.1"', {"path": "/a", "query": None}),
        ("%m %U %q", b"GET /a ?", {"path": "/a", "query": ""}),
        ("%m %U %q", b"GET /a b=c", {"path": "/a", "query": "b=c"}),
        ("%m %U %q", b"GET /a ", {"path": "/a", "query": None}),
        ("%r %>s", b"GET /a b HTTP/1.1 200", {"path": "/a b", "status": 200}),
    ],
)
def test_a_request_is_put_together(
    definition: str, text: bytes, expected: dict[str, object]
) -> None:
    record = parsed(f"%t %h {definition}", STAMPED + text)

    assert {key: getattr(record, key) for key in expected} == expected


@pytest.mark.parametrize(
    ("definition", "said"),
    [
        ("%", "no item"),
        ("%h %", "no item"),
        ("%y", "%y is no item"),
        ("%{x}h", "is no item"),
        ("%i", "%i is no item"),
        ("%h%a", "nothing between %h and %a"),
        ("%h %r", "no time"),
        ("%t %r", "no client"),
        ("%t %h", "no request"),
        ("LogFormat combined", "no format between quotes"),
        ("%{%Y}t %h %r", "the time of the layout"),
    ],
)
def test_a_definition_that_cannot_be_used_is_refused(definition: str, said: str) -> None:
    with pytest.raises(OptionError, match=said):
        build(definition, {})


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (LINE.replace(b"GET /cart?item=1 HTTP/1.1", b"-"), "not_a_request"),
        (LINE.replace(b"14/Mar", b"31/Feb"), "bad_time"),
        (b"[Fri Mar 14 09:26:53.1 2025] [core:error] [pid 7] AH00082: an error", "syntax"),
    ],
)
def test_what_is_no_record_has_its_reason(line: bytes, reason: str) -> None:
    result = build(COMBINED, {}).parse(line)

    assert isinstance(result, ParseError)
    assert result.reason == reason


@settings(max_examples=150)
@given(st.text(alphabet="%hatr{}<>!0,\"\\' ^iu\n", max_size=40), st.binary(max_size=60))
def test_any_text_is_a_definition_or_an_option_error(text: str, line: bytes) -> None:
    for definition in (text, f'LogFormat "{text}"', f"%h %t %r {text}"):
        try:
            parser = build(definition, {})
        except OptionError:
            continue
        parser.parse(line)


def escaped(text: bytes) -> bytes:
    """What Apache writes (ap_escape_logitem)."""
    named = {8: b"\\b", 9: b"\\t", 10: b"\\n", 11: b"\\v", 13: b"\\r", 34: b'\\"', 92: b"\\\\"}
    return b"".join(
        named.get(byte) or (bytes((byte,)) if 0x20 <= byte < 0x7F else b"\\x%02x" % byte)
        for byte in text
    )


TEXTS = st.text(min_size=1, max_size=30).filter(lambda text: text.strip() == text != "-")
TARGETS = st.text(
    st.characters(codec="utf-8", exclude_characters="? ", exclude_categories=["Cs", "Cc"]),
    max_size=20,
).map(lambda text: "/" + text)
TOKENS = st.text("abcdefghijkXYZ0123456789._-", max_size=12).map(lambda text: "t" + text)


@st.composite
def logged(draw: st.DrawFn) -> tuple[str, bytes, dict[str, object]]:
    """A layout of items in any order, a line written by it, and what the record must say."""
    moment = draw(st.integers(1_000_000_000, 4_000_000_000))
    when = datetime.fromtimestamp(moment, UTC)
    ms, target, method = (
        draw(st.integers(0, 999)),
        draw(TARGETS),
        draw(st.sampled_from(["GET", "put"])),
    )
    query = draw(st.none() | st.text("abc=&%?é", max_size=9))
    whole = target if query is None else f"{target}?{query}"
    time, item = draw(
        st.sampled_from(
            [
                (f"{when:%d/%b/%Y %H:%M:%S}.{ms:03} +0000", "%{%d/%b/%Y %T}t.%{msec_frac}t %{%z}t"),
                (f"{moment}{ms:03}", "%{msec}t"),
                (f"{when:%Y%m%d%H%M%S}{ms:03}000", "%{%Y%m%d%H%M%S}t%{usec_frac}t"),
            ]
        )
    )
    request = draw(
        st.sampled_from(
            [('"%r"', f"{method} {whole} HTTP/1.1"), ('"%m %U%q %H"', f"{method} {whole} HTTP/1.1")]
        )
    )
    agent, referrer, custom = (draw(TEXTS) for _ in range(3))
    user, host, size, status = draw(TOKENS), draw(TOKENS), draw(st.integers(0, 10**9)), 204
    columns = [
        (item, time), ("%a", "2001:db8::7"), request, ('"%{User-Agent}i"', agent),
        ('"%{Referer}i"', referrer), ('"%{X}o"', custom), ("%u", user), ("%v:%p", f"{host}:8443"),
        ("%B", str(size)), ("%>s", str(status)), ("%D", "1500"),
    ]  # fmt: skip
    columns = draw(st.permutations(columns))
    glue = draw(st.sampled_from([" ", " | ", "\t"]))
    line = glue.encode().join(
        b'"' + escaped(text.encode()) + b'"' if name.startswith('"') else text.encode()
        for name, text in columns
    )
    record: dict[str, object] = {
        "time_ms": moment * 1000 + ms, "ip": "2001:db8::7", "method": method, "path": target,
        "query": query, "user_agent": agent, "referrer": referrer, "user": user,
        "host": host.lower(), "port": 8443, "bytes_sent": size, "status": status,
        "duration_s": 0.0015,
    }  # fmt: skip
    return glue.join(name for name, _ in columns), line, record | {"custom": custom}


@settings(max_examples=250, deadline=None)
@given(logged())
def test_any_layout_reads_back_what_apache_writes(
    case: tuple[str, bytes, dict[str, object]],
) -> None:
    definition, line, expected = case
    custom = expected.pop("custom")

    record = build(definition, {}).parse(line)

    assert isinstance(record, Record), (definition, line, record)
    assert {key: getattr(record, key) for key in expected} == expected
    assert record.fields is not None
    assert record.fields["sent_http_x"] == custom


@settings(max_examples=60, deadline=None)
@given(logged(), st.binary(max_size=200), st.data())
def test_any_bytes_are_parsed_or_refused(
    case: tuple[str, bytes, dict[str, object]], noise: bytes, data: st.DataObject
) -> None:
    definition, line, expected = case
    parser = build(definition, {})
    at = data.draw(st.integers(0, len(line)))

    for bad in (noise, line[:at] + noise, line[:at] + noise + line[at:]):
        parser.parse(bad)
    cut = parser.parse(line[:at])
    assert not isinstance(cut, Record) or cut.path == expected["path"]
