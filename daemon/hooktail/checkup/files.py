"""Which files a source has now, whether they can be read, and if there is none, why."""

from __future__ import annotations

import glob
import os
import re
import stat
from collections import Counter
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, TypeVar

from hooktail.checkup import access
from hooktail.checkup.finding import INPUT, PERMISSION, Finding, Level
from hooktail.paths import shown
from hooktail.tail.decompress import SUFFIXES
from hooktail.tail.discovery import scan
from hooktail.tail.pipe import STDIN, pipes_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hooktail.checkup.access import Obstacle
    from hooktail.checkup.service_user import ServiceUser
    from hooktail.config.sections import SourceSection

_T = TypeVar("_T")

MOST_TOLD = 5
"""Of findings of one kind; the others are counted."""
_ROTATED = re.compile(
    r".*[.-](?:\d{1,4}|\d{4}-?\d{2}-?\d{2}(?:[-_T.]?\d{2,6})?|old|bak|gz|bz2|xz|zst)"
).fullmatch
"""Names that rotation gives: access.log.1, access.log-20250314, access.log.2.gz."""
_NUMBERED = re.compile(r".*\.(?:\d{1,3}|old|bak|gz|bz2|xz|zst)").fullmatch
"""Those that no server writes to; one with a date may be live, as with Apache's rotatelogs."""


@dataclass(slots=True)
class Place:
    """The files of a source, the newest first."""

    readable: list[Path] = field(default_factory=list)
    directories: set[str] = field(default_factory=set)
    """Those that the daemon would watch."""
    findings: list[Finding] = field(default_factory=list)

    def add(
        self, source: str, name: str, level: Level, message: str, hint: str = "", code: int = 0
    ) -> None:
        """Notes a finding about the source."""
        self.findings.append(
            Finding(
                name=name,
                area="source",
                of=source,
                level=level,
                message=message,
                hint=hint,
                code=code,
            )
        )


def look(source: SourceSection, user: ServiceUser) -> Place:
    """Finds the files and opens each of them once; pipes are left alone."""
    place = Place()
    pipes = pipes_in(source.paths)
    for pipe in pipes:
        name = "standard input" if pipe == STDIN else f"the pipe {pipe}"
        message = f"{name} is a source; it was not looked into, for what is read of it is gone"
        place.add(source.name, "pipe", Level.OK, message)
    patterns = [path for path in source.paths if path not in pipes]
    found = scan(patterns, source.exclude)
    place.directories = found.directories
    newest = sorted(found.files, key=lambda each: -found.facts[each].modified_s)
    blocked = [(path, access.obstacle(str(path))) for path in found.unreadable]
    for file_id in newest:
        path = found.files[file_id]
        try:
            os.close(os.open(path, access.OPEN_FLAGS))
        except FileNotFoundError:
            continue  # rotated away since the scan
        except OSError as error:
            blocked.append((path, access.obstacle(str(path))))
            found.unreadable[path] = error.strerror or str(error)
        else:
            place.readable.append(path)
    _tell_blocked(place, source, user, blocked, found.unreadable)
    for directory, reason in [*found.passed_over.items()][:MOST_TOLD]:
        message = f"{user.name} cannot look into {shown(directory)}: {reason}; it is passed over"
        hint = "let the user in if logs are there; else name the directories instead of **"
        place.add(source.name, "directory_unreadable", Level.WARN, message, hint)
    if place.readable:
        _tell_readable(place, source, user)
    if not place.readable or len(patterns) > 1:
        empty = [each for each in patterns if not scan([each], source.exclude).files]
        for pattern in empty:
            if not any(_is_about(pattern, path) for path in found.unreadable):
                _tell_nothing(place, source, pattern, only=not found.files)
    return place


def _is_about(pattern: str, path: Path) -> bool:
    """Tells whether a refused path is the reason for which a pattern finds nothing."""
    return pattern == str(path) or pattern.startswith(f"{path}/")


def _tell_blocked(
    place: Place,
    source: SourceSection,
    user: ServiceUser,
    blocked: list[tuple[Path, Obstacle | None]],
    reasons: dict[Path, str],
) -> None:
    """Says each obstacle once, however many files stand behind it."""
    behind: Counter[str] = Counter()
    first: dict[str, tuple[Path, Obstacle | None]] = {}
    for path, obstacle in blocked:
        # Files of one directory that refuse alike are one obstacle, and have one remedy.
        if obstacle is not None and obstacle.is_directory:
            key = obstacle.place
        else:
            key = f"{path.parent}: {reasons[path]}, {_owner(obstacle)}"
        behind[key] += 1
        first.setdefault(key, (path, obstacle))
    for key, (path, obstacle) in [*first.items()][:MOST_TOLD]:
        others = behind[key] - 1
        more = f", and {others:,} more files like it" if others else ""
        told = f"{shown(path)}: {reasons[path]}" if obstacle is None else obstacle.told
        by_directory = obstacle is not None and obstacle.is_directory
        place.add(
            source.name,
            "directory_unreadable" if by_directory else "file_unreadable",
            Level.FAIL,
            f"{user.name} cannot read it: {told}{more}",
            "" if obstacle is None else access.mend(obstacle, user),
            PERMISSION,
        )
    if len(first) > MOST_TOLD:
        message = f"{len(first) - MOST_TOLD} more places cannot be read"
        place.add(source.name, "file_unreadable", Level.FAIL, message, "", PERMISSION)


