"""Zeek's http.log, by its header or as JSON."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hooktail_parsers import OptionError, ParseError, Record, Result, Skip, StatefulParser, Step
from hooktail_parsers.testing import check_parser
from hooktail_parsers.w3c.zeek import FORMATS

(ZEEK,) = FORMATS
FIELDS = b"ts uid id.orig_h id.resp_p method host uri referrer user_agent status_code tags username"
HEADER = b"#fields\t" + FIELDS.replace(b" ", b"\t")
LINE = (
    b"1741940813.123999\tCKx2\t203.0.113.7\t8080\tGET\tShop.example\t/s?a=#1\t-\tA\\x22b\\\\ c"
    b"\t404\t(empty)\tjdoe"
)
JSON = (
    b'{"ts":1741940813.123999,"uid":"CKx2","id.orig_h":"203.0.113.7","id.resp_p":8080,'
    b'"method":"GET","host":"Shop.example","uri":"/s?a=#1","user_agent":"A\\"b\\\\ c",'
    b'"status_code":404,"username":"jdoe"}'
)


def parser(**options: str) -> StatefulParser:
    made = ZEEK.make(options)
    assert isinstance(made, StatefulParser)
    return made.fork()


def last(*lines: bytes, **options: str) -> Result:
    return parser(**options).parse_batch(lines)[-1]


def quiet(result: Result) -> object:
    return result.reason if isinstance(result, ParseError) else result


def test_it_keeps_the_contract() -> None:
    check_parser(ZEEK, [*ZEEK.example.encode().split(b"\n"), HEADER, LINE, JSON])


@pytest.mark.parametrize("lines", [(HEADER, LINE), (JSON,)])
def test_a_line_has_all_its_parts(lines: tuple[bytes, ...]) -> None:
    assert last(*lines) == Record(
        time_ms=1_741_940_813_123,
        ip="203.0.113.7",
        method="GET",
        host="shop.example",
        port=8080,
        path="/s",
        query="a=#1",
        status=404,
        user_agent='A"b\\ c',
        user="jdoe",
        fields={"uid": "CKx2"},
    )


def test_the_header_says_what_separates_and_what_is_missing() -> None:
    comma = LINE.replace(b"\t", b",").replace(b",-,", b",none,").replace(b"(empty)", b"")
    header = [
        b"#separator \\x2c",
        b"#set_separator,|",
        b"#unset_field,none",
        b"#empty_field,",
        HEADER.replace(b"\t", b","),
    ]

    assert last(*header, comma) == last(HEADER, LINE)


def test_a_restored_parser_reads_on_and_the_same_header_gives_no_state() -> None:
    one, other = parser(), parser()
    step = one.parse(HEADER)
    assert isinstance(step, Step)
    assert step.state is not None

    other.restore(step.state)

    assert other.parse(LINE) == one.parse(LINE)
    assert one.parse(HEADER) == Skip("directive")
    with pytest.raises(ValueError, match="state"):
        other.restore('{"columns": ""}')


def test_columns_come_from_the_header_or_the_option() -> None:
    assert quiet(last(LINE)) == "no_fields_yet"
    assert last(LINE, fields=FIELDS.decode()) == last(HEADER, LINE)
    with pytest.raises(OptionError):
        parser(fields=" ")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b"\tGET\t", b"\t-\t", "not_a_request"),
        (b"/s?a=#1", b"x", "not_a_request"),
        (b"\tjdoe", b"", "column_count"),
        (b"1741940813.123999", b"soon", "bad_time"),
        (b"404", b"4o4", "syntax"),
    ],
)
def test_other_lines_are_refused(old: bytes, new: bytes, reason: str) -> None:
    assert quiet(last(HEADER, LINE.replace(old, new))) == reason


def test_an_unusable_header_forgets_the_one_before() -> None:
    assert quiet(last(HEADER, b"#fields\t" + b"x\t" * 300, LINE)) == "no_fields_yet"


def test_the_end_of_a_file_is_skipped() -> None:
    assert last(HEADER, b"#close\t2025-03-14-09-00-00") == Skip("directive")


@settings(max_examples=60)
@given(agent=st.binary(min_size=1, max_size=30))
def test_escaped_bytes_are_read_back(agent: bytes) -> None:
    written = b"".join(
        b"\\\\" if byte == 0x5C else b"%c" % byte if 0x20 < byte < 0x7F else b"\\x%02x" % byte
        for byte in agent
    )
    found = last(HEADER, LINE.replace(b"A\\x22b\\\\ c", written))

    assert isinstance(found, Record)
    if written not in (b"-", b"(empty)"):
        assert found.user_agent == agent.decode("utf-8", "replace")


@settings(max_examples=100)
@given(st.lists(st.one_of(st.binary(max_size=60), st.binary(max_size=60).map(b"#".__add__))))
def test_no_bytes_raise(lines: list[bytes]) -> None:
    single = parser()

    batch = parser().parse_batch([HEADER, *lines])

    assert [quiet(each) for each in batch] == [quiet(single.parse(x)) for x in (HEADER, *lines)]
