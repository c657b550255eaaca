"""Which files a source has now: globs expanded, stat asked, the rest left out."""

from __future__ import annotations

import errno
import fnmatch
import glob
import os
import stat
from dataclasses import dataclass, field
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

    Raises OSError if there is no file descriptor left to look with.

    Of several paths to one inode (hard links, symlinks) the first in sorted order counts.
    Directories are given as real paths, because inotify on a symlink to a directory is deaf.
    """
    found = Scan()
    for pattern in paths:
        found.directories.update(_directories(pattern))
        if (closed := _closed(pattern)) is not None:
            found.unreadable[Path(closed[0])] = closed[1]
            continue
        for text in sorted(_expand(pattern)):
            if any(fnmatch.fnmatchcase(text, each) for each in exclude):
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
        if error.errno in (errno.EMFILE, errno.ENFILE):
            raise  # globbing would find nothing, and every file would seem to be gone
        return place, error.strerror or str(error)
    return None


def _expand(pattern: str) -> list[str]:
    """Expands a glob. `**` does not follow symlinks to directories: they can form a circle."""
    if "**" not in pattern:
        return glob.glob(pattern, include_hidden=True)
    place = _fixed_part(pattern)
    parts = pattern[len(place) :].strip("/").split("/")
    found = []
    for directory, _, names in os.walk(place):
        below = [part for part in directory[len(place) :].split("/") if part]
        found += [os.path.join(directory, name) for name in names if _fits([*below, name], parts)]
    return found


def _fits(names: Sequence[str], parts: Sequence[str]) -> bool:
    """Tells whether a path, name by name, fits a glob in which `**` is any number of names."""
    if not parts:
        return not names
    if parts[0] != "**":
        return (
            bool(names) and fnmatch.fnmatchcase(names[0], parts[0]) and _fits(names[1:], parts[1:])
        )
    if len(parts) == 1:
        return bool(names)
    return any(_fits(names[skipped:], parts[1:]) for skipped in range(len(names)))


def _directories(pattern: str) -> Iterable[str]:
    """The existing directories in which files that match `pattern` can appear."""
    parent = os.path.dirname(pattern)
    if "**" in parent:
        matches = [directory for directory, _, _ in os.walk(_fixed_part(pattern))]
    else:
        matches = glob.glob(parent) if glob.has_magic(parent) else [parent]
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
