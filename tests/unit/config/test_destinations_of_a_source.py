"""`destination` of a source: one name, or a list of several."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hooktail import checked, config
from hooktail.config import show
from hooktail.errors import ConfigError

START = "".join(f'[destination.{name}]\naccount_id = "acct-1"\n' for name in ("default", "b"))


def write(tmp_path: Path, destination: str, paths: str = '["/a"]') -> Path:
    path = tmp_path / "hooktail.toml"
    path.write_text(f'{START}[[source]]\nname = "shop"\npaths = {paths}\n{destination}\n')
    return path


@pytest.mark.parametrize(
    ("line", "names", "shown"),
    [
        ("", ("default",), 'destination = "default"'),
        ('destination = "b"', ("b",), 'destination = "b"'),
        ('destination = ["b"]', ("b",), 'destination = "b"'),
        ('destination = ["b", "default"]', ("b", "default"), 'destination = ["b", "default"]'),
    ],
)
def test_one_or_several_are_named(
    tmp_path: Path, line: str, names: tuple[str, ...], shown: str
) -> None:
    result = config.load(write(tmp_path, line), environ={})

    assert result.sources[0].destinations == names
    assert shown in show.to_toml(show.describe(result))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('destination = ["b", 1]', "[1]: wrong type"),
        ("destination = []", "empty"),
        ('destination = ["b", "b"]', "names one twice"),
        ('destination = ["b", "x"]', "there is no [destination.x]"),
        ("destination = 1", "wrong type"),
    ],
)
def test_what_names_none_is_refused(tmp_path: Path, line: str, words: str) -> None:
    with pytest.raises(ConfigError) as error:
        config.load(write(tmp_path, line), environ={})

    (problem,) = error.value.problems
    assert problem.key.startswith("source[shop].destination")
    assert words in str(problem)


def test_what_can_be_read_once_feeds_one(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    both = 'destination = ["default", "b"]'
    for paths in ('["-"]', f'["{fifo}"]'):
        with pytest.raises(ConfigError, match="can be read once"):
            checked.load(write(tmp_path, both, paths), {})
        assert checked.load(write(tmp_path, "", paths), {})
