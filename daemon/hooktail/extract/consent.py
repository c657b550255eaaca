"""Who may be spoken of: the browser's wish not to be tracked, and the cookie that says yes.

It judges a record by its logged headers and cookies; where a log has none, nothing is known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hooktail.extract.cache import Cache
from hooktail.extract.headers import LoggedHeaders
from hooktail.extract.matching import value_test
from hooktail.extract.places import cookie

if TYPE_CHECKING:
    from collections.abc import Callable

    from hooktail.config.sections import PrivacySection
    from hooktail.extract.complaints import Complaints
    from hooktail_parsers import Record

GPC_HEADER = "sec-gpc"
DNT_HEADER = "dnt"


class Consent:
    """Tells who does not want to be spoken of, or has not said yes where that is required."""

    def __init__(self, section: PrivacySection, complaints: Complaints) -> None:
        asked = ((GPC_HEADER, section.gpc), (DNT_HEADER, section.dnt))
        self._headers = LoggedHeaders(name for name, counts in asked if counts)
        self._required: Cache[bool] | None = None
        self._cookie = ""
        wanted = section.require_consent
        if wanted is None:
            return
        self._cookie = wanted.cookie
        test = value_test(
            True if wanted.matches is None else wanted.matches, complaints.at("matches")
        )
        if test is not None:
            # One visitor sends the same cookies with every request.
            self._required = Cache(_holds_in(wanted.cookie, test.holds), 4096)

    @property
    def wants_cookie(self) -> bool:
        """Whether a cookie has to say yes."""
        return self._required is not None

    def is_missing(self, record: Record) -> bool:
        """Whether no event may be made of the record."""
        if "1" in self._headers.of(record).values():
            return True
        return self._required is not None and not self._required[record.cookies or ""]

    def sign(self, record: Record) -> str:
        """Names what is against an event: the header, or the cookie that says nothing or no."""
        for name, wish in self._headers.of(record).items():
            if wish == "1":
                return name
        return self._cookie if self.is_missing(record) else ""

    def found(self, record: Record) -> str | None:
        """Returns what the required cookie says, None if it is not there."""
        return cookie(record.cookies or "", self._cookie) if self._cookie else None


def _holds_in(name: str, holds: Callable[[object], bool]) -> Callable[[str], bool]:
    return lambda cookies: holds(cookie(cookies, name))
