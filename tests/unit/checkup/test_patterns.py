"""Expressions that a line could make take for ever are named: file, key, and why."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.re2 import StandIn, with_re2, without_re2

from hooktail import checked
from hooktail.checkup import patterns
from hooktail.checkup.finding import Finding, Level
from hooktail.errors import ConfigError

DANGEROUS = "(a+)+x$"
COSTLY = "^/a/.*b.*c.*d$"


def look(directory: Path, more: str) -> list[Finding]:
    path = directory / "hooktail.toml"
    path.write_text(
        '[destination.default]\naccount_id = "acct-1"\n'
        f'[[source]]\nname = "shop"\npaths = ["/x"]\n{more}\n'
    )
    return list(patterns.look(checked.load(path, {})))


each_place = pytest.mark.parametrize(
    ("key", "more"),
    [
        (
            "event[0].when.path",
            f'[[source.event]]\nname = "e"\nwhen = {{ path = "regex:{DANGEROUS}" }}',
        ),
        (
            "event[0].when.any[0].query.q",
            f'[[source.event]]\nname = "e"\nwhen.any = [{{ query.q = "regex:{DANGEROUS}" }}]',
        ),
        ("bot_patterns_add[1]", f'bot_patterns_add = ["Own/1", "{DANGEROUS}"]'),
        ("multiline.start", f"[source.multiline]\nstart = '^{DANGEROUS}'"),
        (
            "privacy.require_consent.matches",
            f'privacy.require_consent = {{ cookie = "c", matches = "regex:{DANGEROUS}" }}',
        ),
        (
            "format",
            "format = 'regex:(?P<ip>\\S+) (?P<request>(?:[a-z]+)+) (?P<date>.*) (?P<x>.*)$'",
        ),
        (
            "format",
            "format = 'grok:%{IP:ip} (?:%{WORD:verb}+)+ %{GREEDYDATA:request} %{GREEDYDATA:x}$'",
        ),
    ],
)


@each_place
def test_where_google_re2_is_a_dangerous_expression_is_named_by_its_key(
    key: str, more: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_re2(monkeypatch)

    [found] = look(tmp_path, more)

    assert found.level is Level.WARN
    assert f"{tmp_path}/hooktail.toml: source[shop].{key}: " in found.message
    assert "take for ever" in found.message
    assert "google-re2 runs it in linear time" in found.message
    assert "keep google-re2 installed" in found.hint


@each_place
def test_without_google_re2_a_dangerous_expression_is_a_mistake_of_its_key(
    key: str, more: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_re2(monkeypatch)

    with pytest.raises(ConfigError) as caught:
        look(tmp_path, more)

    [problem] = caught.value.problems
    assert problem.key == f"source[shop].{key}"
    assert "a hostile line could take for ever" in problem.message
    assert "install google-re2" in problem.message
    assert problem.found


def test_what_google_re2_does_not_know_is_not_told_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: bytes, __: object) -> None:
        raise StandIn.error("invalid perl operator: (?=")

    with_re2(monkeypatch)
    monkeypatch.setattr(StandIn, "compile", staticmethod(refuse))  # no look-around, as the real one

    with pytest.raises(ConfigError) as caught:
        look(tmp_path, "format = 'regex:(?P<ip>\\S+) (?P<path>(a+)+(?=b))$'\n")

    [problem] = caught.value.problems
    assert "install" not in problem.message
    assert "leave out what google-re2 does not know" in problem.message


def test_without_google_re2_a_costly_one_says_up_to_what_length_it_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_re2(monkeypatch)

    [found] = look(tmp_path, f'[[source.event]]\nname = "e"\nwhen = {{ path = "regex:{COSTLY}" }}')

    assert found.level is Level.WARN
    assert "bytes do not match at all" in found.message
    assert "install google-re2" in found.hint


@pytest.mark.parametrize(
    "more",
    [
        "",
        'bot_patterns_add = ["Own/[0-9]+"]',
        '[[source.event]]\nname = "e"\nwhen = { path = "regex:^/p/(?P<id>[0-9]+)$" }',
        "format = 'nginx:$remote_addr [$time_local] \"$request\" $status'",
    ],
)
def test_a_linear_expression_is_not_worth_a_word(tmp_path: Path, more: str) -> None:
    assert look(tmp_path, more) == []
