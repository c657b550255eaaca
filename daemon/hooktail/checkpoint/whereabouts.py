"""Where the file of an entry is now, and where its lines begin and end."""

from __future__ import annotations

import codecs
import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from hooktail.fingerprint import HEAD_BYTES, Head, compression_of

if TYPE_CHECKING:
    from hooktail.checkpoint.state import FileEntry

CHUNK_BYTES = 64 * 1024


class Found(NamedTuple):
    """A file that is the entry's, by inode and content."""

    path: Path
    size: int
    """Bytes on the disk, compressed if it is."""
    compressed: bool


def locate(entry: FileEntry) -> Found | None:
    """Finds the file at its path, or under another name in the same directory.

    None if it is gone, or may not be read, or the inode holds other content by now.
    """
    known = Path(entry.path)
    if (found := _if_same(known, entry)) is not None:
        return found
    try:
        with os.scandir(known.parent) as listing:
            others = [Path(each.path) for each in listing if each.inode() == entry.inode]
    except OSError:
        return None
    return next((found for path in others if (found := _if_same(path, entry)) is not None), None)


def _if_same(path: Path, entry: FileEntry) -> Found | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        status = os.fstat(descriptor)
        if (status.st_dev, status.st_ino) != (entry.device, entry.inode):
            return None
        raw = os.pread(descriptor, HEAD_BYTES, 0)
    except OSError:
        return None
    finally:
        os.close(descriptor)
    compressed = compression_of(raw) is not None
    # The head of a compressed file is that of its decompressed content: not to be had here.
    if not compressed and not Head(entry.head_length, entry.head_digest).matches(raw):
        return None
    return Found(path, status.st_size, compressed)


def line_start(path: Path, offset: int) -> int:
    """Returns the start of the line that the byte at `offset` belongs to. Raises OSError.

    A file that begins as UTF-16 does, with a mark or with ASCII, is taken for it.
    """
    with path.open("rb") as file:
        newline = _newline_of(file.read(2))
        width = len(newline)
        position = offset - offset % width
        while position > 0:
            start = max(position - CHUNK_BYTES, 0)
            file.seek(start)
            chunk = file.read(position - start)
            at = chunk.rfind(newline)
            while at > 0 and at % width:
                at = chunk.rfind(newline, 0, at + width - 1)
            if at >= 0:
                return start + at + width
            position = start
    return 0


def _newline_of(head: bytes) -> bytes:
    if head == codecs.BOM_UTF16_LE or (head[:1] != b"\0" and head[1:] == b"\0"):
        return b"\n\0"
    if head == codecs.BOM_UTF16_BE or (head[:1] == b"\0" and head[1:] not in (b"", b"\0")):
        return b"\0\n"
    return b"\n"
