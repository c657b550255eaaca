"""Who does not want to be spoken of, and who has to say yes first."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from msgspec import structs

from hooktail.config.sections import ConsentCookie, PrivacySection, SourceSection
from hooktail.extract import build_extractor
from hooktail.extract.audience import Audience, check_audience
from hooktail.extract.headers import LoggedHeaders
from hooktail.extract.once import OnceBook
from hooktail.extract.places import Surroundings, reader
from hooktail.model import Lines
from hooktail_parsers import Record

NOW_MS = 1_705_314_600_000
VISIT = Record(time_ms=NOW_MS, ip="81.2.69.142", user_agent="Mozilla/5.0 Firefox/128.0")


def source_of(privacy: PrivacySection) -> SourceSection:
    return SourceSection(name="shop", paths=("/a",), privacy=privacy)


def refused(record: Record, **privacy: object) -> bool:
    section = replace(PrivacySection(), **privacy)  # type: ignore[arg-type]  # keys of the section
    key = Audience(source_of(section), limit_age=False).refuses(record, NOW_MS)
    assert key in (None, "filtered.no_consent")
    return key is not None


@pytest.mark.parametrize("name", ["Sec-GPC", "sec-gpc", "SEC-GPC"])
def test_gpc_counts_whatever_its_case_in_the_log(name: str) -> None:
    assert refused(structs.replace(VISIT, headers={name: "1"}))
    assert not refused(structs.replace(VISIT, headers={name: "1"}), gpc=False)
    assert not refused(structs.replace(VISIT, headers={name: "0"}))


def test_dnt_counts_only_if_told() -> None:
    record = structs.replace(VISIT, headers={"DNT": "1"})
    assert not refused(record)
    assert refused(record, dnt=True)


@pytest.mark.parametrize(
    ("matches", "cookies", "is_refused"),
    [
        (None, "a=1; consent=anything", False),
        (None, "a=1; consents=1", True),
        (None, "consent=", True),
        (None, "consent=-", True),
        (None, None, True),
        ("yes", "consent=yes", False),
        ("yes", 'consent="yes"', False),
        ("yes", "consent=no", True),
        ("regex:marketing:true", "consent={necessary:true%2Cmarketing:true}", False),
        ("regex:marketing:true", "consent={necessary:true%2Cmarketing:false}", True),
        ("prefix:1,", "consent=1%2C2", False),
        ("glob:*C0004:1*", "consent=groups%3DC0001%3A1%2CC0004%3A1", False),
    ],
)
def test_a_required_yes_must_be_in_the_cookie(
    matches: str | None, cookies: str | None, is_refused: bool
) -> None:
    rule = ConsentCookie("consent", matches)
    assert refused(structs.replace(VISIT, cookies=cookies), require_consent=rule) is is_refused


def test_a_bad_expression_is_a_problem_that_names_the_key() -> None:
    rule = ConsentCookie("consent", "regex:(")
    (problem,) = check_audience(source_of(PrivacySection(require_consent=rule)), "/h.toml")
    assert problem.key == "source[shop].privacy.require_consent.matches"


def test_a_real_line_with_its_headers_is_refused() -> None:
    """The headers of a JSON log come through the parser under the names of the log."""
    line = (
        b'{"time":"2024-01-15T10:30:00Z","remote_addr":"81.2.69.142","method":"GET","uri":"/a",'
        b'"status":200,"http_user_agent":"Mozilla/5.0 Firefox/128.0","http_sec_gpc":"%s"}'
    )
    counted = {}
    for wish in (b"1", b"0"):
        extractor = build_extractor(
            SourceSection(
                name="shop", paths=("/a",), format="nginx_json", site="https://shop.example"
            ),
            payload="flat",
            visitor_secret=b"s" * 32,
            once=OnceBook(),
            now_ms=lambda: NOW_MS,
        )
        taken = extractor.extract(Lines([line % wish], 0, len(line)), b"generation")
        counted[wish] = (taken.settled, len(taken.events))

    assert counted == {b"1": ({"filtered.no_consent": 1}, 0), b"0": ({}, 1)}


AGENT = "Mozilla/5.0 Firefox/128.0"
W3C_AGENT = AGENT.replace(" ", "+")
ECS = (
    '{"@timestamp":"2024-01-15T10:30:00Z","source.ip":"81.2.69.142","http.request.method":"GET",'
    '"url.path":"/a","http.response.status_code":200,"user_agent.original":"%s",%s}'
)
NGINX = (
    '{"time":"2024-01-15T10:30:00Z","remote_addr":"81.2.69.142","request":"GET /a HTTP/1.1",'
    '"status":"200","http_user_agent":"%s",%s}'
)


def settled(format_: str, *lines: str) -> dict[str, int]:
    extractor = build_extractor(
        SourceSection(name="shop", paths=("/a",), format=format_, site="https://shop.example"),
        payload="flat",
        visitor_secret=b"s" * 32,
        once=OnceBook(),
        now_ms=lambda: NOW_MS,
    )
    raw = [line.encode() for line in lines]
    taken = extractor.extract(Lines(raw, 0, sum(map(len, raw))), b"generation")
    return {**taken.settled, **({"events": len(taken.events)} if taken.events else {})}


def w3c(column: str, value: str) -> tuple[str, str]:
    return (
        f"#Fields: date time c-ip cs-method cs-uri-stem sc-status cs(User-Agent) {column}",
        f"2024-01-15 10:30:00 81.2.69.142 GET /a 200 {W3C_AGENT} {value}",
    )


@pytest.mark.parametrize(
    ("format_", "lines"),
    [
        ("iis_w3c", w3c("cs(Sec-GPC)", "1")),
        ("w3c", w3c("cs(Sec-GPC)", "1")),
        (
            "logfmt_app",
            (
                (
                    "time=2024-01-15T10:30:00Z ip=81.2.69.142 method=GET path=/a status=200 "
                    f'ua="{AGENT}" http_sec_gpc=1'
                ),
            ),
        ),
        ("ecs_json", (ECS % (AGENT, '"http.request.headers.sec-gpc":"1"'),)),
        ("ecs_json", (ECS % (AGENT, '"http":{"request":{"headers":{"Sec-GPC":["1"]}}}'),)),
        ("nginx_json", (NGINX % (AGENT, '"sec_gpc":"1"'),)),
        ("nginx_json", (NGINX % (AGENT, '"http_sec_gpc":" 1"'),)),
        ("nginx_json", (NGINX % (AGENT, '"sec_gpc":1'),)),
        (
            (
                r"regex:^(?P<ip>\S+) (?P<time>\S+) (?P<method>\S+) (?P<path>\S+) (?P<status>\d+)"
                r' (?P<sec_gpc>\S+) "(?P<user_agent>[^"]*)"'
            ),
            (f'81.2.69.142 2024-01-15T10:30:00Z GET /a 200 1 "{AGENT}"',),
        ),
    ],
)
def test_gpc_counts_wherever_the_format_puts_it(format_: str, lines: tuple[str, ...]) -> None:
    assert settled(format_, *lines).get("filtered.no_consent") == 1
    *head, line = lines
    assert settled(format_, *head, _with_zero(line)).get("events") == 1


def _with_zero(line: str) -> str:
    """The line whose last `1` on its own is a `0`."""
    return re.sub(r"(?<![\w.])1(?![\w./:-])(?!.*(?<![\w.])1(?![\w./:-]))", "0", line)


@pytest.mark.parametrize(
    ("header", "value", "counter"),
    [
        ("Sec-Purpose", "prefetch;prerender", "filtered.prefetch"),
        ("Purpose", "prefetch", "filtered.prefetch"),
        ("X-Moz", "prefetch", "filtered.prefetch"),
        ("Sec-Fetch-Dest", "image", "filtered.not_a_document"),
        ("X-Requested-With", "XMLHttpRequest", "filtered.script_request"),
    ],
)
def test_page_views_are_judged_by_headers_among_the_fields(
    header: str, value: str, counter: str
) -> None:
    name = header.lower().replace("-", "_")
    assert counter in settled("iis_w3c", *w3c(f"cs({header})", value))
    assert counter in settled("nginx_json", NGINX % (AGENT, f'"{name}":"{value}"'))
    assert counter in settled("nginx_json", NGINX % (AGENT, f'"http_{name}":"{value}"'))
    assert "events" in settled("nginx_json", NGINX % (AGENT, f'"{name}":"-"'))


def test_a_rule_finds_a_header_among_the_fields() -> None:
    read = reader("header.Sec-GPC", Surroundings(lambda _: {}))
    assert read is not None
    assert read(structs.replace(VISIT, fields={"cs(Sec-GPC)": "1"}), {}) == "1"
    assert read(structs.replace(VISIT, fields={"cs(Other)": "1"}), {}) is None


@pytest.mark.parametrize("key", ["sent_http_sec_gpc", "sec_gpc_count", "response_headers"])
def test_what_is_no_header_of_the_request_says_nothing(key: str) -> None:
    assert not refused(structs.replace(VISIT, fields={key: "1"}))


def test_lines_of_many_shapes_take_no_memory() -> None:
    headers = LoggedHeaders(["sec-gpc"])
    for number in range(3000):
        record = structs.replace(VISIT, fields={f"key_{number}": 1, "sec_gpc": "1"})
        assert headers.of(record) == {"sec-gpc": "1"}
    assert len(headers._in_fields) <= 512
