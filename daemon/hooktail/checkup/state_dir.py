"""Whether the daemon could keep its books in the state directory. Nothing in there is touched.

Not even the lock: a daemon that starts at this moment must not find it taken.
"""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from hooktail import visitor_secret
from hooktail.checkpoint import recovery
from hooktail.checkpoint.store import read_files
from hooktail.checkup.finding import STATE_DIR, Finding, Level
from hooktail.checkup.service_user import user_name
from hooktail.errors import HooktailError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hooktail.checkup.service_user import ServiceUser
    from hooktail.config import Config

LITTLE_BYTES = 100 << 20
LEAST_BYTES = 1 << 20
LEAST_INODES = 100
_LOCKS = Path("/proc/locks")
_HELD = re.compile(
    r"^\d+: FLOCK +ADVISORY +WRITE (\d+) ([0-9a-f]+):([0-9a-f]+):(\d+) ", re.MULTILINE
)


def look(config: Config, user: ServiceUser) -> Iterator[Finding]:
    """Looks at the directory, its files, the room on its disk, and who holds its lock."""
    directory = config.state_dir
    try:
        status = os.stat(directory)
    except FileNotFoundError:
        yield _missing(directory, user)
        yield from _room(_nearest(directory))
        return
    except OSError as error:
        hint = f"let {user.name} enter the directories above it, or choose another state_dir"
        yield _failed("state_dir_unusable", f"{directory}: {error.strerror}", hint)
        return
    if not stat.S_ISDIR(status.st_mode):
        yield _failed("state_dir_unusable", f"{directory} is no directory", "choose another")
        return
    usable = [_writable(directory, status, user), *_files(directory, user)]
    yield from usable
    if stat.S_IMODE(status.st_mode) & 0o077:
        yield _finding(
            "state_dir_open",
            Level.WARN,
            f"{directory} is open to others (mode {stat.S_IMODE(status.st_mode):04o}), though its "
            "files are not",
            f"run `chmod 0700 {directory}`",
        )
    yield from _room(directory)
    holder = holder_of(directory / "lock")
    if holder is not None:
        message = f"a daemon runs on {directory} (process {holder}); that is fine"
        yield _finding("daemon_runs", Level.OK, message)
    if all(finding.level is Level.OK for finding in usable):
        # Else these would only say again that they may not be read.
        yield from _visitor_secret(config)
        yield from _checkpoint(config)


def _finding(name: str, level: Level, message: str, hint: str = "", code: int = 0) -> Finding:
    return Finding(name=name, area="state_dir", level=level, message=message, hint=hint, code=code)


def _failed(name: str, message: str, hint: str) -> Finding:
    return _finding(name, Level.FAIL, message, hint, STATE_DIR)


def _nearest(directory: Path) -> Path:
    place = directory
    while not place.exists() and place != place.parent:
        place = place.parent
    return place


def _missing(directory: Path, user: ServiceUser) -> Finding:
    place = _nearest(directory)
    if place.is_dir() and os.access(place, os.W_OK | os.X_OK):
        message = f"{directory} does not exist yet; {user.name} can make it in {place}"
        return _finding("state_dir_missing", Level.OK, message)
    return _failed(
        "state_dir_missing",
        f"{directory} does not exist, and {user.name} may not make it in {place}",
        f"run `install -d -m 0700 -o {user.name} {directory}` (the unit does by itself, with "
        "StateDirectory=)",
    )


def _writable(directory: Path, status: os.stat_result, user: ServiceUser) -> Finding:
    if os.access(directory, os.R_OK | os.W_OK | os.X_OK):
        message = f"{directory} can be written by {user.name}"
        return _finding("state_dir_writable", Level.OK, message)
    if os.statvfs(directory).f_flag & os.ST_RDONLY:
        hint = "the file system is read-only: mount it for writing, or choose another state_dir"
    else:
        hint = f"run `chown -R {user.name}: {directory}`"
    owner = user_name(status.st_uid)
    mode = f"mode {stat.S_IMODE(status.st_mode):04o}, of {owner}"
    message = f"{directory} cannot be written by {user.name} ({mode})"
    return _failed("state_dir_not_writable", message, hint)


