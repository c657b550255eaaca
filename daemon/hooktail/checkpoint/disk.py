"""The few things the store asks of a file system: the seam at which a test cuts the power.

What each promises after a power cut is POSIX, no more: `sync` keeps a file's bytes and says
nothing of its name, `sync_directory` keeps names and says nothing of bytes.
"""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path

_KEEP_SIZE = 1
"""FALLOC_FL_KEEP_SIZE of <linux/falloc.h>."""
_NOT_HERE = (errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL, errno.ENODEV)


class Disk(Protocol):
    """Files in one directory. Every method may raise OSError."""

    def names(self, directory: Path) -> list[str]:
        """Lists the directory."""

    def read(self, path: Path) -> bytes:
        """Returns all of a file."""

    def create(self, path: Path) -> int:
        """Opens an empty file for appending."""

    def reopen(self, path: Path, length: int) -> int:
        """Opens a file for appending, cut to `length` bytes."""

    def write(self, descriptor: int, data: bytes) -> None:
        """Appends all of `data`, or raises with some of it written."""

    def reserve(self, descriptor: int, start: int, length: int) -> bool:
        """Sets space aside for `[start, start + length)` of a file, which gets no longer by it.

        False if the file system cannot do that.
        """

    def truncate(self, descriptor: int, length: int) -> None:
        """Cuts a file."""

    def sync(self, descriptor: int) -> None:
        """Has the bytes of a file survive a power cut."""

    def is_at(self, descriptor: int, path: Path) -> bool:
        """Tells whether an open file is the one that has the name."""

    def close(self, descriptor: int) -> None:
        """Closes a file."""

    def rename(self, old: Path, new: Path) -> None:
        """Gives a file another name, in the place of a file that has it."""

    def keep_as(self, path: Path, name: Path) -> None:
        """Gives a file a second name, or makes a copy."""

    def unlink(self, path: Path) -> None:
        """Takes a name away."""

    def sync_directory(self, directory: Path) -> None:
        """Has the names in a directory survive a power cut."""


class RealDisk:
    """The operating system's."""

    def names(self, directory: Path) -> list[str]:
        """Lists the directory."""
        return os.listdir(directory)

    def read(self, path: Path) -> bytes:
        """Returns all of a file."""
        return path.read_bytes()

    def create(self, path: Path) -> int:
        """Opens an empty file for appending: 0600, and the directory's owner's, also as root."""
        descriptor = os.open(
            path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC, 0o600
        )
        own_like(descriptor, path.parent)
        return descriptor

    def reopen(self, path: Path, length: int) -> int:
        """Opens a file for appending, cut to `length` bytes."""
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        os.ftruncate(descriptor, length)
        return descriptor

    def write(self, descriptor: int, data: bytes) -> None:
        """Appends all of `data`, or raises with some of it written."""
        write_whole(descriptor, data)

    def reserve(self, descriptor: int, start: int, length: int) -> bool:
        """Sets space aside for bytes of a file that are not there yet."""
        return reserve(descriptor, start, length)

    def truncate(self, descriptor: int, length: int) -> None:
        """Cuts a file."""
        os.ftruncate(descriptor, length)

    def sync(self, descriptor: int) -> None:
        """Has the bytes of a file survive a power cut."""
        os.fdatasync(descriptor)

    def is_at(self, descriptor: int, path: Path) -> bool:
        """Tells whether an open file is the one that has the name."""
        return is_at(descriptor, path)

    def close(self, descriptor: int) -> None:
        """Closes a file."""
        os.close(descriptor)

    def rename(self, old: Path, new: Path) -> None:
        """Gives a file another name, in the place of a file that has it."""
        os.replace(old, new)

    def keep_as(self, path: Path, name: Path) -> None:
        """Gives a file a second name, or makes a copy where the file system has no links."""
        try:
            os.link(path, name)
        except OSError:
            shutil.copyfile(path, name)

    def unlink(self, path: Path) -> None:
        """Takes a name away."""
        os.unlink(path)

    def sync_directory(self, directory: Path) -> None:
        """Has the names in a directory survive a power cut."""
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def is_at(descriptor: int, path: Path) -> bool:
    """Tells whether an open file is the one that has the name."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except OSError:
        return False


def reserve(descriptor: int, start: int, length: int) -> bool:
    """Has the file system keep blocks for `[start, start + length)`, beyond the file's end too.

    Nobody else can take them. Python's `posix_fallocate` would make the file longer. False if the
    file system, or the C library, cannot do that. Raises OSError if there is no room.
    """
    fallocate = getattr(ctypes.CDLL(None, use_errno=True), "fallocate64", None)
    if fallocate is None:
        return False
    fallocate.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)
    while fallocate(descriptor, _KEEP_SIZE, start, length):
        number = ctypes.get_errno()
        if number in _NOT_HERE:
            return False
        if number != errno.EINTR:
            raise OSError(number, os.strerror(number))
    return True


def own_like(descriptor: int, directory: Path) -> None:
    """Gives a new file to the owner of its directory, if root makes it.

    A command run as root must not leave files that the service user cannot read.
    """
    if os.geteuid() == 0:
        status = os.stat(directory)
        os.fchown(descriptor, status.st_uid, status.st_gid)


def write_whole(descriptor: int, data: bytes) -> None:
    """Writes all of `data` or raises OSError; what was written of it then stays in the file.

    A disk that fills up takes the beginning without an error; the next write says why.
    """
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
