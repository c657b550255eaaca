"""Both ends of a log, whatever its size."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import sys
from pathlib import Path

import pytest

from hooktail.checkup import sample
from hooktail.checkup.sample import END_BYTES, END_LINES, Sample

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


def take(path: Path, *, max_line_bytes: int = 1024, encoding: str | None = None) -> Sample:
    return sample.take(path, max_line_bytes=max_line_bytes, encoding=encoding)


def test_a_small_file_is_sampled_whole(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(b"1\n2\n3\n")

    assert take(log).head == [b"1", b"2", b"3"]
    assert take(log).tail == []


def test_a_line_that_is_still_being_written_is_left_out_unless_it_is_the_only_one(
    tmp_path: Path,
) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(b"1\n2\nhal")
    assert take(log).head == [b"1", b"2"]

    log.write_bytes(b"only")
    assert take(log).head == [b"only"]


def test_of_many_lines_the_first_and_the_last_are_taken(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    lines = [b"%06d " % number + b"x" * 93 for number in range(30_000)]
    log.write_bytes(b"\n".join(lines) + b"\n")
    assert log.stat().st_size > 2 * END_BYTES

    taken = take(log)

    assert taken.head == lines[:END_LINES]
    assert taken.tail == lines[-END_LINES:]


def test_ends_never_overlap(tmp_path: Path) -> None:
    """A file a little longer than one end: no line is in both."""
    log = tmp_path / "a.log"
    lines = [b"%06d " % number + b"x" * 3000 for number in range(200)]
    log.write_bytes(b"\n".join(lines) + b"\n")
    assert END_BYTES < log.stat().st_size < 2 * END_BYTES

    taken = take(log, max_line_bytes=4096)

    assert not {*taken.head} & {*taken.tail}
    assert taken.tail[-1] == lines[-1]


def test_a_huge_file_costs_no_more_than_its_ends(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    with log.open("wb") as file:
        file.write(b"first\n" * 1000)
        file.truncate(100 << 30)  # sparse
        file.seek(0, os.SEEK_END)
        file.write(b"\nlast\n" + b"more\n" * 300)

    taken = take(log)

    assert taken.head[0] == b"first"
    assert taken.tail == [b"more"] * END_LINES


@pytest.mark.parametrize(
    "compress",
    [gzip.compress, bz2.compress, lzma.compress, zstd.compress],
    ids=["gzip", "bz2", "lzma", "zstd"],
)
def test_compressed_logs_are_sampled_too(tmp_path: Path, compress) -> None:  # type: ignore[no-untyped-def]  # four libraries' functions
    log = tmp_path / "a.log.z"
    log.write_bytes(compress(b"".join(b"%d\n" % number for number in range(1000))))

    taken = take(log)

    assert taken.compressed
    assert taken.head[:2] == [b"0", b"1"]
    assert len(taken.head) == END_LINES
    assert not taken.damage


def test_a_damaged_archive_says_so(tmp_path: Path) -> None:
    log = tmp_path / "a.log.gz"
    log.write_bytes(gzip.compress(os.urandom(50_000).hex().encode())[:20_000])

    assert "ends in the middle" in take(log).damage


def test_lines_over_the_limit_are_counted(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(b"a\n" + b"x" * 5000 + b"\nb\n")

    taken = take(log)

    assert taken.head == [b"a", b"b"]
    assert taken.long_lines == 1


def test_utf_16_is_read_as_the_daemon_reads_it(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_bytes("caf\u00e9\nzwei\n".encode("utf-16"))

    assert take(log).head == ["caf\u00e9".encode(), b"zwei"]


def test_a_pipe_in_the_files_place_is_not_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "a.log"
    os.mkfifo(pipe)

    with pytest.raises(OSError, match="no regular file"):
        take(pipe)
