"""The files that a source has now, each content once: copies of the others are left out.

What makes a copy is what makes one for the daemon (`hooktail.copies`). The first line alone does
not: files of one server often begin with the same header.
"""

from __future__ import annotations

import os
from collections import defaultdict
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from hooktail.copies import may_be_copy
from hooktail.errors import InputError, PermissionDeniedError
from hooktail.extract.identity import generation_of
from hooktail.tail.archive import ArchiveFile
from hooktail.tail.discovery import scan
from hooktail.tail.opening import open_log

if TYPE_CHECKING:
    from hooktail.config import SourceSection
    from hooktail.tail.opening import LogFile


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
    copies = _copies(files, source.max_line_bytes)
    return Current([path for path in files if path not in copies], copies)


def _copies(files: list[str], max_line_bytes: int) -> dict[str, str]:
    """Finds copies: plain files hold what is compressed, longer ones what is shorter."""
    copies: dict[str, str] = {}
    kept: dict[bytes, list[LogFile]] = defaultdict(list)
    with ExitStack() as stack:
        opened = []
        for path in files:
            file = open_log(Path(path), max_line_bytes=max_line_bytes)
            if file is not None:  # else it is too short to tell what it is
                stack.callback(file.close)
                opened.append(file)
        for file in sorted(opened, key=lambda each: (isinstance(each, ArchiveFile), -each.size)):
            generation = generation_of(file.head_bytes())
            alike = kept[generation] if generation else []
            original = next((each for each in alike if _holds(each, file)), None)
            if original is None:
                alike.append(file)
            else:
                copies[str(file.path)] = str(original.path)
    return copies


def _holds(file: LogFile, other: LogFile) -> bool:
    """Whether a file has all that another has."""
    if isinstance(file, ArchiveFile) or isinstance(other, ArchiveFile):
        return may_be_copy(other, file)
    return other.size <= file.size and file.before_at(other.size) == other.before_at(other.size)
