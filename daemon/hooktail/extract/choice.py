"""Which format `auto` took for lines, also for so few that it pins none. For people who ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hooktail.extract.registry import parser_options
from hooktail_parsers import LineParser, Record
from hooktail_parsers.auto import SAMPLE_LINES, auto_parser
from hooktail_parsers.builtin import FORMATS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hooktail_parsers import Format, Parser

AUTO = "auto"
MOST_LINES = SAMPLE_LINES
"""So many of a file's first lines are enough to ask with."""


def choice_of(
    spec: str, chosen: str, lines: Sequence[bytes], options: Mapping[str, str]
) -> str | None:
    """Returns what `auto` chose, `""` if no format fits; None if nothing is left to it.

    `chosen` is what was pinned for the file, if anything was; else the lines are tried. A wrapper
    without a format inside leaves that to `auto`.
    """
    wrappers = _wrappers_around_auto(spec)
    if wrappers is None:
        return None
    if chosen:
        return chosen
    taken = parser_options(options)
    inner = _inside(wrappers, lines[:MOST_LINES], taken)
    spec = auto_parser(lambda: FORMATS, taken).best_spec(inner)
    return "+".join((*(each.name for each in wrappers), spec)) if spec else ""


def told_choice(what: str, chosen: str | None) -> str:
    """Says it in a line for people, of a file; `""` if there is nothing to say."""
    if chosen is None:
        return ""
    found = f"chose {chosen}" if chosen else "finds no format that fits"
    return f"{what}: auto {found}\n"


def _wrappers_around_auto(spec: str) -> list[Format] | None:
    """Returns the wrappers of a spec, the outermost first; None if there is no `auto` in it."""
    *outer, last = (part.strip() for part in spec.split("+"))
    known = [FORMATS.get(name) for name in outer]
    wrappers = [each for each in known if each is not None and each.wrap is not None]
    if len(wrappers) < len(outer):
        return None
    ending = FORMATS.get(last)
    if last == AUTO or ending is None:
        return wrappers if last == AUTO else None
    return None if ending.wrap is None else [*wrappers, ending]


class _Collector(LineParser):
    """Takes whatever wrappers find inside lines."""

    def __init__(self) -> None:
        self.texts: list[bytes] = []

    def parse(self, line: bytes) -> Record:
        """Takes a line."""
        self.texts.append(line)
        return Record()


def _inside(
    wrappers: Sequence[Format], lines: Sequence[bytes], options: Mapping[str, str]
) -> list[bytes]:
    """Returns what the wrappers find inside the lines."""
    collector = _Collector()
    parser: Parser = collector
    for each in reversed(wrappers):
        assert each.wrap is not None  # noqa: S101  # it is a wrapper
        parser = each.wrap(parser, options)
    parser.parse_batch(lines)
    return collector.texts
