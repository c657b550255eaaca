"""The format of a file, found on its first lines: choose by what parses and what it yields.

The first lines wait as a sample. When there are enough of them (or no more come for a while),
every format reads the sample, alone and inside each wrapper that fits, and the best is pinned: the
file is of that format from then on, and its choice is the parser's state, so that it is not made
again after a restart. A sample in which no format reads at least `ENOUGH` of the lines decides for
itself alone, and the next lines are a new sample: a file may begin with the start-up text of a
server.

Of formats whose records say equally much, the first in the order of `builtin` is chosen, unless it
refuses many lines that another one passes over: an application logs other things too. Detecting
line by line would misread the variants of the common log format.
"""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from hooktail_parsers._api import (
    Finished,
    LineParser,
    OptionError,
    ParseError,
    Part,
    Record,
    Skip,
    Step,
)
from hooktail_parsers.address import client_ip
from hooktail_parsers.assembly import BROKEN, Assembler, is_stateful
from hooktail_parsers.ncsa import relatives
from hooktail_parsers.options import check_options

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence

    from hooktail_parsers._api import Format, Parsed, Parser, Result
    from hooktail_parsers.assembly import Assembled

SAMPLE_LINES = 32
SAMPLE_BYTES = 65_536
SAMPLE_HOLD_S = 1.0
"""How long a sample may wait for its next line."""
ENOUGH = 0.5
"""The share of records among the lines that should be some, from which on the choice is pinned."""
MOST = 0.75
"""The same share, from which on a format refuses no more than what is broken."""
KNOWN_OPTIONS = (
    "encoding", "timezone", "year", "log_format", "date_format", "fields", "request_captures",
    "session_cookie",
)  # fmt: skip
MOST_OTHERS = 3
ONLY_INSIDE = frozenset(("clf_no_time",))
"""Formats for the inside of wrappers: alone they would take any column for what they miss."""
ONLY_NAMED = frozenset(("jetty_ncsa", "icecast2"))
"""Formats that end in a number whose unit no line tells: milliseconds, seconds, microseconds."""
SEARCHING = frozenset(known.name for known in relatives.FORMATS)
"""Formats that find their columns wherever they stand, so also behind what a wrapper would take
off: they are the last of those that say as much."""
FRUITLESS_SAMPLES = 8
"""After so many samples in a row without any record, only `GLANCE_LINES` of each are looked at
until one of them is a record again: a file of other things must not cost much."""
GLANCE_LINES = 4
_OWN_FAULT = frozenset(("not_a_request", "bad_time"))
"""Reasons of a format that knows the line, so that no other format is asked."""
NO_FORMAT_FITS = ParseError("no_format_fits")

FIELDS = (
    "time", "ip", "method", "scheme", "host", "port", "path", "query", "status", "referrer",
    "user_agent", "user", "bytes_sent", "duration_s", "cookies", "headers", "xff", "session",
    "request_id", "fields",
)  # fmt: skip
_YIELD = (
    "time_ms", "ip", "method", "path", "status", "referrer", "user_agent", "scheme", "user",
    "bytes_sent", "duration_s", "cookies", "headers", "session", "request_id",
)  # fmt: skip


class Candidate(NamedTuple):
    """A format under the name that a configuration would give it.

    `make` may give the same parser each time: it is forked where it has state.
    """

    spec: str
    make: Callable[[], Parser]


FindCandidates: TypeAlias = "Callable[[Sequence[bytes]], Iterable[Candidate]]"
"""Gives the formats to try on a sample; all of them for an empty one."""


class Trial(NamedTuple):
    """What a format made of the sample."""

    candidate: Candidate
    parser: Parser
    results: Sequence[Result]
    share: float
    """Of the lines that should be records, those that are."""
    values: int
    """How much the records say, all together, each as often as it has lines."""

    @property
    def rank(self) -> tuple[int, bool, bool]:
        """Orders trials: what the records say, then whether hardly a line is refused."""
        return self.values, self.share >= MOST, self.candidate.spec not in SEARCHING


