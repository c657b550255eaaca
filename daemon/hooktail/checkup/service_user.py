"""Who the daemon runs as: whose rights decide what it can read and write."""

from __future__ import annotations

import grp
import os
import pwd
from dataclasses import dataclass

from hooktail.errors import UsageError

NAME = "hooktail"
"""The user that the unit and the packages make."""


@dataclass(frozen=True, slots=True)
class ServiceUser:
    """A user with all its groups."""

    name: str
    uid: int
    gid: int
    groups: frozenset[int]

    @property
    def is_root(self) -> bool:
        """Tells whether no permission keeps it out."""
        return self.uid == 0

    @property
    def is_us(self) -> bool:
        """Tells whether this process runs as that user."""
        return self.uid == os.geteuid()

    @property
    def group_names(self) -> str:
        """Names its groups, for people."""
        return ", ".join(sorted(map(group_name, self.groups)))


def choose(wanted: str | None) -> ServiceUser:
    """Finds the user to look as: the one that is asked for, else for root `hooktail`, else us.

    Raises UsageError for an unknown user, and for another user than us unless we are root.
    """
    if wanted is None:
        return _by_default()
    try:
        user = _of(pwd.getpwuid(int(wanted)) if wanted.isdecimal() else pwd.getpwnam(wanted))
    except (KeyError, OverflowError) as error:
        raise UsageError(f"--user: there is no user {wanted!r} on this host") from error
    if not user.is_us and os.geteuid() != 0:
        raise UsageError(f"--user: only root can look as {user.name}; run the command with sudo")
    return user


def _by_default() -> ServiceUser:
    if os.geteuid() == 0:
        try:
            return _of(pwd.getpwnam(NAME))
        except KeyError:
            pass
    return current()


def current() -> ServiceUser:
    """Returns the user of this process, with the groups that it has now."""
    uid = os.geteuid()
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:  # as in a container that was given any number
        name = str(uid)
    return ServiceUser(name, uid, os.getegid(), frozenset((*os.getgroups(), os.getegid())))


def exists() -> bool:
    """Tells whether the host has the unit's user."""
    try:
        pwd.getpwnam(NAME)
    except KeyError:
        return False
    return True


def group_name(gid: int) -> str:
    """Names a group, by its number if it has no name."""
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def user_name(uid: int) -> str:
    """Names a user, by its number if it has no name."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _of(entry: pwd.struct_passwd) -> ServiceUser:
    if entry.pw_uid == os.geteuid():
        return current()
    groups = os.getgrouplist(entry.pw_name, entry.pw_gid)
    return ServiceUser(entry.pw_name, entry.pw_uid, entry.pw_gid, frozenset(groups))
