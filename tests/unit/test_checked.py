"""A configuration with all of it checked: each mistake once, all of them at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hooktail import checked
from hooktail.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from hooktail.errors import Problem

HEAD = """
[destination.default]
account_id = "acct-1"
[[source]]
name = "shop"
paths = ["/x"]
"""


def problems(directory: Path, lines: str) -> Sequence[Problem]:
    path = directory / "hooktail.toml"
    path.write_text(HEAD + lines)
    with pytest.raises(ConfigError) as caught:
        checked.load(path, {})
    return caught.value.problems


def test_every_wrong_option_of_a_format_is_told_at_once_and_once(tmp_path: Path) -> None:
    lines = 'timezone = "Nowhere"\nencoding = "klingon"\ndate_format = "%Y"\n'

    found = problems(tmp_path, lines)

    assert sorted(each.key for each in found) == [
        "source[shop].date_format",
        "source[shop].encoding",
        "source[shop].timezone",
    ]
    assert all(str(each).count("found ") == 1 for each in found)


@pytest.mark.parametrize(
    ("lines", "key", "found"),
    [
        ("format = 'nginx:$remote_addr $'", "format", "'nginx:$remote_addr $'"),
        ("format = 'cri+apache:%h %q'", "format", "'cri+apache:%h %q'"),
        ("format = 'nginx'\nlog_format = '$remote_addr $'", "log_format", "'$remote_addr $'"),
        ("format = 'nginx'", "log_format", ""),
        ("[source.multiline]\nstart = '('", "multiline.start", "'('"),
    ],
)
def test_a_wrong_definition_is_named_by_the_key_that_holds_it(
    lines: str, key: str, found: str, tmp_path: Path
) -> None:
    [problem] = problems(tmp_path, lines)

    assert (problem.key, problem.found) == (f"source[shop].{key}", found)


def test_a_wrong_definition_does_not_hide_a_wrong_option(tmp_path: Path) -> None:
    found = problems(tmp_path, "format = 'nginx:$remote_addr $'\ntimezone = 'Nowhere'")

    assert {each.key for each in found} == {"source[shop].format", "source[shop].timezone"}


def test_a_once_per_that_names_no_field_is_told_once(tmp_path: Path) -> None:
    rule = '[[source.event]]\nname = "e"\nwhen = { path = "/x" }\nonce_per = "order"\n'

    [problem] = problems(tmp_path, f"{rule}[source.event.fields]\nplan = 'pro'\n")

    assert problem.key == "source[shop].event[0].once_per"


def test_an_unknown_format_hides_no_wrong_option(tmp_path: Path) -> None:
    lines = 'format = "combnied"\ntimezone = "Nowhere"\nencoding = "klingon"\n'

    found = problems(tmp_path, lines)

    assert sorted(each.key for each in found) == [
        "source[shop].encoding",
        "source[shop].format",
        "source[shop].timezone",
    ]


def test_of_two_sources_with_one_name_each_has_its_own_problems(tmp_path: Path) -> None:
    second = '[[source]]\nname = "shop"\npaths = ["/y"]\nformat = "nonsense2"\n'

    found = problems(tmp_path, f'format = "nonsense1"\n{second}')

    assert sorted(each.key for each in found) == [
        "source[1].format", "source[1].name", "source[shop].format"
    ]  # fmt: skip
