import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.re2 import without_re2

from hooktail_parsers import OptionError, ParseError, Record
from hooktail_parsers.backtracking import cost_of
from hooktail_parsers.builders.grok import GROK, build, expand
from hooktail_parsers.builders.grok_patterns import LAYOUTS, PATTERNS, TEXTS
from hooktail_parsers.testing import check_parser

LINE = (
    b'203.0.113.7 - bob [14/Mar/2025:09:26:53 +0100] "GET /cart?item=1 HTTP/1.1" 200 512 '
    b'"https://shop.example/" "Mozilla/5.0 (X11; \\"Linux\\")"'
)
TIME_MS = 1_741_940_813_000
RECORD = Record(
    TIME_MS, "203.0.113.7", "GET", path="/cart", query="item=1", status=200,
    referrer="https://shop.example/", user_agent='Mozilla/5.0 (X11; "Linux")', user="bob",
    bytes_sent=512,
)  # fmt: skip


def parsed(definition: str, line: bytes, **options: str) -> Record:
    result = build(definition, options).parse(line)
    assert isinstance(result, Record), result
    return result


@pytest.mark.parametrize(
    "definition",
    [
        "%{COMBINEDAPACHELOG}",
        "^%{HTTPD_COMBINEDLOG}$",
        '%{COMMONAPACHELOG} "%{DATA:referrer}" "%{GREEDYDATA:agent}"',
        r"%{COMMONAPACHELOG} %{QS:referrer}\s+%{QS:agent}",
        (
            r"%{IPORHOST:[source][address]} - %{HTTPDUSER:[user][name]} \[%{HTTPDATE:timestamp}\] "
            r'"%{WORD:http.request.method} %{NOTSPACE:url.original} HTTP/1\.1" '
            r"%{INT:http.response.status_code:int} %{NUMBER:http.response.body.bytes:int} "
            r'"%{DATA:http.request.referrer}" "%{DATA:user_agent.original}"'
        ),
        (
            r"%{IPORHOST:clientip} \S+ %{USER:auth} \[%{HTTPDATE:timestamp}\] "
            r'"%{WORD:verb} %{URIPATHPARAM:request}(?: HTTP/%{NUMBER})?" %{NUMBER:response:int} '
            r"(?:%{NUMBER:bytes}|-) %{QS:referrer} %{QS:agent}"
        ),
        (
            r"(?P<clientip>\S+) - %{USER:auth} \[%{HTTPDATE:timestamp}\] "
            r'"%{WORD:verb} %{URIPATH:path}%{URIPARAM:query} HTTP/1.1" %{INT:response} '
            r"%{INT:bytes} %{QS:referrer} %{QS:agent}"
        ),
    ],
)
def test_an_expression_reads_its_lines(definition: str) -> None:
    assert build(definition, {}).parse(LINE) == RECORD


def test_the_parser_keeps_the_contract() -> None:
    check_parser(GROK, [LINE, GROK.example.encode()], {"log_format": "%{COMBINEDAPACHELOG}"})
    check_parser(
        GROK,
        [b'::1 "GET / HTTP/1.1" x'],
        {"log_format": r'%{IP:ip} (?:"%{DATA:rawrequest}"|-) %{WORD:word}'},
    )


def test_the_usual_layouts_need_no_google_re2(monkeypatch: pytest.MonkeyPatch) -> None:
    without_re2(monkeypatch)

    for name in ("COMMONAPACHELOG", "COMBINEDAPACHELOG"):
        assert parsed(f"%{{{name}}}", LINE).path == "/cart"


SAMPLES = {
    "IP": ["203.0.113.7", "2001:db8::1"],
    "IPV6": ["::1", "fe80::1%eth0", "::ffff:203.0.113.7"],
    "IPORHOST": ["shop.example", "203.0.113.7", "2001:db8::1"],
    "HOSTPORT": ["shop.example:80"],
    "USER": ["john.smith-1"],
    "EMAILADDRESS": ["a+b@shop.example"],
    "NUMBER": ["-1.5", "7", ".5"],
    "INT": ["-7"],
    "BASE16NUM": ["0xFF"],
    "WORD": ["a_1"],
    "UUID": ["01234567-89ab-cdef-0123-456789abcdef"],
    "MAC": ["00:11:22:aa:bb:cc", "0011.22aa.bbcc"],
    "QS": ['"a \\" b"', "'a'"],
    "PATH": ["/var/log/x", "C:\\x"],
    "URIPATHPARAM": ["/a/b?c=d"],
    "URI": ["https://u@shop.example:8443/a?b#c"],
    "HTTPDATE": ["14/Mar/2025:09:26:53 +0100"],
    "TIMESTAMP_ISO8601": ["2025-03-14T09:26:53.123Z", "2025-03-14 09:26+01:00"],
    "SYSLOGTIMESTAMP": ["Mar  4 09:26:53", "Mar 14 09:26:53.123"],
    "HTTPDERROR_DATE": ["Fri Mar 14 09:26:53.123456 2025"],
    "DATESTAMP": ["14/03/2025 09:26:53"],
    "LOGLEVEL": ["error"],
    "SPACE": ["  "],
}  # fmt: skip


