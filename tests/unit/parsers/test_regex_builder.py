import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.re2 import without_re2

from hooktail_parsers import OptionError, ParseError, Record, Skip
from hooktail_parsers.builders.regex import REGEX, build
from hooktail_parsers.testing import check_parser

COMMON = (
    r"(?P<ip>\S+) \S+ (?P<user>\S+) \[(?P<date>[^\]]+)\] "
    r'"(?P<request>[^"]*)" (?P<status>\d+) (?P<length>\S+)'
)
LINE = b'203.0.113.7 - - [14/Mar/2025:09:26:53 +0100] "GET /cart?item=1 HTTP/1.1" 200 512'
TIME_MS = 1_741_940_813_000
RECORD = Record(
    TIME_MS, "203.0.113.7", "GET", path="/cart", query="item=1", status=200, bytes_sent=512
)


def parsed(definition: str, line: bytes, **options: str) -> Record:
    result = build(definition, options).parse(line)
    assert isinstance(result, Record), result
    return result


def test_groups_are_the_keys_of_the_record() -> None:
    assert build(COMMON, {}).parse(LINE) == RECORD
    assert build(COMMON, {}).parse(b"\xef\xbb\xbf" + LINE + b"\r") == RECORD
    assert build(COMMON, {}).parse(b"") == Skip("blank")


def test_the_parser_keeps_the_contract() -> None:
    check_parser(REGEX, [LINE], {"log_format": COMMON})
    check_parser(
        REGEX,
        [b"a=1 /x?y 203.0.113.7 bob k=v"],
        {"log_format": r"a=(?P<a>\d+) (?P<url>\S+) (?P<ip>\S+) (?P<user>\S*)(?: k=(?P<k>.*))?"},
    )


def test_the_example_of_the_reference_parses() -> None:
    pattern = r'(?P<ip>\S+) \[(?P<time>[^\]]+)\] "(?P<request>[^"]*)"'

    assert parsed(pattern, REGEX.example.encode()).time_ms == TIME_MS


OWN_DATE = COMMON.replace("length", "bytes_sent")
OWN_LINE = LINE.replace(b"14/Mar/2025:09:26:53 +0100", b"March - 14, 2025:09:26:53")


def test_a_date_of_ones_own_needs_its_format_and_is_never_guessed() -> None:
    without = build(OWN_DATE, {}).parse(OWN_LINE)
    record = parsed(
        OWN_DATE, OWN_LINE, date_format="%B - %d, %Y:%H:%M:%S", timezone="Europe/Berlin"
    )

    assert isinstance(without, ParseError)
    assert without.reason == "bad_time"
    assert record.time_ms == TIME_MS


@pytest.mark.parametrize(
    ("pattern", "line", "options"),
    [
        (r"(?P<date>\S+) (?P<time>\S+)", b"2025-03-14 08:26:53", {}),
        (r"(?P<date>\S+) (?P<time>\S+) (?P<timezone>\S+)", b"2025-03-14 09:26:53 +0100", {}),
        (r"\[(?P<date>\S+) (?P<timezone>[^\]]+)\]", b"[14/Mar/2025:09:26:53 +0100]", {}),
        (r"\[(?P<date>\S+) (?P<timezone>[^\]]+)\]", b"[14/Mar/2025:09:26:53 +0100]",
         {"date_format": "%d/%b/%Y:%H:%M:%S"}),
        (r"(?P<time>.+)", b"Fri Mar 14 08:26:53 2025", {}),
        (r"(?P<timestamp>.+)", b"Mar 14 08:26:53", {"year": "2025"}),
        (r"(?P<ts>\d+)", b"1741940813000", {}),
        (r"(?P<date>\d+) (?P<time>\d+)", b"20250314 082653", {"date_format": "%Y%m%d %H%M%S"}),
    ],
)  # fmt: skip
def test_times_are_known_by_their_form(pattern: str, line: bytes, options: dict[str, str]) -> None:
    assert parsed(pattern, line, **options).time_ms == TIME_MS


def test_the_names_of_other_tools_are_known() -> None:
    pattern = (
        r"(?P<clientip>\S+) (?P<verb>\S+) (?P<request>\S+) (?P<response>\S+) (?P<auth>\S+) "
        r"(?P<generation_time_milli>\S+) (?P<vhost>\S+) (?P<x_forwarded_for>\S+) (?P<other>\S+)"
    )

    record = parsed(pattern, rb"::1 GET /a?b 404 D\bob 25 Shop.example 10.0.0.1 c\d")

    assert record == Record(
        ip="::1", method="GET", path="/a", query="b", status=404, user="D\\bob", duration_s=0.025,
        host="shop.example", xff="10.0.0.1", fields={"other": "c\\d"},
    )  # fmt: skip


def test_a_group_that_took_no_part_says_nothing() -> None:
    pattern = r'(?P<ip>\S+)(?: "(?P<user_agent>[^"]*)")?'

    assert parsed(pattern, b"::1") == Record(ip="::1")
    assert parsed(pattern, b'::1 "M \\x22"').user_agent == 'M "'


def test_a_session_comes_of_the_cookies() -> None:
    record = parsed(r"(?P<cookies>.*)", b"a=b; sid=c", session_cookie="sid")

    assert record.session == "c"


@pytest.mark.parametrize(
    ("definition", "options", "said"),
    [
        ("(", {}, "no regular expression"),
        (r"\S+", {}, "no part has a name"),
        (r"(?P<ip>\S+)", {"colour": "red"}, "not an option"),
        (r"(?P<date>\S+)", {"date_format": "%Q"}, "date_format"),
        (r"(?P<ip>x)(?P<ip>y)", {}, "redefinition"),
        (r"(?P<a>x)\1*", {}, "can divide"),
    ],
)
def test_a_definition_that_cannot_be_used_is_refused(
    definition: str, options: dict[str, str], said: str
) -> None:
    with pytest.raises(OptionError, match=said):
        build(definition, options)


def test_without_google_re2_lines_beyond_the_quick_length_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    without_re2(monkeypatch)
    parser = build(r'(?P<ip>\S+) "(?P<request>.*?)" (?P<rest>.*)', {})

    short = parser.parse(b'::1 "GET / HTTP/1.1" x')
    long = parser.parse(b'::1 "GET / HTTP/1.1" ' + b"x" * 10_000)

    assert isinstance(short, Record)
    assert isinstance(long, ParseError)
    assert long.reason == "line_too_long"


@settings(max_examples=200)
@given(st.text(alphabet="(?P<ipt>a+*.)[]{}\\|^$ 1", max_size=40), st.binary(max_size=60))
def test_any_text_is_a_definition_or_an_option_error(text: str, line: bytes) -> None:
    for definition in (text, r"(?P<ip>\S+)" + text):
        try:
            parser = build(definition, {})
        except OptionError:
            continue
        parser.parse(line)
