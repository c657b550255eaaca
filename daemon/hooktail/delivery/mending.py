"""Whether a file that a held destination depends on was written anew: its account id, its CAs.

It looks at what `stat` says, never into the files, and knows nothing of what they mean: who asks
reads the configuration again.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_Look = tuple[int, int, int, int] | None
"""Inode, size, and the times of the last change of content and of anything; None if there is no
such file."""


class Mending:
    """Remembers how files looked. A symlink is followed: what it points to counts."""

    def __init__(self, files: Iterable[Path]) -> None:
        self._looks = {file: _look(file) for file in files}

    def changed(self) -> bool:
        """Tells whether any looks different from when this was asked last; once for each change.

        A file that is gone is no change: its successor is.
        """
        changed = False
        for file, before in self._looks.items():
            now = _look(file)
            if now is not None and now != before:
                self._looks[file] = now
                changed = True
        return changed


def _look(file: Path) -> _Look:
    try:
        found = os.stat(file)
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
