"""Which lines belong to which record: the bookkeeping for parsers that join lines. Pure.

A line is known by a key of the caller's choice (a number, an offset). Every line that was put in
comes out exactly once, in one `Assembled`, or is still held.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeGuard, TypeVar

from hooktail_parsers._api import ParseError, Part, Record, Skip, Step

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from hooktail_parsers._api import Finished, Parsed, Parser, Result, StatefulParser

Key = TypeVar("Key")

BROKEN = ParseError("parser_failed")


def is_stateful(parser: Parser | None) -> TypeGuard[StatefulParser]:
    """Tells whether a parser carries something from line to line."""
    kind: type = type(parser)
    return _is_stateful(kind)


@cache
def _is_stateful(kind: type) -> bool:
    # By what the class has, not by `isinstance`, which looks at each attribute of the object
    # every time; `hold_s` may be the object's own.
    return all(callable(getattr(kind, name, None)) for name in ("fork", "restore", "give_up"))


class Assembled(NamedTuple, Generic[Key]):
    """A record, or what else they came to, with its lines in the order in which they came."""

    keys: list[Key]
    parsed: Parsed


class Assembler(Generic[Key]):
    """Holds the lines of one file's unfinished records.

    A parser that breaks the interface (finishes what was never open, gives what is no result)
    loses no line by it: each still comes out, at the latest by `give_up_all`.
    """

    def __init__(self, parser: Parser) -> None:
        self._parser = parser if is_stateful(parser) else None
        self.open: dict[Hashable, list[Key]] = {}
        """The lines of each unfinished record, by the parser's name for it; oldest first."""
        self.state: str | None = None
        """What the parser carries, since it last said so."""

    def take(self, key: Key, result: Result) -> Iterable[Assembled[Key]]:
        """Takes what the parser said of one line; returns what is complete with it."""
        if isinstance(result, Record | Skip | ParseError):
            return (Assembled([key], result),)
        if isinstance(result, Part):
            self.open.setdefault(result.record, []).append(key)
            return ()
        if not isinstance(result, Step):
            return (Assembled([key], BROKEN),)
        own = self.take(key, BROKEN if result.line is None else result.line)
        return (*own, *self._finish(result))

    def give_up(self, record: Hashable) -> list[Assembled[Key]]:
        """Ends one open record, and whatever else the parser ends with it."""
        step = self._given_up(record)
        assembled = [] if step is None else self._finish(step)
        keys = self.open.pop(record, None)
        if keys is not None:  # a parser that forgot it
            assembled.append(Assembled(keys, BROKEN))
        return assembled

    def give_up_all(self) -> list[Assembled[Key]]:
        """Ends every open record, the oldest first."""
        assembled = []
        while self.open:
            assembled += self.give_up(next(iter(self.open)))
        return assembled

    def _given_up(self, record: Hashable) -> Step | None:
        if self._parser is None:
            return None
        try:
            step = self._parser.give_up(record)
        except Exception:  # noqa: BLE001  # a plugin's edge
            return None
        return step if isinstance(step, Step) else None

    def _finish(self, step: Step) -> list[Assembled[Key]]:
        if step.state is not None:
            self.state = step.state
        assembled = []
        for finished in step.finished:
            keys = self.open.pop(finished.record, None)
            if keys is None:
                continue
            if isinstance(finished.parsed, Part):
                self.open.setdefault(finished.parsed.record, []).extend(keys)
            else:
                assembled.append(Assembled(keys, _checked(finished)))
        return assembled


def _checked(finished: Finished) -> Parsed:
    parsed = finished.parsed
    return parsed if isinstance(parsed, Record | Skip | ParseError) else BROKEN
