"""What the kernel is told of a file that is read far behind its end."""

import ctypes
import gzip
import mmap
import os
import random
from pathlib import Path
from unittest.mock import patch

import pytest

from hooktail.model import Lines
from hooktail.tail.archive import ArchiveFile
from hooktail.tail.file import Growth, TailedFile
from hooktail.tail.pagecache import BACKLOG_BYTES, DROP_BYTES, PageCache

MIB = 1024 * 1024
PAGE = mmap.PAGESIZE
LINE = b"x" * 126 + b"\r\n"


class Advice:
    """Stands for `os.posix_fadvise`, and keeps what it was told."""

    def __init__(self) -> None:
        self.said: list[int] = []
        self.dropped: list[tuple[int, int]] = []

    def __call__(self, descriptor: int, offset: int, length: int, advice: int) -> None:
        if advice == os.POSIX_FADV_DONTNEED:
            self.dropped.append((offset, offset + length))
        else:
            assert (offset, length) == (0, 0)
            self.said.append(advice)


@pytest.fixture
def advice(monkeypatch: pytest.MonkeyPatch) -> Advice:
    heard = Advice()
    monkeypatch.setattr(os, "posix_fadvise", heard)
    return heard


def log_of(path: Path, size: int) -> Path:
    path.write_bytes(LINE * (size // len(LINE)))
    return path


def read_all(file: TailedFile | ArchiveFile) -> int:
    """Reads what is there; returns the number of lines."""
    lines = 0
    while file.look() is Growth.GROWN:
        taken = file.read()
        lines += len(taken) if isinstance(taken, Lines) else 0
    return lines


def test_a_live_tail_is_left_to_the_kernel(tmp_path: Path, advice: Advice) -> None:
    file = TailedFile.open(log_of(tmp_path / "access.log", BACKLOG_BYTES), max_line_bytes=1000)

    for _ in range(5):
        read_all(file)
        with file.path.open("ab") as out:
            out.write(LINE * (MIB // len(LINE)))

    assert not advice.said
    assert not advice.dropped
    file.close()


def test_what_is_handed_over_of_a_backlog_is_dropped_but_not_the_live_tail(
    tmp_path: Path, advice: Advice
) -> None:
    size = BACKLOG_BYTES + 5 * MIB
    file = TailedFile.open(log_of(tmp_path / "access.log", size), max_line_bytes=1000)

    handed_over = 0
    while file.look() is Growth.GROWN:
        file.read()
        assert max((end for _, end in advice.dropped), default=0) <= handed_over
        handed_over = file.offset

    assert advice.said == [os.POSIX_FADV_SEQUENTIAL, os.POSIX_FADV_NORMAL]
    position = 0
    for start, end in advice.dropped:
        assert start <= position, "no gap"
        assert start % PAGE == end % PAGE == 0
        position = end
    assert size - BACKLOG_BYTES - DROP_BYTES < position <= size - BACKLOG_BYTES
    file.close()


def test_a_backlog_begins_where_reading_goes_on(tmp_path: Path, advice: Advice) -> None:
    size = BACKLOG_BYTES + 8 * MIB
    file = TailedFile.open(log_of(tmp_path / "access.log", size), max_line_bytes=1000)

    file.rewind(4 * MIB)
    read_all(file)

    assert advice.dropped[0][0] == 4 * MIB
    file.close()


def test_after_an_outage_it_begins_anew(advice: Advice) -> None:
    cache = PageCache(0)
    for offset in range(0, 2 * BACKLOG_BYTES + 1, MIB):
        cache.read_from(offset, 2 * BACKLOG_BYTES)
    cache.read_from(2 * BACKLOG_BYTES, 4 * BACKLOG_BYTES)
    cache.read_from(2 * BACKLOG_BYTES + 2 * MIB, 4 * BACKLOG_BYTES)

    assert advice.said == [
        os.POSIX_FADV_SEQUENTIAL,
        os.POSIX_FADV_NORMAL,
        os.POSIX_FADV_SEQUENTIAL,
    ]
    assert advice.dropped[-1][0] == 2 * BACKLOG_BYTES
    assert cache.catching_up


def test_a_file_that_is_read_again_is_dropped_again(advice: Advice) -> None:
    cache = PageCache(0)
    cache.read_from(0, 100 * MIB)
    cache.read_from(50 * MIB, 100 * MIB)
    cache.read_from(10 * MIB, 100 * MIB)
    cache.read_from(12 * MIB, 100 * MIB)

    assert advice.dropped[-1] == (10 * MIB, 12 * MIB - PAGE)


def test_of_an_archive_the_compressed_bytes_are_dropped(tmp_path: Path, advice: Advice) -> None:
    noise = random.Random(1).randbytes(BACKLOG_BYTES + 4 * MIB).replace(b"\n", b"-")
    path = tmp_path / "access.log.gz"
    path.write_bytes(gzip.compress(noise + b"\n" + LINE * 3, compresslevel=1))
    file = ArchiveFile.open(path, max_line_bytes=1000)

    assert read_all(file) == 3

    assert advice.said == [os.POSIX_FADV_SEQUENTIAL, os.POSIX_FADV_NORMAL]
    assert max(end for _, end in advice.dropped) > 3 * MIB
    assert max(end for _, end in advice.dropped) <= path.stat().st_size - BACKLOG_BYTES
    file.close()


@pytest.mark.parametrize("there", [True, False])
def test_advice_that_cannot_be_given_is_done_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: bool
) -> None:
    if there:
        refused = OSError(22, "Invalid argument")
        monkeypatch.setattr(os, "posix_fadvise", lambda *_: (_ for _ in ()).throw(refused))
    else:
        monkeypatch.delattr(os, "posix_fadvise")
    size = BACKLOG_BYTES + 3 * MIB
    file = TailedFile.open(log_of(tmp_path / "access.log", size), max_line_bytes=1000)

    assert read_all(file) == size // len(LINE)
    file.close()


def cached_share(path: Path, end: int) -> float:
    """The share of a file's first `end` bytes that is in the page cache."""
    libc = ctypes.CDLL(None, use_errno=True)
    with path.open("rb") as opened:
        mapped = mmap.mmap(
            opened.fileno(), end, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ | mmap.PROT_WRITE
        )
    view = ctypes.c_char.from_buffer(mapped)
    pages = (ctypes.c_ubyte * (end // PAGE))()
    failed = libc.mincore(ctypes.byref(view), ctypes.c_size_t(end), pages)
    error = ctypes.get_errno()
    del view
    mapped.close()
    if failed:
        raise OSError(error, "mincore")
    return sum(page & 1 for page in pages) / len(pages)


def test_a_backlog_that_was_read_is_not_in_the_page_cache(tmp_path: Path) -> None:
    """Seen with mincore, where the file system has a page cache that follows advice."""
    size = BACKLOG_BYTES + 12 * MIB
    log = log_of(tmp_path / "access.log", size)
    end = size - BACKLOG_BYTES - DROP_BYTES
    with log.open("rb") as opened:
        os.fsync(opened.fileno())
        os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    if cached_share(log, end) > 0.05:
        pytest.skip("this file system keeps everything in memory")

    file = TailedFile.open(log, max_line_bytes=1000)
    with patch.object(PageCache, "read_from"):
        read_all(file)
    kept = cached_share(log, end)
    file.rewind(0)
    read_all(file)
    file.close()

    assert kept > 0.9
    assert cached_share(log, end) < 0.1
