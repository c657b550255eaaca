"""Writes the tables of the reference that come from the code: `make tables`.

Each table stands under its heading; what is around it is written by hand and stays.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from hooktail.config import keys

REFERENCE = Path(__file__).parent / "reference"


def key_table(section: keys.Section) -> str:
    """Writes the keys of a section of the configuration."""
    rows = ["| key | type | default | meaning |", "|---|---|---|---|"]
    for key in section.keys:
        default = section.default(key)
        shown = "none" if default is None else f"`{json.dumps(default)}`"
        cell = "required" if key.required else shown
        rows.append(f"| `{key.name}` | {key.kind.allowed} | {cell} | {key.about} |")
    return "\n".join(rows)


def with_table(text: str, heading: str, table: str) -> str:
    """Replaces the first table under a heading."""
    before, found, rest = text.partition(f"\n## {heading}\n")
    if not found:
        raise SystemExit(f"no heading {heading!r}")
    chapter, following, others = rest.partition("\n## ")
    chapter, count = re.subn(r"(?m)(^\|.*\n)+", lambda _: table + "\n", chapter, count=1)
    if not count:
        raise SystemExit(f"no table under {heading!r}; write `| |` where it belongs")
    return before + found + chapter + following + others


def main() -> None:
    """Rewrites the files."""
    file = REFERENCE / "configuration.md"
    text = file.read_text()
    for section in keys.SECTIONS:
        if section.keys:
            heading = "Top level" if section is keys.ROOT else f"`{section.title}`"
            text = with_table(text, heading, key_table(section))
    file.write_text(text)


if __name__ == "__main__":
    main()
