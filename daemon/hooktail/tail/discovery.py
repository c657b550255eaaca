"""Which files a source has now: globs expanded, stat asked, the rest left out."""

from __future__ import annotations

import glob
import os
import stat
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from hooktail.model import FileId

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@dataclass(slots=True)
class Scan:
    """One look at the globs: the files by identity, and the directories worth watching."""

    files: dict[FileId, Path] = field(default_factory=dict)
    directories: set[str] = field(default_factory=set)
    unreadable: dict[Path, str] = field(default_factory=dict)


def scan(paths: Sequence[str], exclude: Sequence[str]) -> Scan:
    """Expands `paths` (absolute globs, `**` too), without what `exclude` matches.

    Of several paths to one inode (hard links, symlinks) the first in sorted order counts.
    Directories are given as real paths, because inotify on a symlink to a directory is deaf.
    """
    found = Scan()
    for pattern in paths:
        found.directories.update(_directories(pattern))
        if (closed := _closed(pattern)) is not None:
            found.unreadable[Path(closed[0])] = closed[1]
            continue
        for text in sorted(glob.glob(pattern, recursive=True, include_hidden=True)):
            if any(fnmatchcase(text, each) for each in exclude):
                continue
            path = Path(text)
            try:
                status = os.stat(path)
            except FileNotFoundError:
                continue  # gone between glob and stat, or a dangling link
            except OSError as error:
                found.unreadable[path] = error.strerror or str(error)
                continue
            if stat.S_ISREG(status.st_mode):
                found.files.setdefault(FileId(status.st_dev, status.st_ino), path)
                if path.is_symlink():
                    found.directories.add(os.path.dirname(os.path.realpath(path)))
    return found


def _fixed_part(pattern: str) -> str:
    """The path up to the directory in which globbing begins."""
    place = os.path.dirname(pattern)
    while glob.has_magic(place):
        place = os.path.dirname(place)
    return place


def _closed(pattern: str) -> tuple[str, str] | None:
    """Says where and why it may not be looked: globbing would find nothing, in silence."""
    place = _fixed_part(pattern) if glob.has_magic(pattern) else pattern
    try:
        if place != pattern:
            os.scandir(place).close()
        os.stat(os.path.join(place, ".") if place != pattern else place)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        return place, error.strerror or str(error)
    return None


def _directories(pattern: str) -> Iterable[str]:
    """The existing directories in which files that match `pattern` can appear."""
    parent = os.path.dirname(pattern)
    matches = glob.glob(parent, recursive=True) if glob.has_magic(parent) else [parent]
    for directory in matches:
        if os.path.isdir(directory):
            yield os.path.realpath(directory)
    if glob.has_magic(parent) or not os.path.isdir(parent):
        # A directory that appears later is announced by the nearest one above it.
        above = parent
        while above not in ("/", "") and (glob.has_magic(above) or not os.path.isdir(above)):
            above = os.path.dirname(above)
        if above not in ("/", ""):
            yield os.path.realpath(above)
