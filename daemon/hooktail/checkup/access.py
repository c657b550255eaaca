"""What keeps the user of this process from reading a path, and the command that mends it.

It tries: every directory on the way is entered, then the file is opened or the directory listed.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, NamedTuple

from hooktail.checkup.service_user import group_name, user_name

if TYPE_CHECKING:
    from hooktail.checkup.service_user import ServiceUser

OPEN_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
"""Never waits: what looks like a file may have become a FIFO."""


class Obstacle(NamedTuple):
    """The first place on the way that refuses."""

    place: str
    is_directory: bool
    lists: bool
    """The directory may be entered, but its names may not be read."""
    reason: str
    status: os.stat_result | None
    """Whose it is, where that can be seen."""

    @property
    def told(self) -> str:
        """Says what refuses, with owner and mode."""
        what = "the directory " if self.is_directory else ""
        verb = "be listed" if self.lists else "be entered" if self.is_directory else "be opened"
        told = f"{what}{self.place} may not {verb}: {self.reason}"
        if self.status is None:
            return told
        owner = f"{user_name(self.status.st_uid)}:{group_name(self.status.st_gid)}"
        return f"{told} (mode {stat.S_IMODE(self.status.st_mode):04o}, {owner})"


def obstacle(path: str) -> Obstacle | None:
    """Finds what refuses on the way to a file or directory; None if nothing does, or it is gone."""
    real = os.path.realpath(path)
    parents = [real]
    while parents[-1] != "/":
        parents.append(os.path.dirname(parents[-1]))
    for place in reversed(parents[1:]):
        try:
            os.stat(os.path.join(place, "."))
        except PermissionError as error:
            return _refused(place, error, is_directory=True)
        except OSError:
            return None
    try:
        if stat.S_ISDIR(os.stat(real).st_mode):
            return _directory(real)
        os.close(os.open(real, OPEN_FLAGS))
    except PermissionError as error:
        return _refused(real, error)
    except OSError:
        return None
    return None


def _directory(place: str) -> Obstacle | None:
    try:
        os.stat(os.path.join(place, "."))
    except PermissionError as error:
        return _refused(place, error, is_directory=True)
    try:
        os.scandir(place).close()
    except PermissionError as error:
        return _refused(place, error, is_directory=True, lists=True)
    return None


def _refused(
    place: str, error: OSError, *, is_directory: bool = False, lists: bool = False
) -> Obstacle:
    try:
        status = os.stat(place)
    except OSError:
        status = None
    return Obstacle(place, is_directory, lists, error.strerror or str(error), status)


def mend(found: Obstacle, user: ServiceUser) -> str:
    """Returns the command that lets the user through, in words for a person."""
    needed = "rx" if found.is_directory else "r"
    bits = {"r": stat.S_IRGRP, "rx": stat.S_IRGRP | stat.S_IXGRP}[needed]
    status = found.status
    if status is not None:
        if status.st_uid == user.uid:
            return f"run `chmod u+{needed} {found.place}`"
        by_group = status.st_mode & bits == bits
        if by_group and status.st_gid not in user.groups and status.st_gid != 0:
            group = group_name(status.st_gid)
            return f"run `usermod -aG {group} {user.name}`, then restart the service"
        if by_group and status.st_gid in user.groups:
            return "mode and group allow it: look at access control lists, AppArmor or SELinux"
    command = f"setfacl -m u:{user.name}:{needed} {found.place}"
    if found.is_directory:
        return f"run `{command}`"
    folder = os.path.dirname(found.place)
    default = f"setfacl -d -m u:{user.name}:r {folder}"
    return f"run `{command}`, and for the files to come `{default}`"
