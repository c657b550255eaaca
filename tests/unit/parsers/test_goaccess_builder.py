import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hooktail_parsers import OptionError, ParseError, Record
from hooktail_parsers.builders.goaccess import GOACCESS, build
from hooktail_parsers.builders.goaccess_formats import PREDEFINED
from hooktail_parsers.testing import check_parser

COMBINED = '%h %^[%d:%t %^] "%r" %s %b "%R" "%u"'
LINE = (
    b'203.0.113.7 - bob [14/Mar/2025:09:26:53 +0100] "GET /cart?item=1 HTTP/1.1" 200 512 '
    b'"https://shop.example/" "Mozilla/5.0 (X11; \\"Linux\\")"'
)
TIME_MS = 1_741_940_813_000
UTC_MS = TIME_MS + 3_600_000
RECORD = Record(
    TIME_MS, "203.0.113.7", "GET", path="/cart", query="item=1", status=200,
    referrer="https://shop.example/", user_agent='Mozilla/5.0 (X11; "Linux")', bytes_sent=512,
)  # fmt: skip


def parsed(definition: str, line: bytes, **options: str) -> Record:
    result = build(definition, options).parse(line)
    assert isinstance(result, Record), result
    return result


@pytest.mark.parametrize(
    ("definition", "options"),
    [
        ("COMBINED", {}),
        ("combined", {}),
        (COMBINED, {}),
        (COMBINED.replace('"', '\\"'), {}),
        (COMBINED, {"date_format": "%d/%b/%Y %H:%M:%S"}),
        (COMBINED, {"date_format": "%d/%b/%Y"}),
        (f"log-format {COMBINED}\ndate-format %d/%b/%Y\ntime-format %T\n", {}),
        ("log-format COMBINED", {}),
        (COMBINED.replace("%d:%t %^", "%x"), {"date_format": "%d/%b/%Y:%H:%M:%S %z"}),
        (
            "log-format " + COMBINED.replace("%d:%t %^", "%x")
            + "\ndatetime-format %d/%b/%Y:%H:%M:%S %z",
            {},
        ),
    ],
)  # fmt: skip
def test_a_format_is_taken_by_its_name_its_text_or_its_settings(
    definition: str, options: dict[str, str]
) -> None:
    assert build(definition, options).parse(LINE) == RECORD


def test_the_parser_keeps_the_contract() -> None:
    check_parser(GOACCESS, [LINE, GOACCESS.example.encode()], {"log_format": "COMBINED"})
    check_parser(
        GOACCESS,
        [b'{"ts":1741940813.5,"request":{"client_ip":"::1","method":"GET","uri":"/a"}}'],
        {"log_format": "CADDY"},
    )


