r"""Where columns end that may hold spaces and stand between no quotes.

Between two quotes, tabs or ends of a line (*anchors*) stand columns parted by spaces. If one of
them alone may hold spaces, the words of the others are counted from the anchor behind it, and the
rest is its own, whatever a client wrote. If there are more, a time or a request's protocol between
them is an anchor too, unless there are two of it. Otherwise nobody knows whose a space is: such a
layout is refused, or each of the columns is taken for one word, and a line with more words is none.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple, cast

from hooktail_parsers._api import OptionError
from hooktail_parsers.builders.record_plan import Column
from hooktail_parsers.builders.shapes import AROUND_COMMAS, REQUEST, SEPARATORS, TEXT, USER, WORDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from hooktail_parsers.builders.shapes import Shape
    from hooktail_parsers.builders.writers import Writer

_WORD = rb"[^ \t\r\n\v\f]*+"
_WORD_BEFORE_QUOTE = rb'[^ \t\r\n\v\f"]*+'
_WORDS_BEFORE_QUOTE = rb'(?>(?:[^ ,"\\]++|\\.|' + AROUND_COMMAS + rb")*)"
_REQUEST_OF_WORDS = rb'[^ "]++ [^ "]++ HTTP/[0-9.]{1,4}+'
LINE_END = rb"(?=\s*+\Z)"
"""Nothing but white space behind the layout."""


class Ends(NamedTuple):
    """What is known of a layout's columns."""

    columns: Mapping[int, tuple[bytes, bool]]
    """By place: a column's expression, and whether it takes the literal behind it too."""
    is_whole: bool
    """Whether nothing may stand behind the layout: its columns are counted from the line's end."""


def ends_of(parts: Sequence[bytes | Column], writer: Writer, *, refuse: bool) -> Ends:
    """Finds the columns whose ends can be told, and how.

    Raises:
        OptionError: `refuse` is set, and of two columns nobody could tell the ends.
    """
    columns: dict[int, tuple[bytes, bool]] = {}
    is_whole = False
    start = 0
    for at in range(len(parts) + 1):
        part = parts[at] if at < len(parts) else None
        anchor = b"" if isinstance(part, Column) else _anchor(part)
        if anchor is None or anchor:
            if anchor != b'"' or writer.quoted:
                stretch = _Stretch(parts, start, at, anchor, refuse=refuse)
                columns |= stretch.ends()
                is_whole = is_whole or stretch.is_whole
            start = at + 1
    return Ends(columns, is_whole)


def _anchor(literal: bytes | None) -> bytes | None:
    """Returns the byte of a literal that no value holds; empty if there is none."""
    if literal is None:
        return None
    if literal[:1] in SEPARATORS:
        return literal[:1]
    return b'"' if b'"' in literal else b""


def is_user_before_time(parts: Sequence[bytes | Column], at: int) -> bool:
    """Tells whether a column is a user's name, with a time in brackets behind it."""
    column, literal, following = (*parts[at : at + 3], b"", b"")[:3]
    return (
        isinstance(column, Column)
        and column.shape is USER
        and isinstance(following, Column)
        and following.shape.is_stamp
        and (literal == b" [" or (literal == b" " and following.shape.exact[:2] == rb"\["))
    )


