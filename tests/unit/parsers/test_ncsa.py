"""The common and combined formats, with and without the virtual host."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooktail_parsers import OptionError, ParseError, Record, Result, Skip
from hooktail_parsers.ncsa.formats import FORMATS as NCSA_FORMATS
from hooktail_parsers.testing import check_parser

FORMATS = {known.name: known for known in NCSA_FORMATS}

COMMON = b'203.0.113.7 - - [14/Mar/2025:09:26:53 +0100] "GET /s?a=1 HTTP/1.1" 200 5'
COMBINED = COMMON + b' "https://ref.example/?q=x" "Agent/1.0 (X11)"'
LINES = {
    "ncsa_common": COMMON,
    "ncsa_combined": COMBINED,
    "nginx_combined": COMBINED,
    "vhost_common": b"shop.example:443 " + COMMON,
    "vhost_combined": b"shop.example:443 " + COMBINED,
}
HARD = [
    rb'1.2.3.4 - john "x [14/Mar/2025:09:26:53 +0100] "GET / HTTP/1.1" 200 5 "-" "a"',
    rb'1.2.3.4 id john smith [14/Mar/2025:09:26:53 +0100] "GET /\"a\" HTTP/1.1" 200 5 "-" "\\"',
    rb'1.2.3.4 - "" [14/Mar/2025:09:26:53 +0100] "OPTIONS * HTTP/1.0" 000 - "" "\"q\" \x22"',
    rb'::1 - - [14/Mar/2025:09:26:53 +0100] "GET http://[::1]:80/ HTTP/1.1" 200 5 "-" "a" x y',
    b'unix: - - [14/Mar/2025:09:26:53 +0100] "CONNECT a.example:443 HTTP/1.1" 200 5 "-" "\xff"\r',
]


def parse(line: bytes, name: str = "ncsa_combined", **options: str) -> Result:
    return FORMATS[name].make(options).parse(line)


def record(line: bytes, name: str = "ncsa_combined", **options: str) -> Record:
    parsed = parse(line, name, **options)
    assert isinstance(parsed, Record), parsed
    return parsed


def refusal(line: bytes, name: str = "ncsa_combined") -> str:
    parsed = parse(line, name)
    assert isinstance(parsed, ParseError), parsed
    return parsed.reason


def combined(
    *,
    ip: bytes = b"203.0.113.7",
    who: bytes = b"- -",
    stamp: bytes = b"14/Mar/2025:09:26:53 +0100",
    request: bytes = b"GET /s?a=1 HTTP/1.1",
    status: bytes = b"200 5",
    referrer: bytes = b"-",
    agent: bytes = b"Agent/1.0",
    tail: bytes = b"",
) -> bytes:
    return b'%s %s [%s] "%s" %s "%s" "%s"%s' % (
        ip, who, stamp, request, status, referrer, agent, tail,
    )  # fmt: skip


def test_a_combined_line_has_all_its_parts() -> None:
    assert record(COMBINED) == Record(
        time_ms=1_741_940_813_000,
        ip="203.0.113.7",
        method="GET",
        path="/s",
        query="a=1",
        status=200,
        referrer="https://ref.example/?q=x",
        user_agent="Agent/1.0 (X11)",
        bytes_sent=5,
    )


def test_a_common_line_has_no_referrer_and_no_agent() -> None:
    assert record(COMMON, "ncsa_common") == record(COMBINED, "ncsa_common")
    assert record(COMMON, "ncsa_common").user_agent is None


def test_the_virtual_host_gives_host_and_port() -> None:
    shop = record(LINES["vhost_combined"], "vhost_combined")
    plain = record(b"WWW.example.com " + COMBINED, "vhost_combined")

    assert (shop.host, shop.port, shop.scheme) == ("shop.example", 443, None)
    assert (plain.host, plain.port) == ("www.example.com", None)


def test_the_virtual_host_outranks_the_host_in_the_target() -> None:
    line = b"shop.example " + combined(request=b"GET http://other.example:81/x HTTP/1.1")

    found = record(line, "vhost_combined")

    assert (found.scheme, found.host, found.port, found.path) == (
        "http",
        "shop.example",
        None,
        "/x",
    )


@pytest.mark.parametrize(
    ("who", "user"),
    [
        (b"- theuser", "theuser"),
        (b"- john smith", "john smith"),
        (b'- ""', None),
        (b"- ", None),
        (b"- a [b] c", "a [b] c"),
        (rb"- say \"hi\"", 'say "hi"'),
        (rb"- J\xC3\xB6rg", "Jörg"),
        (b"ident -", None),
    ],
)
def test_a_user_may_hold_spaces_quotes_and_brackets(who: bytes, user: str | None) -> None:
    assert record(combined(who=who)).user == user


def test_an_ident_is_kept_among_the_fields() -> None:
    assert record(combined(who=b"ident -")).fields == {"ident": "ident"}
    assert record(combined()).fields is None


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (rb"Weird \x22UA\x22 \x5C end", 'Weird "UA" \\ end'),
        (rb"Weird \"UA\" \\ end", 'Weird "UA" \\ end'),
        (rb"tab\tnew\nline", "tab\tnew\nline"),
        (rb"caf\xc3\xa9", "café"),
        (rb"ends with \\", "ends with \\"),
        ("raw café".encode(), "raw café"),
        (b"raw \xff", "raw \ufffd"),
        (b"-", None),
        (b"", None),
    ],
)
def test_referrer_and_agent_are_unescaped(raw: bytes, text: str | None) -> None:
    found = record(combined(agent=raw, referrer=raw))

    assert (found.user_agent, found.referrer) == (text, text)


def test_an_escaped_quote_does_not_end_the_request() -> None:
    found = record(combined(request=rb"GET /a\"b\x22?q=\"c\" HTTP/1.1"))

    assert (found.path, found.query) == ('/a"b"', 'q="c"')


def test_the_path_is_never_percent_decoded() -> None:
    found = record(combined(request=b"GET /a%20b%2F?q=%zz HTTP/1.1"))

    assert (found.path, found.query) == ("/a%20b%2F", "q=%zz")


@pytest.mark.parametrize(
    ("columns", "status", "size"),
    [(b"304 -", 304, None), (b"000 0", None, 0), (b"0 0", None, 0), (b"- -", None, None)],
)
def test_a_missing_status_or_size_is_none(
    columns: bytes, status: int | None, size: int | None
) -> None:
    found = record(combined(status=columns))

    assert (found.status, found.bytes_sent) == (status, size)


@pytest.mark.parametrize(
    "request_", [b"", b"-", rb"\x16\x03\x01", b"PRI * HTTP/2.0", b"HELP", b'G\\"']
)
def test_what_is_no_request_is_rejected(request_: bytes) -> None:
    assert refusal(combined(request=request_)) == "not_a_request"


def test_an_impossible_date_is_rejected() -> None:
    assert refusal(combined(stamp=b"31/Feb/2025:09:26:53 +0100")) == "bad_time"
    assert refusal(combined(stamp=b"31/Feb/2025:09:26:53 +0100", who=b"- a b")) == "bad_time"


@pytest.mark.parametrize(
    "line",
    [
        COMBINED[:-1],
        COMMON,
        combined(agent=b'a"b'),
        combined(status=b"20 5"),
        combined(status=b"200 5x"),
        combined(status=b"200 " + b"9" * 5000),
        b"203.0.113.7" + COMBINED.removeprefix(b"203.0.113.7 - -"),
        b'1.2.3.4 - [14/Mar/2025:09:26:53 +0100] "GET / HTTP/1.1" 200 5 "-" "a"',
        b"garbage",
    ],
)
def test_a_line_of_another_layout_is_rejected(line: bytes) -> None:
    assert refusal(line) == "syntax"


def test_a_virtual_host_in_front_is_no_combined_line() -> None:
    """The columns would shift by one, and the client would be lost."""
    assert refusal(LINES["vhost_combined"], "ncsa_combined") == "syntax"
    assert refusal(b"shop.example " + combined(who=b"- bob"), "ncsa_combined") == "syntax"


@pytest.mark.parametrize("name", LINES)
def test_a_forwarded_list_in_front_is_another_format(name: str) -> None:
    """Its elements would take the places of client, ident and user."""
    assert refusal(b"203.0.113.7, 10.0.0.1, " + LINES[name], name) == "syntax"
    assert refusal(b"shop.example 203.0.113.7, " + LINES[name], name) == "syntax"


def test_a_combined_line_has_no_virtual_host() -> None:
    assert refusal(COMBINED, "vhost_combined") == "syntax"


@pytest.mark.parametrize("line", [b"", b"  ", b"\r", b"\x00\x00", b"\xef\xbb\xbf"])
def test_a_blank_line_is_skipped(line: bytes) -> None:
    assert parse(line) == Skip("blank")


def test_a_comment_is_skipped() -> None:
    assert parse(b"#Software: x") == Skip("directive")
    assert parse(b"#" + COMBINED) == Skip("directive")


@pytest.mark.parametrize("prefix", [b"\xef\xbb\xbf", b"\x00" * 100])
def test_a_byte_order_mark_or_a_hole_in_front_is_passed_over(prefix: bytes) -> None:
    for name, line in LINES.items():
        assert parse(prefix + line, name) == parse(line, name)


@pytest.mark.parametrize("tail", [b"\r", b' "-"', b" 0.002", b' trailing "quote'])
def test_further_columns_are_tolerated(tail: bytes) -> None:
    for name, line in LINES.items():
        assert parse(line + tail, name) == parse(line, name)


def test_a_host_name_or_socket_has_no_address() -> None:
    assert record(combined(ip=b"crawler.example.com")).ip is None
    assert record(combined(ip=b"unix:")).ip is None
    assert record(combined(ip=b"::ffff:1.2.3.4")).ip == "1.2.3.4"


def test_the_encoding_option_decodes_the_text() -> None:
    line = combined(request=b"GET /\xac\xb0 HTTP/1.1", agent=rb"\xac\xb0")

    found = record(line, encoding="big5")

    assert (found.path, found.user_agent) == ("/為", "為")
    assert record(line).path == "/\ufffd\ufffd"


@pytest.mark.parametrize("name", LINES)
def test_shared_options_are_accepted_and_others_refused(name: str) -> None:
    record(LINES[name], name, timezone="Europe/Berlin", year="2025")

    with pytest.raises(OptionError, match="encoding, timezone, year"):
        FORMATS[name].make({"log_format": "x"})
    with pytest.raises(OptionError, match="encoding"):
        FORMATS[name].make({"encoding": "utf-16"})
    with pytest.raises(OptionError, match="year"):
        FORMATS[name].make({"year": "soon"})


@pytest.mark.parametrize("name", LINES)
def test_the_contract_holds(name: str) -> None:
    vhost = b"shop.example:443 " if name.startswith("vhost") else b""
    check_parser(FORMATS[name], [LINES[name], *(vhost + line for line in HARD)])


@given(st.lists(st.binary() | st.sampled_from([COMBINED, *HARD, *LINES.values()])))
def test_a_batch_is_its_lines(lines: list[bytes]) -> None:
    for known in FORMATS.values():
        batch = known.make({}).parse_batch(lines)
        singly = [known.make({}).parse(line) for line in lines]

        assert batch == singly


@given(st.binary().map(lambda noise: noise.replace(b"\n", b"")), st.integers(0, len(COMBINED)))
def test_noise_anywhere_never_raises(noise: bytes, at: int) -> None:
    for known in FORMATS.values():
        known.make({}).parse(COMBINED[:at] + noise + COMBINED[at:])


def nginx_escaped(text: str) -> bytes:
    return b"".join(
        b"\\x%02X" % byte if byte < 0x20 or byte >= 0x7F or byte in b'"\\' else bytes((byte,))
        for byte in text.encode()
    )


def apache_escaped(text: str) -> bytes:
    named = {b"\b": b"\\b", b"\n": b"\\n", b"\r": b"\\r", b"\t": b"\\t", b"\v": b"\\v"}
    named |= {b'"': b'\\"', b"\\": b"\\\\"}
    return b"".join(
        named.get(bytes((byte,))) or (bytes((byte,)) if 0x20 <= byte < 0x7F else b"\\x%02x" % byte)
        for byte in text.encode()
    )


_TEXT = st.text(st.characters(codec="utf-8"))
_NO_SPACE = st.text(st.characters(codec="utf-8", exclude_characters=" ?"))


@given(path=_NO_SPACE, query=st.none() | _TEXT.map(str.strip), referrer=_TEXT, agent=_TEXT)
def test_what_either_server_writes_comes_back(
    path: str, query: str | None, referrer: str, agent: str
) -> None:
    target = f"/{path}" if query is None else f"/{path}?{query}"
    for escaped in (nginx_escaped, apache_escaped):
        line = combined(
            request=b"GET " + escaped(target) + b" HTTP/1.1",
            referrer=escaped(referrer),
            agent=escaped(agent),
        )

        found = record(line)

        assert (found.path, found.query) == (f"/{path}", query)
        assert found.referrer == (None if referrer in ("", "-") else referrer)
        assert found.user_agent == (None if agent in ("", "-") else agent)


@pytest.mark.parametrize("name", LINES)
def test_a_torn_line_is_rejected_or_still_names_the_same_client(name: str) -> None:
    line = LINES[name]
    whole = record(line, name)
    parser = FORMATS[name].make({})

    for end in range(len(line)):
        parsed = parser.parse(line[:end])
        if isinstance(parsed, Record):
            assert name.endswith("common"), "a torn line has no closing quote"
            assert (parsed.ip, parsed.time_ms, parsed.path) == (whole.ip, whole.time_ms, whole.path)


@pytest.mark.parametrize(
    "line",
    [
        combined(request=b"GET /" + b"\\x00" * 25_000),
        b"1.2.3.4 - " + b" [" * 50_000,
        b"1.2.3.4 - " + b"\\" * 100_000,
        b"a" * 100_000,
        b"1.2.3.4 - - [14/Mar/2025:09:26:53 +0100] " + b'"' * 100_000,
        combined(agent=b"\\\\" * 50_000)[:-1],
        combined(request=b"GET http://" + b"a@" * 50_000 + b" HTTP/1.1"),
        combined(request=b"GET " + b" " * 100_000),
        combined(ip=b"1:" * 50_000),
    ],
)
def test_a_hostile_line_takes_linear_time(line: bytes) -> None:
    """100 kB of what makes an expression backtrack is done in a blink, not in minutes."""
    began = time.process_time()

    for known in FORMATS.values():
        known.make({}).parse(line)

    assert time.process_time() - began < 2