def _files(directory: Path, user: ServiceUser) -> Iterator[Finding]:
    """Files that another user has made there, as a trial as root does."""
    try:
        with os.scandir(directory) as entries:
            found = [(each.name, each.is_dir(follow_symlinks=False)) for each in entries]
    except OSError:
        return
    foreign = [
        name
        for name, is_directory in sorted(found)
        if not os.access(directory / name, os.R_OK | os.W_OK | (os.X_OK if is_directory else 0))
    ]
    if foreign:
        named = ", ".join(foreign[:3]) + (", ..." if len(foreign) > 3 else "")
        message = f"{directory} holds what {user.name} may not read and write: {named}"
        hint = f"run `chown -R {user.name}: {directory}` while no daemon runs as another user"
        yield _failed("state_files_not_writable", message, hint)


def _room(directory: Path) -> Iterator[Finding]:
    """A full disk refuses a start only where there is no checkpoint to go on from."""
    try:
        disk = os.statvfs(directory)
    except OSError:
        return
    free_bytes = disk.f_bavail * disk.f_frsize
    if free_bytes < LEAST_BYTES or (disk.f_files and disk.f_favail < LEAST_INODES):
        then = (
            "the daemon would start, and wait with reading and sending until there is room"
            if _can_go_on(directory)
            else "there is no checkpoint to go on from, and the daemon would not start without "
            "room to make one"
        )
        message = f"the disk of {directory} is full: {then}"
        yield _failed("disk_full", message, f"make room on it (`df -h {directory}` shows it)")
    elif free_bytes < LITTLE_BYTES:
        message = f"the disk of {directory} has only {free_bytes >> 20} MiB left"
        yield _finding("disk_nearly_full", Level.WARN, message, "make room")
    else:
        message = f"{free_bytes / (1 << 30):.1f} GiB are free on its disk"
        yield _finding("disk_has_room", Level.OK, message)


def _can_go_on(directory: Path) -> bool:
    try:
        loaded = read_files(directory)
    except OSError:
        return False
    return loaded.from_snapshot and not loaded.lossy


def _visitor_secret(config: Config) -> Iterator[Finding]:
    try:
        # A credential is systemd's to hand over: whether we may read its file says nothing.
        visitor_secret.read(config.state_dir, {}, config.visitor_secret_file)
    except HooktailError as error:
        message = str(error).partition("\n")[0]
        yield _finding("visitor_secret", Level.FAIL, message, "", error.exit_code)


def _checkpoint(config: Config) -> Iterator[Finding]:
    try:
        loaded = read_files(config.state_dir)
    except OSError:
        return  # told by now
    if loaded.damages:
        refusal = recovery.refusal(config.state_dir, loaded)
        if recovery.refuses(loaded, config.on_checkpoint_error):
            message = f"the daemon would not start: {refusal}"
            yield _finding("checkpoint_damaged", Level.FAIL, message, "", refusal.exit_code)
        else:
            damages = "; ".join(map(str, loaded.damages[:3]))
            message = f"the checkpoint is damaged: {damages}"
            hint = f'the daemon would start: on_checkpoint_error is "{config.on_checkpoint_error}"'
            yield _finding("checkpoint_damaged", Level.WARN, message, hint)
    elif loaded.state is not None and loaded.state.files:
        files = len(loaded.state.files)
        what = "1 file" if files == 1 else f"{files:,} files"
        yield _finding("checkpoint_read", Level.OK, f"the checkpoint knows {what}")


def holder_of(lock: Path, table: Path = _LOCKS) -> int | None:
    """Returns the process that holds the lock, without trying to take it; None if there is none."""
    try:
        status, held = os.stat(lock), table.read_text()
    except OSError:
        return None
    for process, major, minor, inode in _HELD.findall(held):
        device = os.makedev(int(major, 16), int(minor, 16))
        # Some file systems have another device number in there: then the inode must do.
        if int(inode) == status.st_ino and (device == status.st_dev or not int(major, 16)):
            return int(process)
    return None
