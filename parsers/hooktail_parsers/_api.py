"""What a plugin author imports: the record, the parser, the format. Standard library only.

A *format* is a name with a factory; the factory makes a *parser* from options; the parser turns
each line (bytes, without its newline) into one of three values:

    Record        the line states a finished request (or a mapped business event)
    Skip          the line is none and is not meant to be: blank, a directive, part of a record
    ParseError    the line should have been one and is not

A parser never raises for any bytes; `ParseError` is an exception only so that it can be raised
inside and returned outside.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

JsonValue: TypeAlias = "str | int | float | bool | list[JsonValue] | dict[str, JsonValue] | None"


@dataclass(slots=True)
class Record:
    """One request as the log states it, in the normal forms of docs/reference/record.md.

    None means that the line does not say. Text is decoded (UTF-8, invalid bytes as U+FFFD) with
    the log's own escaping undone, and never percent-decoded.
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


class Parser(Protocol):
    """Turns lines into records. One parser serves one file at a time."""

    def parse(self, line: bytes) -> Parsed:
        """Parses one line; never raises, whatever the bytes."""

    def parse_batch(self, lines: Sequence[bytes]) -> list[Parsed]:
        """Parses lines in order, one result each; the same as `parse` on each."""


class LineParser:
    """A base for parsers that look at one line at a time: write `parse`, get the batch.

    `parse` may raise `ParseError`; `parse_batch` returns it as a value. Parsers that are fast on
    batches override `parse_batch`.
    """

    def parse(self, line: bytes) -> Parsed:
        """Parses one line."""
        raise NotImplementedError

    def parse_batch(self, lines: Sequence[bytes]) -> list[Parsed]:
        """Parses each line."""
        parsed: list[Parsed] = []
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
    `OptionError`. `fields` are the record fields that it can fill.
    """

    name: str
    summary: str
    fields: tuple[str, ...]
    make: Callable[[Mapping[str, str]], Parser] = field(repr=False)
    kind: Literal["format", "wrapper", "builder"] = "format"
