"""What a format makes of a sample of lines, and how well that explains them: for `auto`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from hooktail_parsers._api import LineParser, ParseError, Record, Skip
from hooktail_parsers.address import client_ip
from hooktail_parsers.assembly import Assembler, is_stateful
from hooktail_parsers.ncsa import relatives

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from hooktail_parsers._api import Format, Parsed, Parser, Result
    from hooktail_parsers.assembly import Assembled

MOST = 0.75
"""The share of records from which on a format refuses no more than what is broken."""
MOST_OTHERS = 3
"""How many formats may read what the chosen one refuses."""
SEARCHING = frozenset(known.name for known in relatives.FORMATS)
"""Formats that find their columns wherever they stand, so also behind what a wrapper would take
off: they are the last of those that say as much."""
OWN_FAULT = frozenset(("not_a_request", "bad_time"))
"""Reasons of a format that knows the line, so that no other format is asked."""
_YIELD = (
    "time_ms", "ip", "method", "path", "status", "referrer", "user_agent", "scheme", "user",
    "bytes_sent", "duration_s", "cookies", "headers", "session", "request_id",
)  # fmt: skip


_ASSUMING = frozenset(("nginx_json", "fastly_json", "rails_lograge_json"))
"""Formats for which a duration of an unknown unit is one of theirs: it says nothing for them."""
_SIGNS: dict[str, tuple[tuple[bytes, ...], ...]] = {
    "json_app": (
        *((key,) for key in (b'"level":', b'"severity":', b'"levelname":', b'"latency_human":')),
        (b'"@t":', b'"@m'),
    ),
    "pino_http_json": ((b'"pid":', b'"req":{'), (b'"pid":', b'"res":{')),
    "rails_lograge_json": ((b'"controller":', b'"action":'),),
}
"""Keys by which the writers of JSON show themselves, where the names of all else are usual ones.
An application's own are the surer the later they stand here."""


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
    signs: int
    """How surely a line of the sample shows the format's own writer; 0 for not at all."""

    @property
    def rank(self) -> tuple[int, bool, int, bool]:
        """Orders trials: what the records say, then whether hardly a line is refused."""
        is_first = self.candidate.spec not in SEARCHING
        return self.values, self.share >= MOST, self.signs, is_first


def fresh(parser: Parser) -> Parser:
    """Returns a parser that has read nothing."""
    return parser.fork() if is_stateful(parser) else parser


def try_format(candidate: Candidate, sample: list[bytes]) -> Trial | None:
    """Reads the sample with a format; None if that cannot be."""
    try:
        return _trial(candidate, sample)
    except Exception:  # noqa: BLE001  # an option that it does not take, or a plugin's edge
        return None


def _trial(candidate: Candidate, sample: list[bytes]) -> Trial | None:
    parser = fresh(candidate.make())
    results = parser.parse_batch(sample)
    if len(results) != len(sample):
        return None
    assembler: Assembler[int] = Assembler(parser)
    done = [
        assembled
        for number, result in enumerate(results)
        for assembled in assembler.take(number, result)
    ]
    name = candidate.spec.rpartition("+")[2]
    taken, values = _yield(done, name)
    refused = sum(len(each.keys) for each in done if isinstance(each.parsed, ParseError))
    if assembler.open:
        # Another parser is asked what they would be: this one may be pinned, and go on with them.
        other = fresh(candidate.make())
        ending: Assembler[int] = Assembler(other)
        for number, result in enumerate(other.parse_batch(sample)):
            ending.take(number, result)
        ended_taken, ended_values = _yield(ending.give_up_all(), name)
        taken, values = taken + ended_taken, values + ended_values
    share = taken / (taken + refused or 1)
    return Trial(candidate, parser, results, share, values, _signs(name, sample))


def _signs(name: str, sample: Sequence[bytes]) -> int:
    known = _SIGNS.get(name, ())
    # In the JSON of a wrapper the quotes are escaped.
    lines = [line.replace(b'\\"', b'"') for line in sample] if known else ()
    shown = any(all(key in line for key in keys) for keys in known for line in lines)
    return list(_SIGNS).index(name) + 1 if shown else 0


def _yield(done: Iterable[Assembled[int]], name: str) -> tuple[int, int]:
    """Returns how many lines became records of a format, and how much those say."""
    taken, values = 0, 0
    for each in done:
        if isinstance(each.parsed, Record):
            taken += len(each.keys)
            said = _values(each.parsed)
            if name in _ASSUMING and each.parsed.duration_s is not None:
                said -= 1
            values += said * len(each.keys)
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


def formats_beside(
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
            if isinstance(each, ParseError) and each.reason not in OWN_FAULT
        ]
        lines = [sample[number] for number in refused]
        found: Trial | None = None
        for candidate in candidates:
            if lines and candidate.spec.rpartition("+")[0] == wrapped:
                trial = try_format(candidate, lines)
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


class _Probe(LineParser):
    """Takes whatever a wrapper finds inside a line."""

    def parse(self, line: bytes) -> Parsed:  # noqa: ARG002  # it does not matter what is inside
        """Takes the line."""
        return Record()


def wraps(wrapper: Format, sample: Sequence[bytes], options: Mapping[str, str]) -> bool:
    """Tells whether a wrapper finds something inside any line; without a sample, that it may."""
    if not sample:
        return True
    if wrapper.wrap is None:
        return False
    probe = Candidate(wrapper.name, partial(wrapper.wrap, _Probe(), options))
    trial = try_format(probe, list(sample))
    return trial is not None and trial.share > 0
