"""stdout, which can be full or closed like any other file."""

from __future__ import annotations

import os
import sys

from hooktail.errors import CannotWriteError


def write(data: bytes) -> None:
    """Writes machine output and hands it on at once.

    Raises CannotWriteError, and BrokenPipeError if the reader has gone, as `| head` does.
    """
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        # What is left in the buffer would be tried again, in vain, when the interpreter exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise cannot_write(error) from error


def cannot_write(error: OSError) -> CannotWriteError:
    """Says so of stdout."""
    return CannotWriteError(f"stdout: cannot write: {error.strerror or error}")
