"""Formats from a file of the user's: only from where nobody else can write."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hooktail.extract import registry
from hooktail.extract.plugin_file import ParserFileError, formats_of

PARSER = """
from hooktail_parsers import Format, LineParser, ParseError, Record


class Ours(LineParser):
    def parse(self, line):
        ip, separator, path = line.decode("utf-8", "replace").partition(" ")
        if not separator:
            raise ParseError("syntax")
        return Record(ip=ip, method="GET", path=path)


FORMAT = Format("ours", "ours", ("ip", "method", "path"), lambda options: Ours())
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A directory that only its owner can write to, all the way up as far as tests may say."""
    tmp_path.chmod(0o700)
    file = tmp_path / "ours.py"
    file.write_text(PARSER)
    file.chmod(0o644)
    return file


def test_the_format_is_found_and_may_be_wrapped(place: Path) -> None:
    known = registry.find("ours", place)

    (record,) = known.make({}).parse_batch([b"81.2.69.142 /a"])
    assert getattr(record, "path", None) == "/a"
    assert registry.find("combined", place).name == "ncsa_combined"


@pytest.mark.parametrize("mode", [0o664, 0o646, 0o666])
def test_a_file_that_others_may_write_is_refused(place: Path, mode: int) -> None:
    place.chmod(mode)

    with pytest.raises(ParserFileError, match=r"others may write to .*ours\.py; run `chmod go-w"):
        formats_of(place)


def test_a_directory_that_others_may_write_is_refused(place: Path) -> None:
    place.parent.chmod(0o777)

    with pytest.raises(ParserFileError, match="others may write to"):
        formats_of(place)


@pytest.mark.skipif(os.geteuid() != 0, reason="giving a file away needs root")
def test_a_file_of_another_user_is_refused(place: Path) -> None:
    os.chown(place, 12_345, -1)

    with pytest.raises(ParserFileError, match="belongs to user 12345"):
        formats_of(place)


def test_a_link_is_judged_by_where_it_leads(place: Path, tmp_path: Path) -> None:
    loose = tmp_path / "loose"
    loose.mkdir(mode=0o700)
    loose.chmod(0o777)
    (loose / "ours.py").write_text(PARSER)
    link = tmp_path / "link.py"
    link.symlink_to(loose / "ours.py")

    with pytest.raises(ParserFileError, match="others may write to"):
        formats_of(link)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("\n1/0", r"ZeroDivisionError: division by zero \(ours\.py, line 2\)$"),
        ("\ndef", r"SyntaxError: .*\(ours\.py, line 2\)$"),
        ("x = 1", "defines no hooktail_parsers.Format"),
        ("import nowhere_to_be_found", r"ModuleNotFoundError: .*\(ours\.py, line 1\)$"),
        ("import json\njson.loads('{')", r"JSONDecodeError: .*\(ours\.py, line 2\)$"),
        ("raise SystemExit('no')", r"SystemExit: no \(ours\.py, line 1\)$"),
    ],
)
def test_a_file_that_does_not_work_says_why(place: Path, text: str, told: str) -> None:
    place.write_text(text)

    with pytest.raises(ParserFileError, match=told):
        formats_of(place)


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(ParserFileError, match="No such file"):
        formats_of(tmp_path / "none.py")


def test_nothing_is_left_beside_the_file(place: Path) -> None:
    formats_of(place)

    assert [each.name for each in place.parent.iterdir()] == ["ours.py"]
