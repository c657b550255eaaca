import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hooktail_parsers import OptionError, ParseError, Record, Skip
from hooktail_parsers.builders.nginx import NGINX, build
from hooktail_parsers.testing import check_parser

COMBINED = (
    '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent '
    '"$http_referer" "$http_user_agent"'
)
LINE = (
    b'203.0.113.7 - - [14/Mar/2025:09:26:53 +0100] "GET /cart?item=1 HTTP/1.1" 200 512 '
    b'"https://shop.example/" "Mozilla/5.0 (X11; Linux x86_64)"'
)
TIME_MS = 1_741_940_813_000
RECORD = Record(
    TIME_MS, "203.0.113.7", "GET", path="/cart", query="item=1", status=200,
    referrer="https://shop.example/", user_agent="Mozilla/5.0 (X11; Linux x86_64)", bytes_sent=512,
)  # fmt: skip
STAMP = "[$time_local] $remote_addr "
STAMPED = b"[14/Mar/2025:09:26:53 +0100] 203.0.113.7 "


def parsed(definition: str, line: bytes, **options: str) -> Record:
    result = build(definition, options).parse(line)
    assert isinstance(result, Record), result
    return result


@pytest.mark.parametrize(
    "definition",
    [
        COMBINED,
        f"  {COMBINED} ",
        f"log_format main '{COMBINED}';",
        f"log_format main escape=default '{COMBINED}';",
        f"  log_format  main\n   '{COMBINED[:30]}'  # the client\n\t'{COMBINED[30:]}' ;\n",
        'log_format main "' + COMBINED.replace('"', '\\"') + '";',
        f"'{COMBINED[:30]}'\n'{COMBINED[30:]}';",
        '"' + COMBINED.replace('"', '\\"') + '"',
        COMBINED.replace("$status", "${status}"),
    ],
)
def test_a_format_is_taken_as_it_stands_in_nginx_conf_or_bare(definition: str) -> None:
    assert build(definition, {}).parse(LINE) == RECORD


def test_the_parser_keeps_the_contract() -> None:
    check_parser(NGINX, [LINE, STAMPED, b""], {"log_format": COMBINED})
    check_parser(
        NGINX,
        [b'{"t":"2025-03-14T09:26:53+01:00","a":"203.0.113.7","r":"GET / HTTP/1.1","n":5}'],
        {"log_format": '{"t":"$time_iso8601","a":"$remote_addr","r":"$request","n":$connection}'},
    )


def test_the_example_of_the_reference_parses() -> None:
    definition = '$remote_addr [$time_iso8601] $scheme $host "$request" $status'

    assert parsed(definition, NGINX.example.encode()).host == "shop.example"


GOTCHAS = [
    ("$http_referer", b"\\x22q\\x22 \\xC3\\xA9 \\x5C", {"referrer": '"q" é \\'}),
    ("$http_user_agent", b"-", {"user_agent": None}),
    ("$http_cookie", b"sid=a; b=c", {"cookies": "sid=a; b=c"}),
    ("$cookie_sid", b"abc", {"cookies": "sid=abc"}),
    ("$http_accept_language", b"en, de", {"headers": {"accept-language": "en, de"}}),
    ("$http_x_a_b", b"-", {"headers": None}),
    ("$http_x_request_id", b"7f", {"request_id": "7f"}),
    ("$ssl_protocol", b"TLSv1.3", {"scheme": "https", "fields": {"ssl_protocol": "TLSv1.3"}}),
    ("$https", b"on", {"scheme": "https"}),
    ("$https", b"", {"scheme": "http"}),
    ("$http_x_forwarded_proto", b"https", {"scheme": "https"}),
    ("$http_host", b"Shop.Example:8443", {"host": "shop.example", "port": 8443}),
    ("$server_name", b"_", {"host": None}),
    ("$custom", b"a b", {"fields": {"custom": "a b"}}),
    ("$geoip_country_code", b"DE", {"fields": {"geoip_country_code": "DE"}}),
    ("$jwt_claim_sub", b"bob", {"user": "bob"}),
    ("$status", b"000", {"status": None}),
    ("$status", b"-", {"status": None}),
    ("$bytes_sent", b"12", {"bytes_sent": 12}),
    ("$request_time", b"0.250", {"duration_s": 0.25}),
    ("$arg_page", b"2", {"fields": {"arg_page": "2"}}),
    ("$upstream_addr", b"10.0.0.1:80 : -", {"fields": {"upstream_addr": "10.0.0.1:80 : -"}}),
]


