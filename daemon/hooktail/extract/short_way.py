"""The short way from a record to its page view, where nothing special is known or asked.

Most events are page views of records that hold a request and a client, and no more. What the long
way (`Extractor`) asks one after the other is known here by the client, by the path and by the
referrer, and remembered as pieces of JSON. The answer is the same, or the long way is asked. That
is so of every record, in any order (tests/unit/extract/test_short_way.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from hooktail.extract.cache import LONGEST_KEY, Cache
from hooktail.extract.validation import TooLarge
from hooktail.model import Event
from hooktail_parsers import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hooktail.extract.audience import Audience
    from hooktail.extract.event import BodyBuilder
    from hooktail.extract.identity import LineIds
    from hooktail.extract.pageview import PageviewFilter
    from hooktail.extract.rules import CompiledRule, RuleSet
    from hooktail.extract.sessions import Sessions
    from hooktail.model import Extraction, Lines
    from hooktail_parsers import Result

_LONG: Final = "long way"
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
        self._pages: Cache[_Page] = Cache(self._page, 4096)
        try:
            self._lead = "{" + bodies.written_names[rule.name]
        except TooLarge:
            self._lead = ""

    @property
    def knows_any(self) -> bool:
        """Whether it can answer now: the first records are for the long way to learn from."""
        return bool(self._lead) and not self._audience.is_watching

    def take(
        self,
        results: Sequence[Result],
        lines: Lines,
        ids: LineIds,
        taken: Extraction,
        now_ms: int,
        otherwise: Callable[[int, Result], None],
    ) -> None:
        """Adds to `taken` what becomes of the results of a batch of lines, in order.

        What it does not know, `otherwise` is called to add, with its place in the batch.
        """
        oldest_ms, newest_ms = self._audience.span_ms(now_ms)
        clients, sessions, bodies = self._clients, self._sessions, self._bodies
        # Two comparisons are faster than `in`; what has others goes the long way.
        method, status = self._pageview.usual_method, self._pageview.usual_status
        other_status = self._pageview.statuses_in_order[-1]
        enter = sessions.book.enter if sessions.enabled else None
        session_id, timestamp, url = sessions.id_of, bodies.timestamps.text, bodies.write_url
        pages, queries, referrers = self._pages, bodies.written_queries, bodies.written_referrers
        longest_url, sends_event_id = bodies.links.max_length, bodies.sends_event_id
        lead, name, ids_name, event_id_of = self._lead, self._name, self._ids_name, ids.event_id
        add, changes, new_ages = taken.events.append, taken.sessions, taken.ages
        settled, texts, starts = taken.settled, lines.texts, lines.starts
        new = tuple.__new__

        for index, record in enumerate(results):
            # What a subclass knows it may have to look for.
            if type(record) is not Record:
                otherwise(index, record)
                continue
            path, ip, agent, time_ms = record.path, record.ip, record.user_agent, record.time_ms
            refused: str | None = _LONG
            try:
                if (
                    path is not None
                    and ip is not None
                    and agent is not None
                    and type(time_ms) is int
                    and oldest_ms <= time_ms <= newest_ms
                    and record.method == method
                    and (record.status == status or record.status == other_status)
                    and record.headers is None
                    and record.fields is None
                    and record.session is None
                ):
                    page = pages[path]
                    refused = page.refused
                    if refused is None:
                        client = clients[ip, record.host, agent]
                        refused = client.refused
                    if refused is None:
                        location = None
                        if record.host is None and record.scheme is None and record.port is None:
                            query = record.query
                            if query is None:
                                location = page.written
                            elif page.lead is not None and len(path) + len(query) <= longest_url:
                                location = page.lead + queries[query]
                                if len(location) > longest_url:
                                    location = None
                        if location is None:
                            location = url(record)
                        referrer = record.referrer
                        came_from = referrers[referrer] if referrer else ""
                        written = timestamp(time_ms)
                        # From here on nothing raises, whatever a plugin put into the record.
                        start = starts[index]
                        event_id = event_id_of(start, texts[index], ids_name)
                        shown_id = f',"event_id":"{event_id}"' if sends_event_id else ""
                        if enter is None:
                            session = ""
                        else:
                            time_s = time_ms // 1000
                            session_s = enter(client.key, time_s, changes)
                            new_ages[start] = time_s - session_s
                            if session_s != client.session_s:
                                client.session_s = session_s
                                client.session = (
                                    f',"session_id":"{session_id(session_s, client.id)}"'
                                )
                            session = client.session
                        body = (
                            f'{lead}{shown_id},"timestamp":"{written}"{client.visitor}{session}'
                            f"{location}{came_from}{client.tail}"
                        ).encode()
                        add(new(Event, (name, event_id, body, start, False)))
                        continue
            except Exception:  # noqa: BLE001  # too long, or a plugin's record: the long way judges
                refused = _LONG
            if refused is None or refused is _LONG:
                otherwise(index, record)
            else:
                settled[refused] = settled.get(refused, 0) + 1

    def _page(self, path: str) -> _Page:
        if self._rules.by_path[path]:
            return _Page(_LONG)
        refused = self._pageview.by_path[path]
        if refused is not None:
            return _Page(refused)
        try:
            written = self._bodies.write_url(Record(path=path))
        except TooLarge:
            return _Page(None)
        # What stands behind a fragment is no query.
        goes_on = written and "#" not in path
        return _Page(None, written, written.removesuffix('"') if goes_on else None)


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


class _Page(NamedTuple):
    """What is the same in all page views of a path whose line names neither host nor scheme."""

    refused: str | None
    """Counter key of what is against them, or `_LONG`."""
    written: str | None = None
    """Their place in the body where there is no query; None where it would be too long."""
    lead: str | None = None
    """Of it what stands before a query, where one may follow."""


class _Agent(NamedTuple):
    """What is the same in all page views of a user agent."""

    refused: str | None
    clean: str = ""
    written: str = ""


class _Client:
    """What is the same in all page views of a client."""

    __slots__ = ("id", "key", "refused", "session", "session_s", "tail", "visitor")

    def __init__(
        self,
        refused: str | None,
        visitor_id: str = "",
        key: int = 0,
        visitor: str = "",
        tail: str = "",
    ):
        self.refused = refused
        """Counter key of what is against events of the client, or `_LONG`."""
        self.id = visitor_id
        self.key = key
        self.visitor = visitor
        """The visitor's piece of the body."""
        self.tail = tail
        """The end of the body: agent and address."""
        self.session_s = -1
        self.session = ""
        """The piece of the session that began at `session_s`."""


