"""What syslog puts in front of a message: RFC 3164 (the old one) and RFC 5424.

The host in the prefix is the machine that wrote the log, never the site that was asked for; it
only tells the streams apart, with the program and its process id.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hooktail_parsers._api import Skip
from hooktail_parsers.memo import Memo
from hooktail_parsers.options import check_options
from hooktail_parsers.text import IN_QUOTES
from hooktail_parsers.times import MONTHS, iso_time_ms, syslog_time_ms, zone_of
from hooktail_parsers.wrappers.messages import LONGEST_STREAM_NAME, SYNTAX, odd_line, unpadded

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hooktail_parsers._api import ParseError
    from hooktail_parsers.wrappers.messages import Message, Stamp

_JANUARY, _DECEMBER = 1, 12
REPEATED = Skip("message_repeated")

_ISO = rb"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]++(?>Z|[+-][0-9]{2}:?[0-9]{2}|)"
COUNT_AND_PRIORITY = rb"(?:(?:[0-9]{1,9} (?=<))?<[0-9]{1,3}>)?"
_RFC3164 = re.compile(
    COUNT_AND_PRIORITY
    + rb"([A-Z][a-z]{2} [ 0-3]?[0-9](?: [0-9]{4})? [0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]++)?|"
    + _ISO
    # A first word that ends in a colon is the program's name: there is no host.
    + rb") ((?:(?![^ ]*+(?<=:) )[^ ]++ )?(?:[^ :\[]++(?:\[[^\] ]*+\]:|:(?= |\Z)) ?)?)(.*)",
    re.DOTALL,
).fullmatch
_LONGEST_REPETITION = len("--- last message repeated ")
_REPEATED = re.compile(rb"(?:--- )?(?:last )?message repeated [0-9]++ times", re.DOTALL).match
_WITH_YEAR = re.compile(
    rb"([A-Z][a-z]{2} [ 0-3]?[0-9]) ([0-9]{4}) ([0-9:.]++)", re.DOTALL
).fullmatch
_RFC5424 = re.compile(
    COUNT_AND_PRIORITY
    + rb"[1-9][0-9]? (-|"
    + _ISO
    + rb") ([^ ]++ [^ ]++ [^ ]++) [^ ]++"
    + rb' (?:-|(?>(?:\[[^\]"]*+(?>(?:"'
    + IN_QUOTES
    + rb'"[^\]"]*+)*)\])+))'
    + rb"(?: (?:\xef\xbb\xbf)?(.*))?",
    re.DOTALL,
).fullmatch


def _stream(prefix: bytes) -> str | None:
    """Returns the name of the stream with this host, program and process; None if too long."""
    name = prefix.decode("utf-8", "replace")
    return name if len(name) <= LONGEST_STREAM_NAME else None


class Rfc3164:
    """`<190>Mar 14 09:26:53 web1 nginx[77]: text`, with or without priority, host and program.

    The time states no year and no zone: it is known with the option `year` (`timezone`, default
    UTC), which `come_to` leads on where a file goes over the turn of the year, or where the prefix
    has a year, as rsyslog's file format does (`2025-03-14T09:26:53.123456+01:00 web1 nginx: text`).
    Else the record keeps its own time, and has none if it has none. `message repeated` is skipped:
    nothing says that each was a request.
    """

    joins = False

    def __init__(self, options: Mapping[str, str]) -> None:
        check_options({key: options[key] for key in ("timezone", "year") if key in options})
        self._zone = zone_of(options)
        self.year = int(options["year"]) if "year" in options else None
        """In which a file begins."""
        self._year, self._month = self.year, 0
        self._times = Memo(self._read_time, 256)
        self._streams = Memo(_stream, 1024)

    def split(self, line: bytes) -> Message | Skip | ParseError:
        """Takes a line apart."""
        found = _RFC3164(line)
        if found is None:
            text = unpadded(line)
            found = _RFC3164(text)
            if found is None:
                return odd_line(text)
        stamp, prefix, text = found.groups()
        if b" repeated " in text[:_LONGEST_REPETITION] and _is_repetition(prefix, text):
            return REPEATED
        stream = self._streams[prefix]
        if stream is None:
            return SYNTAX
        return text, stamp, stream, True

    def time_ms(self, stamp: Stamp) -> int | None:
        """Reads the time of a prefix; None if its year is not known."""
        return self._times[stamp] if isinstance(stamp, bytes) else None

    def _read_time(self, stamp: bytes) -> int | None:
        if stamp[:1].isdigit():
            return iso_time_ms(stamp, self._zone)
        dated = _WITH_YEAR(stamp)
        if dated:
            return syslog_time_ms(dated[1] + b" " + dated[3], int(dated[2]), self._zone)
        if self._year is None:
            return None
        late = self.is_late(MONTHS.get(stamp[:3].lower(), 0))
        return syslog_time_ms(stamp, self._year - late, self._zone)

    def come_to(self, year: int, month: int) -> None:
        """Reads times from here on as of this year and month of a file."""
        self._year, self._month = year, month
        self._times.clear()

    def is_late(self, month: int) -> bool:
        """Tells whether a line of this month is of the year before."""
        return self._year != self.year and self._month == _JANUARY and month == _DECEMBER


def _is_repetition(prefix: bytes, text: bytes) -> bool:
    if prefix in (b"--- ", b"last ", b"message "):  # no host stands in such a line
        text = prefix + text
    return _REPEATED(text) is not None


class Rfc5424:
    """`<190>1 2025-03-14T08:26:53.123Z web1 nginx 77 - [data] text`, with or without priority."""

    joins = False

    def __init__(self, options: Mapping[str, str]) -> None:
        check_options({key: options[key] for key in ("timezone",) if key in options})
        self._zone = zone_of(options)
        self._streams = Memo(_stream, 1024)

    def split(self, line: bytes) -> Message | Skip | ParseError:
        """Takes a line apart."""
        found = _RFC5424(line)
        if found is None:
            text = unpadded(line)
            found = _RFC5424(text)
            if found is None:
                return odd_line(text)
        stamp, prefix, text = found.groups()
        stream = self._streams[prefix]
        if stream is None:
            return SYNTAX
        return text or b"", stamp, stream, True

    def time_ms(self, stamp: Stamp) -> int | None:
        """Reads the time of a prefix."""
        return iso_time_ms(stamp, self._zone) if isinstance(stamp, bytes) else None