@pytest.mark.parametrize("name", SAMPLES)
def test_a_pattern_matches_what_its_name_says(name: str) -> None:
    for text in SAMPLES[name]:
        assert re.fullmatch(expand(name), text), text


@pytest.mark.parametrize("name", sorted(PATTERNS.keys() - TEXTS))
def test_every_pattern_is_linear_by_itself(name: str) -> None:
    cost = cost_of(expand(name).encode())

    assert cost.degree is not None
    assert cost.degree <= 1
    assert cost.factor <= 100


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_layout_can_be_built(name: str) -> None:
    build(f"%{{{name}}}", {})


def test_types_are_those_of_the_fields() -> None:
    record = parsed(
        "%{IP:ip} %{INT:a:int} %{NUMBER:b:float} %{INT:c} %{WORD:d:int} %{INT:e:string}",
        b"::1 5 1.5 7 x 9",
    )

    assert record.fields == {"a": 5, "b": 1.5, "c": "7", "d": "x", "e": "9"}


def test_text_ends_where_what_follows_begins() -> None:
    definition = r"\[%{HTTPDATE:timestamp}\] %{IP:ip} \[%{DATA:a}\] %{DATA:b}: %{GREEDYDATA:c}"

    record = parsed(definition, b"[14/Mar/2025:09:26:53 +0100] ::1 [x] y: z: w] ")

    assert (record.time_ms, record.fields) == (TIME_MS, {"a": "x", "b": "y", "c": "z: w] "})


@pytest.mark.parametrize(
    ("definition", "said"),
    [
        ("%{FOO:x}", "no pattern known here"),
        ("%{COMBINEDAPACHE}", "near it: COMBINEDAPACHELOG"),
        ("%{IP}", "no pattern has a name"),
        ("%{IP:ip:bar}", "the type 'bar'"),
        ("%{IP:ip} (", "no regular expression"),
        ("[%{NOTSPACE:x}]", "a literal bracket is"),
        ("(?:x)", "no part has a name"),
        ("(?:%{IP:ip})?" * 150, "more than 100 names"),
        ("%{IP:ip} " * 300, "more than 100 names"),
    ],
)
def test_a_definition_that_cannot_be_used_is_refused(definition: str, said: str) -> None:
    with pytest.raises(OptionError, match=said):
        build(definition, {})


def test_what_is_no_record_has_its_reason() -> None:
    result = build("%{COMBINEDAPACHELOG}", {}).parse(LINE.replace(b"GET /cart?item=1", b"\\x16"))

    assert isinstance(result, ParseError)
    assert result.reason == "not_a_request"


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.sampled_from([f"%{{{name}:x}}" for name in (*PATTERNS, *LAYOUTS)])
        | st.text(alphabet='%{}[]()?*+.|\\ ":a', max_size=5),
        max_size=6,
    ).map("".join),
    st.binary(max_size=60),
)
def test_any_text_is_a_definition_or_an_option_error(definition: str, line: bytes) -> None:
    try:
        parser = build(definition, {})
    except OptionError:
        return
    parser.parse(line)


def test_names_are_those_of_logstash_too() -> None:
    line = b"203.0.113.7 GET /cart?id=7 15824 0.043"
    docs = "%{IP:client} %{WORD:method} %{URIPATHPARAM:request} %{NUMBER:bytes} %{NUMBER:duration}"
    module = docs.replace("client", "[nginx][access][remote_ip]").replace(
        "method", "[nginx][access][method]"
    )

    for definition in (docs, module):
        record = build(definition, {}).parse(line)

        assert isinstance(record, Record)
        assert (record.ip, record.method, record.path) == ("203.0.113.7", "GET", "/cart")
        assert (record.bytes_sent, record.duration_s) == (15824, 0.043)


@pytest.mark.parametrize(
    "process", [r"%{PROG:program}:", r"%{PROG:program}(?:\[%{POSINT:pid}\])?:"]
)
def test_the_prefix_of_syslog_names_the_machine_and_no_time_that_counts(process: str) -> None:
    line = (
        b"Mar 14 08:26:53 web1 nginx: 203.0.113.7 - - [14/Mar/2025:08:26:52 +0000] "
        b'"GET /a HTTP/1.1" 200 5 "-" "Agent/1.0"'
    )
    prefix = "%{SYSLOGTIMESTAMP:timestamp} %{SYSLOGHOST:host} "

    record = build(f"{prefix}{process} %{{COMBINEDAPACHELOG}}", {}).parse(line)

    assert isinstance(record, Record)
    assert (record.time_ms, record.host) == (1_741_940_812_000, None)
    assert record.fields is not None
    assert record.fields["host"] == "web1"