@pytest.mark.parametrize("quote", ["", '"'])
@pytest.mark.parametrize(("variable", "text", "expected"), GOTCHAS)
def test_a_variable_says_what_it_says_quoted_or_last(
    variable: str, text: bytes, expected: dict[str, object], quote: str
) -> None:
    definition = f'{STAMP}"$request" {quote}{variable}{quote}'
    line = STAMPED + b'"GET / HTTP/1.1" ' + quote.encode() + text + quote.encode()

    record = parsed(definition, line)

    assert {key: getattr(record, key) for key in expected} == expected


LAYOUTS = [
    ("$scheme://$host$request_uri", b"https://shop.example/a?b",
     {"scheme": "https", "host": "shop.example", "path": "/a", "query": "b"}),
    ("$scheme://$host:$server_port$request_uri", b"https://[2001:db8::1]:8443/a",
     {"host": "[2001:db8::1]", "port": 8443, "path": "/a"}),
    ('"$request_method $uri$is_args$args $server_protocol"', b'"GET /a b?c=d HTTP/1.1"',
     {"method": "GET", "path": "/a b", "query": "c=d"}),
    ("$request_method $document_uri $query_string", b"GET /a b=c",
     {"method": "GET", "path": "/a", "query": "b=c"}),
    ("$request_method $request_uri $args", b"GET /a?b=c b=c",
     {"method": "GET", "path": "/a", "query": "b=c"}),
    ("$request $http_host $status", b"GET /a b HTTP/1.1 shop.example 200",
     {"path": "/a b", "host": "shop.example", "status": 200}),
    ("$remote_addr $request $http_user_agent $http_host $status",
     b"203.0.113.7 GET / HTTP/1.1 M (X 1) shop.example 200",
     {"path": "/", "user_agent": "M (X 1)"}),
    ('$remote_addr:$remote_port "$request"', b'2001:db8::9:5555 "GET / HTTP/1.1"',
     {"ip": "2001:db8::9", "fields": {"remote_port": "5555"}}),
    ('$upstream_addr $upstream_status "$request"', b'a:1, b:2 502, 200 "GET / HTTP/1.1"',
     {"fields": {"upstream_addr": "a:1, b:2", "upstream_status": "502, 200"}}),
    ('$host $server_name "$request"', b'- Shop.example "GET / HTTP/1.1"', {"host": "shop.example"}),
    ("$request_uri\t$http_user_agent\t$status", b"/a b\tM (X 1)\t200",
     {"path": "/a b", "user_agent": "M (X 1)", "status": 200}),
]  # fmt: skip


@pytest.mark.parametrize(("definition", "text", "expected"), LAYOUTS)
def test_a_layout_is_read_as_it_is_written(
    definition: str, text: bytes, expected: dict[str, object]
) -> None:
    client, address = (
        ("", b"") if "$remote_addr" in definition else (" $http_x_real_ip", b" 203.0.113.7")
    )
    record = parsed("[$time_local] " + definition + client, STAMPED[:29] + text + address)

    assert {key: getattr(record, key) for key in expected} == expected


def test_what_was_added_to_a_format_is_passed_over() -> None:
    assert build(COMBINED, {}).parse(LINE + b' "later" 5') == RECORD


def test_the_client_is_the_first_of_those_that_are_logged() -> None:
    chain = b'"198.51.100.1, 10.0.0.1"'
    request = b' "GET / HTTP/1.1"'
    xff = '[$time_local] "$http_x_forwarded_for" '

    alone = parsed(xff + '"$request"', STAMPED[:29] + b'"10.0.0.9, 198.51.100.1"' + request)
    with_peer = parsed(
        xff + '$remote_addr "$request"', STAMPED[:29] + chain + b" 203.0.113.7" + request
    )

    assert (alone.ip, alone.xff) == ("198.51.100.1", "10.0.0.9, 198.51.100.1")
    assert (with_peer.ip, with_peer.xff) == ("203.0.113.7", "198.51.100.1, 10.0.0.1")


def test_a_list_of_forwarded_addresses_needs_no_quotes() -> None:
    definition = '$http_x_forwarded_for - $remote_user [$time_local] "$request"'

    line = b'10.0.0.1, 198.51.100.1 - bob [14/Mar/2025:09:26:53 +0100] "GET / HTTP/1.1"'

    assert parsed(definition, line).ip == "198.51.100.1"
    assert parsed(definition, line).user == "bob"


