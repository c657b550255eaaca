"""`[source.privacy]`: read, refused, and shown as it was written."""

from __future__ import annotations

from pathlib import Path

import pytest

from hooktail import config
from hooktail.config.sections import ConsentCookie, PrivacySection
from hooktail.config.show import to_toml

START = '[destination.default]\naccount_id = "a"\n[[source]]\nname = "shop"\npaths = ["/a"]\n'


def loaded(tmp_path: Path, text: str) -> PrivacySection:
    path = tmp_path / "hooktail.toml"
    path.write_text(START + text)
    return config.load(path, environ={}).sources[0].privacy


def test_without_the_section_people_are_left_out(tmp_path: Path) -> None:
    assert loaded(tmp_path, "") == PrivacySection()
    assert PrivacySection().parameters == "remove"
    assert PrivacySection().allow_parameters is None
    assert (PrivacySection().fields, PrivacySection().gpc) == ("hash", True)
    assert (PrivacySection().dnt, PrivacySection().require_consent) == (False, None)


def test_everything_can_be_said_and_is_shown_again(tmp_path: Path) -> None:
    text = """[source.privacy]
parameters = "hash"
allow_parameters = []
remove_parameters = ["member"]
keep_parameters = ["state"]
fields = "drop"
gpc = false
dnt = true
require_consent = { cookie = "consent", matches = "regex:yes" }
"""
    section = loaded(tmp_path, text)
    assert section == PrivacySection(
        parameters="hash",
        allow_parameters=(),
        remove_parameters=("member",),
        keep_parameters=("state",),
        fields="drop",
        gpc=False,
        dnt=True,
        require_consent=ConsentCookie("consent", "regex:yes"),
    )

    first = config.load(tmp_path / "hooktail.toml", environ={})
    shown = to_toml(config.describe(first))
    path = tmp_path / "again.toml"
    path.write_text(shown.replace('account_id = "***"', 'account_id = "a"'))
    assert config.load(path, environ={}).sources == first.sources


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ('"consent"', "wrong type"),
        ("{}", "not a table with cookie"),
        ('{ matches = "yes" }', "not a table with cookie"),
        ('{ cookie = "consent", match = "yes" }', "not a table with cookie"),
        ('{ cookie = "a b" }', "cookie: not the name of a cookie"),
        ("{ cookie = 1 }", "cookie: wrong type"),
        ('{ cookie = "a", matches = "" }', "matches: empty"),
    ],
)
def test_a_wrong_consent_rule_is_named(tmp_path: Path, given: str, message: str) -> None:
    path = tmp_path / "hooktail.toml"
    path.write_text(f"{START}[source.privacy]\nrequire_consent = {given}\n")

    (problem,) = config.collect(path, environ={})[1]

    assert problem.key == "source[shop].privacy.require_consent"
    assert message in problem.message
