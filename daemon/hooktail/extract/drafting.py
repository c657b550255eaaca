"""Makes the event of a record that passed the filters: its name, fields, ids, visitor and session.

It takes claims and sessions in their books. Which rule a record falls to, and what is filtered,
is decided before (`extractor`).
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from hooktail.extract.identity import once_event_id, once_key
from hooktail.extract.once import WINDOW_MS
from hooktail.extract.rules import NO_NAME
from hooktail.extract.sampling import SAMPLED, Sample
from hooktail.extract.validation import TooLarge
from hooktail.model import Claim, Event

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hooktail.extract.audience import Audience
    from hooktail.extract.event import BodyBuilder
    from hooktail.extract.identity import LineIds
    from hooktail.extract.once import OnceBook
    from hooktail.extract.rules import CompiledRule
    from hooktail.extract.sessions import Place, Session, Sessions
    from hooktail.model import Extraction
    from hooktail_parsers import JsonValue, Record

NO_FIELDS: Mapping[str, JsonValue] = MappingProxyType({})

BOT_FIELD = "bot"
"""Marks the events of bots where they are sent; a rule's own field of that name goes first."""


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


class Drafter:
    """Makes the events of one source's records; `pageview` is what the built-in page view sends.

    Of the page views, those of `sample` are made.
    """

    def __init__(
        self,
        pageview: CompiledRule,
        *,
        sample: Sample,
        audience: Audience,
        bodies: BodyBuilder,
        sessions: Sessions,
        once: OnceBook,
    ) -> None:
        self.ages: Mapping[int, int] = {}
        """Ages of sessions (`Extraction.ages`) that the checkpoint knows of lines read again."""
        self.uncast: dict[str, int] = {}
        """How often a field's value was found and could not be cast, by `EVENT.FIELD`."""
        # Most events are page views, with nothing of their own to say.
        self.bare_pageview = None if audience.tags_bots else pageview
        self._pageview_name = pageview.name.encode("utf-8", "replace")
        self._sample = sample
        self._audience = audience
        self._bodies = bodies
        self._sessions = sessions
        self._once = once

    def take(
        self,
        rule: CompiledRule,
        record: Record,
        text: bytes,
        start: int,
        ids: LineIds,
        taken: Extraction,
    ) -> str | None:
        """Adds the event of such a record to `taken`, and its claim; or says why there is none.

        Returns the counter key of a record that has no event, or None.
        """
        if rule is self.bare_pageview:
            event_id = ids.event_id(start, text, self._pageview_name)
            made = self._make(rule, rule.name, event_id, record, NO_FIELDS, start)
            if isinstance(made, str):
                return made
            event, session = made
        else:
            draft = self.draft(rule, record, text, start, ids)
            if isinstance(draft, str):
                return draft
            if draft.once is not None:
                standing = self._once.claim(
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
        self._sessions.book.keep(place, time_ms // 1000)
        taken.sessions.update(place.changes)
        if session.age_s is not None:
            taken.ages[start] = session.age_s

    def draft(
        self, rule: CompiledRule, record: Record, text: bytes, start: int, ids: LineIds
    ) -> Draft | str:
        """Builds the event of a record that passed the filters, or says by counter key why not."""
        named = self._name_and_fields(rule, record)
        if isinstance(named, str):
            return named
        name, fields = named
        once: str | None = None
        owner = event_id = ids.event_id(start, text, name.encode("utf-8", "replace"))
        if rule.once_per is not None and rule.once_per in fields:
            site = self._bodies.site_of(record.host)
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
        visitor = self._bodies.visitor_of(record)
        if not (rule.conversion or self._sample.is_everybody or self._sample.has(visitor.id)):
            return SAMPLED
        session = self._sessions.of(record, visitor, self.ages.get(start) if self.ages else None)
        try:
            body = self._bodies.build(
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
            name = self._bodies.guard.name(name)
        if name is None:
            return NO_NAME
        fields = rule.values(record, groups, self.uncast)
        if isinstance(fields, str):
            return fields
        if fields:
            fields = self._bodies.guard.fields(fields, rule.once_per)
            if any(each.required and each.name not in fields for each in rule.fields):
                return "filtered.required_field_missing"
        if self._audience.tags_bots and self._audience.is_bot(record):
            fields.setdefault(BOT_FIELD, True)
        return name, fields

    def is_taken(self, draft: Draft) -> bool:
        """Whether another line holds the draft's `once_per` key."""
        if draft.once is None:
            return False
        standing = self._once.standing(draft.once, draft.owner, draft.time_ms, draft.once_for_ms)
        return standing == "taken"
