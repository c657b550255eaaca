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
from hooktail.extract.rules import PAGEVIEW, CompiledRule, compile_rules, kept_parameters
from hooktail.model import Claim, Event, Extraction, Unparsable
from hooktail_parsers import ParseError, Record, Skip

if TYPE_CHECKING:
    from collections.abc import Callable

    from hooktail.config.sections import Payload, SourceSection
    from hooktail.extract.once import OnceBook
    from hooktail.model import Lines
    from hooktail_parsers import Parsed, Parser


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
        self._generation: bytes | None = None
        self._ids = LineIds("", "", b"")

    def extract(self, lines: Lines, generation: bytes) -> Extraction:
        """Says what becomes of each line; the same lines in any batches give the same events.

        `generation` is the fingerprint of the file's generation (`identity.generation_of`).
        Claims are taken in the book and listed in the result, to be made durable with it.
        """
        taken = Extraction()
        settled = taken.settled
        now_ms = self.now_ms()
        ids = self._ids_of(generation)
        texts = lines.texts
        for index, parsed in enumerate(self._parse_batch(texts)):
            key: str | None
            if isinstance(parsed, Record):
                try:
                    rule = self.choose(parsed)
                    if isinstance(rule, str):
                        key = rule
                    else:
                        key = self.audience.refuses(parsed, now_ms)
                        if key is None:
                            start = lines.starts[index]
                            key = self._take(rule, parsed, texts[index], start, ids, taken)
                except Exception:  # noqa: BLE001  # it would come again after every restart: keep it
                    key = "unparsable.internal_error"
                if key is None:
                    continue
            elif isinstance(parsed, Skip):
                key = f"filtered.{parsed.reason}"
            elif isinstance(parsed, ParseError):
                key = f"unparsable.{parsed.reason}"
            else:
                key = "unparsable.parser_failed"
            settled[key] = settled.get(key, 0) + 1
            if key.startswith("unparsable."):
                taken.unparsable.append(
                    Unparsable(lines.starts[index], texts[index], key.removeprefix("unparsable."))
                )
        return taken

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

    def _parse_batch(self, texts: list[bytes]) -> list[Parsed]:
        try:
            parsed = self.parser.parse_batch(texts)
        except Exception:  # noqa: BLE001  # a plugin's edge: line by line tells which it was
            parsed = []
        return parsed if len(parsed) == len(texts) else [self.parse(text) for text in texts]

    def parse(self, text: bytes) -> Parsed:
        """Parses one line; what a parser raises although it must not is a ParseError too."""
        try:
            parsed = self.parser.parse(text)
        except ParseError as error:
            return error
        except Exception:  # noqa: BLE001  # a plugin's edge
            return ParseError("parser_failed")
        if not isinstance(parsed, Record | Skip | ParseError):
            return ParseError("parser_failed")
        return parsed


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

    The parser serves one file at a time; build one for each file if the format carries something
    from line to line. Raises what `checks.check_source` would have found: HooktailError for the
    format and the rules, OptionError for the format's options.
    """
    parser = registry.find(source.format).make(source.format_options)
    return Extractor(
        source,
        parser,
        payload=payload,
        visitor_secret=visitor_secret,
        once=once,
        now_ms=now_ms,
        limit_age=limit_age,
    )
