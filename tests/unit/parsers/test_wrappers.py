"""Formats around other formats: containers, syslog, journald and JSON envelopes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hooktail_parsers import (
    Finished,
    Format,
    OptionError,
    ParseError,
    Parser,
    Part,
    Record,
    Result,
    Skip,
    StatefulParser,
    Step,
)
from hooktail_parsers.assembly import Assembled, Assembler
from hooktail_parsers.builtin import FORMATS as INNER
from hooktail_parsers.testing import check_parser
from hooktail_parsers.w3c.parser import FORMATS as W3C
from hooktail_parsers.wrappers.formats import FORMATS
from hooktail_parsers.wrappers.streams import LONGEST_MESSAGE_BYTES, MOST_STREAMS

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

BY_NAME = {known.name: known for known in FORMATS}
IIS = next(known for known in W3C if known.name == "iis_w3c")
COMBINED = INNER["ncsa_combined"]
TEXT = '203.0.113.7 - - [14/Mar/2025:09:26:53 +0100] "GET /s?a=1 HTTP/1.1" 200 5 "-" "Agent é"'
RAW = TEXT.encode()
HEADER = b"#Fields: date time cs-method cs-uri-stem"
ROW = b"2025-03-14 08:26:53 GET /x"
STAMP = "2025-03-14T08:26:53.987654321Z"
STAMP_MS = 1_741_940_813_987


class Bare:
    """An inner format without times: every line is a path, a blank one is blank."""

    def parse(self, line: bytes) -> Result:
        if not line:
            return Skip("blank")
        if not line.startswith(b"/"):
            raise ParseError("syntax")
        return Record(path=line.decode("utf-8", "replace").replace("?", ""))

    def parse_batch(self, lines: Sequence[bytes]) -> list[Result]:
        parsed: list[Result] = []
        for line in lines:
            try:
                parsed.append(self.parse(line))
            except ParseError as error:
                parsed.append(error)
        return parsed


class Pairs:
    """An inner format of two lines, `begin NAME` and `end NAME`; it counts what it has read."""

    hold_s = 9.0

    def __init__(self) -> None:
        self.count = 0
        self.names: set[str] = set()

    def fork(self) -> Pairs:
        return Pairs()

    def restore(self, state: str) -> None:
        self.count = int(state or "0")

    def give_up(self, record: Hashable) -> Step:
        self.names.discard(str(record))
        return Step(None, (Finished(record, ParseError("cut_short")),))

    def parse_batch(self, lines: Sequence[bytes]) -> list[Result]:
        return [self.parse(line) for line in lines]

    def parse(self, line: bytes) -> Result:
        verb, _, raw = line.partition(b" ")
        name = raw.decode("utf-8", "replace")
        if verb == b"begin" and name not in self.names:
            self.names.add(name)
            return Part(name)
        if verb == b"end" and name in self.names:
            self.names.discard(name)
            self.count += 1
            done = Record(path="/" + name, bytes_sent=self.count)
            return Step(Part(name), (Finished(name, done),), str(self.count))
        return ParseError("syntax")


def wrapped(name: str, inner: Parser | None = None, **options: str) -> Parser:
    given_options = {key.replace("__", "."): value for key, value in options.items()}
    wrap = BY_NAME[name].wrap
    assert wrap is not None
    parser = wrap(COMBINED.make({}) if inner is None else inner, given_options)
    return parser.fork() if isinstance(parser, StatefulParser) else parser


def as_format(name: str, inner: Format) -> Format:
    def make(options: Mapping[str, str]) -> Parser:
        wrap = BY_NAME[name].wrap
        assert wrap is not None
        return wrap(inner.make(options), options)

    fields = tuple(dict.fromkeys((*inner.fields, "time")))
    return replace(inner, name=f"{name}+{inner.name}", fields=fields, make=make)


def one(parser: Parser, line: bytes) -> Record:
    parsed = parser.parse(line)
    assert isinstance(parsed, Record), parsed
    return parsed


def assembled(parser: Parser, lines: Sequence[bytes]) -> list[Assembled[int]]:
    assembler: Assembler[int] = Assembler(parser)
    found: list[Assembled[int]] = []
    for number, result in enumerate(parser.parse_batch(lines)):
        found += assembler.take(number, result)
    return found + assembler.give_up_all()


def plain(found: Sequence[Assembled[int]]) -> list[tuple[list[int], object]]:
    return [(each.keys, quiet(each.parsed)) for each in found]


def quiet(result: Result | None) -> object:
    return result.reason if isinstance(result, ParseError) else result


def docker(text: str, stream: str = "stdout", time: str = STAMP) -> bytes:
    return json.dumps({"log": text, "stream": stream, "time": time}).encode()


def cri(text: str, flag: str = "F", stream: str = "stdout") -> bytes:
    return f"{STAMP} {stream} {flag} {text}".encode()


PLAIN = COMBINED.make({}).parse(RAW)
LINES = {
    "docker_json": docker(TEXT + "\n"),
    "cri": cri(TEXT),
    "docker_compose": b"web-1  | " + RAW,
    "rfc3164": b"<190>Mar 14 09:26:53 web1 nginx[77]: " + RAW,
    "rfc5424": b'<190>1 2025-03-14T08:26:53.987Z web1 nginx 77 - [a@1 b="\\"]"][c] ' + RAW,
    "journald_json": json.dumps(
        {"MESSAGE": TEXT, "__REALTIME_TIMESTAMP": "1741940813987654", "_PID": "77"}
    ).encode(),
    "json_wrapped": json.dumps({"message": TEXT, "@timestamp": STAMP}).encode(),
}


@pytest.mark.parametrize("inner", [COMBINED, IIS], ids=["stateless", "stateful"])
@pytest.mark.parametrize("name", LINES)
def test_every_wrapper_keeps_the_contract(name: str, inner: Format) -> None:
    texts = [TEXT, TEXT.replace("GET", "POST")] if inner is COMBINED else [ROW.decode()]
    quoted = [json.dumps(text)[1:-1].encode() if b"{" in LINES[name] else text.encode()
              for text in texts]  # fmt: skip
    ours = json.dumps(TEXT)[1:-1].encode() if b"{" in LINES[name] else RAW
    samples = [LINES[name].replace(ours, text) for text in quoted]
    if name in ("docker_json", "cri"):
        samples += [docker("/part"), cri("/part", "P")]
    options = {} if inner is COMBINED else {"fields": "date time cs-method cs-uri-stem"}

    check_parser(as_format(name, inner), samples, options)


@pytest.mark.parametrize("known", FORMATS, ids=lambda known: known.name)
def test_the_example_of_a_wrapper_holds_a_combined_line(known: object) -> None:
    found = next(each for each in FORMATS if each is known)

    assert one(wrapped(found.name), found.example.encode()).path == "/cart"
    assert found.kind == "wrapper"
    with pytest.raises(OptionError, match=r"write .*combined"):
        found.make({})


@pytest.mark.parametrize("name", LINES)
def test_the_record_is_the_inner_format_s(name: str) -> None:
    parser = wrapped(name)

    assert parser.parse(LINES[name]) == PLAIN
    assert parser.parse(b"\xef\xbb\xbf" + LINES[name]) == PLAIN
    assert parser.parse_batch([LINES[name], b"", LINES[name]]) == [PLAIN, Skip("blank"), PLAIN]
    assert quiet(parser.parse(b"else")) == "syntax"


@pytest.mark.parametrize(
    ("name", "line", "time_ms"),
    [
        ("docker_json", docker("/x\n"), STAMP_MS),
        ("docker_json", docker("/x\r\n", time="soon"), None),
        ("docker_json", b'{"log":"/x\\n","time":5}', None),
        ("cri", cri("/x"), STAMP_MS),
        ("cri", b"2025-03-14T09:26:53.987654321+01:00 stderr F:tag /x", STAMP_MS),
        ("docker_compose", b"web | /x", None),
        ("docker_compose", b"web-1  | 2025-03-14T08:26:53.987654321Z /x", STAMP_MS),
        ("docker_compose", b"\x1b[2K\x1b[36mweb-1  |\x1b[0m /x", None),
        ("docker_compose", b"[pod/web-7d9f/nginx] /x", None),
        ("rfc3164", b"<190>Mar 14 08:26:53 web1 app: /x", None),
        ("rfc3164", b"Mar 14 08:26:53 app[7]: /x", None),
        ("rfc3164", b"Mar  4 2025 08:26:53 web1 app: /x", STAMP_MS - 987 - 10 * 86_400_000),
        ("rfc3164", b"2025-03-14T09:26:53.987654+01:00 web1 app: /x", STAMP_MS),
        ("rfc3164", b"40 <190>2025-03-14T08:26:53.987Z web1 app: /x", STAMP_MS),
        ("rfc5424", b"1 2025-03-14T08:26:53.987Z web1 app - - - /x", STAMP_MS),
        ("rfc5424", b"99 <13>1 - - - - - - \xef\xbb\xbf/x", None),
        ("journald_json", b'{"MESSAGE":[47,120],"__REALTIME_TIMESTAMP":1741940813987999}',
            STAMP_MS),
        ("journald_json", b'{"MESSAGE":"/x"}', None),
        ("json_wrapped", b'{"log":{"a":1},"msg":"/x\\n","ts":1741940813.987}', STAMP_MS),
        ("json_wrapped", b'{"event":{"original":"/x"},"time":"1741940813987"}', STAMP_MS),
        ("json_wrapped", b'{"event.original":"/x","time":true}', None),
        ("json_wrapped", b'{"asctime":"2025-03-14 08:26:53,987","message":"/x"}', STAMP_MS),
    ],
)  # fmt: skip
def test_the_wrapper_s_time_is_for_records_without_one(
    name: str, line: bytes, time_ms: int | None
) -> None:
    assert one(wrapped(name, Bare()), line) == Record(path="/x", time_ms=time_ms)


def test_rfc3164_needs_a_year_for_its_time() -> None:
    line = b"Mar 14 09:26:53 web1 app: /x"
    parser = wrapped("rfc3164", Bare(), year="2025", timezone="Europe/Berlin")

    (result,) = parser.parse_batch([line])

    assert isinstance(result, Step)
    assert result.line == Record(path="/x", time_ms=STAMP_MS - 987)
    with pytest.raises(OptionError):
        wrapped("rfc3164", Bare(), year="now")


@pytest.mark.parametrize(
    "line",
    [
        b"Mar 24 14:26:01 --- last message repeated 2 times ---",
        b"Mar 24 14:26:01 web1 last message repeated 2 times",
        b"Mar 24 14:26:01 web1 nginx: message repeated 2 times: [ " + RAW + b"]",
    ],
)
def test_a_repetition_is_skipped(line: bytes) -> None:
    assert wrapped("rfc3164").parse(line) == Skip("message_repeated")


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("journald_json", b'{"MESSAGE":null}'),
        ("journald_json", b'{"MESSAGE":[47,256]}'),
        ("json_wrapped", b'{"text":"/x"}'),
    ],
)
def test_an_object_without_a_message_is_refused(name: str, line: bytes) -> None:
    assert quiet(wrapped(name, Bare()).parse(line)) == "no_message"


def test_the_option_names_the_message_of_an_envelope() -> None:
    line = b'{"message":"started","a":{"line":"/x"}}'

    assert one(wrapped("json_wrapped", Bare(), map__message="a.line"), line).path == "/x"
    with pytest.raises(OptionError):
        wrapped("json_wrapped", Bare(), map__message="")


def test_chunks_are_joined_in_their_own_stream() -> None:
    for out, err in (
        ([docker(TEXT[:30]), docker(TEXT[30:50]), docker(TEXT[50:] + "\n")],
         [docker("/x\n", "stderr")]),
        ([cri(TEXT[:30], "P"), cri(TEXT[30:50], "P:t"), cri(TEXT[50:])],
         [cri("/x", stream="stderr")]),
    ):  # fmt: skip
        parser = wrapped("docker_json" if out[0].startswith(b"{") else "cri")

        found = assembled(parser, [out[0], *err, out[1], *err, out[2], out[2]])

        assert plain(found) == [
            ([1], "syntax"), ([3], "syntax"), ([0, 2, 4], PLAIN), ([5], "syntax"),
        ]  # fmt: skip


def test_a_joined_record_has_the_time_of_its_first_chunk() -> None:
    later = "2025-03-14T08:27:00Z"

    (found,) = assembled(wrapped("docker_json", Bare()), [docker("/a"), docker("b\n", time=later)])

    assert found.parsed == Record(path="/ab", time_ms=STAMP_MS)


def test_a_message_without_its_end_is_parsed_as_far_as_it_came() -> None:
    assert plain(assembled(wrapped("cri"), [cri(TEXT, "P")])) == [([0], PLAIN)]
    assert plain(assembled(wrapped("cri"), [cri(TEXT[:60], "P")])) == [([0], "unfinished")]


def test_a_message_too_long_is_refused_and_the_next_one_read() -> None:
    half = cri("/" * (LONGEST_MESSAGE_BYTES // 2 + 1), "P")
    parser = wrapped("cri", Bare())
    lines = [half, half, half, cri("/tail"), cri("/x", stream="stderr"), cri("/next")]

    found = assembled(parser, lines)

    assert [each.keys for each in found] == [[0, 1], [2], [3], [4], [5]]
    assert [quiet(each.parsed) for each in found[:3]] == ["too_long"] * 3
    assert isinstance(found[-1].parsed, Record)
    assert found[-1].parsed.path == "/next"


def test_after_a_restart_the_rest_of_a_long_message_is_still_no_record() -> None:
    half = cri("/" * (LONGEST_MESSAGE_BYTES // 2 + 1), "P")
    step = wrapped("cri", Bare()).parse_batch([half, half])[1]
    assert isinstance(step, Step)
    assert step.state is not None
    parser = wrapped("cri", Bare())
    assert isinstance(parser, StatefulParser)

    parser.restore(step.state)
    last = parser.parse(cri("/tail"))

    assert isinstance(last, Step)
    assert quiet(last.line) == "too_long"
    assert isinstance(parser.parse(cri("/next")), Record)


def test_a_parser_with_state_is_forked_for_each_stream() -> None:
    lines = [docker("begin a\n"), docker("begin a\n", "stderr"), docker("end a\n", "stderr"),
             docker("begin "), docker("b\n"), docker("end"), docker(" b\n"),
             docker("end a\n")]  # fmt: skip

    found = assembled(wrapped("docker_json", Pairs()), lines)

    assert plain(found) == [
        ([1, 2], Record(path="/a", bytes_sent=1, time_ms=STAMP_MS)),
        ([3, 4, 5, 6], Record(path="/b", bytes_sent=1, time_ms=STAMP_MS)),
        ([0, 7], Record(path="/a", bytes_sent=2, time_ms=STAMP_MS)),
    ]


def test_a_message_of_chunks_may_be_left_open_by_the_inner_format() -> None:
    lines = [docker("begin"), docker(" a\n"), docker("begin c")]

    found = assembled(wrapped("docker_json", Pairs()), lines)

    assert plain(found) == [([0, 1], "cut_short"), ([2], "cut_short")]


def test_the_state_holds_the_inner_states_of_all_streams() -> None:
    lines = [docker(f"{verb} {name}\n", name) for name in "xxy" for verb in ("begin", "end")]
    states = [
        result.state
        for result in wrapped("docker_json", Pairs()).parse_batch(lines)
        if isinstance(result, Step) and result.state is not None
    ]
    other = wrapped("docker_json", Pairs())
    assert isinstance(other, StatefulParser)

    other.restore(states[-1])
    again = assembled(other, lines[:2])

    assert json.loads(states[-1])["streams"] == {"x": "2", "y": "1"}
    assert plain(again) == [([0, 1], Record(path="/x", bytes_sent=3, time_ms=STAMP_MS))]
    assert other.hold_s == 9.0


def test_a_header_in_a_stream_is_that_stream_s() -> None:
    parser = wrapped("docker_compose", IIS.make({}))

    found = parser.parse_batch(
        [b"a-1 | " + HEADER, b"b-1 | " + ROW, b"a-1 | " + ROW, b"a-1 | " + ROW]
    )

    assert isinstance(found[0], Step)
    assert quiet(found[1]) == "no_fields_yet"
    assert isinstance(found[2], Record)
    assert found[2] == found[3]


def test_the_stream_that_was_silent_longest_is_forgotten() -> None:
    lines = [b"s%d | begin a" % number for number in range(MOST_STREAMS)]
    lines += [b"s0 | begin b", b"new | begin a", b"s1 | end a", b"s0 | end a"]
    parser = wrapped("docker_compose", Pairs())
    assembler: Assembler[int] = Assembler(parser)

    found = [each for n, line in enumerate(lines) for each in assembler.take(n, parser.parse(line))]

    assert plain(found) == [
        ([1], "cut_short"),
        ([MOST_STREAMS + 2], "syntax"),
        ([2], "cut_short"),  # s1 came back as a new stream, in the place of s2
        ([0, MOST_STREAMS + 3], Record(path="/a", bytes_sent=1)),
    ]


@pytest.mark.parametrize(
    "state",
    [
        "x",
        "[]",
        "[" * 99_999,
        "{}",
        '{"streams": {"a": 1}, "skipping": []}',
        '{"streams": {"a": "x"}, "skipping": []}',
        json.dumps({"streams": {}, "skipping": [str(number) for number in range(65)]}),
    ],
)
def test_a_text_that_is_no_state_is_refused(state: str) -> None:
    parser = wrapped("cri", Pairs())
    assert isinstance(parser, StatefulParser)

    with pytest.raises(ValueError, match=r"state|Expecting|invalid literal"):
        parser.restore(state)


def test_what_is_not_open_is_given_up_without_harm() -> None:
    parser = wrapped("cri", Pairs())
    assert isinstance(parser, StatefulParser)

    for record in (("stdout",), ("stdout", "a"), "x", 1, ()):
        (finished,) = parser.give_up(record).finished
        assert finished.record == record


def test_wrappers_nest() -> None:
    line = docker(LINES["rfc3164"].decode() + "\n")

    assert wrapped("docker_json", wrapped("rfc3164")).parse(line) == PLAIN
    inside = wrapped("cri", wrapped("docker_json"))
    chunks = [cri(docker(TEXT[:20]).decode()), cri(docker(TEXT[20:] + "\n").decode())]
    assert plain(assembled(inside, chunks)) == [([0, 1], PLAIN)]


@settings(max_examples=60)
@given(
    texts=st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\n\r"), max_size=20)),
    cuts=st.lists(st.integers(0, 20), max_size=4),
)
def test_what_docker_writes_is_read_back_however_it_is_cut(
    texts: list[str], cuts: list[int]
) -> None:
    lines, expected = [], []
    for text in texts:
        whole = "/" + text
        ends = sorted({min(1 + cut, len(whole)) for cut in cuts} | {len(whole)})
        starts = [0, *ends[:-1]]
        lines += [docker(whole[a:b] + ("\n" if b == len(whole) else ""))
                  for a, b in zip(starts, ends, strict=True)]  # fmt: skip
        expected.append(Record(path=whole.replace("?", ""), time_ms=STAMP_MS))

    found = assembled(wrapped("docker_json", Bare()), lines)

    assert [each.parsed for each in found] == expected


@settings(max_examples=100)
@given(st.lists(st.binary(max_size=60)))
def test_no_bytes_raise(lines: list[bytes]) -> None:
    for name in LINES:
        batch = assembled(wrapped(name), lines)

        assert sorted(key for each in batch for key in each.keys) == list(range(len(lines)))


def test_a_line_of_marks_and_holes_is_no_deep_recursion() -> None:
    for name in LINES:
        parsed = wrapped(name).parse(b"\xef\xbb\xbf\x00" * 20_000)

        assert isinstance(parsed, Skip | ParseError)
