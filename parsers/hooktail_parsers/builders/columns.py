r"""A layout of literal text and variables, compiled to one expression that reads a line in order.

Each variable ends where the text behind it begins, and every end is final: a variable of a known
shape takes what has that shape; one between quotes ends at the first quote that is not escaped;
any other ends at the first place where the literal behind it stands and what follows that may
begin (the shapes of the next variables, as far as they can tell). Nothing is tried twice, so that
the time is linear in the line's length, whatever the line.

What a client sent may be a list (`client, proxy`), and without quotes its commas are all that
tells its spaces from those between columns: nothing ends at a space beside a comma. Where a user
stands behind such a list, it has no spaces, as a list without commas would be taken for it.

Two variables with nothing between them are refused, unless the second begins with a byte that the
first cannot hold. More text behind the layout's end is passed over: formats grow.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from hooktail_parsers._api import OptionError
from hooktail_parsers.builders.record_plan import PLAIN_REQUEST, Column
from hooktail_parsers.builders.shapes import (
    AROUND_COMMAS,
    SEPARATORS,
    SPACES,
    TOKEN,
    USER_BEFORE_TIME,
    WORDS,
)
from hooktail_parsers.builders.unquoted import LINE_END, Ends, ends_of, is_user_before_time

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hooktail_parsers.builders.writers import Writer

Spaces: TypeAlias = Literal["searched", "refused", "counted"]
_MOST_COLUMNS = 200
_LOOK_AHEAD_COLUMNS = 6
_END = rb"(?=\s|\Z)"
_REST = b"(.*+)"


@dataclass(frozen=True, slots=True)
class Layout:
    """A compiled layout: `match` gives one group for each of the columns, in their order."""

    match: Callable[[bytes], re.Match[bytes] | None] = field(repr=False)
    columns: tuple[Column, ...]
    open_end: bool
    """Whether the last column takes all the rest of the line."""
    pattern: re.Pattern[bytes] = field(repr=False)
    """What `match` is the method of."""
    ordinary: Callable[[bytes], re.Match[bytes] | None] | None = field(default=None, repr=False)
    """The same for lines whose request is ordinary, with three groups for it: `PLAIN_REQUEST`."""
    request: int = -1
    """The place among the columns of that request."""


def compile_layout(
    parts: Sequence[bytes | Column],
    writer: Writer,
    *,
    whole: bool = False,
    spaces: Spaces = "searched",
) -> Layout:
    """Compiles a layout as the writer fills it; a `whole` text holds nothing behind it.

    Columns without quotes that may hold spaces end where what follows begins (`searched`), or are
    counted from what is behind them: if that cannot tell their ends, the layout is `refused`, or
    each of them is taken for one word (`counted`).

    Raises:
        OptionError: two variables have nothing between them, there are too many, or `spaces`
            says so.
    """
    aligned = _aligned(_joined(parts))
    if spaces == "searched":
        return _Compiler(aligned, writer, Ends({}, False), whole=whole).layout()
    ends = ends_of(aligned, writer, refuse=spaces == "refused")
    return _Compiler(aligned, writer, ends, whole=whole).layout()


def check_quotes(parts: Sequence[bytes | Column]) -> None:
    """Raises OptionError if the last column stands behind a quote that nothing closes."""
    joined = _joined(parts)
    before, last = (b"", *joined)[-2:] if joined else (b"", b"")
    if isinstance(last, Column) and isinstance(before, bytes) and before.endswith(b'"'):
        raise OptionError(
            "log_format", f'the quote before {last.name} is not closed; allowed: "{last.name}"'
        )


def _joined(parts: Sequence[bytes | Column]) -> list[bytes | Column]:
    joined: list[bytes | Column] = []
    for part in parts:
        if isinstance(part, bytes) and joined and isinstance(joined[-1], bytes):
            joined[-1] += part
        elif part != b"":
            joined.append(part)
    return joined


def _aligned(parts: list[bytes | Column]) -> list[bytes | Column]:
    """Takes the spaces from columns that would make up for those of a list before them."""
    aligned: list[bytes | Column] = []
    behind_list = False
    for at, part in enumerate(parts):
        column, following = part, parts[at + 1 : at + 2]
        quoted = any(isinstance(each, bytes) and each.startswith(b'"') for each in following)
        if isinstance(part, Column) and not quoted:
            if behind_list and not part.shape.spaced_behind_lists:
                column = Column(part.name, TOKEN, part.meaning)
            behind_list = behind_list or part.shape.listed
        aligned.append(column)
    return aligned


class _Compiler:
    def __init__(
        self, parts: list[bytes | Column], writer: Writer, ends: Ends, *, whole: bool
    ) -> None:
        self._parts = parts
        self._writer = writer
        self._ends = ends
        self._whole = whole

    def layout(self) -> Layout:
        columns = tuple(part for part in self._parts if isinstance(part, Column))
        if len(columns) > _MOST_COLUMNS:
            raise OptionError("log_format", f"more than {_MOST_COLUMNS} variables")
        pattern = expression = b""
        ordinary, request = b"", -1
        quoted = b"(" + self._writer.quoted + b")"
        taken = False  # whether the literal at hand is part of the expression before it
        for at, part in enumerate(self._parts):
            if isinstance(part, bytes):
                expression, taken = b"" if taken else re.escape(part), False
                pattern, ordinary = pattern + expression, ordinary + expression
                continue
            expression, taken = self._column(at, part)
            pattern += expression
            if request < 0 and part.meaning.role == "request" and expression == quoted != b"()":
                request = columns.index(part)
                expression = PLAIN_REQUEST
            ordinary += expression
        open_end = pattern.endswith(_REST)
        last = self._literal(len(self._parts) - 1)
        end = b""
        if not open_end and not (last and last[-1:] in SPACES):
            end = LINE_END if self._ends.is_whole else _END
        compiled = re.compile(pattern + end, re.DOTALL)
        if request < 0:
            return Layout(compiled.match, columns, open_end, compiled)
        quick = re.compile(ordinary + end, re.DOTALL).match
        return Layout(compiled.match, columns, open_end, compiled, quick, request)

    def _column(self, at: int, column: Column) -> tuple[bytes, bool]:
        """Returns a column's expression, and whether it takes the literal behind it too."""
        if at in self._ends.columns:
            return self._ends.columns[at]
        following = self._parts[at + 1] if at + 1 < len(self._parts) else None
        if isinstance(following, Column):
            return b"(" + _before_column(column, following) + b")", False
        value = self._value(at, column)
        if value is not None:
            return b"(" + value + b")", False
        if following is None:
            separator = self._literal(at - 1)[-1:]
            if separator in SEPARATORS:
                return b"(" + _outside(separator) + b"*+)", False
            return _REST, False
        ahead = self._ahead(at + 2, following)
        look = b"(?=" + ahead + b")" if ahead else b""
        inside, here = b".", b""
        if following[:1] in SEPARATORS:
            # Chosen because no value has it. With one more of them in a line, which a client may
            # have written, nobody knows where the columns are: no value is read over it.
            inside = _outside(following[:1])
        elif column.shape.spaced is False:
            inside = _outside(SPACES)
        elif following.startswith(b" ") and not self._is_stamp(at + 2):
            here = b"(?!" + AROUND_COMMAS + b")"
            inside = b"(?:" + AROUND_COMMAS + b"|" + here + b"[^,])"
        elif following[:1] == b"," and column.meaning.role == "xff" and not self._is_stamp(at + 2):
            raise OptionError(
                "log_format",
                f"{column.name} may be a list parted by commas, as what follows is: where it ends "
                "cannot be told; allowed: between quotes",
            )
        closing = b"" if ahead or following != b" " else column.shape.closing
        text = b"(" + inside + b"*?" + closing + b")"
        return b"(?>" + text + here + re.escape(following) + look + b")", True

    def _is_stamp(self, at: int) -> bool:
        part = self._parts[at] if at < len(self._parts) else b""
        return isinstance(part, Column) and part.shape.is_stamp

    def _value(self, at: int, column: Column) -> bytes | None:
        """Returns an expression for a column's text alone; None if only a search finds its end."""
        shape = column.shape
        behind = self._literal(at + 1)
        end = behind[:1]
        if end == b'"' and self._writer.quoted:
            return self._writer.quoted
        if shape.exact and not (end and end in shape.chars):
            return b"(?>" + shape.exact + b")"
        if is_user_before_time(self._parts, at):
            return USER_BEFORE_TIME
        stops = self._writer.never + shape.never
        if shape.spaced is False:
            stops += SPACES
            if not end:
                return _outside(SPACES) + b"*+"
        elif not end and shape.begins and not self._whole:
            return _outside(SPACES) + b"*+"
        elif behind == b" " and shape.spaced is None and not self._ahead(at + 2, behind):
            return WORDS
        elif end == b"\t":
            # Whoever separates by tabs has none in a value.
            stops += end
        if end and end in stops:
            return _outside(end + (SPACES if shape.spaced is False else b"")) + b"*+"
        return None

    def _literal(self, at: int) -> bytes:
        part = self._parts[at] if 0 <= at < len(self._parts) else b""
        return part if isinstance(part, bytes) else b""

    def _ahead(self, at: int, literal: bytes) -> bytes:
        """Returns what has to follow a literal for the column before it to end there.

        Each part of it either has a limit or cannot pass the literal's next occurrence: together,
        all the places looked at cost no more than a few times the line.
        """
        if at >= len(self._parts):
            return b"" if literal[-1:] in SPACES else _END
        stop = SPACES if set(literal) & set(SPACES) else SPACES + literal[:1]
        ahead = b""
        for place in range(at, min(at + 2 * _LOOK_AHEAD_COLUMNS, len(self._parts)), 2):
            column, behind = self._parts[place], self._literal(place + 1)
            if not isinstance(column, Column):
                break
            shape, end = column.shape, behind[:1]
            adjacent = self._parts[place + 1] if place + 1 < len(self._parts) else b""
            if isinstance(adjacent, Column):
                if shape.exact and shape.bounded and adjacent.shape.begins:
                    ahead += b"(?>" + shape.exact + b")[" + re.escape(adjacent.shape.begins) + b"]"
                break
            if shape.exact:
                if not shape.bounded or (end and end in shape.chars):
                    break
                ahead += b"(?>" + shape.exact + b")"
            elif shape.spaced is None and end == b" " and stop == SPACES:
                # At its commas nothing ends, so that few places look across one list.
                ahead += WORDS
            elif shape.spaced is not True and (not end or end in stop or end in shape.never):
                # What seldom holds a space may hold one where no space parts the columns.
                may_hold = shape.spaced is None and stop != SPACES
                ahead += _outside((literal[:1] if may_hold else stop) + end) + b"*+"
            else:
                break
            ahead += re.escape(behind) if behind else _END
            if behind.strip() or stop != SPACES or not (shape.chars or not shape.exact):
                # Evidence enough, and the less is asked the more odd values are read.
                break
        return ahead


def _before_column(column: Column, following: Column) -> bytes:
    shape, begins = column.shape, following.shape.begins
    if shape.exact and (not shape.chars or (begins and not set(shape.chars) & set(begins))):
        return b"(?>" + shape.exact + b")"
    if not shape.exact and begins and set(begins) <= set(shape.never):
        return _outside(begins + (SPACES if shape.spaced is False else b"")) + b"*+"
    raise OptionError(
        "log_format",
        f"nothing between {column.name} and {following.name}: "
        "where one ends and the other begins cannot be told",
    )


def _outside(stops: bytes) -> bytes:
    return b"[^" + b"".join(re.escape(bytes((byte,))) for byte in sorted(set(stops))) + b"]"
