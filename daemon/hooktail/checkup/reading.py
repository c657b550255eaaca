"""What a source's format and rules make of a sample: counted, with the first refused lines."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from hooktail.checkup.lines import masked
from hooktail.extract.reading import HeldLine, failure_of
from hooktail.model import Lines
from hooktail_parsers import ParseError, Record
from hooktail_parsers.auto import ENOUGH, auto_parser
from hooktail_parsers.builtin import FORMATS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hooktail.checkup.sample import Sample
    from hooktail.extract import Extractor
    from hooktail_parsers.assembly import Assembled

_TAIL = 1 << 40
"""Where the numbers of the lines from the end of a file begin."""
SEAM_LINES = 20
"""Of the tail: they may belong to a record whose first line was not sampled."""
MOST_REFUSED = 64
"""Refused lines that are kept."""
NO_REQUEST = "not_a_request"
PARSER_FAILED = "parser_failed"
_ANY_FORMAT_TAKES = ("encoding", "timezone", "year")
_COUNTED = ("user_agent", "ip", "time_ms", "host", "cookies", "headers", "xff")
"""What a log may lack."""


class Refused(NamedTuple):
    """A line that should have been a record."""

    number: int | None
    """From 1; None near the end of a file."""
    text: bytes
    reason: str
    """A constant word; for a parser that failed, with what it did."""


@dataclass(slots=True)
class Reading:
    """The counts of one file's sample, or of several together."""

    records: int = 0
    refused: int = 0
    no_requests: int = 0
    """Lines in the format that hold no request: not the format's fault."""
    skipped: Counter[str] = field(default_factory=Counter)
    first_refused: list[Refused] = field(default_factory=list)
    stated: Counter[str] = field(default_factory=Counter)
    """How many of the records state what a log may lack."""
    newest_ms: int | None = None
    events: Counter[str] = field(default_factory=Counter)
    others: Counter[str] = field(default_factory=Counter)
    """Lines that make no event, by the reason under which the daemon would count them."""
    chosen: str = ""
    """The format that `auto` found."""

    @property
    def judged(self) -> int:
        """Lines that the format should fit."""
        return self.records + self.refused + self.no_requests

    @property
    def share(self) -> float:
        """Of the lines that the format should fit, those that it does."""
        return 1 - self.refused / self.judged if self.judged else 1.0

    def add(self, other: Reading) -> None:
        """Counts another file's lines too."""
        self.records += other.records
        self.refused += other.refused
        self.no_requests += other.no_requests
        if other.newest_ms is not None:
            self.newest_ms = max(self.newest_ms or 0, other.newest_ms)
        for mine, theirs in (
            (self.skipped, other.skipped),
            (self.stated, other.stated),
            (self.events, other.events),
            (self.others, other.others),
        ):
            mine.update(theirs)


def read(extractor: Extractor, sample: Sample) -> Reading:
    """Reads a sample as the daemon reads a file; nothing that it claims is kept by anyone."""
    reading = Reading()
    reader = extractor.reader()
    for texts, first in ((sample.head, 0), (sample.tail, _TAIL)):
        for number, result in enumerate(reader.parse_batch(texts), first):
            line = HeldLine(number, texts[number - first])
            for assembled in reader.assembler.take(line, result):
                _count(reading, assembled, in_seam=reader.stateful)
    for assembled in reader.assembler.give_up_all():
        _count(reading, assembled, in_seam=reader.stateful)
    reading.chosen = reader.chosen
    if sample.long_lines:
        reading.refused += sample.long_lines
        reading.others["unparsable.line_too_long"] += sample.long_lines
    _extract(extractor, sample, reading)
    return reading


def _count(reading: Reading, assembled: Assembled[HeldLine], *, in_seam: bool) -> None:
    parsed, (number, text) = assembled.parsed, assembled.keys[0]
    if isinstance(parsed, Record):
        reading.records += 1
        for name in _COUNTED:
            reading.stated[name] += getattr(parsed, name) is not None
        if parsed.time_ms is not None:
            reading.newest_ms = max(reading.newest_ms or 0, parsed.time_ms)
    elif not isinstance(parsed, ParseError):
        reading.skipped[parsed.reason] += 1
    elif parsed.reason == NO_REQUEST:
        reading.no_requests += 1
    elif not (in_seam and _TAIL <= number < _TAIL + SEAM_LINES):
        reading.refused += 1
        if len(reading.first_refused) < MOST_REFUSED:
            place = number + 1 if number < _TAIL else None
            reason = parsed.reason
            if failure := failure_of(parsed):
                reason += f": {masked(failure.encode()).decode('utf-8', 'replace')}"
            reading.first_refused.append(Refused(place, text, reason))


def _extract(extractor: Extractor, sample: Sample, reading: Reading) -> None:
    reader = extractor.reader()
    end = 0
    for texts in filter(None, (sample.head, sample.tail)):
        lines = Lines(texts, end, end + sum(map(len, texts)) + len(texts))
        end = lines.end
        taken = extractor.extract(lines, b"", reader)
        reading.events.update(event.name for event in taken.events)
        reading.others.update(taken.settled)
    ended = extractor.give_up(reader, b"", end, list(reader.assembler.open))
    reading.events.update(event.name for event in ended.events)
    reading.others.update(ended.settled)


class Better(NamedTuple):
    """A format that reads what the configured one refuses."""

    spec: str
    lines: int
    """How many of them are records in it; 0 if it knows them, and none is a request."""
    of: int


def better_format(
    reading: Reading, sample: Sample, options: Mapping[str, str], own: str
) -> Better | None:
    """Finds the format other than `own` that says most about the refused lines.

    One that reads half of them goes before one that says more of fewer. None if none reads any.
    """
    lines = [each.text for each in reading.first_refused]
    if not lines:
        return None
    common = {key: text for key, text in options.items() if key in _ANY_FORMAT_TAKES}
    # Where nothing fits, what was taken for a comment may name the columns.
    tried = lines if reading.records else sample.head[: 2 * MOST_REFUSED] or lines
    auto = auto_parser(lambda: FORMATS, common)
    trials = [trial for trial in auto.trials(tried) if trial.candidate.spec != own]
    best = max(trials, key=lambda trial: (trial.share >= ENOUGH, trial.rank), default=None)
    if best is not None:
        return Better(best.candidate.spec, max(round(best.share * len(lines)), 1), len(lines))
    known = auto.knows(tried)
    return Better(known, 0, len(lines)) if known and known != own else None
