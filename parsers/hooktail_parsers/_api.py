"""What a plugin author imports: the record, the parser, the format. It needs msgspec alone.

A *format* is a name with a factory; the factory makes a *parser* from options; the parser turns
each line (bytes, without its newline) into one of three values:

    Record        the line states a finished request (or a mapped business event)
    Skip          the line is none and is not meant to be: blank, a directive, part of a record
    ParseError    the line should have been one and is not

A parser never raises for any bytes; `ParseError` is an exception only so that it can be raised
inside and returned outside.

Where a record spans lines, or a line changes how later ones read (`#Fields`), the parser is a
`StatefulParser`, and two more values say what happens:

    Part          the line belongs to a record that is not finished; it waits for it
    Step          a line's own value, with the records that it finishes and the parser's new state

Whoever feeds the parser remembers which lines wait for which record. After a restart it feeds the
lines that still wait again, in their order, behind `restore` with the state that held for them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias, runtime_checkable

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Sequence

JsonValue: TypeAlias = "str | int | float | bool | list[JsonValue] | dict[str, JsonValue] | None"


# A struct is made in a quarter of the time of a dataclass, and every line makes a record. The
# garbage collector need not look at it (`gc=False`): what it holds is JSON, which leads back to
# nothing, so that no record is part of a cycle, and each is gone with its last reference.
class Record(msgspec.Struct, gc=False):
    """One request as the log states it, in the normal forms of docs/reference/record.md.

    None means that the line does not say. Text is decoded (UTF-8, invalid bytes as U+FFFD) with
    the log's own escaping undone, and never percent-decoded. A record can be changed; for one
    with other values, `msgspec.structs.replace(record, host="shop.example")`.
    """

    time_ms: int | None = None
    """Milliseconds since the epoch, UTC, truncated."""
    ip: str | None = None
    method: str | None = None
    scheme: str | None = None
    host: str | None = None
    port: int | None = None
    path: str | None = None
    query: str | None = None
    """Behind the first `?`; `""` if nothing stands there, None without a `?`."""
    status: int | None = None
    referrer: str | None = None
    user_agent: str | None = None
    user: str | None = None
    bytes_sent: int | None = None
    duration_s: float | None = None
    cookies: str | None = None
    headers: dict[str, str] | None = None
    xff: str | None = None
    session: str | None = None
    request_id: str | None = None
    fields: dict[str, JsonValue] | None = None
    """What the format logs beyond the above, by the log's own names."""


@dataclass(frozen=True, slots=True)
class Skip:
    """A line that is no record and not meant to be; `reason` is a constant snake_case word."""

    reason: str


class ParseError(Exception):
    """A line that should have been a record; `reason` is a constant snake_case word."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


Parsed: TypeAlias = "Record | Skip | ParseError"


class Part(msgspec.Struct, frozen=True):
    """A line that belongs to a record which is not finished yet.

    `record` names the record among those open now, in any way the parser likes; a name may be
    used again once its record is finished.
    """

    record: Hashable


class Finished(msgspec.Struct, frozen=True):
    """What an open record came to.

    `parsed` is what all its lines together are. A `Part` hands them on to another open record:
    a message put together from chunks may itself be one line of a longer record.
    """

    record: Hashable
    parsed: Parsed | Part


class Step(msgspec.Struct, frozen=True):
    """What a line does besides being what it is."""

    line: Parsed | Part | None
    """What the line itself is; a `Part` joins its record before `finished` is looked at. None
    only from `give_up`, where no line is at hand."""
    finished: tuple[Finished, ...] = ()
    """Records that end here, in the order in which they began."""
    state: str | None = None
    """What the parser carries from here on, for `restore`; None if that did not change."""


Result: TypeAlias = "Parsed | Part | Step"


class Parser(Protocol):
    """Turns lines into records. Without state, one parser may serve any number of files."""

    def parse(self, line: bytes) -> Result:
        """Parses one line; never raises, whatever the bytes."""

    def parse_batch(self, lines: Sequence[bytes]) -> Sequence[Result]:
        """Parses lines in order, one result each; the same as `parse` on each."""


@runtime_checkable
class StatefulParser(Parser, Protocol):
    """A parser that carries something from line to line. It serves one file, from `fork` on."""

    hold_s: float
    """How long an unfinished record may wait for its next line before it is given up, seconds."""

    def fork(self) -> StatefulParser:
        """Returns such a parser for another file: nothing read so far is known to it."""

    def restore(self, state: str) -> None:
        """Carries what a parser carried that gave this state; open records are forgotten.

        `""` is the state of a parser that has read nothing. Raises ValueError for a text that is
        no state of this parser.
        """

    def give_up(self, record: Hashable) -> Step:
        """Ends an open record that has waited long enough, or whose file is at its end.

        The record is among the step's `finished`. Never raises for a record that is open.
        """


class LineParser:
    """A base for parsers that look at one line at a time: write `parse`, get the batch.

    `parse` may raise `ParseError`; `parse_batch` returns it as a value. Parsers that are fast on
    batches override `parse_batch`.
    """

    def parse(self, line: bytes) -> Result:
        """Parses one line."""
        raise NotImplementedError

    def parse_batch(self, lines: Sequence[bytes]) -> list[Result]:
        """Parses each line."""
        parsed: list[Result] = []
        for line in lines:
            try:
                parsed.append(self.parse(line))
            except ParseError as error:
                parsed.append(error)
        return parsed


class OptionError(ValueError):
    """An option that a format does not take, or a value that it cannot use."""

    def __init__(self, option: str, message: str) -> None:
        super().__init__(f"{option}: {message}")
        self.option = option
        self.message = message


@dataclass(frozen=True, slots=True)
class Format:
    """A format under its name: what `hooktail formats` lists and what a plugin registers.

    `make` builds a parser from options (text keys and values, as given with `--set`), and raises
    `OptionError`. A wrapper (`docker_json+combined`) also has `wrap`, which is given the parser of
    what is inside; its `make` wraps `auto`. A builder (`nginx:` and a definition) also has
    `build`, which is given the definition; its `make` takes that from the option `log_format`.
    `fields` are the record fields that the format can fill, for a wrapper those that it adds.
    """

    name: str
    summary: str
    fields: tuple[str, ...]
    make: Callable[[Mapping[str, str]], Parser] = field(repr=False)
    kind: Literal["format", "wrapper", "builder"] = "format"
    wrap: Callable[[Parser, Mapping[str, str]], Parser] | None = field(default=None, repr=False)
    build: Callable[[str, Mapping[str, str]], Parser] | None = field(default=None, repr=False)
    example: str = ""
    """A line of the format, for the reference."""
    source: str = ""
    """Where the format is defined."""
