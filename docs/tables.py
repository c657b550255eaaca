"""Writes the tables of the reference that come from the code: `make tables`.

Each table stands under its heading; what is around it is written by hand and stays.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

from hooktail.config import keys
from hooktail_parsers.builtin import ALIASES, FORMATS

if TYPE_CHECKING:
    from hooktail_parsers import Format

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


def format_chapters() -> str:
    """Writes every format: what it is, what it fills, a line, and where it is defined."""
    titles = {"format": "Formats", "wrapper": "Wrappers", "builder": "Builders"}
    other_names: dict[str, list[str]] = {}
    for alias, name in ALIASES.items():
        other_names.setdefault(name, []).append(alias)
    chapters = []
    for kind, title in titles.items():
        chapters.append(f"## {title}\n")
        of_kind = (known for known in FORMATS.values() if known.kind == kind)
        chapters += [format_chapter(known, other_names.get(known.name, [])) for known in of_kind]
    return "\n".join(chapters)


def format_chapter(known: Format, aliases: list[str]) -> str:
    """Writes one format."""
    named = f" (also {', '.join(f'`{alias}`' for alias in sorted(aliases))})" if aliases else ""
    lines = [
        f"### `{known.name}`",
        "",
        f"{known.summary[:1].upper()}{known.summary[1:]}{named}.",
        "",
    ]
    if known.fields:
        fills = "Adds" if known.kind == "wrapper" else "Fills"
        lines += [f"{fills} {', '.join(f'`{field}`' for field in known.fields)}.", ""]
    if known.source:
        lines += [f"Defined by: {known.source}.", ""]
    if known.example:
        lines += ["```text", printable(known.example), "```", ""]
    return "\n".join(lines)


def printable(example: str) -> str:
    """Shows what a terminal or Markdown would not."""
    return example.replace("\t", "\N{RIGHTWARDS ARROW TO BAR}").replace(
        "\x1b", "\N{SYMBOL FOR ESCAPE}"
    )


def main() -> None:
    """Rewrites the files."""
    file = REFERENCE / "formats.md"
    introduction = file.read_text().partition("\n## Formats\n")[0]
    file.write_text(f"{introduction}\n{format_chapters()}".rstrip() + "\n")
    file = REFERENCE / "configuration.md"
    text = file.read_text()
    for section in keys.SECTIONS:
        if section.keys:
            heading = "Top level" if section is keys.ROOT else f"`{section.title}`"
            text = with_table(text, heading, key_table(section))
    file.write_text(text)


if __name__ == "__main__":
    main()
