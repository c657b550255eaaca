"""Opens a log file as what it is: plain and growing, or compressed and done."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from hooktail.tail.archive import ArchiveFile
from hooktail.tail.decompress import codec_of, may_become_compressed
from hooktail.tail.encoding import Encoding
from hooktail.tail.file import TailedFile

if TYPE_CHECKING:
    from pathlib import Path

LogFile: TypeAlias = "TailedFile | ArchiveFile"


def open_log(path: Path, *, max_line_bytes: int, encoding: str | None = None) -> LogFile | None:
    """Opens a file; None if it cannot be told yet what it is, as while it is being compressed.

    `encoding` is what the configuration declares, compressed or not.

    Raises:
        OSError: it cannot be opened or read.
        ValueError: `encoding` is none that can be read.
    """
    declared = Encoding.named(encoding)
    plain = TailedFile.open(path, max_line_bytes=max_line_bytes, encoding=declared)
    try:
        head = plain.head_bytes()
    except OSError:
        plain.close()
        raise
    if codec_of(head) is None and not may_become_compressed(path.name, head):
        return plain
    plain.close()
    if codec_of(head) is None:
        return None
    try:
        archive = ArchiveFile.open(path, max_line_bytes=max_line_bytes, encoding=declared)
    except ValueError:
        return None  # replaced between the two looks
    if archive.head_known:
        return archive
    archive.close()
    return None