def test_the_finest_time_is_the_time() -> None:
    line = b'1741940813.123 [14/Mar/2025:09:26:53 +0100] 203.0.113.7 "GET / HTTP/1.1"'

    assert parsed('$msec [$time_local] $remote_addr "$request"', line).time_ms == TIME_MS + 123


def test_a_time_of_ones_own_is_read_by_date_format() -> None:
    definition = '$time_short $remote_addr "$request"'
    line = b'14.03.2025-09:26:53 203.0.113.7 "GET / HTTP/1.1"'

    record = parsed(definition, line, date_format="%d.%m.%Y-%H:%M:%S", timezone="+01:00")

    assert record.time_ms == TIME_MS


def test_the_session_is_a_cookie_logged_alone_or_with_the_others() -> None:
    request = STAMPED + b'"GET / HTTP/1.1" '
    alone = parsed(STAMP + '"$request" $cookie_sid', request + b"abc", session_cookie="sid")
    among = parsed(
        STAMP + '"$request" "$http_cookie"', request + b'"a=b; sid=abc"', session_cookie="sid"
    )

    assert (alone.session, among.session) == ("abc", "abc")


def test_only_the_named_fields_are_kept() -> None:
    definition = STAMP + '"$request" $connection $pipe'

    record = parsed(definition, STAMPED + b'"GET / HTTP/1.1" 5 .', fields="pipe, other")

    assert record.fields == {"pipe": "."}


@pytest.mark.parametrize(
    ("line", "result"),
    [
        (b"", Skip("blank")),
        (b"\x00\x00 \r", Skip("blank")),
        (b"# a comment", Skip("directive")),
        (b"2025/03/14 09:26:53 [error] 7#7: *1 open() failed", "syntax"),
        (LINE.replace(b"/Mar/", b"/Foo/"), "bad_time"),
        (LINE.replace(b"GET /cart?item=1 HTTP/1.1", b"-"), "not_a_request"),
        (LINE.replace(b"GET /cart?item=1 HTTP/1.1", b"\\x16\\x03\\x01"), "not_a_request"),
        (b"\xef\xbb\xbf" + LINE + b"\r", RECORD),
        (b"\x00" * 9 + LINE, RECORD),
    ],
)
def test_what_is_no_ordinary_line_is_said_to_be_so(line: bytes, result: object) -> None:
    found = build(COMBINED, {}).parse(line)

    assert (found.reason if isinstance(found, ParseError) else found) == result


JSON = (
    """log_format j escape=json '{"t":"$time_iso8601","client":{"ip":"$remote_addr"},'"""
    """'"took":$request_time,"line":"$request_method $request_uri","ua":"$http_user_agent",'"""
    """'"up":["$upstream_addr"]}';"""
)
JSON_LINE = (
    b'{"t":"2025-03-14T09:26:53+01:00","client":{"ip":"203.0.113.7"},"took":0.012,'
    b'"line":"GET /a?b=\\"c\\" d","ua":"M \\"q\\" \\u0001\\n","up":["10.0.0.1:80, 10.0.0.2:80"]}'
)
JSON_RECORD = Record(
    TIME_MS, "203.0.113.7", "GET", path="/a", query='b="c" d', user_agent='M "q" \x01\n',
    duration_s=0.012, fields={"upstream_addr": "10.0.0.1:80, 10.0.0.2:80"},
)  # fmt: skip


def test_a_format_that_is_json_is_read_as_written_and_by_its_keys() -> None:
    parser = build(JSON, {})
    tree = json.loads(JSON_LINE)
    others = dict(reversed(tree.items())) | {"later": [1, 2]}

    assert parser.parse(JSON_LINE) == JSON_RECORD
    assert parser.parse(json.dumps(others).encode()) == JSON_RECORD
    assert parser.parse(json.dumps(tree, indent=1).replace("\n", " ").encode()) == JSON_RECORD


def test_a_number_that_json_lacks_is_no_number() -> None:
    record = build(JSON, {}).parse(JSON_LINE.replace(b"0.012", b""))

    assert isinstance(record, Record)
    assert record.duration_s is None


def test_json_without_its_escaping_is_read_too() -> None:
    definition = JSON.replace(" escape=json", "")
    line = JSON_LINE.replace(b'\\"', b"\\x22").replace(b"\\u0001\\n", b"\\x01\\x0A")

    assert build(definition, {}).parse(line) == JSON_RECORD


