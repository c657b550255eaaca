"""Turns batches of lines into events: parse, choose a rule, filter, build. Pure but for the book.

The stages are attributes (`rules`, `pageview`, `audience`, `drafter`), which `explain` walks one by
one with the very same predicates.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

from hooktail.extract import registry
from hooktail.extract.audience import Audience
from hooktail.extract.drafting import Drafter
from hooktail.extract.event import BodyBuilder
from hooktail.extract.identity import LineIds
from hooktail.extract.pageview import PageviewFilter
from hooktail.extract.prefilter import prefilter_of
from hooktail.extract.reading import HeldLine, Reader, failure_of, text_of
from hooktail.extract.rules import (
    DROPPED,
    CompiledRule,
    RuleSet,
    compile_rules,
    kept_parameters,
    pageview_rule,
)
from hooktail.extract.sampling import Sample
from hooktail.extract.sessions import Sessions
from hooktail.extract.short_way import ShortWay, is_open
from hooktail.model import Extraction, Lines, Unparsable
from hooktail_parsers import ParseError, Record, Skip, Step

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable, Mapping

    from hooktail.config.sections import Payload, SourceSection
    from hooktail.extract.once import OnceBook
    from hooktail.extract.prefilter import Sifted
    from hooktail_parsers import Parser, Result
    from hooktail_parsers.assembly import Assembled


NO_AGES: Mapping[int, int] = MappingProxyType({})
PART = "filtered.part_of_record"
"""Counts the lines of a record behind its first, which stands for all of them."""
_HARDLY_SIFTED, _SIFT_REST = 0.9, 15
"""If more than this share of a batch is left by the prefilter, so many batches go without it."""


@dataclass(slots=True)
class _Batch:
    """What the results of one batch of lines have in common."""

    lines: Lines
    reader: Reader
    ids: LineIds
    taken: Extraction
    now_ms: int
    no_records: int = 0
    """Results that are no record that stands in one line."""


class Extractor:
    """Makes events of one source's lines. Not for use by several threads at a time.

    `once` may be shared by all sources; `sessions` are the checkpoint's places of this one
    (`sessions.SessionBook`). `now_ms` is asked once per batch. Without `limit_age`
    nothing expires. Raises ConfigError if the source's rules are wrong.
    """

    def __init__(
        self,
        source: SourceSection,
        parser: Parser,
        *,
        payload: Payload,
        visitor_secret: bytes,
        once: OnceBook,
        now_ms: Callable[[], int],
        limit_age: bool = True,
        sessions: dict[int, int] | None = None,
    ) -> None:
        self.source = source
        self.parser = parser
        self.once = once
        self.now_ms = now_ms
        self.rules = RuleSet(compile_rules(source))
        self.pageview_rule = pageview_rule(source.pageview)
        self.pageview = PageviewFilter(source.pageview)
        self._prefilter = prefilter_of(parser, source, self.pageview)
        self.audience = Audience(source, limit_age=limit_age)
        self.bodies = BodyBuilder(
            source,
            payload=payload,
            visitor_secret=visitor_secret,
            keep_parameters=kept_parameters(source),
        )
        self.sessions = Sessions(
            source.session,
            source.name,
            sessions,
            named="session_cookie" in source.format_options,
        )
        sample = Sample(source.pageview.sample)
        self.drafter = Drafter(
            self.pageview_rule,
            sample=sample,
            audience=self.audience,
            bodies=self.bodies,
            sessions=self.sessions,
            once=once,
        )
        self.uncast = self.drafter.uncast
        """How often a field's value was found and could not be cast, by `EVENT.FIELD`."""
        self._sift_rests = 0
        self._short_way = self._open_short_way() if sample.is_everybody else None
        self._reader = Reader(parser)
        self._generation: bytes | None = None
        self._ids = LineIds("", "", b"")

    def reader(self) -> Reader:
        """Returns a reader for one file."""
        return Reader(self.parser)

    def extract(
        self,
        lines: Lines,
        generation: bytes,
        reader: Reader | None = None,
        ages: Mapping[int, int] = NO_AGES,
    ) -> Extraction:
        """Says what becomes of each line; the same lines in any batches give the same events.

        `generation` is the fingerprint of the file's generation (`identity.generation_of`);
        `reader` is the file's own (the default serves one file only).
        `ages` are the ages of sessions (`Extraction.ages`) that the checkpoint knows of lines that
        are read again. Claims and sessions are taken in their books and listed in the result, to
        be made durable with it.
        """
        self.drafter.ages = ages
        reader = reader or self._reader
        taken = Extraction()
        sifted = self._sift(lines)
        if sifted is not None:
            taken.settled = sifted.dropped
            taken.fitting = sum(sifted.dropped.values())
            if not sifted.texts:
                return taken
            lines = Lines(sifted.texts, lines.start, lines.end, sifted.starts)
        batch = _Batch(lines, reader, self.ids_of(generation), taken, self.now_ms())
        results = reader.parse_batch(lines.texts)
        take = partial(self._take_result, batch)
        if self._short_way is not None and not ages and self._short_way.knows_any:
            self._short_way.take(results, lines, batch.ids, taken, batch.now_ms, take)
        else:
            for index, result in enumerate(results):
                take(index, result)
        taken.fitting += len(results) - batch.no_records
        for held in reader.assembler.open.values():
            taken.waiting += [line.start for line in held if line.start >= lines.start]
        return taken

    def _take_result(self, batch: _Batch, index: int, result: Result) -> None:
        """Says what becomes of one line, or of a record that it ends."""
        taken, key = batch.taken, None
        start, text = batch.lines.starts[index], batch.lines.texts[index]
        if isinstance(result, Record):
            key = self._event_or_key(result, text, start, batch.ids, taken, batch.now_ms)
        else:
            batch.no_records += 1
            if isinstance(result, Skip):
                key = f"filtered.{result.reason}"
            elif isinstance(result, ParseError):
                taken.refused += 1
                taken.failure = taken.failure or failure_of(result)
                key = f"unparsable.{result.reason}"
            else:
                for assembled in batch.reader.assembler.take(HeldLine(start, text), result):
                    self._take_assembled(
                        assembled, batch.lines.start, batch.ids, taken, batch.now_ms
                    )
                if isinstance(result, Step) and result.state is not None:
                    taken.states.append((start, result.state))
        if key is not None:
            taken.settled[key] = taken.settled.get(key, 0) + 1
            if key.startswith("unparsable."):
                reason = key.removeprefix("unparsable.")
                taken.unparsable.append(Unparsable(start, text, reason))

    def _sift(self, lines: Lines) -> Sifted | None:
        """Has the prefilter pass over lines; it rests for a while where it finds hardly any."""
        if self._prefilter is None:
            return None
        if self._sift_rests:
            self._sift_rests -= 1
            return None
        sifted = self._prefilter.sift(lines)
        if sifted is not None and len(sifted.texts) > len(lines) * _HARDLY_SIFTED:
            self._sift_rests = _SIFT_REST
        return sifted

    def _open_short_way(self) -> ShortWay | None:
        rule = self.drafter.bare_pageview
        if rule is None or not is_open(self.audience, self.bodies, self.sessions, self.pageview):
            return None
        return ShortWay(
            rule,
            rules=self.rules,
            pageview=self.pageview,
            audience=self.audience,
            bodies=self.bodies,
            sessions=self.sessions,
        )

    def give_up(
        self,
        reader: Reader,
        generation: bytes,
        end: int,
        records: Collection[Hashable],
        ages: Mapping[int, int] = NO_AGES,
    ) -> Extraction:
        """Ends records that wait for more lines; `end` is the offset read up to."""
        self.drafter.ages = ages
        taken = Extraction()
        ids = self.ids_of(generation)
        assembler = reader.assembler
        state = assembler.state
        for record in records:
            for assembled in assembler.give_up(record):
                self._take_assembled(assembled, end, ids, taken, self.now_ms())
        if assembler.state is not None and assembler.state != state:
            taken.states.append((end - 1, assembler.state))
        return taken

    def _take_assembled(
        self,
        assembled: Assembled[HeldLine],
        batch_start: int,
        ids: LineIds,
        taken: Extraction,
        now_ms: int,
    ) -> None:
        """Makes an event of a record over lines, or settles them all."""
        (start, _), *others = assembled.keys
        parsed = assembled.parsed
        # All of it makes the id: many records begin with the same line.
        text = text_of(assembled.keys)
        key: str | None
        if isinstance(parsed, Record):
            taken.fitting += 1
            key = self._event_or_key(parsed, text, start, ids, taken, now_ms)
        elif isinstance(parsed, Skip):
            key = f"filtered.{parsed.reason}"
        else:
            taken.refused += 1
            taken.failure = taken.failure or failure_of(parsed)
            key = f"unparsable.{parsed.reason}"
        if key is None:
            if others:
                taken.parts[start] = [line.start for line in others]
                taken.waiting += [line.start for line in others if line.start >= batch_start]
            return
        taken.settled[key] = taken.settled.get(key, 0) + 1
        if others:
            taken.settled[PART] = taken.settled.get(PART, 0) + len(others)
        taken.released += [line.start for line in assembled.keys if line.start < batch_start]
        if key.startswith("unparsable."):
            kept = text[: self.source.max_line_bytes]
            taken.unparsable.append(Unparsable(start, kept, key.removeprefix("unparsable.")))

    def _event_or_key(
        self,
        record: Record,
        text: bytes,
        start: int,
        ids: LineIds,
        taken: Extraction,
        now_ms: int,
    ) -> str | None:
        try:
            rule = self.choose(record)
            if isinstance(rule, str):
                return rule
            if self.audience.identifies:
                self.audience.identify(record)
            refused = self.audience.refuses(record, now_ms)
            if refused is not None:
                return refused
            return self.drafter.take(rule, record, text, start, ids, taken)
        except Exception:  # noqa: BLE001  # it would come again after every restart: keep it
            return "unparsable.internal_error"

    def choose(self, record: Record) -> CompiledRule | str:
        """Returns the first rule that matches, else the page view, else why it is none either."""
        rule = self.rules.first(record)
        if rule is None:
            return self.pageview.refuses(record) or self.pageview_rule
        return DROPPED if rule.drop else rule

    def parse(self, text: bytes) -> Result:
        """Parses one line that stands alone."""
        return self.reader().parse(text)

    def ids_of(self, generation: bytes) -> LineIds:
        """Returns what makes the ids of lines of a generation."""
        if generation != self._generation:
            self._ids = LineIds(self.source.site or "", self.source.name, generation)
            self._generation = generation
        return self._ids


def build_extractor(
    source: SourceSection,
    *,
    payload: Payload,
    visitor_secret: bytes,
    once: OnceBook,
    now_ms: Callable[[], int],
    limit_age: bool = True,
    sessions: dict[int, int] | None = None,
) -> Extractor:
    """Builds an extractor with a parser for the source's format.

    Raises what `checks.check_source` would have found: HooktailError for the
    format and the rules, OptionError for the format's options.
    """
    parser = registry.make_parser(source)
    return Extractor(
        source,
        parser,
        payload=payload,
        visitor_secret=visitor_secret,
        once=once,
        now_ms=now_ms,
        limit_age=limit_age,
        sessions=sessions,
    )
