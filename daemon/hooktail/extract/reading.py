"""One file's parser, and the lines that wait in it for the rest of their record.

A parser without state is shared by all files. One with state is forked for each, and what it
carries is kept with the offset, so that lines read again are read as they were the first time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from hooktail.extract.blame import blame
from hooktail.extract.typed import ParserFailed
from hooktail_parsers import ParseError, Part, Record, Skip, Step
from hooktail_parsers.assembly import Assembler, is_stateful

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from hooktail_parsers import Parser, Result


class HeldLine(NamedTuple):
    """A line of a record."""

    start: int
    text: bytes


def text_of(lines: Sequence[HeldLine]) -> bytes:
    """Returns the text of a record: its lines, with newlines between them."""
    return lines[0].text if len(lines) == 1 else b"\n".join([line.text for line in lines])


class Reader:
    """Parses the lines of one file, in order."""

    __slots__ = ("_fork", "_grew", "_parser", "assembler", "stateful")

    def __init__(self, parser: Parser) -> None:
        self._fork = parser.fork if is_stateful(parser) else None
        self.stateful = self._fork is not None
        self._parser = parser if self._fork is None else self._fork()
        self.assembler: Assembler[HeldLine] = Assembler(self._parser)
        self._grew: dict[Hashable, tuple[int, float]] = {}

    @property
    def hold_s(self) -> float:
        """How long an unfinished record may wait for its next line."""
        return float(getattr(self._parser, "hold_s", 0.0))

    @property
    def chosen(self) -> str:
        """The format that was found, where it is for the parser to find it."""
        return str(getattr(self._parser, "chosen", ""))

    @property
    def has_open(self) -> bool:
        """Tells whether lines wait here for the rest of their record."""
        return bool(self.assembler.open)

    def overdue(self, now_s: float) -> list[Hashable]:
        """Returns the open records that had no new line for `hold_s`, as far as calls tell.

        A record's time begins at the first call that sees it, or sees it with more lines.
        """
        grew = {}
        overdue = []
        for record, lines in self.assembler.open.items():
            count, since_s = self._grew.get(record, (0, now_s))
            if count != len(lines):
                since_s = now_s
            grew[record] = len(lines), since_s
            if now_s - since_s >= self.hold_s:
                overdue.append(record)
        self._grew = grew
        return overdue

    def restore(self, state: str) -> None:
        """Carries what was carried when the parser gave this state; `""` is the beginning.

        A text that the parser refuses (of another version, or another format by now) is as good
        as none.
        """
        if self._fork is None:
            return
        parser = self._parser = self._fork()
        self.assembler = Assembler(parser)
        if state and is_stateful(parser):
            try:
                parser.restore(state)
            except Exception:  # noqa: BLE001  # a plugin's edge; the state is text from a file
                self._parser = self._fork()
                self.assembler = Assembler(self._parser)

    def parse_batch(self, texts: list[bytes]) -> Sequence[Result]:
        """Parses lines in order; what a parser raises although it must not is a ParseError."""
        try:
            parsed = self._parser.parse_batch(texts)
        except Exception:  # noqa: BLE001  # a plugin's edge: line by line tells which it was
            parsed = []
        return parsed if len(parsed) == len(texts) else [self.parse(text) for text in texts]

    def parse(self, text: bytes) -> Result:
        """Parses one line; what a parser raises although it must not is a ParseError too."""
        try:
            parsed = self._parser.parse(text)
        except ParseError as error:
            return error
        except Exception as error:  # noqa: BLE001  # a plugin's edge
            return ParserFailed(blame(error))
        if not isinstance(parsed, Record | Skip | ParseError | Part | Step):
            return ParserFailed(f"it returned {type(parsed).__name__}, which is no result")
        return parsed


def failure_of(error: ParseError) -> str:
    """Says why a parser failed on a line, as far as it is known; `""` for a line that is bad."""
    return error.why if isinstance(error, ParserFailed) else ""
