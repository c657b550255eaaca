"""Outputs that people have read and found good, kept in files beside the tests.

After a change that is meant: `HOOKTAIL_GOLDEN=write pytest ...`, then read the difference.
"""

from __future__ import annotations

import os
from pathlib import Path


def check(path: Path, output: str) -> None:
    """Compares an output with what is kept."""
    if os.environ.get("HOOKTAIL_GOLDEN") == "write":
        path.write_text(output, encoding="utf-8")
    assert output == path.read_text(encoding="utf-8"), path.name