class _Stretch:
    """The parts between two anchors, of which `anchor` is the one behind them."""

    def __init__(
        self,
        parts: Sequence[bytes | Column],
        start: int,
        stop: int,
        anchor: bytes | None,
        *,
        refuse: bool,
    ) -> None:
        self._parts, self._start, self._stop, self._anchor = parts, start, stop, anchor
        self._inside, self._word, self._words = b".", _WORD, WORDS
        if anchor == b'"':
            self._inside, self._word = rb'(?:[^"\\]|\\.)', _WORD_BEFORE_QUOTE
            self._words = _WORDS_BEFORE_QUOTE
        elif anchor:
            self._inside = b"[^" + re.escape(anchor) + b"]"
        self._refuse = refuse
        self.is_whole = False

    def ends(self) -> dict[int, tuple[bytes, bool]]:
        """Returns the expressions of the columns whose ends can be told here."""
        found: dict[int, tuple[bytes, bool]] = {}
        several = len(self._open(self._start, self._stop)) > 1
        for start, stop in self._pieces(found) if several else [(self._start, self._stop)]:
            places = self._open(start, stop)
            first = self._column(places[0]) if places else None
            if len(places) > 1 and first and first.shape.closing and self._gap(places[0]):
                found[places[0]] = self._closed(first.shape.closing), False
                del places[0]
            if len(places) > 1:
                found |= self._counted(places)
            elif places and not self._column(places[0]).shape.exact:
                found |= self._alone(places[0], stop)
            if self._anchor is None and stop == self._stop:
                shapes = [self._column(at).shape for at in places]
                of_clients = any(not shape.exact or shape.listed for shape in shapes)
                last = max((at for at in range(start, stop) if self._is_column(at)), default=None)
                self.is_whole = of_clients and (len(places) > 1 or places != [last])
        return found

    def _pieces(self, found: dict[int, tuple[bytes, bool]]) -> Iterator[tuple[int, int]]:
        """Yields the parts around times; `found` takes that there is no second such time."""
        start = at = self._start
        while at < self._stop:
            if not self._is_stamp(at):
                at += 1
                continue
            yield start, at
            stop = self._stamps_end(at)
            if self._open(start, at) and self._open(stop, self._stop):
                last = b"((?>" + self._column(stop - 1).shape.exact + b"))"
                found[stop - 1] = last + self._no_other(self._written(at, stop)), False
            start = at = stop
        yield start, self._stop

    def _stamps_end(self, at: int) -> int:
        """Returns where a time ends that may consist of several columns."""
        stop = at + 1
        while stop < self._stop:
            following = stop if self._is_column(stop) else stop + 1
            if following >= self._stop or not self._is_stamp(following):
                break
            stop = following + 1
        return stop

    def _closed(self, closing: bytes) -> bytes:
        """Returns the expression of what ends with a mark that is not there twice."""
        only = self._no_other(closing + rb"(?=\s|\Z)")
        return b"(?>(" + self._inside + b"*?" + closing + rb")(?=\s|\Z))" + only

    def _no_other(self, mark: bytes) -> bytes:
        return b"(?!" + self._inside + b"*?" + mark + b")"

    def _counted(self, places: Sequence[int]) -> dict[int, tuple[bytes, bool]]:
        """Takes each column for one word, or up to the signs that part it from the next."""
        found: dict[int, tuple[bytes, bool]] = {}
        for at in places:
            column, gap = self._column(at), self._gap(at)
            shape = column.shape
            by_spaces = not (gap or self._literal(at - 1)).strip()
            if self._refuse and by_spaces and _has_spaces(shape):
                other = next(each for each in places if each != at)
                raise OptionError(
                    "log_format",
                    f"{column.name} and {self._column(other).name} both may hold spaces, and "
                    "where one of them ends cannot be told; allowed: between quotes",
                )
            if shape.exact or self._is_column(at + 1):
                continue
            if by_spaces:
                word = {REQUEST: _REQUEST_OF_WORDS, TEXT: self._word, USER: self._word}
                found[at] = b"(" + word.get(shape, self._words) + b")", False
            elif gap:
                found[at] = self._up_to(at, b"")
            else:
                sign = re.escape(self._literal(at - 1))
                found[at] = b"((?>(?:(?!" + sign + b")" + self._inside + b")*))", False
        return found

    def _alone(self, at: int, stop: int) -> dict[int, tuple[bytes, bool]]:
        """Gives a column all that the words behind it leave."""
        literal = self._literal(at + 1)
        if not literal or literal[:1] == self._anchor:
            return {}
        before_anchor = at + 1 == self._stop
        if is_user_before_time(self._parts, at):
            return {}
        return {at: self._up_to(at, b"" if before_anchor else self._ahead(at + 2, stop))}

    def _up_to(self, at: int, ahead: bytes) -> tuple[bytes, bool]:
        look = b"(?=" + ahead + b")" if ahead else b""
        text = b"(" + self._inside + b"*?)" + re.escape(self._literal(at + 1))
        return b"(?>" + text + look + b")", True

    def _ahead(self, start: int, stop: int) -> bytes:
        """Returns an expression of all words up to the anchor, or up to the time at `stop`."""
        if stop < self._stop:
            return self._written(start, stop) + self._written(stop, self._stamps_end(stop))
        if self._anchor is None:
            return self._written(start, stop) + rb"\s*+\Z"
        end = self._literal(stop)
        return self._written(start, stop, end[: end.index(self._anchor) + 1])

    def _written(self, start: int, stop: int, end: bytes = b"") -> bytes:
        """Returns an expression of some parts, word by word. Each word costs its length once."""
        written = b""
        in_word = False  # of which more columns are than can be told apart
        for at in range(start, stop + 1):
            part = self._parts[at] if at < stop else end
            if isinstance(part, bytes):
                space = re.search(rb'[ "]', part)
                if in_word and space is None:
                    continue
                written += re.escape(part[space.start() :] if in_word and space else part)
                in_word = False
            elif not in_word:
                shape, following = part.shape, self._literal(at + 1)[:1]
                if shape.exact and not (following and following in shape.chars):
                    written += b"(?>" + shape.exact + b")"
                elif following.strip() and self._is_stamp(at + 2):
                    written += b"[^ " + re.escape(following) + b"]*+"
                else:
                    written += self._word
                    in_word = True
        return written

    def _open(self, start: int, stop: int) -> list[int]:
        """Returns the places of columns that hold spaces, or may."""
        return [
            at
            for at in range(start, stop)
            if isinstance(part := self._parts[at], Column) and self._is_open(part.shape)
        ]

    def _is_open(self, shape: Shape) -> bool:
        if not self._refuse:
            # A layout that says what to pass over says where its columns end.
            return _has_spaces(shape)
        if shape.exact:
            return bool(shape.chars) and not shape.bounded
        return shape.spaced is not False

    def _gap(self, at: int) -> bytes:
        """Returns what parts a column from the next, up to the anchor."""
        literal = self._literal(at + 1)
        return literal.partition(self._anchor)[0] if self._anchor else literal

    def _is_stamp(self, at: int) -> bool:
        return self._is_column(at) and self._column(at).shape.is_stamp

    def _is_column(self, at: int) -> bool:
        return at < len(self._parts) and isinstance(self._parts[at], Column)

    def _column(self, at: int) -> Column:
        return cast("Column", self._parts[at])

    def _literal(self, at: int) -> bytes:
        part = self._parts[at] if 0 <= at < len(self._parts) else b""
        return part if isinstance(part, bytes) else b""


def _has_spaces(shape: Shape) -> bool:
    return bool(shape.spaced) and shape is not USER
