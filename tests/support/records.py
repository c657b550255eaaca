"""The records that a parser makes of the lines of a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hooktail_parsers import Record, StatefulParser
from hooktail_parsers.assembly import Assembler

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hooktail_parsers import Parser


def records_of(parser: Parser, lines: Sequence[bytes]) -> Iterator[Record]:
    """Yields the records that lines are complete with, in their order."""
    own = parser.fork() if isinstance(parser, StatefulParser) else parser
    assembler: Assembler[int] = Assembler(own)
    for number, result in enumerate(own.parse_batch(lines)):
        for each in assembler.take(number, result):
            if isinstance(each.parsed, Record):
                yield each.parsed