class AutoParser:
    """Finds the format of one file, then reads as that format's parser does."""

    def __init__(self, candidates: FindCandidates, liked: list[str]) -> None:
        self._candidates = candidates
        self._liked = liked
        """What was pinned for the other files of the same source; the latest is tried first."""
        self._sample: list[bytes] = []
        self._sample_bytes = 0
        self._fruitless = 0
        """How many samples in a row had no record."""
        self.hold_s = SAMPLE_HOLD_S
        """For the sample; then the chosen format's own."""
        self._first = 0
        """Number of the sample's first line: its lines wait under their numbers."""
        self._inner: Parser | None = None
        self._others: list[Candidate] = []
        self._other_parsers: list[Parser] = []
        """For lines that the chosen format refuses: formats that read some such of the sample."""
        self.chosen = ""
        """The spec of the format that was pinned; empty until then."""

    def fork(self) -> AutoParser:
        """Returns a parser for another file, which tries first what was chosen for this one."""
        return AutoParser(self._candidates, self._liked)

    def restore(self, state: str) -> None:
        """Goes on with the format that was chosen."""
        self._sample, self._sample_bytes = [], 0
        self._inner, self.chosen, self.hold_s = None, "", SAMPLE_HOLD_S
        self._others, self._other_parsers = [], []
        if not state:
            return
        spec, inner, others = _state_of(state)
        candidates = {candidate.spec: candidate for candidate in self._candidates(())}
        unknown = {spec, *others} - candidates.keys()
        if unknown:
            raise ValueError(f"a format {unknown.pop()[:80]!r} is not known any more")
        parser = _fresh(candidates[spec].make())
        if is_stateful(parser):
            parser.restore(inner)
        self._pin(parser, spec)
        self._add_others([candidates[other] for other in others])

    def parse(self, line: bytes) -> Result:
        """Parses one line."""
        return self.parse_batch((line,))[0]

    def parse_batch(self, lines: Sequence[bytes]) -> Sequence[Result]:
        """Parses lines in order."""
        if self._inner is not None:
            return self._outward(lines, self._inner.parse_batch(lines))
        results: list[Result] = []
        for index, line in enumerate(lines):
            part = Part(("sample", self._first + len(self._sample)))
            self._sample.append(line)
            self._sample_bytes += len(line)
            if len(self._sample) < SAMPLE_LINES and self._sample_bytes < SAMPLE_BYTES:
                results.append(part)
                continue
            finished, state = self._decide()
            results.append(Step(part, finished, state))
            if self._inner is not None:
                return [*results, *self.parse_batch(lines[index + 1 :])]
        return results

    def give_up(self, record: Hashable) -> Step:
        """Decides on the sample so far, or ends a record of the chosen format."""
        if isinstance(record, tuple) and record[:1] == ("sample",):
            return Step(None, *self._decide())
        if is_stateful(self._inner):
            step = self._inner.give_up(record)
            return Step(step.line, step.finished, self._state(step.state))
        return Step(None)

    def _outward(self, lines: Sequence[bytes], results: Sequence[Result]) -> Sequence[Result]:
        others = self._other_parsers
        if not others and not is_stateful(self._inner):
            return results
        outward = list(results)
        for index, result in enumerate(outward):
            if isinstance(result, Step):
                if result.state is not None:
                    outward[index] = Step(result.line, result.finished, self._state(result.state))
            elif isinstance(result, ParseError) and result.reason not in _OWN_FAULT:
                outward[index] = _read_by(others, lines[index]) or result
        return outward

    def _pin(self, parser: Parser, spec: str) -> None:
        self._inner, self.chosen = parser, spec
        if is_stateful(parser):
            self.hold_s = parser.hold_s

    def _state(self, inner: str | None) -> str | None:
        if inner is None:
            return None
        others = [candidate.spec for candidate in self._others]
        return json.dumps({"format": self.chosen, "inner": inner, "others": others})

    def _add_others(self, others: Iterable[Candidate]) -> None:
        for candidate in others:
            self._others.append(candidate)
            self._other_parsers.append(candidate.make())

    def _decide(self) -> tuple[tuple[Finished, ...], str | None]:
        """Reads the sample with the best format; returns what its lines are, and the choice."""
        sample, first = self._sample, self._first
        self._sample, self._sample_bytes, self._first = [], 0, first + len(sample)
        best: Trial | None = None
        if self._fruitless < FRUITLESS_SAMPLES or self._is_worth_reading(sample):
            candidates = list(self._candidates(sample))
            best = self._best(candidates, sample)
        self._fruitless = self._fruitless + 1 if best is None else 0
        if best is None:
            blank = [Skip("blank") if not line.strip() else NO_FORMAT_FITS for line in sample]
            return tuple(
                Finished(("sample", first + i), each) for i, each in enumerate(blank)
            ), None
        others, best = _beside(best, candidates, sample)
        if best.share < ENOUGH:
            return tuple(_closed(best, first)), None
        self._add_others(others)
        self._pin(best.parser, best.candidate.spec)
        if self.chosen in self._liked:
            self._liked.remove(self.chosen)
        self._liked.insert(0, self.chosen)
        finished: list[Finished] = []
        inner = ""
        for number, result in enumerate(best.results, first):
            if isinstance(result, Step):
                line = BROKEN if result.line is None else result.line
                finished += (Finished(("sample", number), line), *result.finished)
                inner = inner if result.state is None else result.state
            else:
                finished.append(Finished(("sample", number), result))
        return tuple(finished), self._state(inner)

    def _is_worth_reading(self, sample: list[bytes]) -> bool:
        """Tells whether a few lines of the sample have a record among them."""
        glance = sample[:: max(1, len(sample) // GLANCE_LINES)]
        return self._best(list(self._candidates(glance)), glance) is not None

    def _best(self, candidates: list[Candidate], sample: list[bytes]) -> Trial | None:
        """Tries what was chosen before, then everything; None if nothing gives a record."""
        for spec in self._liked:
            for candidate in candidates:
                trial = _trial(candidate, sample) if candidate.spec == spec else None
                if trial is not None and trial.share >= ENOUGH:
                    return trial
        best: Trial | None = None
        for candidate in candidates:
            trial = _trial(candidate, sample)
            if trial and trial.share > 0 and (best is None or trial.rank > best.rank):
                best = trial
        return best


class _Probe(LineParser):
    """Takes whatever a wrapper finds inside a line."""

    def parse(self, line: bytes) -> Parsed:  # noqa: ARG002  # it does not matter what is inside
        """Takes the line."""
        return Record()


def auto_parser(
    formats: Callable[[], Mapping[str, Format]], options: Mapping[str, str]
) -> AutoParser:
    """Makes the parser; formats that do not take the options are left out.

    Raises OptionError for an option that no format takes.
    """
    check_options(options, [*KNOWN_OPTIONS, *(key for key in options if key.startswith("map."))])

    made: dict[str, Parser] = {}

    def candidate(spec: str, make: Callable[[], Parser]) -> Candidate:
        def once() -> Parser:
            # Making some parsers takes longer than reading a sample with them.
            if spec not in made:
                made[spec] = make()
            return made[spec]

        return Candidate(spec, once)

    def candidates(sample: Sequence[bytes]) -> Iterable[Candidate]:
        known = formats().values()
        plain = [
            each
            for each in known
            if each.kind == "format" and each.name != "auto" and each.name not in ONLY_NAMED
        ]
        for inner in plain:
            if inner.name not in ONLY_INSIDE:
                yield candidate(inner.name, partial(inner.make, options))
        for wrapper in known:
            if wrapper.wrap is None or not _wraps(wrapper, sample, options):
                continue
            for inner in plain:
                make = partial(_make_wrapped, wrapper.wrap, inner.make, options)
                yield candidate(f"{wrapper.name}+{inner.name}", make)

    return AutoParser(candidates, [])


def _wraps(wrapper: Format, sample: Sequence[bytes], options: Mapping[str, str]) -> bool:
    """Tells whether a wrapper finds something inside any line; without a sample, that it may."""
    if not sample:
        return True
    if wrapper.wrap is None:
        return False
    probe = Candidate(wrapper.name, partial(wrapper.wrap, _Probe(), options))
    trial = _trial(probe, list(sample))
    return trial is not None and trial.share > 0


def _make_wrapped(
    wrap: Callable[[Parser, Mapping[str, str]], Parser],
    make: Callable[[Mapping[str, str]], Parser],
    options: Mapping[str, str],
) -> Parser:
    return wrap(make(options), options)


def _state_of(state: str) -> tuple[str, str, list[str]]:
    """Returns the format of a state, what its parser carries, and the other formats."""
    match json.loads(state):
        case {"format": str(spec), "inner": str(inner), "others": list(others)} if all(
            isinstance(other, str) for other in others
        ):
            return spec, inner, others
    raise ValueError(f"{state[:80]!r} is no state of this parser")


def _fresh(parser: Parser) -> Parser:
    return parser.fork() if is_stateful(parser) else parser


def _trial(candidate: Candidate, sample: list[bytes]) -> Trial | None:
    """Reads the sample with a format; None if that cannot be."""
    try:
        parser = _fresh(candidate.make())
    except OptionError:
        return None
    try:
        results = parser.parse_batch(sample)
    except Exception:  # noqa: BLE001  # a plugin's edge: it is not chosen
        return None
    if len(results) != len(sample):
        return None
    assembler: Assembler[int] = Assembler(parser)
    done = [
        assembled
        for number, result in enumerate(results)
        for assembled in assembler.take(number, result)
    ]
    taken, values = _yield(done)
    refused = sum(len(each.keys) for each in done if isinstance(each.parsed, ParseError))
    if assembler.open:
        # Another parser is asked what they would be: this one may be pinned, and go on with them.
        other = _fresh(candidate.make())
        ending: Assembler[int] = Assembler(other)
        for number, result in enumerate(other.parse_batch(sample)):
            ending.take(number, result)
        ended_taken, ended_values = _yield(ending.give_up_all())
        taken, values = taken + ended_taken, values + ended_values
    return Trial(candidate, parser, results, taken / (taken + refused or 1), values)


def _yield(done: Iterable[Assembled[int]]) -> tuple[int, int]:
    """Returns how many lines became records, and how much those say."""
    taken, values = 0, 0
    for each in done:
        if isinstance(each.parsed, Record):
            taken += len(each.keys)
            values += _values(each.parsed) * len(each.keys)
    return taken, values


def _values(record: Record) -> int:
    """Counts what a record says.

    The address counts twice: what finds it where it stands has the columns right. A forwarded
    chain of that one address says nothing more. A host that is one word may be any word of the
    line, the month of a syslog header: it counts against the format.
    """
    found = sum(getattr(record, name) is not None for name in _YIELD) + (record.ip is not None)
    host, xff = record.host, record.xff
    if host is not None:
        found += 1 if "." in host or ":" in host or host == "localhost" else -1
    return found + (xff is not None and ("," in xff or client_ip(xff.encode()) != record.ip))


def _beside(
    best: Trial, candidates: Iterable[Candidate], sample: list[bytes]
) -> tuple[list[Candidate], Trial]:
    """Finds formats for what the best one refuses; returns them, and the trial with their records.

    Some files have lines of several writers: a default host without a name, the others with one.
    """
    wrapped = best.candidate.spec.rpartition("+")[0]
    others: list[Candidate] = []
    results = list(best.results)
    for _ in range(MOST_OTHERS):
        refused = [
            number
            for number, each in enumerate(results)
            if isinstance(each, ParseError) and each.reason not in _OWN_FAULT
        ]
        lines = [sample[number] for number in refused]
        found: Trial | None = None
        for candidate in candidates:
            if lines and candidate.spec.rpartition("+")[0] == wrapped:
                trial = _trial(candidate, lines)
                if trial and trial.share > 0 and not is_stateful(trial.parser):
                    found = trial if found is None or trial.rank > found.rank else found
        if found is None:
            break
        others.append(found.candidate)
        for number, result in zip(refused, found.results, strict=True):
            if isinstance(result, Record):
                results[number] = result
    refused_count = sum(isinstance(each, ParseError) for each in results)
    taken = sum(not isinstance(each, ParseError | Skip) for each in results)
    share = taken / (taken + refused_count or 1)
    return others, best._replace(results=results, share=share)


def _read_by(parsers: Iterable[Parser], line: bytes) -> Record | None:
    for parser in parsers:
        result = parser.parse(line)
        if isinstance(result, Record):
            return result
    return None


def _closed(trial: Trial, first: int) -> Iterable[Finished]:
    """Ends all that is open in a trial: its parser will read no more lines."""
    assembler: Assembler[int] = Assembler(trial.parser)
    done = [
        each
        for number, result in enumerate(trial.results, first)
        for each in assembler.take(number, result)
    ]
    for assembled in (*done, *assembler.give_up_all()):
        number, *others = assembled.keys
        for other in others:
            yield Finished(("sample", other), Part(("sample", number)))
        yield Finished(("sample", number), assembled.parsed)
