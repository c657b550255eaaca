"""One daemon per state directory."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from typing import TYPE_CHECKING, Self

from hooktail.checkpoint.disk import is_at, own_like
from hooktail.checkpoint.unwritable import FULL, refusal
from hooktail.errors import CannotWriteError, LockedError, PermissionDeniedError

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType


def prepare_state_dir(directory: Path) -> None:
    """Makes the state directory, 0700. Raises CannotWriteError or PermissionDeniedError."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except PermissionError as error:
        raise PermissionDeniedError(
            f"{directory}: {error.strerror}; choose another state_dir, or run as a user that may "
            "write there"
        ) from error
    except OSError as error:
        raise CannotWriteError(
            f"state_dir {directory}: cannot be made a directory: {error.strerror}; choose another"
        ) from error


class StateLock:
    """Holds `state_dir/lock` as long as it is entered; the kernel frees it with the process."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / "lock"
        self._descriptor = -1

    def __enter__(self) -> Self:
        """Takes the lock. Raises LockedError naming the process that holds it."""
        try:
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except PermissionError as error:
            raise PermissionDeniedError(
                f"{self._path}: {error.strerror}; the service user must own the state directory"
            ) from error
        except OSError as error:
            if error.errno in FULL:
                raise refusal(str(self._path.parent), error) from error
            raise CannotWriteError(
                f"{self._path}: {error.strerror}; the state directory must be writable"
            ) from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(self._descriptor, 64, 0).decode("ascii", "replace").strip()
            os.close(self._descriptor)
            raise LockedError(
                f"{self._path}: in use by hooktail with process id {holder or 'unknown'}; "
                "stop it first, or give this one another state_dir"
            ) from None
        own_like(self._descriptor, self._path.parent)
        with contextlib.suppress(OSError):
            # The lock is the kernel's; the number is a help, for which a full disk has no room.
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)
        return self

    def hold_again(self) -> None:
        """Takes the lock where its file was removed or replaced.

        Raises LockedError if another daemon holds it by now, and OSError if it cannot be taken.
        """
        if is_at(self._descriptor, self._path):
            return
        before = self._descriptor
        try:
            self.__enter__()
        except LockedError:  # the one that can write is another daemon
            self._descriptor = before
            raise
        except (CannotWriteError, PermissionDeniedError) as error:
            self._descriptor = before
            why = error.__cause__
            number = why.errno if isinstance(why, OSError) else None
            raise OSError(number or errno.ESTALE, str(error)) from error
        os.close(before)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Frees the lock."""
        os.close(self._descriptor)
