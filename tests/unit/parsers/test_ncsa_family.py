"""What every format of the NCSA family, and of its relatives, has in common."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooktail_parsers import Format, OptionError, ParseError, Record, Skip
from hooktail_parsers.consoles import morgan, python, rack_werkzeug, uwsgi
from hooktail_parsers.ncsa import formats, partial, relatives
from hooktail_parsers.proxies import nginx_proxy_manager, zoraxy
from hooktail_parsers.testing import check_parser

MODULES = (
    formats, relatives, partial, nginx_proxy_manager, zoraxy, uwsgi, rack_werkzeug, python, morgan,
)  # fmt: skip
FORMATS = {known.name: known for module in MODULES for known in module.FORMATS}
EVERY = pytest.mark.parametrize("known", FORMATS.values(), ids=FORMATS.keys())

STAMP = b"[14/Mar/2025:09:26:53 +0100]"
WHOLE = b"1.2.3.4 - - " + STAMP + b' "GET / HTTP/1.1" 200 5 "-" "'
OTHER_LINES = [
    b'2025/03/14 09:26:53 [error] 31#31: *46 open() failed, request: "GET /a HTTP/1.1", host: "x"',
    b"[Fri Mar 14 09:26:53.880561 2025] [core:error] [pid 10:tid 1] [client 203.0.113.7:5] AH01: x",
    b"2025-03-14 09:26:53.774649 [NOTICE] [1226033] [203.0.113.7:45164:HTTP2-41#_AdminVHost] x",
    b"[2025-03-14 09:26:53 +0000] [17] [INFO] Booting worker with pid: 17",
    b"2025-03-14 09:26:53: (response.c.450) URI-authority   :  shop.example",
    b"Fri Mar 14 09:26:53 2025 - SIGPIPE: writing to a closed pipe/socket/fd on request /x (ip x)",
    b"INFO:     Application startup complete.",
    b"Traceback (most recent call last):",
    b'    raise ValueError("GET /not-a-request HTTP/1.1")',
    b"ValueError: GET /not-a-request HTTP/1.1",
    b"== Sinatra has taken the stage on 4567",
    b"^C",
    b"\tat c.e.Svc.run(Svc.java:5)",
    b'{"event": "signup"}',
]
HOSTILE = [
    b"1.2.3.4 - - " + STAMP + b" " + b'"' * 100_000,
    WHOLE + b'" ' * 50_000,
    WHOLE + b'a" 1 "b" "c" 1ms ' * 6000,
    WHOLE + b'a"' + b" x=1" * 25_000,
    STAMP * 3500,
    (STAMP + b' "x" ') * 3000,
    STAMP + b" " + b"1 " * 50_000,
    b"1.1.1.1, " * 11_000 + WHOLE + b'a"',
    b'"' + b"a, " * 30_000 + b'" ' + WHOLE + b'a"',
    b"a b " * 25_000 + WHOLE + b'a"',
    b"1.2.3.4 - " + b"\\a" * 50_000 + b' "GET / HTTP/1.1" 200 x',
    b'a - "' + b'" 200 x' * 14_000 + b'"',
    b"GET /" + b" 200" * 25_000,
    b"2025-01-01 " * 9000 + b'- "GET / HTTP/1.1" 200',
    b"[pid: 1|app: 0|req: 1/1] ip () {} [Sun Mar 13 22:49:12 2016] GET "
    + b" => generated 47 bytes in 1" * 3500,
    b"[2025-03-14 09:26:53.123456] [router:h] [origin:s] [client: 1.2.3.4] [useragent: "
    + b"] G /" * 20_000,
    b"\x1b[1m" * 25_000,
    b" " * 100_000,
]


@EVERY
def test_the_contract_holds(known: Format) -> None:
    samples = [known.example.encode(), *(other.example.encode() for other in FORMATS.values())]

    check_parser(known, samples[:6] + OTHER_LINES)


@EVERY
def test_the_reference_says_what_the_format_is(known: Format) -> None:
    assert known.summary
    assert known.source
    assert isinstance(known.make({}).parse(known.example.encode()), Record)


@EVERY
@pytest.mark.parametrize("line", OTHER_LINES)
def test_other_lines_of_the_same_file_are_rejected(known: Format, line: bytes) -> None:
    parsed = known.make({}).parse(line)

    assert isinstance(parsed, ParseError)
    assert parsed.reason == "syntax"


@EVERY
def test_blank_lines_and_directives_are_skipped(known: Format) -> None:
    parser = known.make({})

    assert [parser.parse(line) for line in (b"", b" \r", b"\x00\x00")] == [Skip("blank")] * 3
    assert parser.parse(b"#Software: x") == Skip("directive")


@EVERY
def test_carriage_return_and_hole_change_nothing(known: Format) -> None:
    line = known.example.encode()
    parser = known.make({})

    assert parser.parse(line + b"\r") == parser.parse(line)
    assert parser.parse(b"\x00" * 50 + line) == parser.parse(line)
    assert parser.parse(b"\xef\xbb\xbf" + line) == parser.parse(line)


@EVERY
def test_shared_options_are_accepted_and_others_refused(known: Format) -> None:
    options = {"timezone": "Europe/Berlin", "year": "2025", "encoding": "latin-1"}
    assert isinstance(known.make(options).parse(known.example.encode()), Record)

    for refused in ({"log_format": "x"}, {"timezone": "Mars"}, {"encoding": "utf-16"}):
        with pytest.raises(OptionError):
            known.make(refused)


@EVERY
def test_a_torn_line_never_names_another_client(known: Format) -> None:
    line = known.example.encode()
    parser = known.make({})
    whole = parser.parse(line)
    assert isinstance(whole, Record)

    for end in range(len(line)):
        torn = parser.parse(line[:end])
        if isinstance(torn, Record):
            assert (torn.ip, torn.time_ms, torn.host, torn.method, torn.path, torn.query) == (
                whole.ip, whole.time_ms, whole.host, whole.method, whole.path, whole.query,
            )  # fmt: skip
            assert torn.user_agent in (None, whole.user_agent)


@EVERY
@pytest.mark.parametrize("line", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_line_takes_linear_time(known: Format, line: bytes) -> None:
    began = time.process_time()

    known.make({}).parse(line)

    assert time.process_time() - began < 1


@given(
    st.binary(max_size=40).map(lambda noise: noise.replace(b"\n", b"")),
    st.floats(0, 1),
    st.sampled_from(list(FORMATS)),
)
def test_noise_anywhere_never_raises(noise: bytes, where: float, name: str) -> None:
    line = FORMATS[name].example.encode()
    at = int(where * len(line))
    parser = FORMATS[name].make({})

    noisy = line[:at] + noise + line[at:]

    assert parser.parse_batch([noisy, noise]) == [parser.parse(noisy), parser.parse(noise)]


METHODS = st.sampled_from(["GET", "POST", "M-SEARCH", "PROPFIND"])
TARGETS = st.text("abcXYZ019-._~!$&'()*+,;=:@/%", max_size=30).map(lambda rest: f"/{rest}")
QUERIES = st.none() | st.text("ab0=&%?/;", max_size=20)
WITH_RAW_TARGET = [name for name in FORMATS if name != "varnishncsa"]


@given(METHODS, TARGETS, QUERIES, st.sampled_from(WITH_RAW_TARGET))
def test_any_request_comes_back(method: str, path: str, query: str | None, name: str) -> None:
    target = path if query is None else f"{path}?{query}"
    example = FORMATS[name].example
    line = example.replace("GET", method, 1).replace("/p?a=1", target, 1)

    record = FORMATS[name].make({}).parse(line.encode())

    assert isinstance(record, Record)
    assert (record.method, record.path, record.query) == (method, path, query)
