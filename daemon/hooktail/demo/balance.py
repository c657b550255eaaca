"""Do the three sides agree? What was written, what the daemon counted, what the endpoint got. Pure.

Nobody asks another side: the shop knows what each of its lines must become, the daemon's books
are read from its checkpoint, the endpoint keeps its own tally.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hooktail.demo.traffic import DELIVERED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hooktail.collector import Received
    from hooktail.demo.traffic import LogLine

READ = "read"


@dataclass(slots=True)
class Written:
    """The shop's side: the lines it wrote, by the fate each must have."""

    lines: int = 0
    fates: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    cents: int = 0

    def add(self, lines: Iterable[LogLine]) -> None:
        """Counts lines that stand in the log."""
        for line in lines:
            self.lines += 1
            self.fates[line.fate] += 1
            if line.event:
                self.events[line.event] += 1
            self.cents += line.cents


@dataclass(slots=True)
class Taken:
    """The endpoint's side: what came in and how it was answered."""

    events: Counter[str] = field(default_factory=Counter)
    """Accepted, by name."""
    ids: set[str] = field(default_factory=set)
    without_id: int = 0
    cents: int = 0
    refused: int = 0
    """Answered 4xx for what was in them, by the collector's judgement."""
    failed: int = 0
    """Answered 503 during the outage; hooktail must send them again."""

    def add(self, received: Received) -> None:
        """Counts a POST."""
        if not received.accepted:
            self.failed += received.fault is not None
            self.refused += received.fault is None
            return
        event = received.json if isinstance(received.json, dict) else {}
        self.events[str(event.get("event_name"))] += 1
        event_id = event.get("event_id")
        if isinstance(event_id, str):
            self.ids.add(event_id)
        else:
            self.without_id += 1
        value = event.get("value")
        if isinstance(value, int | float):
            self.cents += round(value * 100)

    @property
    def accepted(self) -> int:
        """Events accepted, each POST for itself."""
        return self.events.total()

    @property
    def duplicates(self) -> int:
        """Events accepted more than once."""
        return self.accepted - self.without_id - len(self.ids)


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """The three sides at the end."""

    written: Written
    lines_in_files: int
    """Counted again in the files."""
    books: Mapping[str, int]
    """The daemon's counters, from its checkpoint."""
    taken: Taken
    exit_code: int
    """The daemon's."""

    @property
    def read(self) -> int:
        """Lines the daemon says it has read."""
        return self.books.get(READ, 0)

    def settled(self, state: str = "") -> dict[str, int]:
        """The daemon's counters of one state, or of all by state, the most frequent first."""
        counters = {
            key: number
            for key, number in self.books.items()
            if key != READ and key.startswith(state) and number
        }
        return dict(sorted(counters.items(), key=_by_state_and_number))

    def problems(self) -> list[str]:
        """Says in plain sentences what does not agree; empty if everything balances."""
        return [*self._lines(), *self._fates(), *self._events(), *self._daemon()]

    def _lines(self) -> Iterable[str]:
        if self.lines_in_files != self.written.lines:
            yield (
                f"The shop wrote {self.written.lines} lines, but its files hold "
                f"{self.lines_in_files}."
            )
        if self.read != self.written.lines:
            yield f"The shop wrote {self.written.lines} lines, but hooktail read {self.read}."
        settled = sum(self.settled().values())
        if settled != self.read:
            yield f"hooktail read {self.read} lines, but says of {settled} what became of them."

    def _fates(self) -> Iterable[str]:
        counted = self.settled()
        for fate in sorted(self.written.fates.keys() | counted.keys()):
            expected, found = self.written.fates[fate], counted.get(fate, 0)
            if expected != found:
                yield (
                    f"{expected} lines were written to end as {fate}, but hooktail counted {found}."
                )

    def _events(self) -> Iterable[str]:
        taken = self.taken
        for name in sorted(self.written.events.keys() | taken.events.keys()):
            expected, found = self.written.events[name], taken.events[name]
            if expected != found:
                yield f"{expected} {name} events happened, but the endpoint accepted {found}."
        if taken.cents != self.written.cents:
            yield (
                f"Purchases of {self.written.cents / 100:.2f} happened, but the endpoint was told "
                f"of {taken.cents / 100:.2f}."
            )
        delivered = self.books.get(DELIVERED, 0)
        if delivered != taken.accepted:
            yield (
                f"hooktail says {delivered} events were delivered, but the endpoint accepted "
                f"{taken.accepted}."
            )
        if taken.duplicates:
            yield f"{taken.duplicates} events arrived more than once."
        if taken.without_id:
            yield f"{taken.without_id} events had no event_id."
        if taken.refused:
            yield f"The endpoint refused {taken.refused} events as malformed."

    def _daemon(self) -> Iterable[str]:
        if self.exit_code:
            yield f"hooktail was told to stop and ended with exit code {self.exit_code}, not 0."


def _by_state_and_number(counter: tuple[str, int]) -> tuple[str, int, str]:
    key, number = counter
    return key.partition(".")[0], -number, key
