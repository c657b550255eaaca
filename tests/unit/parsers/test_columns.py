import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hooktail_parsers import OptionError
from hooktail_parsers.builders.apache import build as apache
from hooktail_parsers.builders.columns import compile_layout
from hooktail_parsers.builders.goaccess import build as goaccess
from hooktail_parsers.builders.grok import build as grok
from hooktail_parsers.builders.grok_patterns import PATTERNS
from hooktail_parsers.builders.nginx import build as nginx
from hooktail_parsers.builders.record_plan import Column, Meaning
from hooktail_parsers.builders.shapes import TEXT, TOKEN, WORD, Shape
from hooktail_parsers.builders.writers import APACHE, NGINX_NONE, UNKNOWN, Writer

NUMBER = Shape(rb"[0-9]{1,9}+", chars=b"0123456789")
STAMP = Shape(rb"[0-9]{4}-[0-9]{2}")
TARGET = Shape(begins=b"/")
SITE = Shape(spaced=False, never=b"/")


def column(name: str, shape: Shape) -> Column:
    return Column(name, shape, Meaning("field", name))


def texts(
    parts: list[bytes | Column], line: bytes, writer: Writer = UNKNOWN, *, whole: bool = False
) -> tuple[bytes, ...] | None:
    found = compile_layout(parts, writer, whole=whole).match(line)
    return found.groups() if found else None


TEXT_A, TEXT_B = column("a", TEXT), column("b", TEXT)
WORD_A, WORD_B = column("a", WORD), column("b", WORD)
TOKEN_A, TOKEN_B = column("a", TOKEN), column("b", TOKEN)
COUNT = column("n", NUMBER)


@pytest.mark.parametrize(
    ("parts", "line", "expected"),
    [
        ([TOKEN_A, b" ", COUNT], b"x 5", (b"x", b"5")),
        ([TOKEN_A, b" ", COUNT], b"x 5 and more", (b"x", b"5")),
        ([TOKEN_A, b" ", COUNT], b"x 5and", None),
        ([TOKEN_A, b" ", COUNT], b"x y", None),
        # At the last colon, because no other has a number behind it.
        ([TOKEN_A, b":", COUNT, b" ", WORD_B], b"2001:db8::1:80 x", (b"2001:db8::1", b"80", b"x")),
        ([TOKEN_A, b":", TOKEN_B, b" ", COUNT], b"2001:db8::1 5", (b"2001:db8:", b"1", b"5")),
        # A text ends where what follows begins, not at the first space.
        ([TEXT_A, b" ", COUNT, b" ", COUNT], b"a 5 b 6 7", (b"a 5 b", b"6", b"7")),
        ([TEXT_A, b" ", TOKEN_B, b" ", COUNT], b"a b c 7", (b"a b", b"c", b"7")),
        ([TEXT_A, b" [", column("t", STAMP), b"]"], b"a [b [2025-03]", (b"a [b", b"2025-03")),
        ([WORD_A, b" ", WORD_B], b"a b c", (b"a", b"b c")),
        ([b'"', TEXT_A, b'" "', TEXT_B, b'"'], rb'"a \" b" "c\\"', (rb"a \" b", rb"c\\")),
        ([b'"', TEXT_A, b'"'], b'"a', None),
        ([b'"', TEXT_A, b'"'], rb'"a\"', None),
        ([TEXT_A, b"\t", TEXT_B, b"\t", COUNT], b"a b\tc d\t5", (b"a b", b"c d", b"5")),
        ([column("h", SITE), column("u", TARGET)], b"a.b/c d", (b"a.b", b"/c")),
        ([column("t", STAMP), COUNT], b"2025-0312", (b"2025-03", b"12")),
        ([TEXT_A, b": ", TEXT_B], b"a: b: c\xff", (b"a", b"b: c\xff")),
        ([b"%(", COUNT, b")?"], b"%(5)?", (b"5",)),
        ([b"literal"], b"literal", ()),
        ([COUNT, b" "], b"5 ", (b"5",)),
    ],
)
def test_each_variable_ends_where_what_follows_begins(
    parts: list[bytes | Column], line: bytes, expected: tuple[bytes, ...] | None
) -> None:
    assert texts(parts, line) == expected


