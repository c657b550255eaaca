"""What rules cost a line: the same log with no, one, ten and a hundred rules before the page view.

Parsing is measured apart and taken off, so that what remains is choosing, filtering and building.
"""

from __future__ import annotations

import gc
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.generate import lines
from benchmarks.measure import Table
from benchmarks.processes import BenchmarkError

from hooktail.config.sections import FieldSection, RuleSection, SourceSection
from hooktail.extract import Extractor, build_extractor
from hooktail.extract.once import OnceBook
from hooktail.model import Lines

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

UNTIL = datetime(2024, 1, 15, 10, 0, 0, tzinfo=UTC)
BATCH = 1000


@dataclass(frozen=True, slots=True)
class Size:
    lines: int
    rounds: int


SIZES = {"full": Size(200_000, 3), "quick": Size(50_000, 3), "tiny": Size(2000, 1)}
COUNTS = (0, 1, 10, 100)


def run(size: str, directory: Path) -> Table:  # noqa: ARG001 - every benchmark gets a directory
    """Measures each number of rules on two logs, in turn, several times."""
    wanted = SIZES[size]
    rows = []
    for what, pageviews in (("four fifths assets", False), ("page views only", True)):
        batches = _batches(wanted.lines, pageviews=pageviews)
        spent: dict[int, list[float]] = {count: [] for count in COUNTS}
        events: dict[int, tuple[int, int]] = {}
        parsing: list[float] = []
        for _ in range(wanted.rounds):
            parsing.append(_parse_s(batches))
            for count in COUNTS:
                seconds, made, of_rules = _extract_s(batches, rules(count))
                spent[count].append(seconds)
                events[count] = made, of_rules
        if len({made for made, _ in events.values()}) != 1 or not events[100][1]:
            raise BenchmarkError(f"rules changed how many lines make an event: {events}")
        without_s = median(spent[0]) - median(parsing)
        for count in COUNTS:
            own_s = median(spent[count]) - median(parsing)
            rows.append(
                (
                    f"{what}, {count} rule{'' if count == 1 else 's'}",
                    f"{own_s / wanted.lines * 1e6:.2f}",
                    f"{(own_s - without_s) / wanted.lines * 1e6:+.2f}",
                    f"{events[count][0] / wanted.lines:.0%}",
                    f"{events[count][1]:,}",
                )
            )
    note = (
        f"{wanted.lines:,} lines, each number the median of {wanted.rounds} turns. Every tenth "
        "rule has an expression for the path, the others a path, a prefix or a parameter; the "
        "last one takes the shop's pages and makes three fields of each."
    )
    headers = ("log", "CPU µs a line", "to no rules", "lines with an event", "events of rules")
    return Table(headers, rows, note)


def rules(count: int) -> tuple[RuleSection, ...]:
    """Makes rules as shops have them; all but the last match nothing in the log."""
    made: list[RuleSection] = []
    for number in range(count - 1):
        when: dict[str, object] = {"method": "GET", "status": "2xx"}
        match number % 10:
            case 0:
                when["path"] = f"regex:^/step-{number}/(?P<order>[0-9]+)/thanks$"
            case 1 | 2 | 3:
                when["path"] = f"prefix:/area-{number}/"
            case 4:
                when["path"] = [f"/a-{number}", f"glob:/b-{number}/*"]
            case 5:
                when["query"] = {f"campaign_{number}": True}
            case _:
                when["path"] = f"/thanks-{number}"
        made.append(RuleSection(name=f"event_{number}", when=when))
    if count:
        fields = (
            FieldSection(name="kind", constant="item"),
            FieldSection(name="page", source="path"),
            FieldSection(name="found_by", source="query.utm_source", default="none"),
        )
        when = {"method": "GET", "status": [200, 304], "path": "prefix:/shop/"}
        made.append(RuleSection(name="view_item", when=when, fields=fields))
    return tuple(made)


def _batches(count: int, *, pageviews: bool) -> list[Lines]:
    texts = [text.rstrip("\n").encode() for text in lines(count, until=UNTIL, pageviews=pageviews)]
    start, made = 0, []
    for first in range(0, count, BATCH):
        part = texts[first : first + BATCH]
        end = start + sum(map(len, part)) + len(part)
        made.append(Lines(part, start, end))
        start = end
    return made


def _extractor(rules_of: tuple[RuleSection, ...]) -> Extractor:
    return build_extractor(
        SourceSection(name="shop", paths=(), site="https://shop.example", rules=rules_of),
        payload="flat",
        visitor_secret=b"s" * 32,
        once=OnceBook(),
        now_ms=lambda: int(UNTIL.timestamp() * 1000),
    )


def _parse_s(batches: Sequence[Lines]) -> float:
    reader = _extractor(()).reader()
    gc.collect()
    before = time.process_time()
    for batch in batches:
        reader.parse_batch(batch.texts)
    return time.process_time() - before


def _extract_s(
    batches: Sequence[Lines], rules_of: tuple[RuleSection, ...]
) -> tuple[float, int, int]:
    """Returns CPU seconds, events, and how many of them rules made."""
    extractor = _extractor(rules_of)
    made = of_rules = 0
    gc.collect()
    before = time.process_time()
    for batch in batches:
        events = extractor.extract(batch, b"log").events
        made += len(events)
        of_rules += sum(event.conversion for event in events)
    return time.process_time() - before, made, of_rules