NAMED: dict[str, tuple[bytes, dict[str, object]]] = {
    "VCOMBINED": (b"shop.example:443 " + LINE, {"host": "shop.example", "time_ms": TIME_MS}),
    "COMMON": (LINE, {"status": 200, "bytes_sent": 512}),
    "VCOMMON": (b"shop.example:443 " + LINE, {"host": "shop.example", "status": 200}),
    "W3C": (
        (b"2025-03-14 09:26:53 10.0.0.1 GET /a b=c 443 - 203.0.113.7 M/5.0+(X11;+Linux) - 200 0 0 "
        b"15"),
        {"ip": "203.0.113.7", "path": "/a", "query": "b=c", "user_agent": "M/5.0 (X11; Linux)",
         "referrer": None, "status": 200, "duration_s": 0.015, "time_ms": UTC_MS},
    ),
    "CLOUDFRONT": (
        (b"2025-03-14\t09:26:53\tFRA50\t512\t2001:db8::7\tGET\td1.cloudfront.net\t/a\t200\t-\t"
        b"M/5.0%20(X11)\tq=1\t-\tHit\tid==\tshop.example\thttps\t123\t0.012\t-\tTLSv1.3\tAES\tHit"
        b"\tHTTP/2.0\t-"),
        {"ip": "2001:db8::7", "query": "q=1", "user_agent": "M/5.0 (X11)", "scheme": "https",
         "duration_s": 0.012, "time_ms": UTC_MS},
    ),
    "CLOUDSTORAGE": (
        (b'"1741940813123456","203.0.113.7","1","","GET","/b/o?x=1","200","5","7","1500","h",'
        b'"-","gsutil/4"'),
        {"ip": "203.0.113.7", "path": "/b/o", "query": "x=1", "bytes_sent": 7,
         "duration_s": 0.0015, "user_agent": "gsutil/4", "time_ms": TIME_MS + 123},
    ),
    "AWSALB": (
        (b"https 2025-03-14T09:26:53.186641Z app/lb/50dc 2001:db8::7:2817 10.0.0.1:80 0.000 0.001 "
        b'0.000 200 200 34 366 "GET https://shop.example:443/x HTTP/1.1" "curl/7" ECDHE TLSv1.2 a'),
        {"ip": "2001:db8::7", "host": "shop.example", "port": 443, "scheme": "https",
         "status": 200, "bytes_sent": 366, "time_ms": UTC_MS + 186},
    ),
    "AWSELB": (
        (b"https 2025-03-14T09:26:53.186641Z app/lb/50dc 203.0.113.7:2817 10.0.0.1:80 0.000 0.001 "
        b'0.000 502 - 34 366 "GET https://shop.example:443/x HTTP/1.1" "curl/7" ECDHE TLSv1.2 a '
        b'"t" "www.shop.example"'),
        {"ip": "203.0.113.7", "host": "www.shop.example", "status": 502, "time_ms": UTC_MS + 186},
    ),
    "AWSS3": (
        (b"79a5 bucket [14/Mar/2025:09:26:53 +0000] 203.0.113.7 - 3E57 REST.GET.OBJECT key "
        b'"GET /b/key?x HTTP/1.1" 200 - 113 - 7 - "-" "S3Console/0.4" -'),
        {"ip": "203.0.113.7", "path": "/b/key", "status": 200, "bytes_sent": 113,
         "duration_s": 0.007, "user_agent": "S3Console/0.4", "time_ms": UTC_MS},
    ),
    "SQUID": (
        (b"Mar 14 09:26:53 proxy squid[1]: 1741940813.123    120 203.0.113.7 TCP_MISS/301 491 GET "
        b"http://shop.example/test?a - HIER_DIRECT/10.0.0.1 -"),
        {"ip": "203.0.113.7", "host": "shop.example", "path": "/test", "query": "a",
         "status": 301, "duration_s": 0.12, "time_ms": TIME_MS + 123},
    ),
    "CADDY": (
        (b'{"level":"info","ts":1741940813.123,"request":{"client_ip":"203.0.113.7","method":"GET",'
        b'"host":"shop.example","uri":"/a?b","headers":{"User-Agent":["M (X)"]},'
        b'"tls":{"proto":"h2"}},"duration":0.5,"size":12,"status":200}'),
        {"ip": "203.0.113.7", "host": "shop.example", "path": "/a", "user_agent": "M (X)",
         "duration_s": 0.5, "scheme": "https", "status": 200, "time_ms": TIME_MS + 123},
    ),
    "TRAEFIKCLF": (
        (b'203.0.113.7 - bob [14/Mar/2025:09:26:53 +0000] "GET /a HTTP/1.1" 200 12 "-" "M" 1 '
        b'"router@docker" "http://10.0.0.1:80" 5ms'),
        {"user": "bob", "host": None, "path": "/a", "duration_s": 0.005, "time_ms": UTC_MS},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", NAMED)
def test_a_predefined_format_reads_its_lines(name: str) -> None:
    line, expected = NAMED[name]

    record = parsed(name, line)

    assert {key: getattr(record, key) for key in expected} == expected


def test_every_predefined_format_is_tested() -> None:
    assert {*NAMED, "COMBINED"} == set(PREDEFINED)


@pytest.mark.parametrize(
    ("behind", "apart_s"), [(b"+0100", 0), (b"-0500", 21_600), (b"Z", 3600), (b"foo", 7200)]
)
def test_the_zone_is_read_though_goaccess_leaves_it_out(behind: bytes, apart_s: int) -> None:
    line = LINE.replace(b"+0100", behind)

    assert parsed("COMBINED", line, timezone="-01:00").time_ms == TIME_MS + apart_s * 1000


def test_the_client_may_be_a_list() -> None:
    line = b'10.0.0.1, 198.51.100.1 [2025-03-14 09:26:53] "GET / HTTP/1.1" 200'

    record = parsed('~h{, } [%x] "%r" %s', line, date_format="%Y-%m-%d %H:%M:%S")

    assert (record.ip, record.xff) == ("198.51.100.1", "10.0.0.1, 198.51.100.1")


def test_tabs_and_white_space_are_read() -> None:
    definition = r'%h\t%d %t\t%~"%r"'
    line = b'203.0.113.7\t14/Mar/2025 09:26:53\t   "GET / HTTP/1.1"'

    assert parsed(definition, line).time_ms == UTC_MS


@pytest.mark.parametrize(
    ("definition", "options", "said"),
    [
        ("%h %d %t", {}, "no request"),
        ("%h %r", {}, "no time"),
        ("%d:%t %r", {}, "no client"),
        ("%h%v %d %r", {}, "nothing between %h and %v"),
        ("%h %j", {}, "'%j' is no specifier"),
        ("%h %", {}, "'%' is no specifier"),
        (COMBINED, {"date_format": "%Q %T"}, "date_format"),
        ("%h %t %r", {}, "date_format: states no"),
        ('{"a":"%h","d":"%x","r":"%r"', {"date_format": "%s"}, "is none"),
        ("COMBINED", {"year": "x"}, "year"),
    ],
)
def test_a_definition_that_cannot_be_used_is_refused(
    definition: str, options: dict[str, str], said: str
) -> None:
    with pytest.raises(OptionError, match=said):
        build(definition, options)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (LINE.replace(b"GET /cart?item=1 HTTP/1.1", b"-"), "not_a_request"),
        (LINE.replace(b"14/Mar", b"31/Feb"), "bad_time"),
        (b"an error", "syntax"),
    ],
)
def test_what_is_no_record_has_its_reason(line: bytes, reason: str) -> None:
    result = build("COMBINED", {}).parse(line)

    assert isinstance(result, ParseError)
    assert result.reason == reason


@settings(max_examples=200)
@given(
    st.text(alphabet="%hdtxrsbU^~{}[], :\"\\'", max_size=40),
    st.sampled_from(["", "%d:%t %h %r ", "{", "log-format "]),
    st.binary(max_size=60),
)
def test_any_text_is_a_definition_or_an_option_error(text: str, before: str, line: bytes) -> None:
    try:
        parser = build(before + text, {})
    except OptionError:
        return
    parser.parse(line)
