"""Whether a source's format fits its files, and what comes of their lines, on a sample of each."""

from __future__ import annotations

import json
import secrets
import time
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

from hooktail import visitor_secret
from hooktail.advice import LOG_THE_HEADER, TRUST_THE_PEERS, hint_for, telling_reasons
from hooktail.checkup import alike, lacks, lines, sample
from hooktail.checkup.finding import INPUT, Finding, Level
from hooktail.checkup.reading import PARSER_FAILED, Reading, better_format, read
from hooktail.extract import build_extractor
from hooktail.extract.mapped import lacks_key, mapped_keys
from hooktail.extract.once import OnceBook
from hooktail.extract.registry import find
from hooktail.extract.rules import NO_NAME
from hooktail.paths import shown
from hooktail_parsers.assembly import is_stateful
from hooktail_parsers.stops import Pointing, Stop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hooktail.checkup.reading import Refused
    from hooktail.checkup.sample import Sample
    from hooktail.config.sections import Payload, RuleSection, SourceSection
    from hooktail.extract import Extractor
    from hooktail_parsers import Format

MOST_FILES = 50
"""Of a source, the newest; the others are only opened."""
BUDGET_S = 20.0
"""After so long no further file of a source is sampled."""
MOST_BAD_FILES = 5
MOST_LINES = 3
"""Refused lines that are shown of a file."""
MOST_SEARCHES = 3
"""Looks for a better format per source: each reads some lines with every format there is."""
GOOD_SHARE = 0.9
"""Of the lines that should be records; below it a format is worth a warning."""
MOST_REASONS = 4
MOST_CHOSEN = 4


def look(source: SourceSection, files: list[Path], payload: Payload) -> Iterator[Finding]:
    """Samples the files, the newest first, and says what the format and the rules make of them."""
    extractor = build_extractor(
        source,
        payload=payload,
        visitor_secret=secrets.token_bytes(visitor_secret.LENGTH),
        once=OnceBook(),
        now_ms=_now_ms,
        limit_age=False,  # as in `preview`: the sample stands for what is to come
    )
    yield from _Fit(source, extractor).look(files)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