def test_without_escaping_a_quote_ends_nothing_unless_what_follows_does() -> None:
    parts: list[bytes | Column] = [b'"', TEXT_A, b'" "', TEXT_B, b'" ', COUNT]

    assert texts(parts, b'"a "x" y" "b" 5', NGINX_NONE) == (b'a "x" y', b"b", b"5")


def test_a_whole_text_has_nothing_behind_it() -> None:
    parts: list[bytes | Column] = [TOKEN_A, b" ", column("u", TARGET)]

    assert texts(parts, b"GET /a b") == (b"GET", b"/a")
    assert texts(parts, b"GET /a b", whole=True) == (b"GET", b"/a b")


@pytest.mark.parametrize(
    "parts",
    [
        [TEXT_A, TEXT_B],
        [TOKEN_A, COUNT],
        [COUNT, COUNT],
        [TOKEN_A, column("u", TARGET)],
        [COUNT, TOKEN_B],
    ],
)
def test_variables_that_nothing_parts_are_refused_by_name(parts: list[bytes | Column]) -> None:
    first, second = (part.name for part in parts if isinstance(part, Column))

    with pytest.raises(OptionError, match=f"nothing between {first} and {second}: "):
        compile_layout(parts, APACHE)


BUILDERS = {
    "nginx": (nginx, " $time_local $remote_addr $request"),
    "apache": (apache, " %t %h %r"),
    "goaccess": (goaccess, " %d %t %h %r"),
    "grok": (grok, " %{IP:ip}"),
}
VARIABLES = {
    "nginx": [
        "$remote_addr", "$remote_user", "$time_local", "$msec", "$request", "$request_uri",
        "$uri", "$args", "$http_host", "$host", "$server_port", "$scheme", "$https", "$status",
        "$request_time", "$http_user_agent", "$http_cookie", "$cookie_a", "$http_x_forwarded_for",
        "$upstream_addr", "$custom", "$is_args", "$pipe", "$server_protocol",
    ],
    "apache": [
        "%h", "%a", "%u", "%t", "%r", "%m", "%U", "%q", "%H", "%>s", "%b", "%v", "%p", "%{A}i",
        "%{B}o", "%{c}C", "%f", "%X", "%{%F}t",
    ],
    "goaccess": [
        "%h", "%^", "%d", "%t", "%x", "%v", "%r", "%m", "%U", "%q", "%s", "%b", "%R", "%u", "%e",
        "%T", "%~", "~h{,}",
    ],
    "grok": [f"%{{{name}:x}}" for name in PATTERNS],
}  # fmt: skip
GLUE = [" ", " ", '"', '" "', "[", "] ", ":", ": ", ",", ", ", "/", "|", "\t", "x", " - ", '{"a":"']
UNITS = [
    b"a", b" ", b'"', b"\\", b'" "', b" [", b"] ", b"1 ", b": ", b":", b"1:", b",", b", ", b"a ",
    b"- ", b"[14/Mar/2025:09:26:53 +0100] ", b" : ", b'{"a":"', b"/", b"\t", b"203.0.113.7 ",
]  # fmt: skip
BEGINNING = b'203.0.113.7 - - [14/Mar/2025:09:26:53 +0100] "GET / HTTP/1.1" 200 5 "'
HOSTILE_BYTES = 65_536


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_definition_is_slow_on_any_line(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(BUILDERS)))
    build, required = BUILDERS[name]
    pieces = data.draw(
        st.lists(st.tuples(st.sampled_from(VARIABLES[name]), st.sampled_from(GLUE)), max_size=8)
    )
    try:
        parser = build("".join(part for piece in pieces for part in piece) + required, {})
    except OptionError:
        return
    units = data.draw(st.lists(st.sampled_from(UNITS), min_size=3, max_size=3))
    lines = [
        start + (unit * HOSTILE_BYTES)[:HOSTILE_BYTES]
        for unit in units
        for start in (b"", BEGINNING)
    ]

    begun = time.process_time()
    parser.parse_batch(lines)

    assert time.process_time() - begun < 1.0
