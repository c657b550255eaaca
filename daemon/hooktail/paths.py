"""Paths as people and JSON see them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def shown(path: Path) -> str:
    """Returns a path as text; bytes in it that are no UTF-8 stand in hex."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
