"""The files that a source has now, each content once: copies of the others are left out.

What makes a copy is what makes one for the daemon (`hooktail.copies`). The first line alone does
not: files of one server often begin with the same header.
"""

from __future__ import annotations

import os
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from hooktail.cli import logfiles
from hooktail.errors import InputError, PermissionDeniedError
from hooktail.extract.identity import generation_of
from hooktail.fingerprint import BEFORE_BYTES, HEAD_BYTES, begin_alike, compression_of
from hooktail.tail.discovery import scan

if TYPE_CHECKING:
    from hooktail.config import SourceSection


class Current(NamedTuple):
    """The files of a source as they are now, the oldest first."""

    files: list[str]
    left_out: dict[str, str]
    """Copies, each with the file whose content it has."""


def current_files(source: SourceSection) -> Current:
    """Finds the files of a source, and which of them hold what others do.

    Raises InputError if there is none, PermissionDeniedError if a place may not be looked at.
    """
    found = scan(source.paths, source.exclude)
    for path, reason in found.unreadable.items():
        raise PermissionDeniedError(f"{path}: {reason}")
    files = sorted(
        map(str, found.files.values()), key=lambda path: (os.stat(path).st_mtime_ns, path)
    )
    if not files:
        raise InputError(f"source {source.name}: no file is at {', '.join(source.paths)}")
    copies = _copies(files)
    return Current([path for path in files if path not in copies], copies)


class _Looked(NamedTuple):
    path: str
    size: int
    """As it is on the disk."""
    head: bytes
    """The first bytes, decompressed."""
    is_archive: bool

    def holds(self, other: _Looked) -> bool:
        """Whether this file has all that another has."""
        if self.is_archive or other.is_archive:
            return begin_alike(other.head, self.head, original_grows=not self.is_archive)
        return other.size <= self.size and _before(self.path, other.size) == _before(
            other.path, other.size
        )


def _copies(files: list[str]) -> dict[str, str]:
    """Finds copies: plain files hold what is compressed, longer ones what is shorter."""
    copies: dict[str, str] = {}
    kept: dict[bytes, list[_Looked]] = defaultdict(list)
    for looked in sorted(map(_look, files), key=lambda each: (each.is_archive, -each.size)):
        generation = generation_of(looked.head)
        alike = kept[generation] if generation else []
        original = next((each for each in alike if each.holds(looked)), None)
        if original is None:
            alike.append(looked)
        else:
            copies[looked.path] = original.path
    return copies


def _look(path: str) -> _Looked:
    with logfiles.opened(path) as stream, open(path, "rb") as raw:
        head = b""
        while len(head) < HEAD_BYTES and (more := stream.read1(HEAD_BYTES - len(head))):
            head += more
        is_archive = compression_of(raw.read(6)) is not None
        return _Looked(path, os.fstat(raw.fileno()).st_size, head, is_archive)


def _before(path: str, offset: int) -> bytes:
    with logfiles.opened(path), open(path, "rb") as raw:
        raw.seek(max(0, offset - BEFORE_BYTES))
        return raw.read(min(offset, BEFORE_BYTES))