@pytest.mark.parametrize("line", [b"{}", b'{"level":"info","msg":"started"}', b"{", b"[1]", b"5"])
def test_other_json_is_no_line_of_the_format(line: bytes) -> None:
    result = build(JSON, {}).parse(line)

    assert isinstance(result, ParseError)
    assert result.reason == "syntax"


@pytest.mark.parametrize(
    ("definition", "options", "said"),
    [
        ("", {}, "empty"),
        ("$", {}, "without the name"),
        (COMBINED + "$$", {}, "without the name"),
        ("$http_a$http_b", {}, r"nothing between \$http_a and \$http_b"),
        ("$request_time$pipe " + COMBINED, {}, r"nothing between \$request_time and \$pipe"),
        ("$remote_addr $request", {}, "no time"),
        ("$time_local $request", {}, "no client"),
        ("$time_local $remote_addr $status", {}, "no request"),
        ("log_format main '$a", {}, "cannot be read"),
        ("log_format main;", {}, "holds no layout"),
        ("log_format main escape=xml '$a';", {}, "escape=xml"),
        (COMBINED, {"colour": "red"}, "not an option"),
        (COMBINED, {"timezone": "Nowhere"}, "a zone such as"),
        (COMBINED, {"encoding": "utf-16"}, "no text encoding"),
        (COMBINED + " $time_x", {"date_format": "%Q"}, "no directive"),
        ("$a " * 5000, {}, "longer than"),
        (COMBINED + " $a" * 300, {}, "more than 200"),
        ("\ud800", {}, "surrogate"),
    ],
)
def test_a_definition_that_cannot_be_used_is_refused(
    definition: str, options: dict[str, str], said: str
) -> None:
    with pytest.raises(OptionError, match=said):
        build(definition, options)


def test_make_takes_the_definition_from_log_format() -> None:
    assert NGINX.make({"log_format": COMBINED}).parse(LINE) == RECORD
    with pytest.raises(OptionError, match="log_format: no definition is given"):
        NGINX.make({})


@settings(max_examples=150)
@given(
    st.text(alphabet="$ab{}[]\"' \\;#:_/.=%\n\té", max_size=40),
    st.sampled_from(["", "log_format x ", "{", "escape=json ", COMBINED]),
    st.binary(max_size=60),
)
def test_any_text_is_a_definition_or_an_option_error(text: str, before: str, line: bytes) -> None:
    try:
        parser = build(before + text, {})
    except OptionError:
        return

    parser.parse(line)


# What nginx writes, by mode (ngx_http_log_module.c).


def escaped(text: bytes, mode: str) -> bytes:
    if mode == "default":
        special = b'"\\'
        return b"".join(
            b"\\x%02X" % byte if byte < 0x20 or byte > 0x7E or byte in special else bytes((byte,))
            for byte in text
        )
    if mode == "none":
        return text
    named = {8: b"\\b", 9: b"\\t", 10: b"\\n", 12: b"\\f", 13: b"\\r", 34: b'\\"', 92: b"\\\\"}
    return b"".join(
        named.get(byte) or (b"\\u%04X" % byte if byte < 0x20 else bytes((byte,))) for byte in text
    )


TEXTS = st.text(min_size=1, max_size=30).filter(lambda text: text.strip() == text != "-")
RAW_TEXTS = st.text("abcXYZ(); ,:.é", min_size=1, max_size=30).filter(
    lambda text: text.strip() == text
)
TARGETS = st.text(
    st.characters(codec="utf-8", exclude_characters="? ", exclude_categories=["Cs", "Cc"]),
    max_size=20,
).map(lambda text: "/" + text)
TOKENS = st.text("abcdefghijkXYZ0123456789._-", min_size=2, max_size=12).map(
    lambda text: "t" + text
)
NUMBERS = st.integers(0, 10**9)


