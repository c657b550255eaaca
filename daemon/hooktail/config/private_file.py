"""Reads a small file that holds one secret: an account id, the address of a proxy."""

from __future__ import annotations

import os
import stat

from hooktail.config.kinds import Refusal

MOST_BYTES = 4096


def content(path: str) -> str | Refusal:
    """Reads a file that only its owner may write; white space around it is left out.

    It is bounded, and waits for nobody.
    """
    try:
        # Not blocking: a pipe in the file's place must not hold up the start.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except PermissionError:
        return Refusal("cannot be read: permission denied", "let the user of the service read it")
    except OSError as error:
        return Refusal(f"cannot be read: {(error.strerror or 'error').lower()}")
    try:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            return Refusal("is not a regular file")
        if mode & (stat.S_IWGRP | stat.S_IWOTH):
            found = f"is writable by group or others (mode {stat.S_IMODE(mode):04o})"
            return Refusal(found, f"chmod go-w {path}")
        text = os.read(descriptor, MOST_BYTES).decode()
    except UnicodeDecodeError:
        return Refusal("is not text")
    except OSError as error:
        return Refusal(f"cannot be read: {(error.strerror or 'error').lower()}")
    finally:
        os.close(descriptor)
    return text.strip()