def _owner(obstacle: Obstacle | None) -> tuple[int, int, int] | None:
    if obstacle is None or obstacle.status is None:
        return None
    status = obstacle.status
    return status.st_mode, status.st_uid, status.st_gid


def _tell_readable(place: Place, source: SourceSection, user: ServiceUser) -> None:
    count = len(place.readable)
    compressed = sum(path.name.endswith(SUFFIXES) for path in place.readable)
    what = "1 file" if count == 1 else f"{count:,} files"
    note = f", {compressed:,} of them compressed" if compressed else ""
    newest = shown(place.readable[0])
    message = f"{what}{note}, readable by {user.name}; the newest is {newest}"
    place.add(source.name, "files_readable", Level.OK, message)
    if all(_NUMBERED(path.name) for path in place.readable):
        place.add(
            source.name,
            "only_rotated_files",
            Level.WARN,
            "all files have names of rotated ones: the log that is written to is not among them",
            "have `paths` match the live log too, as with access.log*",
        )
    left = _rotated_beside(source, place.readable)
    if left:
        place.add(
            source.name,
            "rotated_not_matched",
            Level.WARN,
            f"rotated files beside the log are not matched: {', '.join(left[:3])}",
            "end the path in *, so that what is written just before a rotation is not missed "
            "while hooktail is stopped",
        )


def _rotated_beside(source: SourceSection, matched: list[Path]) -> list[str]:
    """Finds rotated files of logs that are named without a glob."""
    left: list[str] = []
    # With what `exclude` leaves out on purpose.
    covered = {path.name for path in scan(source.paths, ()).files.values()}
    for pattern in source.paths:
        name = os.path.basename(pattern)
        if glob.has_magic(pattern) or name not in {path.name for path in matched}:
            continue
        beside = glob.iglob(f"{glob.escape(pattern)}[.-]*")
        names = [os.path.basename(each) for each in _some(beside, 1000)]
        left += sorted(each for each in names if _ROTATED(each) and each not in covered)
    return left


def _tell_nothing(place: Place, source: SourceSection, pattern: str, *, only: bool) -> None:
    """Says why a pattern finds no file; `only` if no other one does either."""
    message, hint = why_nothing(pattern, source.exclude)
    if only:
        place.add(source.name, "no_files", Level.FAIL, message, hint, INPUT)
    else:
        place.add(source.name, "no_files", Level.WARN, message, hint)


def why_nothing(pattern: str, exclude: tuple[str, ...]) -> tuple[str, str]:
    """Says why a glob finds no file that can be read as a log, and what to do."""
    parent = _missing_directory(pattern)
    if parent is not None:
        above, name = os.path.split(parent)
        near = _near(above, name, directories=True)
        hint = f"did you mean {os.path.join(above, near)}?" if near else "correct `paths`"
        return f"{pattern}: the directory {parent} does not exist", hint
    if exclude and scan([pattern], ()).files:
        count = len(scan([pattern], ()).files)
        return f"{pattern}: all {count} files are left out by `exclude`", "correct `exclude`"
    others = [_kind(path) for path in _some(glob.iglob(pattern, recursive=True), 20)]
    if "a directory" in others:
        return f"{pattern}: matches directories, not files", "add /* for the files in them"
    if others:
        return f"{pattern}: matches {others[0]}, and no file", "name the log file itself"
    directory, name = os.path.split(pattern)
    if glob.has_magic(directory):
        return f"{pattern}: no file matches", "correct `paths`, or wait for the first line"
    rotated = [each for each in _some(glob.iglob(f"{pattern}[.-]*"), 100) if _ROTATED(each)]
    if rotated:
        hint = f"there is only {os.path.basename(min(rotated))}: end the path in * to read that too"
        return f"{pattern}: no file matches in {directory}, only rotated ones", hint
    near = _near(directory, re.sub(r"[*?\[\]]", "", name), directories=False)
    hint = f"did you mean {os.path.join(directory, near)}?" if near else "correct `paths`, or wait"
    return f"{pattern}: no file matches in {directory}", hint


def _missing_directory(pattern: str) -> str | None:
    """Returns the first directory on the way that is not there."""
    place = os.path.dirname(pattern)
    while glob.has_magic(place):
        place = os.path.dirname(place)
    missing = None
    while place not in ("/", "") and not os.path.isdir(place):
        missing, place = place, os.path.dirname(place)
    return missing


def _near(directory: str, name: str, *, directories: bool) -> str:
    try:
        with os.scandir(directory) as entries:
            names = [each.name for each in _some(entries, 2000) if each.is_dir() == directories]
    except OSError:
        return ""
    return next(iter(get_close_matches(name, names, 1, 0.75)), "")


def _some(items: Iterator[_T], most: int) -> list[_T]:
    return [item for item, _ in zip(items, range(most), strict=False)]


def _kind(path: str) -> str:
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return "a broken link"
    kinds = {stat.S_IFDIR: "a directory", stat.S_IFSOCK: "a socket", stat.S_IFIFO: "a pipe"}
    return kinds.get(stat.S_IFMT(mode), "a device")
