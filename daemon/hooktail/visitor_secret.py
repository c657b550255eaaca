"""The secret from which visitor ids derive: made once per state directory, or given to a fleet.

`$CREDENTIALS_DIRECTORY/visitor_secret` (systemd's LoadCredential) comes before
`state_dir/visitor_secret`, so that several hosts can agree on who is who.
"""

from __future__ import annotations

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


def read(state_dir: Path, environ: Mapping[str, str]) -> bytes | None:
    """Returns the secret, or None if there is none yet.

    Raises InputError for one that is too short, PermissionDeniedError for an unreadable one.
    """
    for path in _places(state_dir, environ):
        try:
            secret = path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise PermissionDeniedError(f"{path}: {error.strerror}") from error
        if len(secret) < LENGTH:
            raise InputError(f"{path}: found {len(secret)} bytes; at least {LENGTH} are needed")
        return secret
    return None


def read_or_make(state_dir: Path, environ: Mapping[str, str]) -> bytes:
    """Returns the secret, made durably if there is none yet. Raises CannotWriteError."""
    known = read(state_dir, environ)
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
        raise CannotWriteError(f"{target}: cannot write: {error.strerror}") from error
    return secret


def _places(state_dir: Path, environ: Mapping[str, str]) -> list[Path]:
    credentials = environ.get("CREDENTIALS_DIRECTORY")
    given = [Path(credentials) / NAME] if credentials else []
    return [*given, state_dir / NAME]
