"""Turns batches of lines into events: parse, choose a rule, filter, build. Pure but for the book.

The stages are attributes (`rules`, `pageview`, `audience`, `bodies`), which `explain` walks one by
one with the very same predicates.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from hooktail.extract import registry
from hooktail.extract.audience import Audience
from hooktail.extract.event import BodyBuilder
from hooktail.extract.identity import LineIds, once_event_id, once_key
from hooktail.extract.links import TooLarge
from hooktail.extract.pageview import PageviewFilter
from hooktail.extract.reading import HeldLine, Reader
from hooktail.extract.rules import PAGEVIEW, CompiledRule, compile_rules, kept_parameters
from hooktail.model import Claim, Event, Extraction, Unparsable
from hooktail_parsers import ParseError, Record, Skip, Step

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable

    from hooktail.config.sections import Payload, SourceSection
    from hooktail.extract.once import OnceBook
    from hooktail.model import Lines
    from hooktail_parsers import Parser, Result
    from hooktail_parsers.assembly import Assembled


PART = "filtered.part_of_record"
"""Counts the lines of a record behind its first, which stands for all of them."""


class Draft(NamedTuple):
    """An event that is ready but for its `once_per` key, which may be taken."""

    event: Event
    once: str | None
    """Key to claim, None if the event may happen any number of times."""
    owner: str
    """Who claims: the line."""
    time_ms: int


class Extractor:
    """Makes events of one source's lines. Not for use by several threads at a time.

    `once` may be shared by all sources. `now_ms` is asked once per batch. Without `limit_age`
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
    ) -> None:
        self.source = source
        self.parser = parser
        self.once = once
        self.now_ms = now_ms
        self.rules = compile_rules(source)
        self.pageview = PageviewFilter(source.pageview)
        self.audience = Audience(source, limit_age=limit_age)
        self.bodies = BodyBuilder(
            source,
            payload=payload,
            visitor_secret=visitor_secret,
            keep_parameters=kept_parameters(source),
        )
        self._reader = Reader(parser)
        self._generation: bytes | None = None
        self._ids = LineIds("", "", b"")

    def reader(self) -> Reader:
        """Returns a reader for one file."""
        return Reader(self.parser)

    def extract(self, lines: Lines, generation: bytes, reader: Reader | None = None) -> Extraction:
        """Says what becomes of each line; the same lines in any batches give the same events.

        `generation` is the fingerprint of the file's generation (`identity.generation_of`);
        `reader` is the file's own (the default serves one file only).
        Claims are taken in the book and listed in the result, to be made durable with it.
        """
        reader = reader or self._reader
        taken = Extraction()
        settled = taken.settled
        now_ms = self.now_ms()
        ids = self._ids_of(generation)
        texts = lines.texts
        no_records = 0
        for index, parsed in enumerate(reader.parse_batch(texts)):
            key: str | None
            if isinstance(parsed, Record):
                key = self._event_or_key(
                    parsed, texts[index], lines.starts[index], ids, taken, now_ms
                )
                if key is None:
                    continue
            elif isinstance(parsed, Skip):
                no_records += 1
                key = f"filtered.{parsed.reason}"
            elif isinstance(parsed, ParseError):
                no_records += 1
                taken.refused += 1
                key = f"unparsable.{parsed.reason}"
            else:
                no_records += 1
                start = lines.starts[index]
                line = HeldLine(start, texts[index])
                for assembled in reader.assembler.take(line, parsed):
                    self._take_assembled(assembled, lines.start, ids, taken, now_ms)
                if isinstance(parsed, Step) and parsed.state is not None:
                    taken.states.append((start, parsed.state))
                continue
            settled[key] = settled.get(key, 0) + 1
            if key.startswith("unparsable."):
                taken.unparsable.append(
                    Unparsable(lines.starts[index], texts[index], key.removeprefix("unparsable."))
                )
        taken.fitting += len(texts) - no_records
        for held in reader.assembler.open.values():
            taken.waiting += [line.start for line in held if line.start >= lines.start]
        return taken

    def give_up(
        self, reader: Reader, generation: bytes, end: int, records: Collection[Hashable]
    ) -> Extraction:
        """Ends records that wait for more lines; `end` is the offset read up to."""
        taken = Extraction()
        ids = self._ids_of(generation)
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
        (start, text), *others = assembled.keys
        parsed = assembled.parsed
        key: str | None
        if isinstance(parsed, Record):
            taken.fitting += 1
            key = self._event_or_key(parsed, text, start, ids, taken, now_ms)
        elif isinstance(parsed, Skip):
            key = f"filtered.{parsed.reason}"
        else:
            taken.refused += 1
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
            whole = b"\n".join(line.text for line in assembled.keys)
            kept = whole[: self.source.max_line_bytes]
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
            refused = self.audience.refuses(record, now_ms)
            if refused is not None:
                return refused
            return self._take(rule, record, text, start, ids, taken)
        except Exception:  # noqa: BLE001  # it would come again after every restart: keep it
            return "unparsable.internal_error"

    def choose(self, record: Record) -> CompiledRule | str:
        """Returns the first rule that matches, else the page view, else why it is none either."""
        for rule in self.rules:
            if rule.matches(record):
                return rule
        return self.pageview.refuses(record) or PAGEVIEW

    def draft(
        self, rule: CompiledRule, record: Record, text: bytes, start: int, generation: bytes
    ) -> Draft | str:
        """Builds the event of a record that passed the filters, or says by counter key why not."""
        return self._draft(rule, record, text, start, self._ids_of(generation))

    def _draft(
        self, rule: CompiledRule, record: Record, text: bytes, start: int, ids: LineIds
    ) -> Draft | str:
        fields = rule.values(record)
        if isinstance(fields, str):
            return fields
        owner = event_id = ids.event_id(start, text, rule.name_bytes)
        once: str | None = None
        if rule.once_per is not None and rule.once_per in fields:
            site = self.bodies.site_of(record)
            value = str(fields[rule.once_per])
            event_id = once_event_id(site, rule.name, value)
            once = once_key(site, rule.name, value)
        try:
            body = self.bodies.build(rule.name, event_id, record, fields)
        except TooLarge:
            return "unparsable.too_large"
        event = Event(rule.name, event_id, body, start, rule.conversion)
        return Draft(event, once, owner, record.time_ms or 0)

    def parse(self, text: bytes) -> Result:
        """Parses one line that stands alone."""
        return self.reader().parse(text)

    def is_taken(self, draft: Draft) -> bool:
        """Whether another line holds the draft's `once_per` key."""
        if draft.once is None:
            return False
        return self.once.owner(draft.once, draft.time_ms) not in (None, draft.owner)

    def _take(
        self,
        rule: CompiledRule,
        record: Record,
        text: bytes,
        start: int,
        ids: LineIds,
        taken: Extraction,
    ) -> str | None:
        draft = self._draft(rule, record, text, start, ids)
        if isinstance(draft, str):
            return draft
        if draft.once is not None:
            if self.is_taken(draft):
                return "filtered.once_per"
            if self.once.owner(draft.once, draft.time_ms) is None:
                self.once.claim(draft.once, draft.owner, draft.time_ms)
                taken.claims.append(Claim(draft.once, draft.owner, draft.time_ms))
        taken.events.append(draft.event)
        return None

    def _ids_of(self, generation: bytes) -> LineIds:
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
) -> Extractor:
    """Builds an extractor with a parser for the source's format.

    Raises what `checks.check_source` would have found: HooktailError for the
    format and the rules, OptionError for the format's options.
    """
    parser = registry.find(source.format, source.parser_file).make(source.format_options)
    return Extractor(
        source,
        parser,
        payload=payload,
        visitor_secret=visitor_secret,
        once=once,
        now_ms=now_ms,
        limit_age=limit_age,
    )