class _Fit:
    """What was seen of one source so far."""

    def __init__(self, source: SourceSection, extractor: Extractor) -> None:
        self._source = source
        self._extractor = extractor
        self._format = find(source.format, source.parser_file)
        self._name = _short_name(source.format)
        self._total = Reading()
        self._fitting = Reading()
        self._fitting_files = 0
        self._bad_files = 0
        self._searches = 0
        self._chosen: Counter[str] = Counter()
        """What `auto` found, and for how many files."""

    def look(self, files: list[Path]) -> Iterator[Finding]:
        ends_at = time.monotonic() + BUDGET_S
        sampled = 0
        live: tuple[Sample, Reading] | None = None
        for path in files[:MOST_FILES]:
            if sampled and time.monotonic() > ends_at:
                break
            sampled += 1
            try:
                taken = self._take(path)
            except OSError as error:  # it was opened a moment ago
                message = f"{shown(path)}: {error.strerror or error}"
                yield self._finding("file_went_away", Level.WARN, message)
                continue
            reading = read(self._extractor, taken)
            self._total.add(reading)
            for chosen in filter(None, reading.chosen.split(", ")):
                self._chosen[chosen] += 1
            if live is None and reading.newest_ms is not None and not taken.compressed:
                live = taken, reading
            yield from self._judge(path, taken, reading)
        yield from self._summary(sampled, len(files))
        yield from lacks.clock(self._source, self._total.newest_ms, live, now_s=time.time())

    def _take(self, path: Path) -> Sample:
        return sample.take(
            path,
            max_line_bytes=self._source.max_line_bytes,
            encoding=self._source.format_options.get("encoding"),
        )

    def _finding(
        self, name: str, level: Level, message: str, hint: str = "", code: int = 0
    ) -> Finding:
        return Finding(
            name=name, area="source", of=self._source.name, level=level, message=message,
            hint=hint, code=code,
        )  # fmt: skip

    # -- one file

    def _judge(self, path: Path, taken: Sample, reading: Reading) -> Iterator[Finding]:
        if taken.damage:
            message = f"{shown(path)}: {taken.damage}; lines before that are read"
            hint = "look whether the plain file still exists"
            yield self._finding("archive_damaged", Level.WARN, message, hint)
        if not taken.lines:
            if not taken.damage:
                what = "there is no whole line in its beginning" if taken.compressed else "no line"
                message = f"{shown(path)}: {what} yet; nothing to try the format on"
                yield self._finding("file_empty", Level.OK, message)
            return
        if reading.no_requests and not reading.records and not reading.refused:
            message = f"{shown(path)}: {self._name} fits, but no sampled line holds a request"
            yield self._finding("no_records", Level.WARN, message, "is it a log of requests?")
            return
        if reading.judged and not reading.refused:
            self._fitting.add(reading)
            self._fitting_files += 1
            return
        if not reading.judged:
            why = ", ".join(f"{key} {count:,}" for key, count in reading.skipped.most_common(3))
            message = f"{shown(path)}: none of {taken.lines:,} sampled lines is a request ({why})"
            hint = "is it a log of requests? see `hooktail parse`"
            mapped = mapped_keys(self._source.format_options)
            if mapped and "no_request" in reading.skipped:
                hint = _map_hint(taken, mapped)
            yield self._finding("no_records", Level.WARN, message, hint)
            return
        yield from self._refusing(path, taken, reading)

    def _refusing(self, path: Path, taken: Sample, reading: Reading) -> Iterator[Finding]:
        fits = reading.records + reading.no_requests
        level, code = Level.OK, 0
        if not fits:
            level, code = Level.FAIL, INPUT
        elif reading.share < GOOD_SHARE:
            level = Level.WARN
        if level is not Level.OK:
            self._bad_files += 1
            if self._bad_files > MOST_BAD_FILES:
                return  # counted, and told in the summary
        hint = "" if level is Level.OK else self._better(taken, reading)
        count = f"{fits:,}" if fits else "none"
        yield self._finding(
            "format_matches_nothing" if code else "format_matches_partly",
            level,
            f"{shown(path)}: {self._name} reads {count} of {reading.judged:,} sampled lines",
            hint,
            code,
        )
        seen: set[tuple[str, str]] = set()
        for refused in reading.first_refused:
            stop = self._stop(refused)
            kind = refused.reason, stop.expected if stop else ""
            if kind not in seen and len(seen) < MOST_LINES:
                seen.add(kind)
                message = f"{shown(path)}: {_told(refused, stop)}"
                yield self._finding("line_refused", level, message, "", code)

    def _better(self, taken: Sample, reading: Reading) -> str:
        if self._searches >= MOST_SEARCHES or not reading.first_refused:
            return _ASK_PARSE
        self._searches += 1
        if all(each.reason.startswith(PARSER_FAILED) for each in reading.first_refused):
            return f"mend the parser of {self._name}"
        options = self._source.format_options
        better = better_format(reading, taken, options, self._format.name)
        if better is None:
            return f"no other format reads these lines either; {_ASK_PARSE}"
        if not better.lines:
            return f'format = "{better.spec}" knows these lines, and none of them is a request'
        return f'format = "{better.spec}" reads {better.lines} of {better.of} refused lines'

    def _stop(self, refused: Refused) -> Stop | None:
        parser = self._extractor.parser
        if isinstance(parser, Pointing):
            stop = parser.where_it_stops(refused.text, refused.reason)
            if stop is not None:
                return stop
        example = self._format.example
        if example.startswith("{"):
            return _stop_in_json(refused.text)
        of_one_line = example and "\n" not in example and not is_stateful(parser)
        if of_one_line and not isinstance(parser, Pointing):
            return alike.differs(refused.text, example.encode())
        return None

    # -- all of them

    def _summary(self, sampled: int, files: int) -> Iterator[Finding]:
        if self._fitting_files:
            yield self._finding("format_matches", Level.OK, self._told_fitting())
        if self._bad_files > MOST_BAD_FILES:
            message = f"{self._bad_files - MOST_BAD_FILES} more files do not fit {self._name}"
            yield self._finding("format_matches_partly", Level.WARN, message, _ASK_PARSE)
        if sampled < files:
            message = f"the {sampled:,} newest of {files:,} files were sampled"
            yield self._finding("files_not_sampled", Level.OK, message)
        total = self._total
        if total.records:
            yield from self._outcome()
            yield from self._incomplete()
            yield from lacks.columns(self._source, total, self._formats())

    def _formats(self) -> list[Format]:
        """What the files were read in: the configured format, or what `auto` chose."""
        found = [find(spec, self._source.parser_file) for spec, _ in self._chosen.most_common()]
        return found or [self._format]

    def _told_fitting(self) -> str:
        fitting, files = self._fitting, self._fitting_files
        where = "1 file" if files == 1 else f"{files:,} files"
        fits = fitting.records + fitting.no_requests
        told = f"{self._name}{self._told_chosen()} reads {fits:,} of {fitting.judged:,} sampled "
        told += f"lines in {where}"
        if fitting.no_requests:
            told += f"; {fitting.no_requests:,} of them are no requests, as of scanners"
        return told

    def _told_chosen(self) -> str:
        """Names what `auto` found; for which share of the files, where they differ."""
        if len(self._chosen) < 2:
            return "".join(f" ({spec})" for spec in self._chosen)
        most = self._chosen.most_common(MOST_CHOSEN)
        told = ", ".join(f"{spec} {files:,}" for spec, files in most)
        return f" ({told}{', ...' if len(self._chosen) > MOST_CHOSEN else ''} files)"

    def _outcome(self) -> Iterator[Finding]:
        events, others = self._total.events, self._total.others
        reasons = ", ".join(f"{key} {count:,}" for key, count in others.most_common(MOST_REASONS))
        if len(others) > MOST_REASONS:
            reasons += ", ..."
        made = sum(events.values())
        if made:
            named = ", ".join(f"{name} {count:,}" for name, count in events.most_common(5))
            message = f"of the sampled lines {made:,} would be events ({named})"
            rest = f"; the others: {reasons}" if reasons else ""
            yield self._finding("events", Level.OK, message + rest)
            return
        telling = telling_reasons(others) or others
        most = max(telling, key=lambda key: telling[key], default="")
        message = f"none of the sampled lines would be an event: {reasons}"
        hint = hint_for(most) if most else ""
        if most == "filtered.private_ip" and self._source.trusted_proxies:
            hint = "are all proxies in trusted_proxies? `hooktail explain` tells for a line"
            if not (self._total.stated["xff"] or self._total.stated["headers"]):
                hint = LOG_THE_HEADER
        elif most == "filtered.private_ip" and self._total.stated["xff"]:
            hint = TRUST_THE_PEERS
        yield self._finding("no_events", Level.WARN, message, hint)

    def _incomplete(self) -> Iterator[Finding]:
        """Says which lines a rule takes without finding in them what it asks for."""
        nameless = self._total.others[NO_NAME]
        if nameless:
            count = "1 sampled line has" if nameless == 1 else f"{nameless:,} sampled lines have"
            message = f"{count} a rule, and not what the event's name is made of: no events"
            yield self._finding("no_event_name", Level.WARN, message, _ASK_EXPLAIN)
        unseen = self._total.others["filtered.no_request"]
        blind = [str(rule.name) for rule in self._source.rules if _asks_for_fields(rule)]
        blind = [name for name in blind if not self._total.events[name]]
        if unseen and blind and "event" not in mapped_keys(self._source.format_options):
            count = "1 sampled line states" if unseen == 1 else f"{unseen:,} sampled lines state"
            message = f"{count} no request, so that no rule sees them ({', '.join(blind)})"
            yield self._finding("no_event_key", Level.WARN, message, _MAP_EVENT)
        uncast = Counter(self._extractor.uncast)
        if uncast:
            values = uncast.total()
            count = "1 has" if values == 1 else f"{values:,} have"
            named = ", ".join(f"{key} {lost:,}" for key, lost in uncast.most_common(MOST_REASONS))
            message = f"of the sampled lines {count} a value that cannot be cast: {named}"
            hint = f'{_ASK_EXPLAIN}; decimal = "comma" reads 1.234,56'
            yield self._finding("values_uncast", Level.WARN, message, hint)


