"""Which format `auto` took for lines, also for so few that it pins none. For people who ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hooktail.extract.registry import parser_options
from hooktail_parsers.auto import SAMPLE_LINES, auto_parser
from hooktail_parsers.builtin import FORMATS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

AUTO = "auto"
MOST_LINES = SAMPLE_LINES
"""So many of a file's first lines are enough to ask with."""


def choice_of(
    spec: str, chosen: str, lines: Sequence[bytes], options: Mapping[str, str]
) -> str | None:
    """Returns what `auto` chose, `""` if no format fits; None if the format is another.

    `chosen` is what was pinned for the file, if anything was; else the lines are tried.
    """
    if spec.strip() != AUTO:
        return None
    if chosen:
        return chosen
    trial = auto_parser(lambda: FORMATS, parser_options(options)).best(list(lines[:MOST_LINES]))
    return "" if trial is None else trial.candidate.spec


def told_choice(what: str, chosen: str | None) -> str:
    """Says it in a line for people, of a file; `""` if there is nothing to say."""
    if chosen is None:
        return ""
    found = f"chose {chosen}" if chosen else "finds no format that fits"
    return f"{what}: auto {found}\n"
