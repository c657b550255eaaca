"""The format of a file is found on its first lines, and kept."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest
from fuzz.targets import lines_of
from hypothesis import given, settings
from hypothesis import strategies as st

from hooktail_parsers import (
    Format,
    LineParser,
    OptionError,
    Parsed,
    ParseError,
    Part,
    Record,
    Skip,
    StatefulParser,
    Step,
)
from hooktail_parsers.assembly import Assembled, Assembler
from hooktail_parsers.auto import (
    FRUITLESS_SAMPLES,
    ONLY_NAMED,
    SAMPLE_BYTES,
    SAMPLE_HOLD_S,
    SAMPLE_LINES,
    AutoParser,
    auto_parser,
)
from hooktail_parsers.builtin import FORMATS

PLAIN = [known for known in FORMATS.values() if known.kind == "format" and known.name != "auto"]
WRAPPERS = [known for known in FORMATS.values() if known.kind == "wrapper"]

STAMP = b"[14/Mar/2025:09:26:%02d +0100]"
AGENT = b'"https://shop.example/" "Mozilla/5.0 (X11; Linux x86_64)"'
ERROR = (
    b'2025/03/14 09:26:53 [error] 31#31: *46 open() "/srv/a" failed (2: No such file), client: '
    b'198.51.100.66, server: shop.example, request: "GET /a HTTP/1.1", host: "shop.example"'
)
RAILS_IN_DOCKER = (
    b'{"log":"Started GET \\"/a\\" for 203.0.113.7 at 2025-03-14 09:26:53 +0100\\n",'
    b'"stream":"stdout","time":"2025-03-14T08:26:53.1Z"}\n'
    b'{"log":"Completed 200 OK in 5ms\\n","stream":"stdout","time":"2025-03-14T08:26:53.2Z"}'
)
NOISE = b"Listening on 198.51.100.66 with 4 workers, pid %d"


def combined(number: int) -> bytes:
    stamp = STAMP % (number % 60)
    request = b'"GET /p/%d HTTP/1.1" 200 512 ' % number
    return b"203.0.113.%d - - %s %s%s" % (number % 250, stamp, request, AGENT)


def vhost(number: int) -> bytes:
    return b"shop%d.example:443 " % number + combined(number)


AUTO = auto_parser(lambda: FORMATS, {})


def new(**options: str) -> AutoParser:
    """A parser that knows nothing of what others chose; making all formats is slow, so once."""
    parser = (auto_parser(lambda: FORMATS, options) if options else AUTO).fork()
    parser._liked = []
    return parser


def read(parser: StatefulParser, lines: list[bytes]) -> list[Assembled[int]]:
    assembler: Assembler[int] = Assembler(parser)
    done: list[Assembled[int]] = []
    for number, result in enumerate(parser.parse_batch(lines)):
        done += assembler.take(number, result)
    return sorted([*done, *assembler.give_up_all()], key=lambda each: each.keys)


def records(done: list[Assembled[int]]) -> dict[int, Record]:
    return {each.keys[0]: each.parsed for each in done if isinstance(each.parsed, Record)}


def reasons_of(done: list[Assembled[int]]) -> list[str]:
    """Of what came to no record."""
    return [each.parsed.reason for each in done if not isinstance(each.parsed, Record)]


def comparable(done: list[Assembled[int]]) -> list[object]:
    return [
        (each.keys, each.parsed.reason if isinstance(each.parsed, ParseError) else each.parsed)
        for each in done
    ]


def state_of(parser: StatefulParser, lines: list[bytes]) -> str:
    assembler: Assembler[int] = Assembler(parser)
    for number, result in enumerate(parser.parse_batch(lines)):
        assembler.take(number, result)
    assembler.give_up_all()
    assert assembler.state
    return assembler.state


# What states no address, no time or no unit that could tell the format from another is read as the
# simpler one; Laravel's lines are records only with map.*
BY_NAME_ALONE = {*ONLY_NAMED, "clf_no_time", "laravel_app", "gandi"}


@pytest.mark.parametrize(
    "known",
    [known for known in PLAIN if known.name not in BY_NAME_ALONE],
    ids=lambda known: known.name,
)
def test_lines_of_each_format_are_read_as_by_its_name(known: Format) -> None:
    head, last = lines_of(known)[:-1], lines_of(known)[-1]
    lines = [*head, last, last, last]
    named = known.make({})
    if isinstance(named, StatefulParser):
        expected = records(read(named, lines))
    else:
        results = named.parse_batch(lines)
        expected = {at: each for at, each in enumerate(results) if isinstance(each, Record)}

    found = records(read(new(), lines))

    assert len(found) == len(expected)
    for number, record in found.items():
        # Formats of one writer differ in what they make of the last columns, not in who did what.
        assert (record.time_ms, record.ip) == (expected[number].time_ms, expected[number].ip)
        assert (record.method, record.path, record.query, record.status) == (
            expected[number].method,
            expected[number].path,
            expected[number].query,
            expected[number].status,
        )
        assert (record.user_agent, record.user) == (
            expected[number].user_agent,
            expected[number].user,
        )


def test_a_wrapper_says_what_it_found_inside() -> None:
    parser = FORMATS["rfc3164"].make({"year": "2025"})
    assert isinstance(parser, StatefulParser)
    parser = parser.fork()
    assert getattr(parser, "chosen", None) == ""

    for number in range(SAMPLE_LINES):
        line = b"Mar 14 09:26:53 web1 nginx: " + combined(number)
        other = b"Mar 14 09:26:53 web1 other: " + vhost(number)
        parser.parse_batch([line, other])

    assert getattr(parser, "chosen", None) == "rfc3164+ncsa_combined, rfc3164+vhost_combined"


@pytest.mark.parametrize("wrapper", WRAPPERS, ids=lambda known: known.name)
@pytest.mark.parametrize("alone", [True, False], ids=["wrapper+auto", "auto"])
def test_a_wrapper_finds_out_what_is_inside_and_auto_finds_the_wrapper(
    wrapper: Format, alone: bool
) -> None:
    parser = wrapper.make({}) if alone else new()
    assert isinstance(parser, StatefulParser)

    done = read(parser.fork(), lines_of(wrapper) * 40)

    found = records(done)
    assert len(found) == 40
    assert {record.ip for record in found.values()} == {"203.0.113.7"}
    assert {record.path for record in found.values()} == {"/cart"}
    assert {record.host for record in found.values()} == {None}


@pytest.mark.parametrize(
    ("spec", "line"),
    [
        ("ncsa_combined", combined(1)),
        ("vhost_combined", vhost(1)),
        ("ncsa_common", b'203.0.113.7 - - [14/Mar/2025:09:26:53 +0100] "GET / HTTP/1.1" 200 5'),
        ("nginx_main", combined(1) + b' "198.51.100.1, 10.0.0.1"'),
        ("docker_json+rails3_log", RAILS_IN_DOCKER),
    ],
)  # fmt: skip
def test_the_choice_is_named(spec: str, line: bytes) -> None:
    parser = new()

    read(parser, line.split(b"\n") * SAMPLE_LINES)

    assert parser.chosen == spec


@pytest.mark.parametrize(
    ("line", "spec", "duration_s"),
    [
        (
            (
                b'{"level":30,"time":1741940813123,"pid":1,"hostname":"web1","req":{"method":"GET",'
                b'"url":"/p","remoteAddress":"203.0.113.7"},"res":{"statusCode":200},"responseTime":12}'
            ),
            "pino_http_json",
            0.012,
        ),
        (
            (
                b'{"method":"GET","path":"/p","controller":"Carts","action":"show","status":200,'
                b'"duration":12.5,"time":"2025-03-14T08:26:53Z","remote_ip":"203.0.113.7"}'
            ),
            "rails_lograge_json",
            0.0125,
        ),
        (
            (
                b'{"level":"info","ip":"203.0.113.7","method":"GET","url":"/p","status":200,'
                b'"duration":12.5,"time":"2025-03-14T08:26:53Z","message":"request"}'
            ),
            "json_app",
            None,
        ),
        (
            (
                b'{"time":"2025-03-14T08:26:53Z","remote_ip":"203.0.113.7","method":"GET","uri":"/p",'
                b'"status":200,"latency":12500,"latency_human":"12.5us"}'
            ),
            "json_app",
            None,
        ),
        (
            (
                b'{"@t":"2025-03-14T08:26:53.1234567Z","@mt":"HTTP {RequestMethod}","Elapsed":12.5,'
                b'"RequestMethod":"GET","RequestPath":"/p","StatusCode":200,"ClientIp":"203.0.113.7"}'
            ),
            "json_app",
            None,
        ),
        (
            (
                b'{"time_iso8601":"2025-03-14T08:26:53+00:00","remote_addr":"203.0.113.7",'
                b'"request":"GET /p HTTP/1.1","status":200,"request_time":0.012}'
            ),
            "nginx_json",
            0.012,
        ),
    ],
)
@pytest.mark.parametrize("wrapped", [False, True])
def test_keys_that_show_their_writer_decide_what_a_duration_is(
    wrapped: bool, line: bytes, spec: str, duration_s: float | None
) -> None:
    if wrapped:
        stamp = "2025-03-14T08:26:53.1Z"
        line = json.dumps({"log": f"{line.decode()}\n", "stream": "stdout", "time": stamp}).encode()
        spec = f"docker_json+{spec}"
    parser = new()
    found = records(read(parser, [line] * 40))

    assert parser.chosen == spec
    assert {record.duration_s for record in found.values()} == {duration_s}


@pytest.mark.parametrize("tail", [b" 1843", b" 12ms", b" foo bar", b' "1.50"'])
def test_a_last_column_of_an_unknown_unit_is_no_duration(tail: bytes) -> None:
    found = records(read(new(), [combined(number) + tail for number in range(40)]))

    assert {record.duration_s for record in found.values()} == {None}
    assert {record.cookies for record in found.values()} == {None}
    assert len(found) == 40


@pytest.mark.parametrize("ending", ["give_up", "more"])
def test_a_file_of_two_writers_and_error_lines_is_read_whole(ending: str) -> None:
    lines = []
    for number in range(12 if ending == "give_up" else 60):
        lines += [combined(number), ERROR, vhost(number), NOISE % number, b""]

    done = read(new(), lines)

    found = records(done)
    assert len(done) == len(lines)
    assert len(found) == 2 * len(lines) // 5
    for at, record in found.items():
        number = at // 5
        assert record.path == f"/p/{number}"
        assert record.ip == f"203.0.113.{number}"
        assert record.host == (f"shop{number}.example" if at % 5 == 2 else None)
    assert {each.parsed for each in done if each.keys[0] % 5 == 4} == {Skip("blank")}


def test_start_up_text_does_not_hide_the_log_behind_it() -> None:
    lines = [NOISE % number for number in range(50)] + [combined(number) for number in range(50)]

    parser = new()
    found = records(read(parser, lines))

    assert sorted(found) == list(range(50, 100))
    assert parser.chosen == "ncsa_combined"


def test_nothing_that_fits_is_said_of_every_line_and_nothing_is_pinned() -> None:
    parser = new()

    done = read(parser, [NOISE % number for number in range(70)])

    assert comparable(done) == [([number], "no_format_fits") for number in range(70)]
    assert parser.chosen == ""


def test_a_few_lines_are_decided_when_they_have_waited() -> None:
    parser = new()
    results = parser.parse_batch([combined(1), combined(2)])
    waiting = [each.record for each in results if isinstance(each, Part)]

    assert len(waiting) == 2
    assert parser.hold_s == SAMPLE_HOLD_S
    assert records(read(new(), [combined(1), combined(2)])).keys() == {0, 1}


def test_the_sample_is_bounded_in_bytes() -> None:
    parser = new()

    parser.parse(b"x" * (SAMPLE_BYTES - 1))
    last = parser.parse(b"xx")

    assert isinstance(last, Step)
    assert len(last.finished) == 2


def test_after_a_restart_the_choice_is_kept_with_what_its_parser_carries() -> None:
    header = b"#Fields: date time c-ip cs-method cs-uri-stem sc-status"
    line = b"2025-03-14 08:26:53 203.0.113.7 GET /p 200"
    before = new()
    state = state_of(before, [header, *[line] * 40])

    after = new()
    after.restore(state)

    assert after.chosen == before.chosen
    assert after.hold_s == before.hold_s
    [result] = after.parse_batch([line])
    assert isinstance(result, Record)
    assert result.ip == "203.0.113.7"


def test_after_a_restart_other_writers_are_still_read() -> None:
    lines = [make(number) for number in range(20) for make in (combined, vhost)]
    state = state_of(new(), lines)
    after = new()
    after.restore(state)

    one, other = after.parse_batch([combined(1), vhost(1)])

    assert isinstance(one, Record)
    assert isinstance(other, Record)
    assert (one.host, other.host) == (None, "shop1.example")


@pytest.mark.parametrize(
    "state",
    [
        "x", "[]", "{}", "null", '{"format":"gone","inner":"","others":[]}',
        '{"format":"ncsa_combined","inner":"","others":["gone"]}',
        '{"format":["ncsa_combined"],"inner":"","others":[]}',
        '{"format":"ncsa_combined","inner":"","others":[[]]}',
        '{"format":"rails3_log","inner":"x","others":[]}',
    ],
)  # fmt: skip
def test_a_state_that_is_none_is_a_value_error(state: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        new().restore(state)


def test_the_empty_state_forgets_the_choice() -> None:
    parser = new()
    read(parser, [combined(number) for number in range(40)])

    parser.restore("")

    assert parser.chosen == ""
    assert isinstance(parser.parse(combined(1)), Part)


def test_of_what_says_as_much_the_choice_for_another_file_is_preferred() -> None:
    parser = new()
    read(parser, [combined(number) + b' "1.2.3.4, 5.6.7.8"' for number in range(40)])
    other = parser.fork()

    read(other, [combined(number) + b' "-"' for number in range(40)])

    assert parser.chosen == other.chosen == "nginx_main"


def test_the_choice_for_another_file_is_not_kept_where_another_format_says_more() -> None:
    parser = new()
    common = b'203.0.113.7 - - [14/Mar/2025:09:26:53 +0100] "GET / HTTP/1.1" 200 5'
    read(parser, [common] * 40)
    other = parser.fork()

    read(other, [combined(number) for number in range(40)])

    assert (parser.chosen, other.chosen) == ("ncsa_common", "ncsa_combined")


def test_a_few_lines_are_read_and_the_choice_waits_for_more() -> None:
    parser = new()
    first = records(read(parser, [combined(1) + b' "-"'] * 3))
    assert parser.chosen == ""

    read(parser, [combined(1) + b' "1.2.3.4, 5.6.7.8"'] * 6)

    assert len(first) == 3
    assert parser.chosen == "nginx_main"


@pytest.mark.parametrize("restarted", [False, True])
def test_a_header_that_came_alone_is_not_forgotten(restarted: bool) -> None:
    parser = new()
    header = [b"#Version: 1.0", b"#Fields: date time c-ip cs-method cs-uri-stem sc-status", b""]
    line = b"2025-03-14 08:26:53 203.0.113.7 GET /p 200"
    assembler: Assembler[int] = Assembler(parser)
    for number, result in enumerate(parser.parse_batch(header)):
        assembler.take(number, result)
    said = assembler.give_up_all()
    if restarted:
        parser = new()
        assert assembler.state
        parser.restore(assembler.state)

    found = records(read(parser, [line] * 3))

    assert [each.parsed for each in said] == [Skip("directive"), Skip("directive"), Skip("blank")]
    assert len(found) == 3


def test_the_wait_is_that_of_the_chosen_format() -> None:
    rails = FORMATS["rails3_log"]
    named = rails.make({})
    assert isinstance(named, StatefulParser)
    started = b'Started GET "/a" for 203.0.113.7 at 2025-03-14 09:26:53 +0100'
    parser = new()

    read(parser, [started, b"Completed 200 OK in 5ms (Views: 3.1ms)"] * 20)

    assert parser.chosen == "rails3_log"
    assert parser.hold_s == named.hold_s


def test_a_plugin_that_raises_or_gives_nonsense_is_not_chosen() -> None:
    class Broken(LineParser):
        def parse(self, line: bytes) -> Parsed:
            raise RuntimeError

    class Short(LineParser):
        def parse_batch(self, lines: object) -> list[Parsed]:  # type: ignore[override]
            return []

    formats = {
        "broken": Format("broken", "", (), lambda _options: Broken()),
        "short": Format("short", "", (), lambda _options: Short()),
        "ncsa_combined": FORMATS["ncsa_combined"],
    }
    parser = auto_parser(lambda: formats, {}).fork()

    assert len(records(read(parser, [combined(1)] * 40))) == 40


def test_options_that_a_format_does_not_take_leave_that_format_out() -> None:
    line = b"2025-03-14 08:26:53 203.0.113.7 GET /p 200"
    parser = new(fields="date time c-ip cs-method cs-uri-stem sc-status")

    assert len(records(read(parser, [line] * 5))) == 5
    with pytest.raises(OptionError, match="nonsense"):
        new(nonsense="1")


def test_a_log_that_begins_after_much_else_is_found_all_the_same() -> None:
    noise = [NOISE % number for number in range((FRUITLESS_SAMPLES + 3) * SAMPLE_LINES)]
    log = [combined(number) for number in range(2 * SAMPLE_LINES)]

    found = records(read(new(), [*noise, *log]))

    assert len(found) == len(log)


@pytest.mark.parametrize("known", PLAIN, ids=lambda known: known.name)
def test_finding_a_format_is_quick(known: Format) -> None:
    lines = (lines_of(known) * SAMPLE_LINES)[:SAMPLE_LINES]
    parser = new()

    began_s = time.process_time()
    read(parser, lines)
    took_s = time.process_time() - began_s

    assert took_s < 0.5  # it takes 10 to 30 ms; machines that run tests are slow


LINES = st.sampled_from(
    [
        *(line for known in PLAIN for line in lines_of(known)),
        *(line for known in WRAPPERS for line in lines_of(known)),
        ERROR, NOISE % 1, b"", b"\x16\x03\x01\x02", combined(1)[:40], combined(2)[20:],
    ]
)  # fmt: skip


@settings(max_examples=40, deadline=None)  # `auto` makes seventy parsers
@given(st.lists(LINES | st.binary(max_size=40), max_size=80), st.integers(0, 80))
def test_any_mix_is_read_the_same_way_in_one_batch_or_in_two(lines: list[bytes], cut: int) -> None:
    whole = read(new(), lines)
    parser = new()
    assembler: Assembler[int] = Assembler(parser)
    done: list[Assembled[int]] = []
    for first, part in ((0, lines[:cut]), (cut, lines[cut:])):
        for number, result in enumerate(parser.parse_batch(part), first):
            done += assembler.take(number, result)
    done = sorted([*done, *assembler.give_up_all()], key=lambda each: each.keys)

    assert comparable(whole) == comparable(done)
    assert sorted(key for each in whole for key in each.keys) == list(range(len(lines)))


@settings(max_examples=40, deadline=None)  # `auto` makes seventy parsers
@given(st.lists(st.sampled_from(["combined", "vhost", "error", "noise", "cut"]), max_size=60))
def test_no_record_has_an_address_or_a_time_of_another_line(kinds: list[str]) -> None:
    make: dict[str, Callable[[int], bytes]] = {
        "combined": combined, "vhost": vhost, "error": lambda _number: ERROR,
        "noise": lambda number: NOISE % number, "cut": lambda number: combined(number)[:30],
    }  # fmt: skip
    lines = [make[kind](number) for number, kind in enumerate(kinds)]

    for number, record in records(read(new(), lines)).items():
        assert kinds[number] in ("combined", "vhost")
        assert record.ip == f"203.0.113.{number}"
        assert record.time_ms is not None
        assert record.time_ms // 1000 % 60 == number % 60


def test_the_state_is_json_and_small() -> None:
    state = json.loads(state_of(new(), [combined(number) for number in range(40)]))

    assert state == {"format": "ncsa_combined", "inner": "", "others": []}


def test_the_registered_auto_takes_every_format() -> None:
    parser = FORMATS["auto"].make({})

    assert isinstance(parser, AutoParser)
    assert len(records(read(parser.fork(), [combined(1)] * 3))) == 3


def test_a_file_of_other_things_costs_little() -> None:
    looked_at = []

    class Counting(LineParser):
        def parse(self, line: bytes) -> Parsed:
            looked_at.append(line)
            return ParseError("syntax")

    formats = {"counting": Format("counting", "", (), lambda _options: Counting())}
    samples = 10 * FRUITLESS_SAMPLES

    read(auto_parser(lambda: formats, {}).fork(), [b"noise"] * (samples * SAMPLE_LINES))

    assert len(looked_at) < samples * SAMPLE_LINES / 4


APPLICATION_LINES = [
    (
        b'{"event":"request_finished","timestamp":"2025-03-14T08:26:53.1Z","request":{"method":"GET",'
        b'"url":"/p"},"response":{"status":200}}'
    ),
    b'{"event":"cache_miss","timestamp":"2025-03-14T08:26:53.2Z","request":"GET /p"}',
    (
        b'{"event":"request_started","request":{"method":"GET","url":"/r"},'
        b'"timestamp":"2025-03-14T08:26:53.3Z"}'
    ),
]
SPRING_LINES = [
    (
        b"2025-03-14T08:26:53.123Z  INFO 1 --- [nio-8080-exec-1] e.s.RequestLog : method=GET"
        b' uri=/items status=200 client=203.0.113.7 ua="Agent/1.0"'
    ),
    b"2025-03-14T08:26:53.130Z ERROR 1 --- [nio-8080-exec-2] e.s.Api        : failed",
    b"java.lang.IllegalStateException: no",
    b"Caused by: java.io.IOException: uri=/fake status=200 method=GET client=203.0.113.9",
    b"\tat e.s.Api.call(Api.java:10)",
]


LARAVEL_ERROR = [
    b'[2025-03-14 08:26:54] production.ERROR: Undefined {"exception":"[object] (ErrorException(0)',
    b"[stacktrace]",
    *(b"#%d /app/vendor/Kernel.php(175): handle()" % number for number in range(70)),
    b'"} ',
]
LARAVEL_CONTEXT = (
    b'[2025-01-02 11:19:06] local.INFO: Page Access {"path":"/","method":"GET",'
    b'"ip":"203.0.113.7","user_agent":"Agent/1.0"} []'
)
LOGFMT_ERROR = b'time="2021-09-15T21:17:10.220731Z" level=error msg="not found" reason='
ECS_ERROR = b'{"@timestamp":"2025-01-13T09:58:13.631Z","message":"x","ecs.version":"1.6.0"}'


@pytest.mark.parametrize(
    ("lines", "spec"),
    [
        (LARAVEL_ERROR, "laravel_app"),
        ([*LARAVEL_ERROR, LARAVEL_CONTEXT], "laravel_app"),
        ([LARAVEL_CONTEXT], "laravel_app"),
        ([LOGFMT_ERROR] * 40, "logfmt_app"),
        ([ECS_ERROR] * 40, "ecs_json"),
        (SPRING_LINES[1:] * 20, "spring_app"),
        ([b'{"level":"info","msg":"up"}'] * 400, "json_app"),
        ([b"2025-01-02T11:19:06Z stdout F " + LOGFMT_ERROR] * 40, "cri+logfmt_app"),
    ],
)
def test_the_lines_of_an_application_without_requests_are_known(
    lines: list[bytes], spec: str
) -> None:
    """A long record goes on behind the sample in which it began."""
    parser = new()

    reasons = reasons_of(read(parser, lines))

    assert set(reasons) == {"no_request"}
    assert not parser.chosen, "the first requests decide what the file is"
    assert parser.best_spec(lines[:SAMPLE_LINES]) == spec


def test_a_record_that_began_before_a_restart_goes_on_behind_it() -> None:
    parser = new()
    state = ""
    for result in parser.parse_batch(LARAVEL_ERROR[:SAMPLE_LINES]):
        if isinstance(result, Step) and result.state is not None:
            state = result.state

    again = new()
    again.restore(state)
    done = read(again, LARAVEL_ERROR[SAMPLE_LINES:])

    assert set(reasons_of(done)) == {"no_request"}


def test_requests_among_an_applications_lines_are_still_found() -> None:
    """And what is no request is none, whichever format the requests are of."""
    lines = [LOGFMT_ERROR] * 30 + [combined(1), combined(2)] + [combined(3)] * 40

    done = read(new(), lines)

    assert len(records(done)) == 42
    assert reasons_of(done) == ["no_request"] * 30


def test_lines_that_only_begin_with_a_time_are_known_to_nobody() -> None:
    done = read(new(), [b"Mar 14 09:26:53 web1 own[12]: 203.0.113.7 GET /a 200"] * 40)

    assert set(reasons_of(done)) == {"no_format_fits"}


@pytest.mark.parametrize(
    ("lines", "path"),
    [(APPLICATION_LINES, "/p"), (SPRING_LINES, "/items")],
    ids=["json", "spring"],
)
@pytest.mark.parametrize("times", [1, 12])
def test_of_an_applications_lines_only_finished_requests_are_records(
    lines: list[bytes], path: str, times: int
) -> None:
    parser = FORMATS["auto"].make({})
    assert isinstance(parser, AutoParser)
    parser = parser.fork()
    assembler: Assembler[int] = Assembler(parser)

    done = [
        each
        for number, result in enumerate(parser.parse_batch(lines * times))
        for each in assembler.take(number, result)
    ]
    done += assembler.give_up_all()

    found = [each.parsed for each in done if isinstance(each.parsed, Record)]
    assert [record.path for record in found] == [path] * times
