"""Who does not want to be spoken of, and who has to say yes first."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hooktail.config.sections import ConsentCookie, PrivacySection, SourceSection
from hooktail.extract import build_extractor
from hooktail.extract.audience import Audience, check_audience
from hooktail.extract.once import OnceBook
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
    assert refused(replace(VISIT, headers={name: "1"}))
    assert not refused(replace(VISIT, headers={name: "1"}), gpc=False)
    assert not refused(replace(VISIT, headers={name: "0"}))


def test_dnt_counts_only_if_told() -> None:
    record = replace(VISIT, headers={"DNT": "1"})
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
    assert refused(replace(VISIT, cookies=cookies), require_consent=rule) is is_refused


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
