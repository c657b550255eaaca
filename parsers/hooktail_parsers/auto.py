"""The format of a file, found on its first lines: choose by what parses and what it yields.

The first lines wait as a sample. When there are enough of them (or no more come for a while),
every format reads the sample, alone and inside each wrapper that fits, and the best is pinned: the
file is of that format from then on, and its choice is the parser's state, so that it is not made
again after a restart. A sample in which no format reads at least `ENOUGH` of the lines decides for
itself alone, and the next lines are a new sample: a file may begin with the start-up text of a
server. What an application logs besides requests is passed over by a format that knows its lines
(`known_lines`).

Of formats whose records say equally much, the first in the order of `builtin` is chosen, unless it
refuses many lines that another one passes over: an application logs other things too. Detecting
line by line would misread the variants of the common log format.
"""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

from hooktail_parsers._api import (
    Finished,
    ParseError,
    Part,
    Record,
    Skip,
    Step,
)
from hooktail_parsers.assembly import BROKEN, Assembler, is_stateful
from hooktail_parsers.known_lines import who_knows
from hooktail_parsers.options import check_options
from hooktail_parsers.trials import (
    OWN_FAULT,
    Candidate,
    Trial,
    formats_beside,
    fresh,
    try_format,
    wraps,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence

    from hooktail_parsers._api import Format, Parsed, Parser, Result
    from hooktail_parsers.assembly import Assembled
    from hooktail_parsers.known_lines import Known
    from hooktail_parsers.trials import FindCandidates

SAMPLE_LINES = 32
SAMPLE_BYTES = 65_536
LEAST_LINES = 8
"""A choice by fewer lines holds for them alone: a column may be empty in the first few."""
SAMPLE_HOLD_S = 1.0
"""How long a sample may wait for its next line."""
ENOUGH = 0.5
"""The share of records among the lines that should be some, from which on the choice is pinned."""
KNOWN_OPTIONS = (
    "encoding", "timezone", "year", "log_format", "date_format", "fields", "request_captures",
    "session_cookie",
)  # fmt: skip
ONLY_INSIDE = frozenset(("clf_no_time",))
"""Formats for the inside of wrappers: alone they would take any column for what they miss."""
ONLY_NAMED = frozenset(("jetty_ncsa", "icecast2"))
"""Formats that end in a number whose unit no line tells: milliseconds, seconds, microseconds."""
FRUITLESS_SAMPLES = 8
"""After so many samples in a row without any record, only `GLANCE_LINES` of each are looked at
until one of them is a record again: a file of other things must not cost much."""
GLANCE_LINES = 4
BLANK, DIRECTIVE = Skip("blank"), Skip("directive")
_HEADER = (b"#", b"\xef\xbb\xbf#")
NO_FORMAT_FITS = ParseError("no_format_fits")

FIELDS = (
    "time", "ip", "method", "scheme", "host", "port", "path", "query", "status", "referrer",
    "user_agent", "user", "bytes_sent", "duration_s", "cookies", "headers", "xff", "session",
    "request_id", "fields",
)  # fmt: skip


class AutoParser:
    """Finds the format of one file, then reads as that format's parser does."""

    def __init__(self, candidates: FindCandidates, liked: list[str]) -> None:
        self._candidates = candidates
        self._liked = liked
        """What was pinned for the other files of the same source, the latest first: it is
        preferred to what says as much."""
        self._sample: list[bytes] = []
        self._context: list[bytes] = []
        """Lines that were read, but too few to choose by; they help to choose with the next."""
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
        self._sample, self._sample_bytes, self._context = [], 0, []
        self._inner, self.chosen, self.hold_s = None, "", SAMPLE_HOLD_S
        self._others, self._other_parsers = [], []
        if not state:
            return
        carried = json.loads(state)
        match carried:
            case {"header": str(header), **rest} if not rest:
                self._context = header.encode("latin-1").split(b"\n")
                return
        spec, inner, others = _choice_of(carried)
        candidates = {candidate.spec: candidate for candidate in self._candidates(())}
        unknown = {spec, *others} - candidates.keys()
        if unknown:
            raise ValueError(f"a format {unknown.pop()[:80]!r} is not known any more")
        parser = fresh(candidates[spec].make())
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
            elif isinstance(result, ParseError) and result.reason not in OWN_FAULT:
                outward[index] = _read_by(others, lines[index]) or result
        return outward

    def _pin(self, parser: Parser, spec: str) -> None:
        self._inner, self.chosen = parser, spec
        if is_stateful(parser):
            self.hold_s = parser.hold_s

    def _keep_header(self, lines: list[bytes]) -> str:
        """Keeps lines that may name the columns of what comes later; returns the state for it."""
        self._context = lines[-SAMPLE_LINES:]
        return json.dumps({"header": b"\n".join(self._context).decode("latin-1")})

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
        known, first = len(self._context), self._first
        sample = self._context + self._sample
        self._first += len(self._sample)
        self._sample, self._sample_bytes, self._context = [], 0, []
        best: Trial | None = None
        candidates = list(self._candidates(sample))
        if self._fruitless < FRUITLESS_SAMPLES or self._is_worth_reading(sample):
            best = self._best(candidates, sample)
        self._fruitless = self._fruitless + 1 if best is None else 0
        knower = who_knows(candidates, sample) if best is None or best.share < ENOUGH else None
        if best is None and knower is not None:
            return self._known(knower, known, first)
        if best is None:
            header = all(line.startswith(_HEADER) or not line.strip() for line in sample)
            state = self._keep_header(sample) if header else None
            refused = DIRECTIVE if header else NO_FORMAT_FITS
            said = [refused if line.strip() else BLANK for line in sample[known:]]
            return tuple(
                Finished(("sample", number), each) for number, each in enumerate(said, first)
            ), state
        others, best = formats_beside(best, candidates, sample)
        if best.share < ENOUGH:
            closed = _closed(best, first - known)
            return tuple(closed if knower is None else _filled(closed, knower, first - known)), None
        if len(sample) < LEAST_LINES and not is_stateful(best.parser):
            self._context = sample
            return tuple(_closed(best, first - known)), None
        self._add_others(others)
        self._pin(best.parser, best.candidate.spec)
        if self.chosen in self._liked:
            self._liked.remove(self.chosen)
        self._liked.insert(0, self.chosen)
        finished: list[Finished] = []
        inner = ""
        for number, result in enumerate(best.results, first - known):
            if isinstance(result, Step):
                line = BROKEN if result.line is None else result.line
                finished += (Finished(("sample", number), line), *result.finished)
                inner = inner if result.state is None else result.state
            else:
                finished.append(Finished(("sample", number), result))
        return tuple(finished), self._state(inner)

    def _known(
        self, knower: Known, context: int, first: int
    ) -> tuple[tuple[Finished, ...], str | None]:
        """Passes over a sample without a request, in a format that knows its lines."""
        finished = tuple(_ended(knower.assembled, first - context))
        if knower.opening is not None:
            return finished, self._keep_header([knower.opening])
        return finished, "" if context else None

    def best(self, sample: list[bytes]) -> Trial | None:
        """Tries every format on some lines, and pins none; None if nothing gives a record."""
        return self._best(list(self._candidates(sample)), sample)

    def trials(self, sample: list[bytes]) -> Iterator[Trial]:
        """Tries every format on some lines, and pins none; yields those that give a record."""
        for candidate in self._candidates(sample):
            trial = try_format(candidate, sample)
            if trial and trial.share > 0:
                yield trial

    def knows(self, sample: list[bytes]) -> str:
        """Returns the format that knows some lines, of which none is a request; or `""`."""
        knower = who_knows(self._candidates(sample), sample)
        return "" if knower is None else knower.spec

    def best_spec(self, sample: list[bytes]) -> str:
        """Returns the format that says most about some lines, or knows them; `""` if none does."""
        best = self.best(sample)
        if best is not None and best.share >= ENOUGH:
            return best.candidate.spec
        return self.knows(sample) or ("" if best is None else best.candidate.spec)

    def _is_worth_reading(self, sample: list[bytes]) -> bool:
        """Tells whether a few lines of the sample have a record among them."""
        glance = sample[:: max(1, len(sample) // GLANCE_LINES)]
        return self._best(list(self._candidates(glance)), glance) is not None

    def _best(self, candidates: list[Candidate], sample: list[bytes]) -> Trial | None:
        """Tries everything; None if nothing gives a record."""
        best: Trial | None = None
        for candidate in candidates:
            trial = try_format(candidate, sample)
            if trial and trial.share > 0 and (best is None or self._is_better(trial, best)):
                best = trial
        return best

    def _is_better(self, trial: Trial, best: Trial) -> bool:
        if trial.values == best.values:
            liked = self._liking(trial), self._liking(best)
            if liked[0] != liked[1]:
                return liked[0] > liked[1]
        return trial.rank > best.rank

    def _liking(self, trial: Trial) -> int:
        """Orders formats by when they were chosen for another file, the latest highest."""
        spec = trial.candidate.spec
        return len(self._liked) - self._liked.index(spec) if spec in self._liked else 0


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
            if wrapper.wrap is None or not wraps(wrapper, sample, options):
                continue
            for inner in plain:
                make = partial(_make_wrapped, wrapper.wrap, inner.make, options)
                yield candidate(f"{wrapper.name}+{inner.name}", make)

    return AutoParser(candidates, [])


def _make_wrapped(
    wrap: Callable[[Parser, Mapping[str, str]], Parser],
    make: Callable[[Mapping[str, str]], Parser],
    options: Mapping[str, str],
) -> Parser:
    return wrap(make(options), options)


def _choice_of(carried: object) -> tuple[str, str, list[str]]:
    """Returns the format of a state, what its parser carries, and the other formats."""
    match carried:
        case {"format": str(spec), "inner": str(inner), "others": list(others)} if all(
            isinstance(other, str) for other in others
        ):
            return spec, inner, others
    raise ValueError(f"{str(carried)[:80]!r} is no state of this parser")


def _read_by(parsers: Iterable[Parser], line: bytes) -> Record | None:
    for parser in parsers:
        [result] = parser.parse_batch((line,))
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
    yield from _ended([*done, *assembler.give_up_all()], 0)


def _ended(done: Iterable[Assembled[int]], first: int) -> Iterable[Finished]:
    """Ends records whose lines are known by their numbers, which begin at `first`."""
    for assembled in done:
        number, *others = (first + key for key in assembled.keys)
        for other in others:
            yield Finished(("sample", other), Part(("sample", number)))
        yield Finished(("sample", number), assembled.parsed)


def _filled(closed: Iterable[Finished], knower: Known, first: int) -> Iterable[Finished]:
    """Takes what another format knows of the lines that were refused."""
    says: dict[Hashable, Parsed] = {
        ("sample", first + key): each.parsed
        for each in knower.assembled
        if isinstance(each.parsed, Skip)
        for key in each.keys
    }
    for finished in closed:
        parsed = finished.parsed
        if isinstance(parsed, ParseError) and parsed.reason not in OWN_FAULT:
            parsed = says.get(finished.record, parsed)
        yield Finished(finished.record, parsed)
