"""Rows of machine output on stdout: NDJSON, or aligned text for people."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hooktail.cli import output

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def write(
    rows: Sequence[dict[str, Any]],
    *,
    as_json: bool,
    columns: Sequence[str],
    cell: Callable[[str, dict[str, Any]], str],
) -> None:
    """Writes rows that have the same keys; as text only `columns`, each value as `cell` has it."""
    if as_json:
        output.write(b"".join(json.dumps(row).encode() + b"\n" for row in rows))
    elif rows:
        output.write(_aligned(rows, columns, cell).encode("utf-8", "backslashreplace"))


def _aligned(
    rows: Sequence[dict[str, Any]],
    columns: Sequence[str],
    cell: Callable[[str, dict[str, Any]], str],
) -> str:
    """Numbers to the right, words to the left."""
    aligned = []
    for name in columns:
        column = [name.replace("_", " "), *(cell(name, row) for row in rows)]
        width = max(map(len, column))
        number = any(isinstance(row[name], int) for row in rows)
        aligned.append([each.rjust(width) if number else each.ljust(width) for each in column])
    return "".join("  ".join(line).rstrip() + "\n" for line in zip(*aligned, strict=True))
