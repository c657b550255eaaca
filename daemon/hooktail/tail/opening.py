"""Opens a log file as what it is: plain and growing, or compressed and done."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from hooktail.tail.archive import ArchiveFile
from hooktail.tail.decompress import codec_of, may_become_compressed
from hooktail.tail.file import TailedFile

if TYPE_CHECKING:
    from pathlib import Path

LogFile: TypeAlias = "TailedFile | ArchiveFile"


def open_log(path: Path, *, max_line_bytes: int) -> LogFile | None:
    """Opens a file; None if it cannot be told yet what it is, as while it is being compressed.

    Raises OSError.
    """
    plain = TailedFile.open(path, max_line_bytes=max_line_bytes)
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
        archive = ArchiveFile.open(path, max_line_bytes=max_line_bytes)
    except ValueError:
        return None  # replaced between the two looks
    if archive.head_known:
        return archive
    archive.close()
    return None
