"""Whom an event may be about, and when: the filters that page views and rules share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hooktail.extract.addresses import address_kind
from hooktail.extract.bots import is_bot
from hooktail.extract.cache import Cache
from hooktail.extract.event import MAX_USER_AGENT
from hooktail.extract.pageview import header
from hooktail.extract.text import stated

if TYPE_CHECKING:
    from hooktail.config.sections import SourceSection
    from hooktail_parsers import Record

FUTURE_MS = 5 * 60_000
"""How far a log's clock may be ahead of ours."""


class Audience:
    """Filters by time, consent, address and user agent; remembers its verdicts by value."""

    def __init__(self, source: SourceSection, *, limit_age: bool) -> None:
        age_s = source.max_event_age_s if limit_age else None
        self._max_age_ms = None if age_s is None else int(age_s * 1000)
        self._addresses: Cache[str | None] = Cache(self._refuse_address)
        self._agents: Cache[str | None] = Cache(self._refuse_agent)
        self._send_private = source.private_ips == "send"
        self._send_bots = source.bots == "send"

    def refuses(self, record: Record, now_ms: int) -> str | None:
        """Returns the counter key of the first reason against an event, or None.

        After None the record has a time since 1970, an address and a user agent.
        """
        time_ms = record.time_ms
        if time_ms is None or time_ms < 0:
            return "filtered.no_time"
        if time_ms > now_ms + FUTURE_MS:
            return "filtered.future"
        if self._max_age_ms is not None and time_ms < now_ms - self._max_age_ms:
            return "expired.age"
        if record.headers is not None and header(record, "sec-gpc") == "1":
            return "filtered.no_consent"
        if record.user_agent is None:
            return "filtered.no_user_agent"
        if record.ip is None:
            return "filtered.no_ip"
        return self._addresses[record.ip] or self._agents[record.user_agent]

    def _refuse_address(self, ip: str) -> str | None:
        kind = address_kind(ip)
        if kind == "invalid":
            return "filtered.no_ip"
        return "filtered.private_ip" if kind == "private" and not self._send_private else None

    def _refuse_agent(self, user_agent: str) -> str | None:
        agent = stated(user_agent)
        if agent is None:
            return "filtered.no_user_agent"
        if self._send_bots:
            return None
        # What is longer makes no event anyway, and some patterns are slow on what is very long.
        return "filtered.bot" if is_bot(agent[:MAX_USER_AGENT]) else None
