"""Lines put together around parsers of single lines: which lines make which record."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hooktail_parsers import OptionError, ParseError, Parser, Part, Record, Skip, Step
from hooktail_parsers.assembly import Assembled, Assembler
from hooktail_parsers.builtin import FORMATS
from hooktail_parsers.consoles.python import DjangoRunserverParser, UvicornParser
from hooktail_parsers.joining import JoinRules, join
from hooktail_parsers.json_logs.apps import JSON_APP
from hooktail_parsers.json_logs.parser import JsonParser
from hooktail_parsers.traces import continues
from hooktail_parsers.wrappers.formats import FORMATS as WRAPPERS

TRACES = JoinRules(indented=True)
ACCESS = b'203.0.113.7 - - [14/Mar/2025:08:26:53 +0000] "GET /app HTTP/1.1" 500 12'


def common() -> Parser:
    return FORMATS["ncsa_common"].make({})


def assembled(inner: Parser, rules: JoinRules, lines: Sequence[bytes]) -> list[Assembled[int]]:
    """Feeds the lines, and ends what is open at the end, as it is when no more lines come."""
    parser = join(inner, rules).fork()
    assembler: Assembler[int] = Assembler(parser)
    done: list[Assembled[int]] = []
    for number, result in enumerate(parser.parse_batch(lines)):
        done += assembler.take(number, result)
    done += assembler.give_up_all()
    assert sorted(key for each in done for key in each.keys) == list(range(len(lines)))
    return done


def blocks(done: Iterable[Assembled[int]]) -> list[tuple[list[int], str]]:
    """Names what each block is, in the order of the first lines."""
    return sorted(
        (each.keys, "record" if isinstance(each.parsed, Record) else each.parsed.reason)
        for each in done
    )


def records(done: Iterable[Assembled[int]]) -> list[Record]:
    return [each.parsed for each in done if isinstance(each.parsed, Record)]


def test_an_access_line_inside_a_trace_is_a_record_and_the_trace_goes_on() -> None:
    lines = [
        b"08:26:53,100 ERROR [http-nio-8080-exec-3] Svc - NPE",
        b"java.lang.NullPointerException: null",
        ACCESS,
        b"\tat example.Svc.run(Svc.java:5)",
        b"08:26:54,000 INFO [main] Svc - up",
    ]

    done = assembled(common(), TRACES, lines)

    assert blocks(done) == [([0, 1, 3], "syntax"), ([2], "record"), ([4], "syntax")]
    assert records(done)[0].ip == "203.0.113.7"


def test_it_works_inside_a_wrapper() -> None:
    docker = next(each for each in WRAPPERS if each.name == "docker_json")
    assert docker.wrap is not None
    texts = [b"ERROR NPE", b"java.lang.NullPointerException: null", ACCESS, b"\tat a.B.c(B.java:5)"]
    lines = [
        json.dumps(
            {"log": f"{text.decode()}\n", "stream": "stdout", "time": "2025-03-14T08:26:53Z"}
        )
        for text in texts
    ]

    parser = docker.wrap(join(common(), TRACES), {})
    assembler: Assembler[int] = Assembler(parser)
    done: list[Assembled[int]] = []
    for number, result in enumerate(parser.parse_batch([line.encode() for line in lines])):
        done += assembler.take(number, result)
    done += assembler.give_up_all()

    assert blocks(done) == [([0, 1, 3], "syntax"), ([2], "record")]


def test_a_django_traceback_is_one_block_and_its_text_no_request() -> None:
    lines = [
        b'[14/Mar/2025 09:26:53] "GET /shop/?q=a%20b HTTP/1.1" 200 5120',
        b"Internal Server Error: /shop/pay/",
        b"Traceback (most recent call last):",
        b'  File "/app/views.py", line 10, in pay',
        b'    raise ValueError("GET /not-a-request HTTP/1.1")',
        b"ValueError: GET /not-a-request HTTP/1.1",
        b'[14/Mar/2025 09:26:54] "POST /shop/pay/ HTTP/1.1" 500 145',
    ]

    done = assembled(DjangoRunserverParser({}), TRACES, lines)

    assert blocks(done) == [([0], "record"), ([1, 2, 3, 4, 5], "syntax"), ([6], "record")]
    assert [(each.method, each.path, each.status) for each in records(done)] == [
        ("GET", "/shop/", 200),
        ("POST", "/shop/pay/", 500),
    ]


def test_uvicorn_and_an_application_share_a_stream() -> None:
    lines = [
        (
            b'2025-03-14 08:26:53,123 INFO     uvicorn.access 127.0.0.1:54321 - "GET /items?q=1'
            b' HTTP/1.1" 200'
        ),
        b"2025-03-14 08:26:53,124 ERROR    app Exception on /pay [POST]",
        b"Traceback (most recent call last):",
        b'  File "a.py", line 1, in <module>',
        b"KeyError: 'x'",
        (
            b'\x1b[32mINFO\x1b[0m:     127.0.0.1:54322 - "\x1b[1mPOST /pay HTTP/1.1\x1b[0m"'
            b" \x1b[91m500 Internal Server Error\x1b[0m"
        ),
    ]

    done = assembled(UvicornParser({}), TRACES, lines)

    assert blocks(done) == [([0], "record"), ([1, 2, 3, 4], "syntax"), ([5], "record")]
    assert [(each.path, each.status, each.time_ms) for each in records(done)] == [
        ("/items", 200, 1_741_940_813_123),
        ("/pay", 500, None),
    ]


SIGNUP = {
    "map.event": "event",
    "map.time": "at",
    "map.ip": "client.ip",
    "map.user_agent": "client.ua",
    "map.url": "page",
}


def test_pretty_printed_json_is_one_event() -> None:
    lines = [
        b"\x1b[0mGET /api/users \x1b[32m200\x1b[0m 3.104 ms - 12\x1b[0m",
        b"{",
        b'  "event": "signup",',
        b'  "at": 1741940813123,',
        b'  "client": { "ip": "::ffff:203.0.113.7", "ua": "Mozilla/5.0 (X11)" },',
        b'  "page": "https://shop.example/signup?plan=pro"',
        b"}",
        b"(node:1) Warning: something",
        b"    at Object.<anonymous> (/app/x.js:1:1)",
    ]

    done = assembled(JsonParser(SIGNUP, JSON_APP), JoinRules(json=True, indented=True), lines)

    assert blocks(done) == [([0], "syntax"), ([1, 2, 3, 4, 5, 6], "record"), ([7, 8], "syntax")]
    (record,) = records(done)
    assert (record.ip, record.time_ms, record.path, record.query, record.host, record.scheme) == (
        "203.0.113.7", 1_741_940_813_123, "/signup", "plan=pro", "shop.example", "https",
    )  # fmt: skip
    assert record.fields is not None
    assert record.fields["event"] == "signup"
    assert record.user_agent == "Mozilla/5.0 (X11)"


def test_a_stray_brace_takes_nothing_with_it() -> None:
    lines = [b"{", b"some text", b"{", b'{"event": "signup",', b' "at": 1741940813123}', b"{"]

    done = assembled(JsonParser({"map.event": "event"}, JSON_APP), JoinRules(json=True), lines)

    assert blocks(done) == [
        ([0], "syntax"),
        ([1], "syntax"),
        ([2], "syntax"),
        ([3, 4], "record"),
        ([5], "syntax"),
    ]


def test_json_that_never_ends_is_ended_by_the_next_line_that_is_none() -> None:
    lines = [b"{", b'  "a": 1,', ACCESS, b'  "b": 2', b"other text"]

    done = assembled(common(), JoinRules(json=True), lines)

    assert blocks(done) == [([0, 1, 3], "unfinished_record"), ([2], "record"), ([4], "syntax")]


def test_a_block_beyond_the_limits_is_too_long_and_the_next_lines_are_ordinary() -> None:
    lines = [b"{", b' "a": 1,', b' "b": 2,', b' "c": 3', b"}", ACCESS]

    by_lines = assembled(common(), JoinRules(json=True, max_lines=3), lines)
    by_bytes = assembled(common(), JoinRules(json=True, max_bytes=20), lines)

    expected = [
        ([0, 1, 2], "too_long"), ([3], "syntax"), ([4], "syntax"), ([5], "record"),
    ]  # fmt: skip
    assert blocks(by_lines) == expected
    assert blocks(by_bytes) == expected


def test_a_start_begins_a_record_that_goes_on_to_the_next() -> None:
    lines = [b"lost", b"# one", b"more", b"", b"# two", b"# three", b"its end"]

    done = assembled(common(), JoinRules(start="^# "), lines)

    assert [keys for keys, _ in blocks(done)] == [[0], [1, 2, 3], [4], [5, 6]]


def test_an_end_ends_a_record() -> None:
    lines = [b"SELECT a", b"FROM b;", b"COMMIT;", b"SELECT c", ACCESS, b"FROM d;"]

    done = assembled(common(), JoinRules(end=";$"), lines)

    assert [keys for keys, _ in blocks(done)] == [[0, 1], [2], [3, 5], [4]]


def test_a_record_in_the_form_of_a_start_ends_the_one_before() -> None:
    parser = join(common(), JoinRules(start=r"^(\d+\.|#)"))

    first, second = parser.parse_batch([b"# text", ACCESS])

    assert isinstance(first, Part)
    assert isinstance(second, Step)
    assert isinstance(second.line, Record)
    assert [each.record for each in second.finished] == [first.record]


class Whole:
    """An inner parser to which only two whole lines are a record."""

    def parse(self, line: bytes) -> Record | ParseError | Skip:
        if line == b"text\n  more":
            return Record(path="/")
        return ParseError("syntax") if line.strip() else Skip("blank")

    def parse_batch(self, lines: Sequence[bytes]) -> list[Record | ParseError | Skip]:
        return [self.parse(line) for line in lines]


def test_what_the_inner_parser_says_of_the_joined_text_is_the_block() -> None:
    done = assembled(Whole(), TRACES, [b"text", b"", b"  more", b"text", b"  less"])

    assert blocks(done) == [([0, 2], "record"), ([1], "blank"), ([3, 4], "syntax")]


def test_a_record_waits_no_longer_than_told() -> None:
    assert join(Whole(), JoinRules(indented=True, hold_s=1.5)).hold_s == 1.5
    assert join(Whole(), TRACES).fork().hold_s == 5.0


def test_giving_up_ends_the_open_record_alone() -> None:
    parser = join(common(), TRACES)
    (part,) = parser.parse_batch([b"text"])
    assert isinstance(part, Part)

    unknown = parser.give_up("another")
    step = parser.give_up(part.record)

    assert unknown == Step(None)
    assert [each.record for each in step.finished] == [part.record]


def test_two_files_do_not_share_a_record() -> None:
    parser = join(common(), TRACES)
    one, other = parser.fork(), parser.fork()

    one.parse(b"text")

    assert blocks(assembled(common(), TRACES, [b"  more"])) == [([0], "syntax")]
    assert isinstance(other.parse(b"  more"), ParseError)


def test_there_is_no_state_but_the_empty_one() -> None:
    parser = join(common(), TRACES)
    parser.parse(b"text")

    parser.restore("")

    assert isinstance(parser.parse(b"  more"), ParseError)
    with pytest.raises(ValueError, match="no state"):
        parser.restore("x")


@pytest.mark.parametrize(
    ("rules", "option"),
    [
        ({}, "start"),
        ({"start": "("}, "start"),
        ({"end": "("}, "end"),
        ({"indented": True, "hold_s": 0}, "hold_s"),
        ({"indented": True, "hold_s": float("nan")}, "hold_s"),
        ({"indented": True, "max_lines": 0}, "max_lines"),
        ({"indented": True, "max_bytes": -1}, "max_bytes"),
    ],
)
def test_rules_that_cannot_be_used_are_refused(rules: dict[str, object], option: str) -> None:
    with pytest.raises(OptionError) as refused:
        JoinRules(**rules)  # type: ignore[arg-type]  # wrong values are the point

    assert refused.value.option == option


def test_a_parser_that_joins_lines_itself_is_not_wrapped() -> None:
    with pytest.raises(OptionError, match="joins lines itself"):
        join(join(common(), TRACES), TRACES)


@pytest.mark.parametrize(
    "line",
    [
        b"\tat a.B.c(B.java:1)",
        b"  indented",
        b"Caused by: java.io.IOException: x",
        b"... 12 more",
        b"at Object.<anonymous> (/app/x.js:1:1)",
        b"Traceback (most recent call last):",
        b"KeyError: 'x'",
        b"KeyboardInterrupt",
        b"a.b.SomeException",
        b"[stacktrace]",
        b"#0 /app/a.php(7): f()",
        b"app/models/order.rb:3:in `find'",
        b"from /usr/lib/a.rb:1:in `b'",
        b"}",
        b'"}',
        b"]);",
    ],
)
def test_lines_of_traces_continue(line: bytes) -> None:
    assert continues(line)


@pytest.mark.parametrize(
    "line",
    [b"", b"   ", ACCESS, b"2025-03-14 08:26:53 text", b"Internal Server Error: /x", b"{",
     b"Error while saving", b"#Fields: date time", b"at 5 o'clock", b"} else {"],
)  # fmt: skip
def test_other_lines_do_not(line: bytes) -> None:
    assert not continues(line)


LINES = st.lists(
    st.sampled_from(
        [ACCESS, b"{", b"}", b'{"event": "x"}', b'  "a": [', b"  ]", b"", b" ", b"text", b"# a",
         b"  more", b"Caused by: x", b"end;", b"[", b'["a",', b'"'],
    )
    | st.binary(max_size=20),
    max_size=30,
)  # fmt: skip
RULES = st.builds(
    JoinRules,
    start=st.sampled_from([None, "^# "]),
    end=st.sampled_from([None, ";$"]),
    indented=st.booleans(),
    json=st.just(True),
    max_lines=st.integers(1, 8),
    max_bytes=st.integers(1, 80),
)


@settings(max_examples=150)
@given(LINES, RULES, st.data())
def test_any_lines_come_out_once_and_alike_in_any_batches(
    lines: list[bytes], rules: JoinRules, data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, len(lines)))

    whole = assembled(common(), rules, lines)
    parser = join(common(), rules)
    assembler: Assembler[int] = Assembler(parser)
    done: list[Assembled[int]] = []
    results = [*parser.parse_batch(lines[:cut]), *parser.parse_batch(lines[cut:])]
    for number, result in enumerate(results):
        done += assembler.take(number, result)
    done += assembler.give_up_all()

    assert blocks(done) == blocks(whole)
    alone = common().parse_batch(lines)
    joined = {key for each in whole if isinstance(each.parsed, Record) for key in each.keys}
    assert joined >= {n for n, each in enumerate(alone) if isinstance(each, Record)}


def test_hostile_lines_take_linear_time() -> None:
    start = time.perf_counter()

    for piece in (b" ", b"a.", b"[", b"}", b'"', b"}]", b"... 1", b"Error"):
        lines = [b"text", piece * 100_000, b"{" * 1000, b"{"]
        assembled(common(), JoinRules(indented=True, json=True), lines)

    assert time.perf_counter() - start < 3
