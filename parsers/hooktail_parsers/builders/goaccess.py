r"""`goaccess:` and a GoAccess log format, or the name of a predefined one.

    %h %^[%d:%t %^] "%r" %s %b "%R" "%u"

The formats of dates and times come from the option `date_format` (`%d/%b/%Y %H:%M:%S`: the date's,
then the time's), or from lines `date-format` and `time-format` as in goaccess.conf. What GoAccess
leaves out is read where the layout shows it: the zone or the fraction in the `%^` behind the time.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hooktail_parsers._api import Format, OptionError
from hooktail_parsers.builders.apache_items import NUMBER
from hooktail_parsers.builders.columns import compile_layout
from hooktail_parsers.builders.goaccess_formats import PREDEFINED, GoAccessFormat
from hooktail_parsers.builders.json_template import JsonTemplate
from hooktail_parsers.builders.layout_parser import (
    ALL_FIELDS,
    JsonParser,
    LayoutParser,
    check_definition,
    check_plan,
    definition_of,
    kept_fields,
)
from hooktail_parsers.builders.notations import without_quotes
from hooktail_parsers.builders.record_plan import Column, Meaning, RecordPlan, TimeSource
from hooktail_parsers.builders.shapes import LIST, REQUEST, TEXT, TOKEN, USER, WORD, Shape
from hooktail_parsers.builders.stamp_shape import stamp_shape
from hooktail_parsers.builders.writers import NGINX_NONE, UNKNOWN
from hooktail_parsers.date_format import strptime_ms
from hooktail_parsers.options import text_decoder
from hooktail_parsers.times import OFFSET, epoch_ms, zone_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import tzinfo

_SPECIFIER = re.compile(r"%(.)|~h\{([^}]*)\}|%", re.DOTALL)
_SETTING = re.compile(r"(log|date|time|datetime)-format\s+(.*)")
_ESCAPE = re.compile(r'\\([tn"\\])')
_ESCAPES = {"t": "\t", "n": "\n"}
_EPOCHS = ("%s", "%f", "%*")
_DIGITS = Shape(rb"[0-9]{1,19}+", chars=b"0123456789")
_IGNORED = Meaning("ignored")
_SPECIFIERS: dict[str, tuple[Shape, Meaning]] = {
    "v": (TOKEN, Meaning("host")),
    "e": (USER, Meaning("user")),
    "C": (WORD, Meaning("field", "cache_status")),
    "h": (TOKEN, Meaning("ip")),
    "r": (REQUEST, Meaning("request")),
    "m": (TOKEN, Meaning("method")),
    "U": (Shape(begins=b"/"), Meaning("target", rank=1)),
    "q": (Shape(begins=b"?"), Meaning("query")),
    "H": (WORD, Meaning("field", "protocol")),
    "s": (Shape(rb"(?:[0-9]{1,3}+|-|)", chars=b"0123456789-"), Meaning("status")),
    "b": (NUMBER, Meaning("bytes_sent")),
    "R": (TEXT, Meaning("referrer")),
    "u": (TEXT, Meaning("user_agent", decode_url=True)),
    "K": (WORD, Meaning("tls", "tls_version")),
    "k": (WORD, Meaning("field", "tls_cipher")),
    "M": (TEXT, Meaning("field", "content_type")),
    "D": (NUMBER, Meaning("duration_s", per_s=1e6)),
    "n": (NUMBER, Meaning("duration_s", per_s=1e9)),
    "L": (NUMBER, Meaning("duration_s", per_s=1e3, rank=1)),
    "T": (NUMBER, Meaning("duration_s", rank=2)),
    "^": (WORD, _IGNORED),
    "~": (Shape(rb"\s*+", bounded=False), _IGNORED),
}
_XFF = Meaning("xff", rank=50)
_ZONE = re.compile(OFFSET).fullmatch
_FRACTION = re.compile(rb"([0-9]{1,9})(" + OFFSET + rb")?").fullmatch


def build(definition: str, options: Mapping[str, str]) -> LayoutParser | JsonParser:
    """Builds a parser for lines in a GoAccess log format.

    Raises:
        OptionError: the format cannot be read, leaves open where a specifier ends, or states no
            time, client or request; or an option is wrong.
    """
    check_definition(definition, options)
    formats = _formats(without_quotes(definition), options)
    text = _ESCAPE.sub(lambda found: _ESCAPES.get(found[1], found[1]), formats.log)
    # In a JSON text the escapes are its own.
    is_json = formats.log.lstrip().startswith("{")
    parts = _parts(formats.log if is_json else text, formats)
    columns = [part for part in parts if isinstance(part, Column)]
    plan = RecordPlan(
        [column.meaning for column in columns],
        _time_source(parts, formats, options),
        text_decoder(options),
        NGINX_NONE.unescape if is_json else UNKNOWN.unescape,
        session_cookie=options.get("session_cookie"),
        kept=kept_fields(options),
    )
    check_plan(plan, "%d and %t, or %x", "%h", "%r, or %m and %U")
    if not is_json:
        return LayoutParser(compile_layout(parts, UNKNOWN, spaces="counted"), plan)
    try:
        return JsonParser(JsonTemplate(parts), plan)
    except (ValueError, RecursionError) as error:
        raise OptionError("log_format", f"begins as a JSON text and is none: {error}") from error


def _formats(definition: str, options: Mapping[str, str]) -> GoAccessFormat:
    text = definition.strip()
    found = map(_SETTING.match, text.splitlines())
    settings = {setting[1]: setting[2].strip() for setting in found if setting}
    log = settings.get("log", text)
    known = PREDEFINED.get(log.upper(), GoAccessFormat(log))
    own = options.get("date_format", "").strip()
    if own:
        date, _, time = own.rpartition(" ")
        return GoAccessFormat(known.log, date or time, time if date else known.time)
    if "datetime" in settings:
        return GoAccessFormat(known.log, settings["datetime"], "")
    return GoAccessFormat(
        known.log, settings.get("date", known.date), settings.get("time", known.time)
    )


def _parts(text: str, formats: GoAccessFormat) -> list[bytes | Column]:
    stamps = {"d": formats.date, "t": formats.time, "x": _moment(formats)}
    parts: list[bytes | Column] = []
    at = 0
    for specifier in _SPECIFIER.finditer(text):
        parts.append(text[at : specifier.start()].encode())
        at = specifier.end()
        shown, letter = specifier[0], specifier[1]
        if specifier[2] is not None:
            # Quotes among what parts the addresses are those around them.
            shape = Shape(listed=True) if '"' in specifier[2] else LIST
            parts.append(Column(shown, shape, _XFF))
        elif letter == "%":
            parts.append(b"%")
        elif letter in stamps:
            date_format = stamps[letter]
            shape = _DIGITS if date_format in _EPOCHS else stamp_shape(date_format)
            parts.append(Column(shown, shape, _IGNORED))
        elif letter in _SPECIFIERS:
            parts.append(Column(shown, *_SPECIFIERS[letter]))
        else:
            raise OptionError("log_format", f"{shown!r} is no specifier of GoAccess known here")
    parts.append(text[at:].encode())
    return [part for part in parts if part != b""]


def _moment(formats: GoAccessFormat) -> str:
    """Returns how `%x` is written: by both formats, or by the one that says it all."""
    if formats.date == formats.time or not formats.time or formats.date in _EPOCHS:
        return formats.date
    return f"{formats.date} {formats.time}"


def _time_source(
    parts: Sequence[bytes | Column], formats: GoAccessFormat, options: Mapping[str, str]
) -> TimeSource | None:
    columns = [part for part in parts if isinstance(part, Column)]
    names = [column.name for column in columns]
    known = {"%x": _moment(formats), "%d": formats.date, "%t": formats.time}
    letters = ["%x"] if "%x" in names else [name for name in ("%d", "%t") if name in names]
    if not letters:
        return None
    places = [names.index(name) for name in letters]
    tail = _tail(parts, columns, max(places))
    if tail is not None:
        places.append(tail)
    year = int(options["year"]) if "year" in options else None
    date_formats = [known[name] for name in letters]
    if date_formats[0] in _EPOCHS:
        # The same number for the date and the time: one of them says it all.
        return TimeSource((places[0], *places[len(letters) :]), _epoch_ms)
    try:
        read = _reader(" ".join(date_formats), zone_of(options), year, tail is not None)
    except ValueError as error:
        raise OptionError("date_format", str(error)) from error
    return TimeSource(tuple(places), read)


def _tail(parts: Sequence[bytes | Column], columns: Sequence[Column], place: int) -> int | None:
    """Returns the place of the `%^` behind the time, if it may hold its zone or its fraction."""
    at = next(at for at, part in enumerate(parts) if part is columns[place])
    match parts[at + 1 : at + 3]:
        case [b" " | b"." | b",", Column(name="%^")]:
            return place + 1
    return None


def _epoch_ms(raw: bytes) -> int | None:
    count, _, fraction = raw.partition(b" ")
    return epoch_ms(count + b"." + fraction if fraction.isdigit() else count)


def _reader(
    date_format: str, zone: tzinfo, year: int | None, with_tail: bool
) -> Callable[[bytes], int | None]:
    plain = strptime_ms(date_format, zone, year)
    if not with_tail:
        return plain
    try:
        zoned = strptime_ms(date_format + " %z", zone, year)
    except ValueError:
        zoned = None
    try:
        fine = strptime_ms(date_format + " %f", zone, year)
    except ValueError:
        fine = None
    both = strptime_ms(date_format + " %f %z", zone, year) if zoned and fine else None

    def read(raw: bytes) -> int | None:
        stamp, _, tail = raw.rpartition(b" ")
        fraction = _FRACTION(tail)
        if zoned and _ZONE(tail):
            return zoned(raw)
        if both and fraction and fraction[2]:
            return both(stamp + b" " + fraction[1] + b" " + fraction[2])
        if fine and fraction:
            return fine(stamp + b" " + fraction[1])
        return plain(stamp)

    return read


def _make(options: Mapping[str, str]) -> LayoutParser | JsonParser:
    return build(definition_of(options), options)


GOACCESS = Format(
    "goaccess",
    'a log format of GoAccess, or the name of one: goaccess:%h %^[%d:%t %^] "%r" %s %b',
    ALL_FIELDS,
    _make,
    kind="builder",
    build=build,
    example=(
        '203.0.113.7 - - [14/Mar/2025:09:26:53 +0100] "GET /cart?item=1 HTTP/1.1" 200 512 '
        '"https://shop.example/" "Mozilla/5.0 (X11; Linux x86_64)"'
    ),
    source="GoAccess manual: log-format, date-format, time-format",
)
FORMATS: tuple[Format, ...] = (GOACCESS,)
