"""The nouns that flow from a file to the endpoint and back. No IO, no clock.

    Lines (a batch of lines of one file)
      └─► Extraction (what became of them)
            └─► Event (one POST, ready to send)
                  └─► settle(event, state) on the file's Settler

Offsets are bytes in the decompressed stream; a range is half-open `[start, end)`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from itertools import accumulate, count
from operator import add
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class FileId(NamedTuple):
    """What the kernel calls a file: it survives a rename, and is reused after a deletion."""

    device: int
    inode: int


class Lines:
    """A batch of whole lines of one file, without their newlines.

    `starts[i]` is the offset of the first byte of `texts[i]`; `end` is the offset behind the last
    newline. Given no `starts`, the lines are contiguous from `start`, each followed by exactly
    one newline byte.
    """

    raw: bytes | None = None
    """All bytes of `[start, end)`, where the texts are what stands between their newlines."""

    def __init__(
        self, texts: list[bytes], start: int, end: int, starts: Sequence[int] | None = None
    ) -> None:
        self.start = start
        self.end = end
        self.__dict__["texts"] = texts
        if starts is not None:
            self.__dict__["starts"] = starts

    @classmethod
    def of(cls, raw: bytes, start: int) -> Lines:
        """Takes whole lines as they stand in the file; they are split where somebody asks."""
        lines = cls.__new__(cls)
        lines.raw, lines.start, lines.end = raw, start, start + len(raw)
        return lines

    @cached_property
    def texts(self) -> list[bytes]:
        """The lines, without their newlines."""
        texts = (self.raw or b"").split(b"\n")
        texts.pop()
        return texts

    @cached_property
    def starts(self) -> Sequence[int]:
        """Offsets of the lines, in bytes."""
        lengths = accumulate(map(len, self.texts), initial=self.start)
        return list(map(add, lengths, count()))[: len(self.texts)]

    @cached_property
    def _number(self) -> int:
        return len(self.texts) if self.raw is None else self.raw.count(b"\n")

    def __len__(self) -> int:
        return self._number

    def __repr__(self) -> str:
        return f"Lines({len(self)} lines, [{self.start}, {self.end}))"


class State(StrEnum):
    """The states a line can end in. There is no other, and each is counted per source.

    A counter's key is the state, or `state.reason` where there are several ways into it
    (`filtered.static_file`, `unparsable.syntax`); see `Books`.
    """

    DELIVERED = "delivered"
    FILTERED = "filtered"
    UNPARSABLE = "unparsable"
    DEAD_LETTERED = "dead_lettered"
    EXPIRED = "expired"


class Event(NamedTuple):
    """One event, serialised once; the same bytes are sent on every try."""

    name: str
    event_id: str
    body: bytes
    start: int
    """Offset of the line it came from."""
    conversion: bool
    """Made by a rule (a purchase, a sign-up), not by the built-in page view."""


class Unparsable(NamedTuple):
    """A line that the parser refused; kept for the operator."""

    start: int
    text: bytes
    reason: str


class Claim(NamedTuple):
    """A `once_per` key taken by a line: durable together with the line's being read."""

    key: str
    owner: str
    time_ms: int


@dataclass(slots=True)
class Extraction:
    """What became of a batch of lines.

    Every line of the batch is in `events` (it waits for its answer), in `waiting`, or counted in
    `settled`, whose keys are counter keys such as `filtered.bot`. `settled` also counts the lines
    in `released`, which waited since an earlier batch:
    `len(lines) == len(events) + len(waiting) + sum(settled.values()) - len(released)`, where
    an event whose record began in an earlier batch is not of this one and not counted.
    `unparsable` repeats, with their text, the lines counted under `unparsable.*`.
    """

    events: list[Event] = field(default_factory=list)
    settled: dict[str, int] = field(default_factory=dict)
    unparsable: list[Unparsable] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)
    sessions: dict[int, int] = field(default_factory=dict)
    """What changed in the book of sessions: durable together with the lines' being read."""
    ages: dict[int, int] = field(default_factory=dict)
    """By the start of an event: seconds from the start of its session to it, for saying the same
    when the line is read again."""
    waiting: list[int] = field(default_factory=list)
    """Starts of this batch's lines that wait for the rest of their record, or that belong to the
    record of an event without being its first line."""
    released: list[int] = field(default_factory=list)
    """Starts of lines of earlier batches whose record came to no event."""
    parts: dict[int, list[int]] = field(default_factory=dict)
    """By the start of an event: the starts of its record's other lines, settled with it."""
    fitting: int = 0
    """Records that the format could read; one for a record over several lines."""
    refused: int = 0
    """Lines, or lines together, that should have been records."""
    failure: str = ""
    """What the parser did on the first line on which it failed itself."""
    states: list[tuple[int, str]] = field(default_factory=list)
    """Where the parser's state changed: the start of the line behind which it holds."""


class Settler(Protocol):
    """Where the final state of a file's events is written down; called on the loop thread."""

    def settle(self, event: Event, state: State, reason: str = "") -> None:
        """Settles the event's line, once and for all. Never called twice for one event."""


class Books:
    """The counters of one source: `read` and one per final state and reason.

    `read == sum of the states + pending` at every instant in which nobody is inside a call.
    """

    __slots__ = ("_delta", "totals")

    def __init__(self, totals: Mapping[str, int] | None = None) -> None:
        self.totals: dict[str, int] = dict(totals or {})
        self._delta: dict[str, int] = {}

    def add(self, key: str, lines: int = 1) -> None:
        """Counts `lines` lines under `key`."""
        self.totals[key] = self.totals.get(key, 0) + lines
        self._delta[key] = self._delta.get(key, 0) + lines

    def take_delta(self) -> dict[str, int]:
        """Returns what was counted since the last call, for the journal."""
        delta, self._delta = self._delta, {}
        return delta
