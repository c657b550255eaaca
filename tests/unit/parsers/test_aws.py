"""Access logs of S3 buckets and of AWS load balancers."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hooktail_parsers import OptionError, ParseError, Record, Result, Skip
from hooktail_parsers.clouds.aws import FORMATS as AWS
from hooktail_parsers.testing import check_parser

FORMATS = {known.name: known for known in AWS}
EXAMPLES = {known.name: known.example.encode() for known in AWS}
S3, ALB, CLASSIC = EXAMPLES["aws_s3"], EXAMPLES["aws_alb"], EXAMPLES["aws_elb_classic"]
METHODS = st.sampled_from(["GET", "POST", "PROPFIND", "M-SEARCH"])
PATHS = st.from_regex(r"/[!$-;=@-\[\]-~]{0,40}", fullmatch=True)
QUERIES = st.none() | st.from_regex(r"[!$-;=?@-\[\]-~]{0,40}", fullmatch=True)
AGENTS = st.from_regex(r"[!#-\[\]-~][ !#-\[\]-~]{1,60}", fullmatch=True)
ADDRESSES = st.ip_addresses().map(str)


def parse(name: str, line: bytes) -> Result:
    return FORMATS[name].make({}).parse(line)


def record(name: str, line: bytes) -> Record:
    parsed = parse(name, line)
    assert isinstance(parsed, Record), parsed
    return parsed


def refusal(name: str, line: bytes) -> str:
    parsed = parse(name, line)
    assert isinstance(parsed, ParseError | Skip), parsed
    return parsed.reason


def test_a_line_of_s3_has_all_its_parts() -> None:
    assert record("aws_s3", S3) == Record(
        time_ms=1_741_940_813_000,
        ip="203.0.113.7",
        method="GET",
        host="shop.s3.eu-west-1.amazonaws.com",
        path="/p.html",
        query="a=1",
        status=200,
        referrer="https://ref.example/",
        user_agent="Agent/1.0 (X11)",
        bytes_sent=113,
        duration_s=0.007,
        request_id="3E57427F3EXAMPLE",
        fields={"bucket": "shop", "operation": "REST.GET.OBJECT", "key": "p.html"},
    )


def test_a_line_of_an_application_load_balancer_has_all_its_parts() -> None:
    found = record("aws_alb", ALB)

    assert found == Record(
        time_ms=1_741_940_813_123,
        ip="203.0.113.7",
        method="GET",
        scheme="https",
        host="shop.example",
        port=443,
        path="/p",
        query="a=1",
        status=200,
        user_agent="Agent/1.0 (X11)",
        bytes_sent=24950,
        duration_s=0.103,
        fields={
            "type": "https",
            "elb": "app/shop/50dc6c495c0c9188",
            "target": "10.0.0.1:80",
            "target_status_code": 200,
            "trace_id": "Root=1-58337262-36d228ad5d99923122bbe354",
        },
    )


def test_a_line_of_a_classic_load_balancer_has_all_its_parts() -> None:
    found = record("aws_elb_classic", CLASSIC)

    assert (found.time_ms, found.ip, found.host, found.port) == (
        1_741_940_813_945,
        "203.0.113.7",
        "shop.example",
        443,
    )
    assert (found.user_agent, found.bytes_sent, found.duration_s) == (
        "Agent/1.0 (X11)",
        57,
        0.002471,
    )


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_contract_is_kept(name: str) -> None:
    damaged = EXAMPLES[name].replace(b"Agent/1.0", rb"a \"b\" \\")

    check_parser(FORMATS[name], [EXAMPLES[name], damaged, EXAMPLES[name] + b"\r"])


@pytest.mark.parametrize(
    ("client", "ip"),
    [
        (b"2001:db8:0:0:1:2:3:4:50599", "2001:db8::1:2:3:4"),
        (b"2001:db8::7:50599", "2001:db8::7"),
        (b"[2001:db8::7]:50599", "2001:db8::7"),
        (b"::ffff:203.0.113.7:80", "203.0.113.7"),
        (b"-", None),
    ],
)
def test_a_balancers_client_ends_at_its_last_colon(client: bytes, ip: str | None) -> None:
    for name in ("aws_alb", "aws_elb_classic"):
        line = EXAMPLES[name].replace(b"203.0.113.7:2817", client)

        assert record(name, line).ip == ip


def test_columns_that_aws_appends_are_passed_over() -> None:
    shortest = ALB[: ALB.index(b" arn:")]

    for line in (shortest, ALB + b' TID_1 "-" "a b" 7 "new \\" column', ALB + b" x" * 50):
        found = record("aws_alb", line)
        assert (found.user_agent, found.path) == ("Agent/1.0 (X11)", "/p")
    assert record("aws_s3", S3 + b" eu-west-1 x") == record("aws_s3", S3)


@pytest.mark.parametrize(
    "request_text",
    [b"- http://shop.example:80- -", b"- - - ", b"-", b"", rb"\x16\x03\x01", b"GET noslash HTTP/1"],
)
def test_what_is_no_request_is_refused(request_text: bytes) -> None:
    for name in ("aws_alb", "aws_elb_classic"):
        request = b"GET https://shop.example:443/p?a=1 HTTP/"
        begin = EXAMPLES[name].index(request)
        line = EXAMPLES[name][:begin] + request_text + EXAMPLES[name][begin + len(request) + 3 :]

        assert refusal(name, line) == "not_a_request"


@pytest.mark.parametrize("times", [b"-1 -1 -1", b"0.001 -1 -1", b"- - -"])
def test_a_time_of_minus_one_states_no_duration(times: bytes) -> None:
    line = ALB.replace(b"0.001 0.102 0.000 200 200", times + b" 502 -")

    assert (record("aws_alb", line).duration_s, record("aws_alb", line).status) == (None, 502)


def test_a_balancer_without_a_target_says_nothing_of_it() -> None:
    line = ALB.replace(b"10.0.0.1:80 0.001 0.102 0.000 200 200", b"- -1 -1 -1 503 -")

    assert (record("aws_alb", line).fields or {}).keys() == {"elb", "type", "trace_id"}


def test_escapes_in_a_balancers_agent_are_undone_and_percent_signs_kept() -> None:
    line = ALB.replace(b"Agent/1.0", rb"a \x22b\"").replace(b"/p?", b"/%%32%65?")

    found = record("aws_alb", line)

    assert (found.user_agent, found.path) == ('a "b" (X11)', "/%%32%65")


def test_a_classic_line_from_before_there_were_agents_is_read() -> None:
    old = CLASSIC[: CLASSIC.index(b' "Agent')]

    assert record("aws_elb_classic", old).path == "/p"
    assert refusal("aws_elb_classic", old + b' "Agent/1.') == "syntax"


def test_requests_of_s3_that_nobody_made_are_none() -> None:
    line = (
        b"79a5ff shop [14/Mar/2025:08:26:53 +0000] - AmazonS3 3E57427F3EXAMPLE"
        b' S3.EXPIRE.OBJECT logs/a.txt %b - - - 113 - - "-" "-" - s9lzHY= - - - - -'
    )

    assert refusal("aws_s3", line % b'"-"') == "not_a_request"
    assert refusal("aws_s3", line % b"-") == "not_a_request"


def test_a_web_sites_bucket_is_its_host_and_another_is_none() -> None:
    old = S3[: S3.index(b" - s9lzHY=")]
    site = old.replace(b" shop ", b" www.shop.example ").replace(b"REST.GET", b"WEBSITE.GET")

    assert record("aws_s3", site).host == "www.shop.example"
    assert record("aws_s3", old).host is None


def test_a_host_that_may_be_cut_off_is_none() -> None:
    cut = S3[: S3.index(b".amazonaws")]

    assert record("aws_s3", cut).host is None


@pytest.mark.parametrize(
    ("plain", "quoted", "column", "expected"),
    [
        (b"Agent/1.0 (X11)", b'The "best" agent', "user_agent", 'The "best" agent'),
        (b"Agent/1.0 (X11)", b'An " - agent', "user_agent", 'An " - agent'),
        (b"/p.html?a=1", b'/p"q".html?a="', "query", 'a="'),
        (b"Agent/1.0 (X11)", b"back\\slash\\", "user_agent", "back\\slash\\"),
    ],
)
def test_s3_escapes_no_quotes(plain: bytes, quoted: bytes, column: str, expected: str) -> None:
    assert getattr(record("aws_s3", S3.replace(plain, quoted)), column) == expected


@pytest.mark.parametrize(
    ("column", "text"),
    [
        (b"https://ref.example/", b'http://a/" "F" - x'),
        (b"https://ref.example/", b'http://a/" "F'),
        (b"https://ref.example/", b'http://a/" - x'),
        (b"https://ref.example/", b'http://a/"b'),
        (b"Agent/1.0 (X11)", b'a" - h s c a evil.example t "b'),
        (b"Agent/1.0 (X11)", b'a" - h s c a evil.example t - -'),
        (b"Agent/1.0 (X11)", b'a" "b'),
        (b"/p.html?a=1", b'/q HTTP/1.1" 404 - 5 5 1 1 "-" "F" - h s c a evil.example t'),
        (b"/p.html?a=1", b'/q HTTP/1.1" 404 - 5 5 1 1 "-" "F'),
    ],
)
def test_no_text_of_a_client_takes_the_place_of_another_column_of_s3(
    column: bytes, text: bytes
) -> None:
    assert column in S3
    forged = S3.replace(column, text, 1)

    for line in (forged, forged.replace(b'"https://ref.example/"', b"-")):
        assert refusal("aws_s3", line) == "syntax"


def test_an_arn_is_a_user_and_an_error_code_a_field() -> None:
    line = S3.replace(b"203.0.113.7 - ", b"203.0.113.7 arn:aws:iam::1:user/jo ").replace(
        b" 200 - 113", b" 404 NoSuchKey 113"
    )

    found = record("aws_s3", line)

    assert found.user == "arn:aws:iam::1:user/jo"
    assert (found.fields or {})["error_code"] == "NoSuchKey"


@pytest.mark.parametrize(
    ("line", "reason"),
    [(b"", "blank"), (b"  \r", "blank"), (b"# note", "directive"), (b"text", "syntax")],
)
def test_other_lines_are_passed_over_or_refused(line: bytes, reason: str) -> None:
    for name in FORMATS:
        assert refusal(name, line) == reason


def test_an_impossible_time_is_refused() -> None:
    assert refusal("aws_s3", S3.replace(b"14/Mar", b"31/Feb")) == "bad_time"
    assert refusal("aws_alb", ALB.replace(b"2025-03-14T08", b"2025-02-30T08")) == "bad_time"


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_torn_line_never_names_another_client(name: str) -> None:
    whole = record(name, EXAMPLES[name])
    parser = FORMATS[name].make({})

    for at in range(len(EXAMPLES[name])):
        parsed = parser.parse(EXAMPLES[name][:at])
        if isinstance(parsed, Record):
            assert (parsed.ip, parsed.path, parsed.query) == (whole.ip, whole.path, whole.query)
            assert parsed.user_agent in (None, whole.user_agent)
            assert parsed.host in (None, whole.host)


@settings(max_examples=60)
@given(
    st.datetimes(datetime.fromisoformat("1990-01-01"), datetime.fromisoformat("2090-01-01")),
    ADDRESSES, METHODS, PATHS, QUERIES, AGENTS,
)  # fmt: skip
def test_any_request_comes_back(
    moment: datetime, ip: str, method: str, path: str, query: str | None, agent: str
) -> None:
    target = path if query is None else f"{path}?{query}"
    time_ms = (moment.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(
        milliseconds=1
    )
    mapped = getattr(ip_address(ip), "ipv4_mapped", None)
    balanced = (
        f"h2 {moment.isoformat()}Z app/x/1 {ip}:443 10.0.0.1:80 0.1 0.2 0.3 200 200 5 7"
        f' "{method} https://shop.example:443{target} HTTP/2.0" "{agent}" - - arn "Root=1" x'
    )
    stored = (
        f"79a5 shop [{moment:%d/%b/%Y:%H:%M:%S} +0000] {ip} - ID REST.GET.OBJECT k"
        f' "{method} {target} HTTP/1.1" 200 - 7 7 600 6 "-" "{agent}" - h s c a shop.example t'
    )

    one, other = record("aws_alb", balanced.encode()), record("aws_s3", stored.encode())

    assert (one.time_ms, other.time_ms) == (time_ms, time_ms // 1000 * 1000)
    for found in (one, other):
        assert (found.method, found.path, found.query) == (method, path, query)
        assert found.user_agent == (None if agent == "-" else agent)
        assert (found.host, found.duration_s, found.status) == ("shop.example", 0.6, 200)
        assert found.ip == str(mapped or ip)


@pytest.mark.parametrize("piece", [b'"', b" ", b'" "', b'x" 200 - 1 1 1 1 "', b"\\", b"[", b"1 "])
def test_long_hostile_lines_take_linear_time(piece: bytes) -> None:
    for name, example in EXAMPLES.items():
        parser = FORMATS[name].make({})
        half = example[: example.index(b'"') + 1]
        began = time.process_time()

        for line in (piece * 40_000, half + piece * 40_000, example[:-1] + piece * 40_000):
            parser.parse(line[:200_000])

        assert time.process_time() - began < 1


def test_an_option_of_another_format_is_refused() -> None:
    for known in AWS:
        with pytest.raises(OptionError, match="fields"):
            known.make({"fields": "x"})
