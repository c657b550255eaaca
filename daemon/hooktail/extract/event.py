"""The body of an event: keys in the order of the contract, absent ones left out, written once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import orjson

from hooktail.extract.addresses import anonymous
from hooktail.extract.cache import Cache
from hooktail.extract.links import Links
from hooktail.extract.privacy import FieldGuard, Scrubber
from hooktail.extract.text import clean, stated
from hooktail.extract.validation import (
    MAX_BODY_BYTES,
    MAX_ID,
    MAX_NAME,
    MAX_USER_AGENT,
    TooLarge,
    check_length,
)
from hooktail.extract.visitor import Visitors

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from hooktail.config.sections import Payload, SourceSection
    from hooktail.extract.visitor import Visitor
    from hooktail_parsers import Record

# fmt: off
RESERVED = frozenset((
    "event_name", "event_id", "timestamp", "visitor_id", "persistent_anonymous_user_id",
    "session_id", "url", "referrer", "user_agent", "ip_address", "event_payload",
))
# fmt: on
"""Keys that a rule's fields may not take."""


VISITOR_KEYS = ("visitor_id", "persistent_anonymous_user_id")


class BodyBuilder:
    """Builds bodies for one source. Asks for records that the audience filters have passed."""

    def __init__(
        self,
        source: SourceSection,
        *,
        payload: Payload,
        visitor_secret: bytes,
        keep_parameters: Collection[str] = (),
    ) -> None:
        self.links = Links(source.site, Scrubber(keep_parameters, source.privacy))
        self.guard = FieldGuard(source.privacy)
        self._send_event_id = source.send_event_id
        self._flat = payload in ("flat", "both")
        self._nested = payload in ("nested", "both")
        self._site = source.site
        self._visitors = Visitors(source.visitor, visitor_secret)
        self._visitor_fields = tuple(
            key for key in VISITOR_KEYS if key in source.visitor.visitor_fields
        )
        self._agents: Cache[str | None] = Cache(stated)
        self._shown_agents: Cache[str] = Cache(self.guard.agent)
        self._shown_ips = Cache(anonymous) if source.ip_anonymization else None
        self._timestamps = Timestamps()

    def site_of(self, record: Record) -> str:
        """What keeps ids of one site apart from another's: `site`, or else the logged host."""
        return self._site or clean(record.host or "")

    def visitor_of(self, record: Record) -> Visitor:
        """Tells whose event it is, by the address as it is in the record."""
        agent = self._agents[record.user_agent or ""] or ""
        return self._visitors.of(record, self.site_of(record), agent)

    def build(
        self,
        name: str,
        event_id: str,
        record: Record,
        fields: Mapping[str, object],
        *,
        visitor_id: str,
        session_id: str | None = None,
    ) -> bytes:
        """Writes the body.

        Raises TooLarge if a part or the whole is over its limit.
        """
        agent = self._agents[record.user_agent or ""]
        ip = record.ip
        if agent is None or ip is None or record.time_ms is None:
            raise ValueError("asked for a body without the audience filters")
        check_length(agent, MAX_USER_AGENT)
        body: dict[str, object] = {"event_name": check_length(name, MAX_NAME)}
        if self._send_event_id:
            body["event_id"] = event_id
        body["timestamp"] = self._timestamps.text(record.time_ms)
        for key in self._visitor_fields:
            body[key] = check_length(visitor_id, MAX_ID)
        if session_id is not None:
            body["session_id"] = check_length(session_id, MAX_ID)
        url = self.links.url(record)
        if url is not None:
            body["url"] = url
        referrer = self.links.referrer(record.referrer)
        if referrer is not None:
            body["referrer"] = referrer
        body["user_agent"] = self._shown_agents[agent]
        body["ip_address"] = ip if self._shown_ips is None else self._shown_ips[ip]
        if fields:
            if self._flat:
                body.update(fields)
            if self._nested:
                body["event_payload"] = fields
        written = orjson.dumps(body)
        if len(written) > MAX_BODY_BYTES:
            raise TooLarge
        return written


class Timestamps:
    """Writes times as `YYYY-MM-DDTHH:mm:ss.sssZ`; lines of one second share the work."""

    def __init__(self) -> None:
        self._second = -1
        self._text = ""

    def text(self, time_ms: int) -> str:
        """Writes a time since 1970, in milliseconds."""
        second, millisecond = divmod(time_ms, 1000)
        if second != self._second:
            moment = datetime.fromtimestamp(second, UTC)
            self._second, self._text = second, f"{moment:%Y-%m-%dT%H:%M:%S}."
        return f"{self._text}{millisecond:03d}Z"
