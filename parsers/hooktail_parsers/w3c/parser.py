"""Formats whose header names the columns: W3C extended logs of IIS and others, CloudFront.

    #Fields: date time c-ip cs-method cs-uri-stem sc-status
    2025-03-14 08:26:53 203.0.113.7 GET /p 200

The header stands again wherever the writer was restarted, and may be another one by then. It is
the parser's state; `columns` makes records of the lines below it. A line with more or fewer
values than the header names is refused: which of them is missing cannot be told.

`#Date` gives the day to a header with a time alone. A line behind midnight needs a `#Date` of its
own, which servers write. `#GMT-Offset` (Oracle) says the zone.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar

from hooktail_parsers._api import Format, OptionError
from hooktail_parsers.headed import (
    BAD_FIELDS,
    BLANK,
    BOM,
    COLUMN_COUNT,
    DIRECTIVE,
    NO_FIELDS_YET,
    HeadedParser,
    column_names,
)
from hooktail_parsers.options import COMMON_OPTIONS, check_options
from hooktail_parsers.times import zone_of
from hooktail_parsers.w3c.columns import MAPPED, compile_plan
from hooktail_parsers.w3c.layout import Layout, is_glued
from hooktail_parsers.w3c.values import Dialect, Values, day_ms

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hooktail_parsers._api import Result

_ANY = Dialect(name="w3c")
_IIS = Dialect(name="iis_w3c", taken_in_s=False, utc=True)
_CLOUDFRONT = Dialect(
    name="cloudfront_standard",
    tabs=True,
    percent=True,
    utc=True,
    # `cs(Host)` is the distribution's own name.
    hosts=(b"x-host-header", b"cs(host)"),
)
_SHOUTCAST = Dialect(name="shoutcast_w3c", percent=True)
_NETSCALER = Dialect(name="netscaler_w3c")
_INCAPSULA = Dialect(name="incapsula_w3c", schemes=(b"cs-version",), uri_has_host=True)
_DIALECTS = {
    dialect.name: dialect
    for dialect in (_ANY, _IIS, _CLOUDFRONT, _SHOUTCAST, _NETSCALER, _INCAPSULA)
}
_BY_SOFTWARE = {
    b"internet information": _IIS,
    b"iis ": _IIS,
    b"shoutcast": _SHOUTCAST,
    b"netscaler": _NETSCALER,
    b"incapsula": _INCAPSULA,
}
_BY_COLUMN = {b"x-edge-location": _CLOUDFRONT, b"avgbandwidth": _SHOUTCAST}
_OF_IIS = frozenset((b"sc-substatus", b"sc-win32-status", b"s-sitename"))
"""Columns that IIS alone has. NetScaler and Tomcat, which count in seconds, have an `s-ip` too."""

# CloudFront's columns never change their order, new ones come behind. A file without its header
# has as many as there were when it was written.
_CLOUDFRONT_FIELDS = (
    b"date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer)"
    b" cs(User-Agent) cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header"
    b" cs-protocol cs-bytes time-taken x-forwarded-for ssl-protocol ssl-cipher"
    b" x-edge-response-result-type cs-protocol-version fle-status fle-encrypted-fields c-port"
    b" time-to-first-byte x-edge-detailed-result-type sc-content-type sc-content-len"
    b" sc-range-start sc-range-end"
)
_CLOUDFRONT_COUNTS = (12, 15, 18, 19, 23, 24, 26, 33)
_DEFAULTS = {_CLOUDFRONT.name: (_CLOUDFRONT_FIELDS, _CLOUDFRONT_COUNTS)}

_OPTIONS = (*COMMON_OPTIONS, "fields", "session_cookie", *MAPPED)
_MOST_LAYOUTS = 32
_DIRECTIVE = re.compile(rb"#[ \t]*+([A-Za-z-]++)[ \t]*+:[ \t]*+(.*)", re.DOTALL).fullmatch
_DAY = re.compile(rb"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[ \t].*)?", re.DOTALL).fullmatch
_OFFSET = re.compile(rb"[+-](?:[01][0-9]|2[0-3]):?[0-5][0-9]").fullmatch


class W3cParser(HeadedParser):
    """Parses the lines of one file, by the header that stands above them.

    With the dialect `w3c`, `#Software` and the names of the columns tell which writer it was.
    """

    header_keys: ClassVar = frozenset(("fields", "date", "offset", "dialect"))

    def __init__(
        self,
        dialect: Dialect,
        options: Mapping[str, str],
        values: dict[str, Values] | None = None,
    ) -> None:
        super().__init__()
        self._options = options
        self._dialect = dialect
        self._values = {} if values is None else values
        self._zone = zone_of(options) if "timezone" in options else None
        self._layouts: dict[tuple[str | None, ...], Layout | None] = {}
        self._layout: Layout | None = None
        self._header_changed()

    def fork(self) -> W3cParser:
        """Returns a parser for another file; the memories of values are shared."""
        return W3cParser(self._dialect, self._options, self._values)

    def parse_batch(self, lines: Sequence[bytes]) -> list[Result]:
        """Parses lines in order."""
        parsed: list[Result] = []
        append = parsed.append
        layout: Layout | None = None
        for line in lines:
            if layout is not self._layout:
                layout = self._layout
                if layout is not None:
                    tabs, texts = layout.tabs, layout.texts
                    count, read = layout.plan.count, layout.plan.read
                    is_headed = not layout.prefixes
            # What begins with a control, a quote, `#` or a high byte is no ordinary line, and
            # neither is one with the NULs of a file that IIS has made larger beforehand.
            if layout is None or not b"#" < line[:1] < b"\x7f" or b"\x00" in line:
                if line[:1] == b'"' and layout is not None and not tabs and b"\x00" not in line:
                    append(layout.read_quoted(line.rstrip(b" \t\r\n")))
                else:
                    append(self.careful_parse(line))
                continue
            if tabs:
                columns = line.rstrip(b"\r\n").split(b"\t")
                if not is_headed and is_glued(line):
                    append(COLUMN_COUNT)
                    continue
            elif b'"' in line or b"\t" in line or b"  " in line:
                quoted = layout.read_ordinary(line.rstrip(b" \r\n"))
                append(self.careful_parse(line) if quoted is None else quoted)
                continue
            else:
                columns = line.rstrip(b" \r\n").split(b" ")
            append(read(columns, texts) if len(columns) == count else self.careful_parse(line))
        return parsed

    def careful_parse(self, line: bytes) -> Result:
        """Parses one line, ordinary or not."""
        text = line.removeprefix(BOM).lstrip(b"\x00").rstrip(b"\x00\r\n")
        stripped = text.strip(b" \t\x00\r\n")
        if not stripped:
            return BLANK
        if stripped.startswith(b"#"):
            return self._directive(stripped)
        layout = self._layout
        if layout is None:
            return NO_FIELDS_YET
        if layout.tabs:
            return layout.read_tabs(text)
        if b'"' in stripped:
            return layout.read_quoted(stripped)
        return layout.read_spaced(text if b"\t" in text else stripped)

    def _directive(self, text: bytes) -> Result:
        found = _DIRECTIVE(text)
        if found is None:
            return DIRECTIVE
        name, value = found[1].lower(), found[2].rstrip()
        if name == b"fields":
            names = column_names(value)
            if names is None:
                return self._change(BAD_FIELDS, fields=b"")
            tabs = b"\t" in value
            return self._change(DIRECTIVE, fields=(b"\t" if tabs else b" ").join(names))
        if name in (b"date", b"start-date"):
            day = _DAY(value)
            if day and day_ms(day[1]) is not None:
                return self._change(DIRECTIVE, date=day[1])
        elif name == b"gmt-offset" and _OFFSET(value):
            return self._change(DIRECTIVE, offset=value)
        elif name == b"software" and self._dialect is _ANY:
            writer = value.lower()
            for known, dialect in _BY_SOFTWARE.items():
                if known in writer:
                    return self._change(DIRECTIVE, dialect=dialect.name.encode())
        return DIRECTIVE

    def _header_changed(self) -> None:
        key = tuple(map(self._header.get, sorted(self.header_keys)))
        if key not in self._layouts:
            if len(self._layouts) >= _MOST_LAYOUTS:
                self._layouts.clear()
            self._layouts[key] = self._compiled()
        self._layout = self._layouts[key]

    def _compiled(self) -> Layout | None:
        seen = self._said("fields")
        fields, prefixes = self._assumed_fields() if seen is None else (seen, ())
        names = column_names(fields)
        if names is None:
            return None
        dialect = self._dialect_of(names)
        offset = self._header.get("offset")
        local = zone_of({"timezone": offset}) if offset else self._zone
        zones = (None if dialect.utc and not offset else local), local
        if dialect.name not in self._values:
            self._values[dialect.name] = Values(dialect, self._options)
        values = self._values[dialect.name]
        plan = compile_plan(names, values, self._options, zones, self._said("date"))
        return Layout(
            plan,
            tabs=dialect.tabs or b"\t" in fields,
            texts=values.spaced,
            literal=values.literal,
            prefixes=prefixes,
        )

    def _assumed_fields(self) -> tuple[bytes, tuple[int, ...]]:
        """Returns the columns of a file whose header has not been seen."""
        given = self._options.get("fields")
        if given is not None:
            return given.encode(), ()
        return _DEFAULTS.get(self._dialect.name, (b"", ()))

    def _dialect_of(self, names: Sequence[bytes]) -> Dialect:
        if self._dialect is not _ANY:
            return self._dialect
        for name, dialect in _BY_COLUMN.items():
            if name in names:
                return dialect
        stated = _DIALECTS.get(self._header.get("dialect", ""))
        if stated is not None:
            return stated
        return _ANY if _OF_IIS.isdisjoint(name.lower() for name in names) else _IIS


_RECORD_FIELDS = (
    "time", "ip", "method", "scheme", "host", "port", "path", "query", "status", "referrer",
    "user_agent", "user", "bytes_sent", "duration_s", "cookies", "xff", "session", "request_id",
    "fields",
)  # fmt: skip


def _format(name: str, summary: str, dialect: Dialect, example: str, source: str) -> Format:
    def make(options: Mapping[str, str]) -> W3cParser:
        check_options(options, _OPTIONS)
        fields = options.get("fields")
        if fields is not None and column_names(fields.encode()) is None:
            raise OptionError("fields", "found no usable list; allowed: 1 to 256 column names")
        return W3cParser(dialect, options)

    return Format(name, summary, _RECORD_FIELDS, make, example=example, source=source)


_IIS_FIELDS = (
    "#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip"
    " cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status time-taken\n"
)

# In the order in which `auto` tries them: `w3c` knows the writers by what they state.
FORMATS: tuple[Format, ...] = (
    _format(
        "cloudfront_standard",
        "Amazon CloudFront standard logs, separated by tabs",
        _CLOUDFRONT,
        "2025-03-14\t08:26:53\tFRA6\t182\t203.0.113.7\tGET\td1.cloudfront.net\t/cart\t200\t"
        "https://shop.example/\tMozilla/5.0%20(X11;%20Linux)\tid=7\t-\tHit\tID==\tshop.example"
        "\thttps\t217\t0.001",
        "Amazon CloudFront developer guide, standard log file fields",
    ),
    _format(
        "w3c",
        "W3C extended of any writer: columns by #Fields, the writer by #Software",
        _ANY,
        "#Fields: date time c-ip cs-method cs-uri-stem sc-status\n"
        "2025-03-14 08:26:53 203.0.113.7 GET /cart 200",
        "W3C working draft Extended Log File Format, WD-logfile-960323",
    ),
    _format(
        "iis_w3c",
        "Microsoft IIS, W3C extended: columns by #Fields, UTC",
        _IIS,
        _IIS_FIELDS + "2025-03-14 08:26:53 192.0.2.10 GET /cart id=7 443 - 203.0.113.7"
        " Mozilla/5.0+(X11;+Linux) https://shop.example/ 200 0 0 15",
        "Microsoft's documentation of W3C logging in IIS",
    ),
    _format(
        "iis_advanced_logging",
        "Microsoft IIS Advanced Logging: values in quotes, local or UTC times",
        _IIS,
        "#Fields: date-local time-local cs-method cs-uri-stem c-ip cs(User-Agent) cs(Host)"
        " sc-status TimeTakenMS\n2025-03-14 08:26:53.363 GET /cart 203.0.113.7"
        ' "Mozilla/5.0 (X11; Linux)" "shop.example" 200 109',
        "Microsoft's documentation of the IIS Advanced Logging module",
    ),
    _format(
        "shoutcast_w3c",
        "SHOUTcast server, W3C extended: no methods",
        _SHOUTCAST,
        "#Fields: c-ip c-dns date time cs-uri-stem c-status cs(User-Agent) sc-bytes x-duration"
        " avgbandwidth\n203.0.113.7 203.0.113.7 2025-03-14 08:26:53 /stream?title=News 200"
        " Player%2F1.0%20(X11) 65580 1 524640",
        "SHOUTcast DNAS server documentation, W3C logging",
    ),
    _format(
        "netscaler_w3c",
        "Citrix NetScaler web logging (NSWL), W3C extended",
        _NETSCALER,
        "#Fields: date time c-ip cs-username cs-method cs-uri-stem cs-uri-query sc-status sc-bytes"
        " time-taken cs(User-Agent)\n2025-03-14 08:26:53 203.0.113.7 - GET /cart id=7 200 355 1"
        " Mozilla/5.0+(X11;+Linux)",
        "Citrix NetScaler documentation of the web server logging client",
    ),
    _format(
        "incapsula_w3c",
        "Imperva Incapsula, W3C extended: every value in quotes",
        _INCAPSULA,
        "#Fields: date time c-ip cs(User-Agent) cs-uri cs-version cs(Referrer) s-port cs-method"
        ' cs-uri-query sc-status\n"2025-03-14" "08:26:53" "203.0.113.7" "Mozilla/5.0 (X11; Linux)"'
        ' "shop.example/cart" "HTTPS" "" "443" "GET" "id=7" "200"',
        "Imperva documentation of log file structure, W3C format",
    ),
)

ALIASES: dict[str, str] = {
    # Under the same headers stand lines that are no HTTP requests; all of them are refused.
    "cloudfront_rtmp": "cloudfront_standard",
    "w3c_ftp": "iis_w3c",
    "w3c_oracle_webcache": "w3c",
}
"""Other names for these formats."""
