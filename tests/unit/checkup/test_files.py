"""Which files a source has, and if it has none, why."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hooktail.checkup import files, service_user
from hooktail.checkup.files import Place
from hooktail.checkup.finding import Level
from hooktail.config.sections import SourceSection


def look(*paths: Path | str, exclude: tuple[str, ...] = ()) -> Place:
    source = SourceSection(name="shop", paths=tuple(map(str, paths)), exclude=exclude)
    return files.look(source, service_user.current())


def test_the_newest_file_comes_first(tmp_path: Path) -> None:
    for age, name in enumerate(("access.log", "access.log.1", "access.log.2.gz")):
        (tmp_path / name).write_text("x\n")
        os.utime(tmp_path / name, (1e9 - age, 1e9 - age))

    place = look(tmp_path / "access.log*")

    assert [path.name for path in place.readable] == [
        "access.log",
        "access.log.1",
        "access.log.2.gz",
    ]
    [found] = place.findings
    assert found.level is Level.OK
    assert found.message.startswith("3 files, 1 of them compressed")


@pytest.mark.parametrize(
    ("pattern", "message", "hint"),
    [
        ("ngnix/access.log", "the directory {}/ngnix does not exist", "did you mean {}/nginx?"),
        ("nginx/acess.log", "no file matches in {}/nginx", "did you mean {}/nginx/access.log?"),
        ("nginx/*.txt", "no file matches in {}/nginx", "correct `paths`, or wait"),
        ("apache", "matches directories", "add /*"),
        ("*", "matches directories", "add /*"),
        ("*/none.log", "no file matches", "correct `paths`"),
        ("gone/a/b.log", "the directory {}/gone does not exist", "correct `paths`"),
        ("nginx/old.log", "no file matches in {}/nginx", "there is only old.log.gz"),
    ],
)
def test_where_nothing_is_found_it_says_why(
    tmp_path: Path, pattern: str, message: str, hint: str
) -> None:
    for name in ("nginx/access.log", "nginx/old.log.gz", "apache/error.log"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x\n")

    [found] = look(tmp_path / pattern).findings

    assert (found.name, found.level, found.code) == ("no_files", Level.FAIL, 65)
    assert message.format(tmp_path) in found.message
    assert hint.format(tmp_path) in found.hint


def test_what_is_excluded_is_said_to_be(tmp_path: Path) -> None:
    (tmp_path / "access.log").write_text("x\n")

    [found] = look(tmp_path / "*.log", exclude=(f"{tmp_path}/acc*",)).findings

    assert "left out by `exclude`" in found.message


def test_one_glob_of_several_that_finds_nothing_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "access.log").write_text("x\n")

    place = look(tmp_path / "access.log*", tmp_path / "absent.log")

    assert len(place.readable) == 1
    assert [(each.name, each.level) for each in place.findings] == [
        ("files_readable", Level.OK),
        ("no_files", Level.WARN),
    ]


def test_rotated_files_that_the_path_leaves_out_are_a_warning(tmp_path: Path) -> None:
    for name in ("access.log", "access.log.1", "access.log-20250314.gz", "access.log.conf"):
        (tmp_path / name).write_text("x\n")

    found = look(tmp_path / "access.log").findings
    quiet = look(tmp_path / "access.log*").findings

    [warning] = [each for each in found if each.level is Level.WARN]
    assert warning.name == "rotated_not_matched"
    assert warning.message.endswith("access.log-20250314.gz, access.log.1")
    assert all(each.level is Level.OK for each in quiet)


def test_only_rotated_files_are_a_warning(tmp_path: Path) -> None:
    (tmp_path / "access.log.1").write_text("x\n")
    (tmp_path / "access.log.2.gz").write_text("x\n")

    found = look(tmp_path / "access.log.*").findings

    assert [each.name for each in found] == ["files_readable", "only_rotated_files"]


def test_a_log_with_a_date_in_its_name_may_be_live(tmp_path: Path) -> None:
    """Apache's rotatelogs writes to such names from the beginning."""
    (tmp_path / "access.2025-03-14").write_text("x\n")
    (tmp_path / "access.log-20250314").write_text("x\n")

    assert all(each.level is Level.OK for each in look(tmp_path / "access*").findings)


def test_excluded_rotated_files_are_left_out_on_purpose(tmp_path: Path) -> None:
    for name in ("access.log", "access.log.1.gz"):
        (tmp_path / name).write_text("x\n")

    found = look(tmp_path / "access.log", tmp_path / "*.gz", exclude=("*.gz",)).findings

    assert "rotated_not_matched" not in {each.name for each in found}


def test_a_pipe_is_left_alone(tmp_path: Path) -> None:
    """A FIFO that is opened for reading lets its writer go on, and loses what that writes."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    place = look(pipe)
    with pytest.raises(OSError, match="No such device"):  # nobody reads
        os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)

    assert [each.name for each in place.findings] == ["pipe"]
    assert [each.name for each in look("-").findings] == ["pipe"]
    assert place.readable == []


def test_ten_thousand_files_are_opened_and_counted(tmp_path: Path) -> None:
    for number in range(10_000):
        os.close(os.open(tmp_path / f"{number}.log", os.O_CREAT | os.O_WRONLY))

    place = look(tmp_path / "*.log")

    assert len(place.readable) == 10_000
    assert len(place.findings) == 1
