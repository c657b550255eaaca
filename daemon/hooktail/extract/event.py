"""The body of an event: keys in the order of the contract, absent ones left out, written once.

It is put together from pieces of JSON: who asked, with what and from where repeats from line to
line, so each such piece is written once and remembered by its value.
"""

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
    MAX_ID,
    MAX_NAME,
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
_REST_BYTES = 1024
"""Of keys, ids, time and address, with some to spare."""


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
        scrubber = Scrubber(keep_parameters, source.privacy)
        self.links = Links(source.site, scrubber, source.max_url_length)
        self.guard = FieldGuard(source.privacy)
        self.sends_event_id = source.send_event_id
        self._max_user_agent = source.max_user_agent_length
        self._max_body_bytes = source.max_body_bytes
        most_chars = 2 * source.max_url_length + source.max_user_agent_length + MAX_NAME + MAX_ID
        self.page_views_fit = 4 * most_chars + _REST_BYTES <= source.max_body_bytes
        """Whether no event without fields can be over the limit of a body: four bytes a letter."""
        self._flat = payload in ("flat", "both")
        self._nested = payload in ("nested", "both")
        self._site = source.site
        self.visitors = Visitors(source.visitor, visitor_secret)
        self._visitor_form = "".join(
            f',"{key}":?' for key in VISITOR_KEYS if key in source.visitor.visitor_fields
        )
        self.clean_agents: Cache[str | None] = Cache(stated)
        self._anonymous = source.ip_anonymization
        self.timestamps = Timestamps()
        # Pieces of JSON, each with the comma before it.
        self.written_names: Cache[str] = Cache(self._write_name, 256)
        self.written_agents: Cache[str] = Cache(self._write_agent)
        self.written_referrers: Cache[str] = Cache(self._write_referrer)
        self.written_queries: Cache[str] = Cache(self._write_query, 4096)
        """What follows a path in its piece, with the closing quote."""
        self._written_ips: Cache[str] = Cache(self.write_ip)
        self._written_visitors: Cache[str] = Cache(self.write_visitor)

    def site_of(self, host: str | None) -> str:
        """What keeps ids of one site apart from another's: `site`, or else the logged host.

        A host is one whatever its case and with or without the dot of the root behind it.
        """
        return self._site or clean(host or "").lower().rstrip(".")

    def visitor_of(self, record: Record) -> Visitor:
        """Tells whose event it is, by the address as it is in the record."""
        agent = self.clean_agents[record.user_agent or ""] or ""
        return self.visitors.of(record, self.site_of(record.host), agent)

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
        agent, ip, time_ms = record.user_agent, record.ip, record.time_ms
        if agent is None or ip is None or time_ms is None:
            raise ValueError("asked for a body without the audience filters")
        name = self.written_names[name]
        event_id = f',"event_id":"{event_id}"' if self.sends_event_id else ""
        visitor = self._written_visitors[visitor_id]
        session = (
            "" if session_id is None else _pair("session_id", check_length(session_id, MAX_ID))
        )
        location = self.write_url(record)
        referrer = self.written_referrers[record.referrer] if record.referrer else ""
        own = "" if not fields else self._write_own(fields)
        written = (
            f'{{{name}{event_id},"timestamp":"{self.timestamps.text(time_ms)}"{visitor}{session}'
            f"{location}{referrer}{self.written_agents[agent]}{self._written_ips[ip]}{own}}}"
        ).encode()
        if len(written) > self._max_body_bytes:
            raise TooLarge
        return written

    def _write_name(self, name: str) -> str:
        return _pair("event_name", check_length(name, MAX_NAME)).removeprefix(",")

    def _write_agent(self, text: str) -> str:
        agent = self.clean_agents[text]
        if agent is None:
            raise ValueError("asked for a body without the audience filters")
        return _pair("user_agent", self.guard.agent(check_length(agent, self._max_user_agent)))

    def write_url(self, record: Record) -> str:
        """Writes where it happened; raises TooLarge."""
        url = self.links.url(record)
        return "" if url is None else _pair("url", url)

    def _write_query(self, query: str) -> str:
        query = self.links.query(query)
        return orjson.dumps(f"?{query}" if query else "").decode().removeprefix('"')

    def write_ip(self, ip: str) -> str:
        """Writes an address as it is to be sent."""
        return _pair("ip_address", anonymous(ip) if self._anonymous else ip)

    def write_visitor(self, visitor_id: str) -> str:
        """Writes whose event it is, under each of the keys for it; raises TooLarge."""
        check_length(visitor_id, MAX_ID)
        return self._visitor_form.replace("?", orjson.dumps(visitor_id).decode())

    def write_derived_visitor(self, visitor_id: str) -> str:
        """As `write_visitor`, of a UUID."""
        return self._visitor_form.replace("?", f'"{visitor_id}"')

    def _write_referrer(self, text: str) -> str:
        referrer = self.links.referrer(text)
        return "" if referrer is None else _pair("referrer", referrer)

    def _write_own(self, fields: Mapping[str, object]) -> str:
        written = orjson.dumps(fields).decode()
        flat = f",{written[1:-1]}" if self._flat else ""
        return f'{flat},"event_payload":{written}' if self._nested else flat


def _pair(key: str, value: str) -> str:
    return f',"{key}":{orjson.dumps(value).decode()}'


class Timestamps:
    """Writes times as `YYYY-MM-DDTHH:mm:ss.sssZ`; lines of one minute share most of the work."""

    def __init__(self) -> None:
        self._time_ms = self._minute = -1
        self._text = self._whole = ""

    def text(self, time_ms: int) -> str:
        """Writes a time since 1970, in milliseconds."""
        if time_ms == self._time_ms:
            return self._whole
        self._time_ms = time_ms
        minute, millisecond = divmod(time_ms, 60_000)
        if minute != self._minute:
            moment = datetime.fromtimestamp(minute * 60, UTC)
            self._minute, self._text = minute, f"{moment:%Y-%m-%dT%H:%M:}"
        digits = f"{millisecond:05d}"
        self._whole = f"{self._text}{digits[:2]}.{digits[2:]}Z"
        return self._whole
