"""Turns batches of lines into events: parse, choose a rule, filter, build. Pure but for the book.

The stages are attributes (`rules`, `pageview`, `audience`, `bodies`), which `explain` walks one by
one with the very same predicates.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from hooktail.extract import registry
from hooktail.extract.audience import Audience
from hooktail.extract.event import BodyBuilder
from hooktail.extract.identity import LineIds, once_event_id, once_key
from hooktail.extract.once import WINDOW_MS
from hooktail.extract.pageview import PageviewFilter
from hooktail.extract.prefilter import prefilter_of
from hooktail.extract.reading import HeldLine, Reader, failure_of, text_of
from hooktail.extract.rules import (
    DROPPED,
    NO_NAME,
    CompiledRule,
    RuleSet,
    compile_rules,
    kept_parameters,
    pageview_rule,
)
from hooktail.extract.sampling import SAMPLED, Sample
from hooktail.extract.sessions import Sessions
from hooktail.extract.short_way import LONG, ShortWay, is_open
from hooktail.extract.validation import TooLarge
from hooktail.model import Claim, Event, Extraction, Lines, Unparsable
from hooktail_parsers import ParseError, Record, Skip, Step

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable, Mapping

    from hooktail.config.sections import Payload, SourceSection
    from hooktail.extract.once import OnceBook
    from hooktail.extract.prefilter import Sifted
    from hooktail.extract.sessions import Place, Session
    from hooktail_parsers import JsonValue, Parser, Result
    from hooktail_parsers.assembly import Assembled


NO_AGES: Mapping[int, int] = MappingProxyType({})
NO_FIELDS: Mapping[str, JsonValue] = MappingProxyType({})

BOT_FIELD = "bot"
"""Marks the events of bots where they are sent; a rule's own field of that name goes first."""
PART = "filtered.part_of_record"
"""Counts the lines of a record behind its first, which stands for all of them."""
_HARDLY_SIFTED, _SIFT_REST = 0.9, 15
"""If more than this share of a batch is left by the prefilter, so many batches go without it."""


