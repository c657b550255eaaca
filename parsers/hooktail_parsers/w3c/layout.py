"""How a line under a header is cut into its columns: at tabs, at spaces, or between quotes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hooktail_parsers.headed import COLUMN_COUNT
from hooktail_parsers.w3c.values import unquote

if TYPE_CHECKING:
    from hooktail_parsers._api import Result
    from hooktail_parsers.w3c.columns import Plan
    from hooktail_parsers.w3c.values import Texts

_BLANKS = re.compile(rb"[^ \t]++").findall
# A quote with which no quoted value begins takes the rest of the line: looking for another value
# behind each of many such quotes would take a time that grows with their number squared.
_TOKENS = re.compile(rb'"(?>(?:[^"]++|"")*)"(?![^ \t])|[^" \t][^ \t]*+|".*+', re.DOTALL).findall
_QUOTED = re.compile(rb'"(?>(?:[^"]++|"")*)"', re.DOTALL).fullmatch
# Of the next line, which was glued to a torn one. A colon is looked for first: there are fewer of
# them than tabs.
_SECOND_CLOCK = re.compile(rb":(?<=\t[0-9]{2}:)[0-9]{2}:[0-9]{2}\t").search
_BEHIND_FIRST_CLOCK = len("2025-03-14\t08:26:53\t08")
_NO_CUT = re.compile(rb"(?!)").fullmatch
_MOST_CUTS = 8


class Layout:
    """What a header says of the lines under it."""

    __slots__ = ("_cut", "_cuts", "literal", "plan", "prefixes", "tabs", "texts")

    def __init__(
        self, plan: Plan, *, tabs: bool, texts: Texts, literal: Texts, prefixes: tuple[int, ...]
    ) -> None:
        self.plan = plan
        self.tabs = tabs
        self.texts = texts
        self.literal = literal
        """Of values that all stand in quotes."""
        self.prefixes = prefixes
        """Counts of columns that will do: the first ones, as far as they go."""
        self._cut = _NO_CUT
        """Cuts a line in which the same columns are in quotes as in the one that was cut last."""
        self._cuts: dict[tuple[int, ...], re.Pattern[bytes]] = {}
        """The same by what is in quotes, of lines of late."""

    def read_tabs(self, text: bytes) -> Result:
        """Reads a line whose columns stand between tabs."""
        columns = text.split(b"\t")
        count = self.plan.count
        if self.prefixes:
            if is_glued(text):
                return COLUMN_COUNT
            if len(columns) in self.prefixes:
                columns += [b"-"] * (count - len(columns))
            del columns[count:]
        if len(columns) != count:
            return COLUMN_COUNT
        return self.plan.read(columns, self.texts)

    def read_spaced(self, text: bytes) -> Result:
        """Reads a line without quotes whose columns stand between blanks."""
        columns = text.split(b"\t") if b"\t" in text else _BLANKS(text)
        if len(columns) != self.plan.count:
            return COLUMN_COUNT
        return self.plan.read(columns, self.texts)

    def read_ordinary(self, text: bytes) -> Result | None:
        """Reads a line between whose quotes, and not within them, columns end at one space each.

        None for any other line.
        """
        found = self._cut(text)
        columns = self._columns_of(text) if found is None else list(found.groups())
        return None if columns is None else self.plan.read(columns, self.texts)

    def _columns_of(self, text: bytes) -> list[bytes] | None:
        """Cuts such a line; the next ones like it are cut at once."""
        pieces = text.split(b'"')
        if len(pieces) % 2 == 0 or len(pieces) == 1 or b"\t" in text:
            return None
        spaced = self.plan.spaced
        columns: list[bytes] = []
        in_quotes: list[int] = []
        last = len(pieces) - 1
        for at, piece in enumerate(pieces):
            if at % 2:
                in_quotes.append(len(columns))
                columns.append(b'"%b"' % piece if len(columns) in spaced else piece)
            elif at == 0 or at == last:
                if piece:
                    columns += piece.strip(b" ").split(b" ")
                    if piece[-1:] != b" " if at == 0 else piece[:1] != b" ":
                        return None
            elif piece != b" ":
                if len(piece) < len(b" x ") or piece[:1] != b" " or piece[-1:] != b" ":
                    return None
                columns += piece[1:-1].split(b" ")
        if len(columns) != self.plan.count or b"" in columns:
            return None
        self._cut = self._cut_of(tuple(in_quotes)).fullmatch
        return columns

    def _cut_of(self, in_quotes: tuple[int, ...]) -> re.Pattern[bytes]:
        known = self._cuts.get(in_quotes)
        if known is None:
            if len(self._cuts) >= _MOST_CUTS:
                self._cuts.clear()
            columns = [
                rb'([^ "\t]++)'
                if at not in in_quotes
                else rb'("[^"\t]*+")'
                if at in self.plan.spaced
                else rb'"([^"\t]++)"'
                for at in range(self.plan.count)
            ]
            known = self._cuts[in_quotes] = re.compile(b" ".join(columns))
        return known

    def read_quoted(self, text: bytes) -> Result:
        """Reads any line with quotes."""
        plan = self.plan
        if text[:1] == b'"' and text[-1:] == b'"' and text.count(b'"') == 2 * plan.count:
            columns = text[1:-1].split(b'" "')
            if len(columns) == plan.count:
                return plan.read(columns, self.literal)
        tokens = _TOKENS(text)
        if tokens and tokens[-1][:1] == b'"' and not _QUOTED(tokens[-1]):
            # Quotes that pair with nothing are a client's own: this writer quotes no values.
            tokens = _BLANKS(text)
        if len(tokens) != plan.count:
            return COLUMN_COUNT
        columns = [
            unquote(token) if token.startswith(b'"') and index not in plan.spaced else token
            for index, token in enumerate(tokens)
        ]
        return plan.read(columns, self.texts)


def is_glued(line: bytes) -> bool:
    """Tells whether the end of a line between tabs is another line, glued to a torn one."""
    return _SECOND_CLOCK(line, _BEHIND_FIRST_CLOCK) is not None
