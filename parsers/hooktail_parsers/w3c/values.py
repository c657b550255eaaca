"""What the values of W3C columns mean, and how their writers differ (`Dialect`).

How a writer puts spaces into a value:

    plus      IIS, NetScaler: a space is `+`, and so is a plus sign. `++` is read as space and plus.
    percent   CloudFront, Shoutcast: percent-encoded; old CloudFront files twice.

A value in quotes is literal with `plus`. A `+` in a referrer stays: an address holds no space. In
cookies only the space behind a semicolon is one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from hooktail_parsers.address import client_ip, virtual_host
from hooktail_parsers.cookies import cookie_value
from hooktail_parsers.memo import Memo
from hooktail_parsers.options import text_decoder
from hooktail_parsers.text import stated
from hooktail_parsers.times import day_s

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How one writer of the format differs from the others."""

    name: str
    tabs: bool = False
    percent: bool = False
    taken_in_s: bool = True
    """The unit of `time-taken`: seconds as in the W3C draft, else milliseconds."""
    utc: bool = False
    """`date` and `time` are UTC whatever the option `timezone` says."""
    hosts: tuple[bytes, ...] = (b"cs-host", b"cs(host)")
    schemes: tuple[bytes, ...] = (b"cs-protocol",)
    uri_has_host: bool = False
    """`cs-uri` is `host/path`."""


MISSING = (b"-", b"", b'""', b'"-"')
_DATE = re.compile(rb"([0-9]{4})-([0-9]{2})-([0-9]{2})").fullmatch
_CLOCK = re.compile(
    rb"([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9]|60)(?:[.,]([0-9]{1,9}))?"
).fullmatch
_SECONDS = re.compile(rb"[0-9]{1,12}(?:\.[0-9]{1,12})?").fullmatch
_METHOD = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]++").fullmatch
SCHEMES = {name.encode(): name for name in ("http", "https", "ws", "wss")}
# IIS logs FTP and SMTP under the same header. No HTTP method is called like one of their commands.
_OTHER_COMMANDS = frozenset(
    b"USER PASS ACCT CWD CDUP SMNT QUIT REIN PORT EPRT PASV EPSV TYPE STRU MODE RETR STOR STOU"
    b" APPE ALLO REST RNFR RNTO ABOR DELE RMD MKD XRMD XMKD PWD XPWD LIST NLST SITE SYST STAT HELP"
    b" NOOP FEAT OPTS AUTH PBSZ PROT SIZE MDTM MLSD MLST HELO EHLO MAIL RCPT DATA RSET VRFY"
    b" CONTROLCHANNELOPENED CONTROLCHANNELCLOSED DATACHANNELOPENED DATACHANNELCLOSED"
    b" SENT CREATED".split()
)


def day_ms(text: bytes) -> int | None:
    """Returns the start of the day `YYYY-MM-DD`, counted without a zone; None if there is none."""
    found = _DATE(text)
    start_s = day_s(int(found[1]), int(found[2]), int(found[3])) if found else None
    return None if start_s is None else start_s * 1000


def _clock_ms(text: bytes) -> int | None:
    found = _CLOCK(text)
    if found is None:
        return None
    hour, minute, second, fraction = found.groups()
    minute_ms = int(hour) * 3_600_000 + int(minute) * 60_000
    if second == b"60":
        return minute_ms + 59_999
    return minute_ms + int(second) * 1000 + (int((fraction + b"00")[:3]) if fraction else 0)


def _method(raw: bytes) -> str | None:
    if raw == b"-" or not _METHOD(raw) or raw.upper() in _OTHER_COMMANDS:
        return None
    return raw.decode("ascii")


def _status(raw: bytes) -> int:
    """Returns 0 for a missing status and -1 for what is none."""
    if raw in MISSING:
        return 0
    return int(raw) if raw.isdigit() and (len(raw) == len("200") or raw == b"0") else -1


def _port(raw: bytes) -> int | None:
    return int(raw) if raw.isdigit() and len(raw) <= len("65535") and int(raw) <= 65_535 else None


def _without_plus(raw: bytes) -> bytes:
    if b"++" in raw:
        return re.sub(rb"\+(\+?)", rb" \1", raw)
    return raw.replace(b"+", b" ")


def _agent_without_percent(raw: bytes) -> bytes:
    once = unquote_to_bytes(raw)
    return unquote_to_bytes(once) if b"%20" in once and b" " not in once else once


def _cookie_without_percent(raw: bytes) -> bytes:
    once = unquote_to_bytes(raw)
    return unquote_to_bytes(once) if b";%20" in once else once


def _same(raw: bytes) -> bytes:
    return raw


def unquote(value: bytes) -> bytes:
    """Takes the quotes of a quoted value away; a quote within is doubled."""
    if value[:1] == b'"' and value[-1:] == b'"' and len(value) > 1:
        return value[1:-1].replace(b'""', b'"')
    return value


class Texts:
    """Memories of the texts in which a writer hides spaces; a value in quotes is literal."""

    def __init__(
        self,
        decode: Callable[[bytes], str],
        session_cookie: str | None,
        *,
        percent: bool,
        literal: bool,
    ) -> None:
        def memory(undo: Callable[[bytes], bytes]) -> Memo[str | None]:
            def text(raw: bytes) -> str | None:
                if raw in MISSING:
                    return None
                if literal:
                    return stated(decode(raw.replace(b'""', b'"')))
                quoted = raw[:1] == b'"' and raw[-1:] == b'"' and len(raw) > 1
                return stated(decode(unquote(raw) if quoted else undo(raw)))

            return Memo(text)

        self.agents = memory(_agent_without_percent if percent else _without_plus)
        self.referrers = memory(unquote_to_bytes if percent else _same)
        self.cookies = memory(
            _cookie_without_percent if percent else lambda raw: raw.replace(b";+", b"; ")
        )
        self.chains = memory(unquote_to_bytes if percent else _without_plus)
        self.headers = memory(_same if percent else _without_plus)
        self.sessions = Memo(
            lambda raw: cookie_value(self.cookies[raw] or "", session_cookie or "")
        )


class Values:
    """Memories of a dialect's values; they make reading faster, never different."""

    def __init__(self, dialect: Dialect, options: Mapping[str, str]) -> None:
        decode = text_decoder(options)
        session_cookie = options.get("session_cookie")
        self.dialect = dialect
        self.decode = decode
        self.encoding = options.get("encoding", "utf-8")
        self.has_sessions = bool(session_cookie)
        self.spaced = Texts(decode, session_cookie, percent=dialect.percent, literal=False)
        self.literal = Texts(decode, session_cookie, percent=dialect.percent, literal=True)
        self.days = Memo(day_ms, 256)
        self.clocks = Memo(_clock_ms)
        self.ips = Memo(client_ip, 16_384)
        self.methods = Memo(_method, 64)
        self.statuses = Memo(_status, 1024)
        self.hosts = Memo(lambda raw: virtual_host(raw, decode), 1024)
        self.ports = Memo(_port, 64)
        self.schemes = Memo(lambda raw: SCHEMES.get(raw.lower()), 64)
        self.texts = Memo(lambda raw: None if raw in MISSING else stated(decode(raw)))
        self.durations_s: Memo[float | None] = Memo(
            lambda raw: float(raw) if _SECONDS(raw) else None
        )
        self.durations_ms: Memo[float | None] = Memo(
            lambda raw: float(raw) / 1000 if _SECONDS(raw) else None
        )
