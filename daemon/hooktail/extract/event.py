"""The body of an event: keys in the order of the contract, absent ones left out, written once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import orjson

from hooktail.extract.cache import Cache
from hooktail.extract.links import Links, TooLarge
from hooktail.extract.privacy import Scrubber
from hooktail.extract.text import clean, stated
from hooktail.extract.visitor import Visitors

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from hooktail.config.sections import Payload, SourceSection
    from hooktail_parsers import Record

MAX_USER_AGENT = 1024
MAX_STRING = 1024
MAX_BODY_BYTES = 32 * 1024

# fmt: off
RESERVED = frozenset((
    "event_name", "event_id", "timestamp", "visitor_id", "persistent_anonymous_user_id",
    "session_id", "url", "referrer", "user_agent", "ip_address", "event_payload",
))
# fmt: on
"""Keys that a rule's fields may not take."""


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
        self.links = Links(source.site, Scrubber(keep_parameters))
        self._send_event_id = source.send_event_id
        self._flat = payload in ("flat", "both")
        self._nested = payload in ("nested", "both")
        self._secret = visitor_secret
        self._site = source.site
        self._visitors: dict[str, Visitors] = {}
        self._agents: Cache[str | None] = Cache(stated)
        self._timestamps = Timestamps()

    def site_of(self, record: Record) -> str:
        """What keeps ids of one site apart from another's: `site`, or else the logged host."""
        return self._site or clean(record.host or "")

    def build(
        self, name: str, event_id: str, record: Record, fields: Mapping[str, object]
    ) -> bytes:
        """Writes the body.

        Raises TooLarge if a part or the whole is over its limit.
        """
        agent = self._agents[record.user_agent or ""]
        ip = record.ip
        if agent is None or ip is None or record.time_ms is None:
            raise ValueError("asked for a body without the audience filters")
        if len(agent) > MAX_USER_AGENT:
            raise TooLarge
        body: dict[str, object] = {"event_name": name}
        if self._send_event_id:
            body["event_id"] = event_id
        body["timestamp"] = self._timestamps.text(record.time_ms)
        visitor = self._visitors_of(self.site_of(record)).id_of(ip, agent)
        body["visitor_id"] = body["persistent_anonymous_user_id"] = visitor
        if record.session is not None:
            session = stated(record.session)
            if session is not None:
                if len(session) > MAX_STRING:
                    raise TooLarge
                body["session_id"] = session
        url = self.links.url(record)
        if url is not None:
            body["url"] = url
        referrer = self.links.referrer(record.referrer)
        if referrer is not None:
            body["referrer"] = referrer
        body["user_agent"] = agent
        body["ip_address"] = ip
        if fields:
            if self._flat:
                body.update(fields)
            if self._nested:
                body["event_payload"] = fields
        written = orjson.dumps(body)
        if len(written) > MAX_BODY_BYTES:
            raise TooLarge
        return written

    def _visitors_of(self, site: str) -> Visitors:
        visitors = self._visitors.get(site)
        if visitors is None:
            if len(self._visitors) >= 64:  # hosts of one log; a scanner may invent more
                self._visitors.clear()
            visitors = self._visitors[site] = Visitors(self._secret, site)
        return visitors


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
