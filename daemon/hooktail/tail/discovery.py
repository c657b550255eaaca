"""Which files a source has now: globs expanded, stat asked, the rest left out."""

from __future__ import annotations

import errno
import fnmatch
import glob
import os
import re
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from hooktail.model import FileId
from hooktail.tail import mounts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence


class Facts(NamedTuple):
    """What stat says of a file that a scan found."""

    size: int
    modified_s: float
    real_path: str
    """The path by which the kernel tells of it: no symlinks on the way."""


@dataclass(slots=True)
class Scan:
    """One look at the globs: the files by identity, and the directories worth watching."""

    files: dict[FileId, Path] = field(default_factory=dict)
    facts: dict[FileId, Facts] = field(default_factory=dict)
    directories: set[str] = field(default_factory=set)
    unreadable: dict[Path, str] = field(default_factory=dict)
    passed_over: dict[Path, str] = field(default_factory=dict)
    """Directories below a `**` that may not be read: perhaps nothing for us is in them."""
    polled: dict[str, str] = field(default_factory=dict)
    """Those of the directories where inotify does not tell everything, with their file system."""


def scan(paths: Sequence[str], exclude: Sequence[str]) -> Scan:
    """Expands `paths` (absolute globs, `**` too), without what `exclude` matches, once.

    Raises OSError if there is no file descriptor left to look with.
    """
    return Finder(paths, exclude).scan()


class Finder:
    """Looks at the same globs again and again. `scan` may run on any thread, but not on two."""

    def __init__(
        self,
        paths: Sequence[str],
        exclude: Sequence[str],
        *,
        mount_table: Callable[[], mounts.MountTable] = mounts.read,
    ) -> None:
        self._patterns = paths
        self._excluded = _any_of(exclude)
        self._mount_table = mount_table
        self._paths: dict[str, Path] = {}  # as made for the last scan: most are the same again

    def scan(self) -> Scan:
        """Expands the globs. Raises OSError if there is no file descriptor left to look with.

        Of several paths to one inode (hard links, symlinks) the first in sorted order counts.
        Directories are given as real paths, because inotify on a symlink to a directory is deaf.
        """
        found = Scan()
        paths: dict[str, Path] = {}
        for pattern in self._patterns:
            if (closed := _closed(pattern)) is not None:
                found.unreadable[Path(closed[0])] = closed[1]
                found.directories.update(_watchable(os.path.dirname(pattern), ()))
                continue
            candidates: list[_Candidate] = []
            seen = []
            for directory, entries in _expand(pattern, found):
                seen.append(directory)
                place = directory.rstrip("/")
                real = os.path.realpath(directory).rstrip("/")
                for name, entry in entries:
                    text = f"{place}/{name}"
                    candidates.append((text, text if real == place else f"{real}/{name}", entry))
            found.directories.update(_watchable(os.path.dirname(pattern), seen))
            candidates.sort(key=_text)
            for text, real_path, entry in candidates:
                if self._excluded is None or self._excluded(text) is None:
                    path = paths[text] = self._paths.get(text) or Path(text)
                    _add(found, path, text, real_path, entry)
        self._paths = paths
        table = self._mount_table()
        for directory in found.directories:
            kind = table.file_system(directory)
            if mounts.why_deaf(kind):
                found.polled[directory] = kind
        return found


_Candidate = tuple[str, str, "os.DirEntry[str] | None"]
"""A path as the glob has it, the same with its directory resolved, and what readdir said."""


def _text(candidate: _Candidate) -> str:
    return candidate[0]


def _any_of(globs: Sequence[str]) -> Callable[[str], re.Match[str] | None] | None:
    if not globs:
        return None
    return re.compile("|".join(map(fnmatch.translate, globs))).match


def _add(
    found: Scan, path: Path, text: str, real_path: str, entry: os.DirEntry[str] | None
) -> None:
    try:
        link = entry.is_symlink() if entry is not None else path.is_symlink()
        if entry is None or link:
            status = os.stat(text)
        elif entry.is_dir(follow_symlinks=False):
            return
        else:
            status = entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return  # gone between glob and stat, or a dangling link
    except OSError as error:
        found.unreadable[path] = error.strerror or str(error)
        return
    if not stat.S_ISREG(status.st_mode):
        return
    file_id = FileId(status.st_dev, status.st_ino)
    if file_id in found.files:
        return
    if link:
        real_path = os.path.realpath(text)
        found.directories.add(os.path.dirname(real_path))
    found.files[file_id] = path
    found.facts[file_id] = Facts(status.st_size, status.st_mtime, real_path)


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
        _raise_if_exhausted(error)
        return place, error.strerror or str(error)
    return None


def _raise_if_exhausted(error: OSError) -> None:
    if error.errno in (errno.EMFILE, errno.ENFILE):
        raise error  # globbing would find nothing, and every file would seem to be gone


_Entries = list[tuple[str, "os.DirEntry[str] | None"]]


def _expand(pattern: str, found: Scan) -> Iterator[tuple[str, _Entries]]:
    """Yields each directory in which files can appear, with those in it that fit the glob.

    `**` does not follow symlinks to directories: they can form a circle.
    """
    parent, name = os.path.split(pattern)
    if "**" in pattern:
        place = _fixed_part(pattern)
        parts = pattern[len(place) :].strip("/").split("/")
        for directory, inside in _walk(place, found.passed_over):
            below = [part for part in directory[len(place) :].split("/") if part]
            yield directory, [each for each in inside if _fits([*below, each[0]], parts)]
        return
    fits = re.compile(fnmatch.translate(name)).match
    for directory in sorted(glob.glob(parent, include_hidden=True)):
        if not os.path.isdir(directory):
            continue
        if not glob.has_magic(name):
            yield directory, [(name, None)]
            continue
        try:
            with os.scandir(directory) as entries:
                yield directory, [(entry.name, entry) for entry in entries if fits(entry.name)]
        except FileNotFoundError:
            continue
        except OSError as error:
            _raise_if_exhausted(error)
            found.unreadable[Path(directory)] = error.strerror or str(error)
            yield directory, []


def _walk(place: str, passed_over: dict[Path, str]) -> Iterator[tuple[str, _Entries]]:
    """Yields every directory from `place` down that may be read, with what is in it."""
    left = [place]
    while left:
        directory = left.pop()
        try:
            with os.scandir(directory) as opened:
                entries = list(opened)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            _raise_if_exhausted(error)
            passed_over[Path(directory)] = error.strerror or str(error)
            continue
        left += [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
        yield directory, [(entry.name, entry) for entry in entries]


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


def _watchable(parent: str, directories: Iterable[str]) -> Iterator[str]:
    """The real directories whose changes can bring files, or other directories with files."""
    for directory in directories:
        real = os.path.realpath(directory)
        yield real
        if real != directory:
            yield from _places_of_links(directory)
    if glob.has_magic(parent) or not os.path.isdir(parent):
        # A directory that appears later is announced by the nearest one above it.
        above = os.path.dirname(parent)
        while above not in ("/", "") and (glob.has_magic(above) or not os.path.isdir(above)):
            if glob.has_magic(above) and "**" not in above:
                yield from map(os.path.realpath, filter(os.path.isdir, glob.glob(above)))
            above = os.path.dirname(above)
        if above not in ("/", ""):
            yield os.path.realpath(above)


def _places_of_links(path: str) -> Iterator[str]:
    """Where the symlinks on the way to `path` stand: there they are turned to another target."""
    while path not in ("/", ""):
        above = os.path.dirname(path)
        if os.path.islink(path):
            yield os.path.realpath(above)
        path = above
