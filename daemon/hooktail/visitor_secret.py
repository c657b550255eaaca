"""The secret from which visitor ids derive: made once per state directory, or given to a fleet.

The first of these counts: the file that the configuration names as `visitor_secret_file`,
`$CREDENTIALS_DIRECTORY/visitor_secret` (systemd's LoadCredential), `state_dir/visitor_secret`. The
first two are for several hosts that should agree on who is who. A secret that is one line of text
counts without its newline, however it was copied.
"""

from __future__ import annotations

import errno
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from hooktail.errors import CannotWriteError, InputError, PermissionDeniedError

if TYPE_CHECKING:
    from collections.abc import Mapping

NAME = "visitor_secret"
LENGTH = 32
"""Bytes of a secret made here; a given one may be longer."""
MOST = 4096
"""Bytes of any secret; what is longer is another file."""


def read(state_dir: Path, environ: Mapping[str, str], named: Path | None = None) -> bytes | None:
    """Returns the secret, or None if there is none yet.

    Raises InputError for one that is too short or too long, and for a `named` file that is not
    there; PermissionDeniedError for an unreadable one.
    """
    for path in _places(state_dir, environ, named):
        try:
            with path.open("rb") as file:
                secret = _one_line(file.read(MOST + 1))
        except (FileNotFoundError, NotADirectoryError) as error:
            if path == named:
                raise InputError(
                    f"{path}: {error.strerror}; visitor_secret_file names it: put {LENGTH} random "
                    "bytes or more there, the same on all hosts, or take the key out"
                ) from error
            continue
        except OSError as error:
            raise PermissionDeniedError(f"{path}: {error.strerror}") from error
        if not LENGTH <= len(secret) <= MOST:
            found = f"more than {MOST}" if len(secret) > MOST else str(len(secret))
            raise InputError(f"{path}: found {found} bytes; {LENGTH} to {MOST} are needed")
        return secret
    return None


def _one_line(secret: bytes) -> bytes:
    line = secret.removesuffix(b"\n").removesuffix(b"\r")
    return line if line.isascii() and line.decode("ascii").isprintable() else secret


def read_or_make(state_dir: Path, environ: Mapping[str, str], named: Path | None = None) -> bytes:
    """Returns the secret, made durably if there is none yet.

    Raises what `read` raises, and CannotWriteError.
    """
    known = read(state_dir, environ, named)
    if known is not None:
        return known
    secret = secrets.token_bytes(LENGTH)
    target = state_dir / NAME
    temporary = state_dir / f"{NAME}.tmp"
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secret)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        remedy = f"; make room on its disk (`df -h {state_dir}` shows it)" if full else ""
        raise CannotWriteError(f"{target}: cannot write: {error.strerror}{remedy}") from error
    return secret


def _places(state_dir: Path, environ: Mapping[str, str], named: Path | None) -> list[Path]:
    if named is not None:
        return [named]  # a missing one is a mistake, which no other secret may hide
    credentials = environ.get("CREDENTIALS_DIRECTORY")
    given = [Path(credentials) / NAME] if credentials else []
    return [*given, state_dir / NAME]
