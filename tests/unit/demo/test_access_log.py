"""The demo's access log rotates as logrotate and a web server do it together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hooktail.demo.access_log import AccessLog
from hooktail.demo.traffic import LogLine
from hooktail.errors import CannotWriteError

if TYPE_CHECKING:
    from pathlib import Path


def lines(*texts: bytes) -> list[LogLine]:
    return [LogLine(text, "delivered") for text in texts]


def test_lines_go_into_the_renamed_file_until_it_is_reopened(tmp_path: Path) -> None:
    log = AccessLog(tmp_path / "access.log")
    log.write(lines(b"1"))

    log.rename()
    log.write(lines(b"2"))
    late = log.since_rename
    log.reopen()
    log.write(lines(b"3", b"4"))
    log.close()

    assert late == log.since_rename == 1
    assert (tmp_path / "access.log.1").read_bytes() == b"1\n2\n"
    assert (tmp_path / "access.log").read_bytes() == b"3\n4\n"
    assert log.count_lines() == 4


def test_older_files_move_on_by_one(tmp_path: Path) -> None:
    log = AccessLog(tmp_path / "access.log")
    for text in (b"oldest", b"older"):
        log.write(lines(text))
        log.rename()
        log.reopen()
    log.close()

    assert (tmp_path / "access.log.2").read_bytes() == b"oldest\n"
    assert (tmp_path / "access.log.1").read_bytes() == b"older\n"
    assert (tmp_path / "access.log").read_bytes() == b""


def test_a_directory_that_is_not_there_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(CannotWriteError, match="cannot open"):
        AccessLog(tmp_path / "missing" / "access.log")
