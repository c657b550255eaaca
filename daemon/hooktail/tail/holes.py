"""Where a sparse file has data: what lies between is NULs, and need not be read to know it.

A writer without O_APPEND that goes on at its old offset after a truncation leaves a hole as long as
the log was. Where the file system cannot tell (EINVAL), all of a file counts as data.
"""

from __future__ import annotations

import errno
import os

MOST_EXTENTS = 10_000
"""A file in more pieces is read rather than asked about."""


def next_data(descriptor: int, offset: int, size: int) -> int:
    """Returns where the first data at or behind `offset` begins; `size` if there is none before.

    `size` is what the file had before this call: what is appended meanwhile lies behind it.
    """
    try:
        return min(os.lseek(descriptor, offset, os.SEEK_DATA), size)
    except OSError as error:
        return size if error.errno == errno.ENXIO else offset


def last_data(descriptor: int, offset: int) -> int:
    """Returns where the last data before `offset` ends; `offset` where that cannot be told."""
    found = begin = 0
    try:
        for _ in range(MOST_EXTENTS):
            begin = os.lseek(descriptor, found, os.SEEK_DATA)
            if begin >= offset:
                return found
            found = os.lseek(descriptor, begin, os.SEEK_HOLE)
            if found >= offset:
                return offset
    except OSError as error:
        return found if error.errno == errno.ENXIO else offset
    return offset