@st.composite
def logged(draw: st.DrawFn) -> tuple[str, bytes, dict[str, object], str]:
    """A layout of variables in any order, a line written by it, and what the record must say."""
    mode = draw(st.sampled_from(["default", "json", "none"]))
    texts = RAW_TEXTS if mode == "none" else TEXTS
    moment = draw(st.integers(0, 4_000_000_000))
    method, target = draw(st.sampled_from(["GET", "POST", "PURGE"])), draw(TARGETS)
    if mode == "none":
        target = "/" + draw(st.text("abc/%&=", max_size=9))
    query = draw(st.none() | st.text("abc=&%?é" if mode != "none" else "abc=&", max_size=9))
    whole = target if query is None else f"{target}?{query}"
    stamp = datetime.fromtimestamp(moment, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")
    agent, referrer, cookies, custom = (draw(texts) for _ in range(4))
    user, host, size, status = (
        draw(TOKENS),
        draw(TOKENS),
        draw(NUMBERS),
        draw(st.integers(100, 599)),
    )
    hops = ", ".join(draw(st.lists(st.just("198.51.100.7"), min_size=1, max_size=3)))
    columns = [
        ("$remote_addr", "2001:db8::7"), ("[$time_local]", f"[{stamp}]"),
        ('"$request"', f"{method} {whole} HTTP/1.1"), ('"$http_user_agent"', agent),
        ('"$http_referer"', referrer), ('"$http_cookie"', cookies), ('"$custom"', custom),
        ("$remote_user", user), ("$host", host), ("$body_bytes_sent", str(size)),
        ("$status", str(status)), ("$upstream_addr", "10.0.0.1:80, 10.0.0.2:80 : -"),
        ("$http_x_forwarded_for", hops), ("<${request_time}>", "<0.125>"),
    ]  # fmt: skip
    columns = draw(st.permutations(columns))
    glue = draw(st.sampled_from([" ", " | ", "\t", " - "]))
    definition = glue.join(name for name, _ in columns)
    line = glue.encode().join(
        b'"' + escaped(text.encode(), mode) + b'"' if name.startswith('"') else text.encode()
        for name, text in columns
    )
    record: dict[str, object] = {
        "time_ms": moment * 1000, "ip": "2001:db8::7", "method": method, "path": target,
        "query": query, "user_agent": agent, "referrer": referrer, "cookies": cookies,
        "user": user, "host": host.lower(), "bytes_sent": size, "status": status, "xff": hops,
        "duration_s": 0.125,
        "fields": {"custom": custom, "upstream_addr": "10.0.0.1:80, 10.0.0.2:80 : -"},
    }  # fmt: skip
    return f"escape={mode} {definition}", line, record, mode


@settings(max_examples=250, deadline=None)
@given(logged())
def test_any_layout_reads_back_what_nginx_writes(
    case: tuple[str, bytes, dict[str, object], str],
) -> None:
    definition, line, expected, _ = case

    record = build(definition, {}).parse(line)

    assert isinstance(record, Record), (definition, line, record)
    found = {key: getattr(record, key) for key in expected}
    fields = found["fields"]
    assert isinstance(fields, dict)
    found["fields"] = {name: fields[name] for name in sorted(fields)}
    assert found == expected


@settings(max_examples=60, deadline=None)
@given(logged(), st.data())
def test_a_line_cut_anywhere_is_no_other_clients_line(
    case: tuple[str, bytes, dict[str, object], str], data: st.DataObject
) -> None:
    definition, line, expected, _ = case
    parser = build(definition, {})

    result = parser.parse(line[: data.draw(st.integers(0, len(line)))])

    assert not isinstance(result, Record) or result.path == expected["path"]


@settings(max_examples=60, deadline=None)
@given(logged(), st.binary(max_size=200), st.data())
def test_any_bytes_are_parsed_or_refused(
    case: tuple[str, bytes, dict[str, object], str], noise: bytes, data: st.DataObject
) -> None:
    definition, line, _, _ = case
    parser = build(definition, {})
    at = data.draw(st.integers(0, len(line)))

    for bad in (noise, line[:at] + noise, line[:at] + noise + line[at:]):
        parser.parse(bad)


@pytest.mark.parametrize("separator", ["|", "\t"])
def test_a_separator_that_a_client_wrote_shifts_no_column(separator: str) -> None:
    names = ("[$time_local]", "$http_user_agent", "$remote_addr", "$request_uri", "$status")
    parser = build(separator.join(names), {})
    good = ("[14/Mar/2025:09:26:53 +0000]", "x y", "203.0.113.7", "/a", "200")
    record = parser.parse(separator.join(good).encode())
    assert isinstance(record, Record)
    assert (record.ip, record.path, record.user_agent) == ("203.0.113.7", "/a", "x y")

    for place in (1, 3):
        forged = list(good)
        forged[place] = separator.join(("x", "6.6.6.6", "/y"))
        assert not isinstance(parser.parse(separator.join(forged).encode()), Record)
