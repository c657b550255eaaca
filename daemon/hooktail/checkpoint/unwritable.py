"""What to do where the state directory cannot be written, by what the kernel says. Pure."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from hooktail.errors import CannotWriteError, PermissionDeniedError

if TYPE_CHECKING:
    from hooktail.errors import HooktailError

_WAITS = "; reading and sending wait until then, and nothing is lost"
_HINTS = {
    errno.ENOSPC: "the disk is full: make room on it",
    errno.EDQUOT: "the service user's disk quota is used up: raise it, or make room",
    errno.EFBIG: "a limit on the size of files: raise LimitFSIZE in the unit",
    errno.EROFS: "the file system is read-only: mount it for writing; if it became so by itself, "
    "the kernel's log says why; if the unit made it so, name the directory in ReadWritePaths",
    errno.EACCES: "the service user must own the state directory, and SELinux or AppArmor allow it",
    errno.EIO: "the disk fails: look at the kernel's log, and save what is on it",
    errno.EMFILE: "the limit of open files is reached: raise LimitNOFILE in the unit, or narrow "
    "paths",
    errno.ENFILE: "the host's limit of open files is reached: raise fs.file-max",
    errno.ENOENT: "the state directory is gone: put it back, or make it anew for the service user "
    "(0700)",
    errno.ESTALE: "keep other programs out of the state directory; the whole checkpoint is written "
    "anew as soon as it can be",
}
_HINTS[errno.EPERM] = _HINTS[errno.EACCES]
_HINTS[errno.ENOTDIR] = _HINTS[errno.ENOENT]


FULL = (errno.ENOSPC, errno.EDQUOT)
"""What a disk says that cannot take more, but can be read: it heals once there is room."""


def refusal(directory: str, error: OSError) -> HooktailError:
    """Says in one line why nothing can begin there, and what to do."""
    if isinstance(error, PermissionError):
        return PermissionDeniedError(
            f"{directory}: {error.strerror}; the service user must own the state directory"
        )
    remedy = _HINTS.get(error.errno or 0, "")
    if error.errno in FULL:
        remedy += f" (`df -h {directory}` and `df -i {directory}` show it)"
    return CannotWriteError(
        f"{directory}: cannot write: {error.strerror or error}" + (f"; {remedy}" if remedy else "")
    )


def hint_for(error: OSError) -> str:
    """Says what an operator should do so that it can be written again."""
    known = _HINTS.get(error.errno or 0, "mend what the reason says")
    return known + _WAITS
