"""Holes are passed over, and nothing that is told of a file depends on it."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hooktail.model import Lines
from hooktail.tail import holes
from hooktail.tail.encoding import Encoding
from hooktail.tail.file import Growth, TailedFile
from hooktail.tail.framing import LongLine
from hooktail.tail.holes import last_data, next_data

TERABYTE = 1 << 40
MAX_LINE_BYTES = 1000
PIECES = st.lists(
    st.one_of(
        st.sampled_from([b"line\n", b"x" * 1500, b"no newline", b"\0" * 700, b"\n"]),
        st.integers(1, 40).map(lambda blocks: blocks * 4096),
        st.integers(1, 9000),
    ),
    max_size=8,
)


def write(path: Path, pieces: list[bytes | int], encoding: str, *, sparse: bool) -> None:
    with path.open("wb") as file:
        for piece in pieces:
            if isinstance(piece, bytes):
                file.write(piece.decode().encode(encoding))
            elif sparse:
                file.seek(piece * 2, os.SEEK_CUR)
            else:
                file.write(bytes(piece * 2))
        file.truncate()


def told(path: Path, encoding: str) -> list[object]:
    """All that is said of a file, and where its last line begins, from anywhere."""
    file = TailedFile.open(path, max_line_bytes=MAX_LINE_BYTES, encoding=Encoding.named(encoding))
    taken: list[object] = []
    while file.look() is Growth.GROWN:
        match file.read():
            case Lines() as lines:
                taken += zip(lines.starts, lines.texts, strict=True)
            case LongLine() as line:
                taken.append(line)
            case other:
                assert other is None
                taken += [] if file.skipping else ["partial"]
    size = file.size
    taken += [file.offset, file.before, file.line_start(size), file.line_start(size // 2)]
    file.close()
    return taken


@settings(deadline=None)
@given(pieces=PIECES, encoding=st.sampled_from(["utf-8", "utf-16-le", "utf-16-be"]))
def test_a_file_with_holes_is_told_of_as_one_that_is_written_out(
    pieces: list[bytes | int], encoding: str
) -> None:
    with TemporaryDirectory() as directory, mock.patch("hooktail.tail.file.READ_BYTES", 4096):
        sparse, dense = Path(directory, "sparse"), Path(directory, "dense")
        write(sparse, pieces, encoding, sparse=True)
        write(dense, pieces, encoding, sparse=False)

        as_usual = told(dense, encoding)

        assert told(sparse, encoding) == as_usual
        with mock.patch.object(os, "lseek", side_effect=OSError(errno.EINVAL, "Invalid argument")):
            assert told(sparse, encoding) == as_usual


def test_a_hole_of_a_terabyte_is_passed_over_in_a_few_turns(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"first\n")
    os.truncate(log, TERABYTE)
    file = TailedFile.open(log, max_line_bytes=MAX_LINE_BYTES)

    taken = [file.read() for _ in range(4)]
    assert isinstance(taken[0], Lines)
    assert taken[0].texts == [b"first"]
    assert taken[1:] == [None] * 3
    assert file.look() is Growth.QUIET

    with log.open("ab") as writer:
        writer.write(b"second\nthird\n")
    assert file.look() is Growth.GROWN
    lines = file.read()
    assert isinstance(lines, Lines)
    assert lines.texts == [b"second"]
    assert file.offset == TERABYTE + 7
    file.close()


def test_the_last_line_before_a_hole_of_a_terabyte_is_found(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"first\nsecond")
    os.truncate(log, TERABYTE)
    file = TailedFile.open(log, max_line_bytes=MAX_LINE_BYTES)

    assert file.line_start(TERABYTE) == 6
    file.close()


def test_a_file_in_very_many_pieces_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holes, "MOST_EXTENTS", 2)
    path = tmp_path / "log"
    with path.open("wb") as writer:
        for at in range(4):
            writer.seek(at << 20)
            writer.write(b"x")
        writer.truncate(8 << 20)
    with path.open("rb") as file:
        assert last_data(file.fileno(), 8 << 20) == 8 << 20
        monkeypatch.setattr(holes, "MOST_EXTENTS", 5)
        assert 3 << 20 < last_data(file.fileno(), 8 << 20) <= (3 << 20) + 65536
        assert next_data(file.fileno(), (3 << 20) + 65536, 8 << 20) == 8 << 20