class Draft(NamedTuple):
    """An event that is ready but for its `once_per` key, which may be taken."""

    event: Event
    once: str | None
    """Key to claim, None if the event may happen any number of times."""
    owner: str
    """Who claims: the line."""
    time_ms: int
    session: Session | None = None
    once_for_ms: int = WINDOW_MS


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
        self.sample = Sample(source.pageview.sample)
        self.uncast: dict[str, int] = {}
        """How often a field's value was found and could not be cast, by `EVENT.FIELD`."""
        self.pageview = PageviewFilter(source.pageview)
        self._prefilter = prefilter_of(parser, source, self.pageview)
        self.audience = Audience(source, limit_age=limit_age)
        # Most events are page views, with nothing of their own to say.
        self._bare_pageview = None if self.audience.tags_bots else self.pageview_rule
        self._pageview_name = self.pageview_rule.name.encode("utf-8", "replace")
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
        self._sift_rests = 0
        self._short_way = self._open_short_way()
        self._ages: Mapping[int, int] = {}
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
        self._ages = ages
        reader = reader or self._reader
        taken = Extraction()
        sifted = self._sift(lines)
        if sifted is not None:
            taken.settled = sifted.dropped
            taken.fitting = sum(sifted.dropped.values())
            if not sifted.texts:
                return taken
            lines = Lines(sifted.texts, lines.start, lines.end, sifted.starts)
        settled = taken.settled
        now_ms = self.now_ms()
        ids = self._ids_of(generation)
        texts, starts = lines.texts, lines.starts
        no_records = 0
        shortly = None
        if self._short_way is not None and not ages:
            shortly = self._short_way.batch(ids, taken, now_ms)
        for index, parsed in enumerate(reader.parse_batch(texts)):
            key: str | None
            if isinstance(parsed, Record):
                text, start = texts[index], starts[index]
                # What a subclass knows it may have to look for.
                key = LONG
                if shortly is not None and type(parsed) is Record:
                    try:
                        key = shortly(parsed, text, start)
                    except Exception:  # noqa: BLE001  # a plugin's record: the long way judges it
                        key = LONG
                if key is LONG:
                    key = self._event_or_key(parsed, text, start, ids, taken, now_ms)
                if key is None:
                    continue
            elif isinstance(parsed, Skip):
                no_records += 1
                key = f"filtered.{parsed.reason}"
            elif isinstance(parsed, ParseError):
                no_records += 1
                taken.refused += 1
                taken.failure = taken.failure or failure_of(parsed)
                key = f"unparsable.{parsed.reason}"
            else:
                no_records += 1
                start = starts[index]
                line = HeldLine(start, texts[index])
                for assembled in reader.assembler.take(line, parsed):
                    self._take_assembled(assembled, lines.start, ids, taken, now_ms)
                if isinstance(parsed, Step) and parsed.state is not None:
                    taken.states.append((start, parsed.state))
                continue
            settled[key] = settled.get(key, 0) + 1
            if key.startswith("unparsable."):
                taken.unparsable.append(
                    Unparsable(starts[index], texts[index], key.removeprefix("unparsable."))
                )
        taken.fitting += len(texts) - no_records
        for held in reader.assembler.open.values():
            taken.waiting += [line.start for line in held if line.start >= lines.start]
        return taken

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
        if self._bare_pageview is None or not self.sample.is_everybody:
            return None
        if not is_open(self.audience, self.bodies, self.sessions, self.pageview):
            return None
        return ShortWay(
            self._bare_pageview,
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
        self._ages = ages
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
            return self._take(rule, record, text, start, ids, taken)
        except Exception:  # noqa: BLE001  # it would come again after every restart: keep it
            return "unparsable.internal_error"

    def choose(self, record: Record) -> CompiledRule | str:
        """Returns the first rule that matches, else the page view, else why it is none either."""
        rule = self.rules.first(record)
        if rule is None:
            return self.pageview.refuses(record) or self.pageview_rule
        return DROPPED if rule.drop else rule

    def draft(
        self, rule: CompiledRule, record: Record, text: bytes, start: int, generation: bytes
    ) -> Draft | str:
        """Builds the event of a record that passed the filters, or says by counter key why not."""
        return self._draft(rule, record, text, start, self._ids_of(generation))

    def _draft(
        self, rule: CompiledRule, record: Record, text: bytes, start: int, ids: LineIds
    ) -> Draft | str:
        named = self._name_and_fields(rule, record)
        if isinstance(named, str):
            return named
        name, fields = named
        once: str | None = None
        owner = event_id = ids.event_id(start, text, name.encode("utf-8", "replace"))
        if rule.once_per is not None and rule.once_per in fields:
            site = self.bodies.site_of(record.host)
            value = str(fields[rule.once_per])
            event_id = once_event_id(site, name, value)
            once = once_key(site, name, value)
        made = self._make(rule, name, event_id, record, fields, start)
        if isinstance(made, str):
            return made
        event, session = made
        return Draft(event, once, owner, record.time_ms or 0, session, rule.once_for_ms)

    def _make(
        self,
        rule: CompiledRule,
        name: str,
        event_id: str,
        record: Record,
        fields: Mapping[str, JsonValue],
        start: int,
    ) -> tuple[Event, Session | None] | str:
        """Makes an event, and says in which session it is; or says by counter key why not."""
        visitor = self.bodies.visitor_of(record)
        if not (rule.conversion or self.sample.is_everybody or self.sample.has(visitor.id)):
            return SAMPLED
        session = self.sessions.of(record, visitor, self._ages.get(start) if self._ages else None)
        try:
            body = self.bodies.build(
                name,
                event_id,
                record,
                fields,
                visitor_id=visitor.id,
                session_id=None if session is None else session.id,
            )
        except TooLarge:
            return "unparsable.too_large"
        return Event(name, event_id, body, start, rule.conversion), session

    def _name_and_fields(
        self, rule: CompiledRule, record: Record
    ) -> tuple[str, Mapping[str, JsonValue]] | str:
        """Takes what an event says of its own, or says by counter key why it cannot."""
        groups = rule.groups(record)
        name = rule.event_name(record, groups)
        if rule.name_of is not None and name is not None:
            name = self.bodies.guard.name(name)
        if name is None:
            return NO_NAME
        fields = rule.values(record, groups, self.uncast)
        if isinstance(fields, str):
            return fields
        if fields:
            fields = self.bodies.guard.fields(fields, rule.once_per)
            if any(each.required and each.name not in fields for each in rule.fields):
                return "filtered.required_field_missing"
        if self.audience.tags_bots and self.audience.is_bot(record):
            fields.setdefault(BOT_FIELD, True)
        return name, fields

    def parse(self, text: bytes) -> Result:
        """Parses one line that stands alone."""
        return self.reader().parse(text)

    def is_taken(self, draft: Draft) -> bool:
        """Whether another line holds the draft's `once_per` key."""
        if draft.once is None:
            return False
        standing = self.once.standing(draft.once, draft.owner, draft.time_ms, draft.once_for_ms)
        return standing == "taken"

    def _take(
        self,
        rule: CompiledRule,
        record: Record,
        text: bytes,
        start: int,
        ids: LineIds,
        taken: Extraction,
    ) -> str | None:
        if rule is self._bare_pageview:
            event_id = ids.event_id(start, text, self._pageview_name)
            made = self._make(rule, rule.name, event_id, record, NO_FIELDS, start)
            if isinstance(made, str):
                return made
            event, session = made
        else:
            draft = self._draft(rule, record, text, start, ids)
            if isinstance(draft, str):
                return draft
            if draft.once is not None:
                standing = self.once.claim(
                    draft.once, draft.owner, draft.time_ms, draft.once_for_ms
                )
                if standing == "taken":
                    return "filtered.once_per"
                if standing == "free":
                    taken.claims.append(Claim(draft.once, draft.owner, draft.time_ms))
            event, session = draft.event, draft.session
        if session is not None and session.place is not None:
            self._keep_session(session, session.place, record.time_ms or 0, start, taken)
        taken.events.append(event)
        return None

    def _keep_session(
        self, session: Session, place: Place, time_ms: int, start: int, taken: Extraction
    ) -> None:
        self.sessions.book.keep(place, time_ms // 1000)
        taken.sessions.update(place.changes)
        if session.age_s is not None:
            taken.ages[start] = session.age_s

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
