"""The short way from a record to its page view, where nothing special is known or asked.

Most events are page views of records that hold a request and a client, and no more. What the long
way (`Extractor`) asks one after the other is known here by the client, by the path and by the
referrer, and remembered as pieces of JSON. The answer is the same, or it is `LONG`: ask the long
way. That is so of every record, in any order (tests/unit/extract/test_short_way.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hooktail.extract.cache import LONGEST_KEY
from hooktail.extract.validation import TooLarge
from hooktail.model import Event

if TYPE_CHECKING:
    from collections.abc import Callable

    from hooktail.extract.audience import Audience
    from hooktail.extract.event import BodyBuilder
    from hooktail.extract.identity import LineIds
    from hooktail.extract.pageview import PageviewFilter
    from hooktail.extract.rules import CompiledRule, RuleSet
    from hooktail.extract.sessions import Sessions
    from hooktail.model import Extraction
    from hooktail_parsers import Record

LONG: Final = "long way"
"""What is no counter key: the short way does not know."""
_KNOWN = 4096
"""Clients remembered: a megabyte a thousand."""
_ClientKey = tuple[str, str | None, str]


class ShortWay:
    """Makes page views of one source's plain records. Asks for a source that `is_open`."""

    def __init__(
        self,
        rule: CompiledRule,
        *,
        rules: RuleSet,
        pageview: PageviewFilter,
        audience: Audience,
        bodies: BodyBuilder,
        sessions: Sessions,
    ) -> None:
        self._name = rule.name
        self._ids_name = rule.name.encode("utf-8", "replace")
        self._rules = rules
        self._pageview = pageview
        self._audience = audience
        self._bodies = bodies
        self._sessions = sessions
        self._clients = _Clients(audience, bodies)

    def batch(
        self, ids: LineIds, taken: Extraction, now_ms: int
    ) -> Callable[[Record, bytes, int], str | None] | None:
        """Returns what takes a batch's records one by one, into `taken`; None for the long way.

        It gives a counter key, None for an event, or `LONG`.
        """
        if self._audience.is_watching:
            return None
        oldest_ms, newest_ms = self._audience.span_ms(now_ms)
        rules_by_path, refused_paths = self._rules.by_path, self._pageview.by_path
        clients, sessions, bodies = self._clients, self._sessions, self._bodies
        # Two comparisons are faster than `in`; what has others goes the long way.
        method, status = self._pageview.usual_method, self._pageview.usual_status
        other_status = self._pageview.statuses_in_order[-1]
        enter = sessions.book.enter if sessions.enabled else None
        session_id, timestamp, url = sessions.id_of, bodies.timestamps.text, bodies.write_url
        pages, referrers = bodies.written_pages, bodies.written_referrers
        try:
            lead = "{" + bodies.written_names[self._name]
        except TooLarge:
            return None
        sends_event_id = bodies.sends_event_id
        name, ids_name, event_id_of = self._name, self._ids_name, ids.event_id
        add, changes, new_ages = taken.events.append, taken.sessions, taken.ages
        new = tuple.__new__

        def take(record: Record, text: bytes, start: int) -> str | None:
            path, ip, agent, time_ms = record.path, record.ip, record.user_agent, record.time_ms
            if (
                path is None
                or ip is None
                or agent is None
                or time_ms is None
                or not oldest_ms <= time_ms <= newest_ms
                or record.method != method
                or (record.status != status and record.status != other_status)
                or record.headers is not None
                or record.fields is not None
                or record.session is not None
                or rules_by_path[path]
            ):
                return LONG
            refused = refused_paths[path]
            if refused is not None:
                return refused
            client = clients[ip, record.host, agent]
            if client is None:
                return LONG
            if client.refused is not None:
                return client.refused
            if (
                record.query is None
                and record.host is None
                and record.scheme is None
                and record.port is None
            ):
                page = pages[path]
                if page is None:
                    return LONG
            else:
                try:
                    page = url(record)
                except TooLarge:
                    return LONG
            referrer = record.referrer
            came_from = referrers[referrer] if referrer else ""
            written = timestamp(time_ms)
            # From here on nothing raises, whatever a plugin put into the record.
            event_id = event_id_of(start, text, ids_name)
            shown_id = f',"event_id":"{event_id}"' if sends_event_id else ""
            if enter is None:
                session = ""
            else:
                time_s = time_ms // 1000
                session_s = enter(client.key, time_s, changes)
                new_ages[start] = time_s - session_s
                if session_s != client.session_s:
                    client.session_s = session_s
                    client.session = f',"session_id":"{session_id(session_s, client.id)}"'
                session = client.session
            body = (
                f'{lead}{shown_id},"timestamp":"{written}"{client.visitor}{session}'
                f"{page}{came_from}{client.tail}"
            ).encode()
            add(new(Event, (name, event_id, body, start, False)))
            return None

        return take


def is_open(
    audience: Audience, bodies: BodyBuilder, sessions: Sessions, pageview: PageviewFilter
) -> bool:
    """Whether the source asks nothing that only the long way knows."""
    return (
        pageview.enabled
        and audience.judges_by_value
        and bodies.visitors.only_derives
        and bodies.page_views_fit
        and not sessions.states_ids
    )


class _Client:
    """What is the same in all page views of a client."""

    __slots__ = ("id", "key", "refused", "session", "session_s", "tail", "visitor")

    def __init__(self, refused: str | None, visitor_id: str, key: int, visitor: str, tail: str):
        self.refused = refused
        """Counter key of what is against events of the client."""
        self.id = visitor_id
        self.key = key
        self.visitor = visitor
        """The visitor's piece of the body."""
        self.tail = tail
        """The end of the body: agent and address."""
        self.session_s = -1
        self.session = ""
        """The piece of the session that began at `session_s`."""


class _Clients(dict[_ClientKey, "_Client | None"]):
    """Clients by address, logged host and agent; None is for the long way."""

    def __init__(self, audience: Audience, bodies: BodyBuilder) -> None:
        super().__init__()
        self._audience = audience
        self._bodies = bodies

    def __missing__(self, key: _ClientKey) -> _Client | None:
        ip, host, agent = key
        refused = self._audience.verdict(ip, agent)
        if refused is not None:
            client: _Client | None = _Client(refused, "", 0, "", "")
        else:
            try:
                visitor = self._bodies.derived_visitor(ip, host, agent)
                client = _Client(
                    None,
                    visitor.id,
                    visitor.key,
                    self._bodies.write_derived_visitor(visitor.id),
                    f"{self._bodies.written_agents[agent]}{self._bodies.write_ip(ip)}}}",
                )
            except TooLarge:
                client = None
        if len(agent) <= LONGEST_KEY:
            if len(self) >= _KNOWN:
                self.clear()
            self[key] = client
        return client