_MAP_EVENT = '[source.map] event = "..." takes lines with that key for events'
_ASK_EXPLAIN = "`hooktail explain` says of such a line what is missing"
_ASK_PARSE = "see `hooktail formats`, and `hooktail parse --format NAME FILE`"


def _asks_for_fields(rule: RuleSection) -> bool:
    """Tells whether a rule is about what only the application's own keys say."""
    asked = rule.when.get("field")
    return isinstance(asked, Mapping) and any(str(key).startswith("fields.") for key in asked)


def _short_name(spec: str) -> str:
    """A builder's definition may be long."""
    text = " ".join(spec.split())
    return text if len(text) <= 40 else f"{text[:37]}..."


def _told(refused: Refused, stop: Stop | None) -> str:
    where = f"line {refused.number}" if refused.number else "a line near the end"
    if stop is None:
        return f"{where} is refused ({refused.reason}): {lines.excerpt(refused.text)}"
    return (
        f"{where} is refused ({refused.reason}) at column {stop.offset + 1}, where the format has "
        f"{stop.expected}: {lines.excerpt(refused.text, stop.offset)}"
    )


def _stop_in_json(line: bytes) -> Stop | None:
    """Says where a line of a JSON format is no JSON."""
    text = line.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")
    if not text.lstrip().startswith("{"):
        return Stop(0, "a JSON object")
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return Stop(len(text[: error.pos].encode()), f"other JSON ({error.msg})")
    except (ValueError, RecursionError):
        return None
    return None


def _map_hint(taken: Sample, mapped: dict[str, str]) -> str:
    """Says what of a map no sampled line has."""
    lines = [*taken.head, *taken.tail]
    lacking = [
        f"{key} = {path!r}"
        for key, path in mapped.items()
        if all(lacks_key(line, path) for line in lines)
    ]
    if lacking:
        return f"no sampled line has what [source.map] names: {', '.join(lacking)}"
    if "event" not in mapped:
        return _MAP_EVENT
    return "`hooktail explain` tells of one line why it is none"