class _Clients(dict[_ClientKey, _Client]):
    """Clients by address, logged host and agent."""

    def __init__(self, audience: Audience, bodies: BodyBuilder) -> None:
        super().__init__()
        self._audience = audience
        self._bodies = bodies
        self._agents: Cache[_Agent] = Cache(self._agent)

    def __missing__(self, key: _ClientKey) -> _Client:
        ip, host, agent = key
        about = self._agents[agent]
        refused = self._audience.refuses_address(ip) or about.refused
        if refused is not None:
            client = _Client(refused)
        else:
            bodies = self._bodies
            visitor = bodies.visitors.derived(ip, bodies.site_of(host), about.clean)
            client = _Client(
                None,
                visitor.id,
                visitor.key,
                bodies.write_derived_visitor(visitor.id),
                f"{about.written}{bodies.write_ip(ip)}}}",
            )
        if len(agent) <= LONGEST_KEY:
            if len(self) >= _KNOWN:
                self.clear()
            self[key] = client
        return client

    def _agent(self, agent: str) -> _Agent:
        refused = self._audience.refuses_agent(agent)
        if refused is not None:
            return _Agent(refused)
        try:
            return _Agent(
                None, self._bodies.clean_agents[agent] or "", self._bodies.written_agents[agent]
            )
        except TooLarge:
            return _Agent(_LONG)
