r"""`apache:` and a LogFormat: a parser for lines as Apache, and what is like it, write by it.

    LogFormat "%h %l %u %t \"%r\" %>s %b" name

The directive is taken as it stands in the configuration, or its text alone. Items may have
modifiers (`%400,501{User-Agent}i`, `%!200,304r`, `%>s`); what one leaves out is logged as `-`.
Several `%{...}t` together are one time.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from hooktail_parsers._api import Format, OptionError
from hooktail_parsers.builders.apache_items import CLF_TIME, apache_column
from hooktail_parsers.builders.columns import check_quotes, compile_layout
from hooktail_parsers.builders.layout_parser import (
    ALL_FIELDS,
    LayoutParser,
    check_definition,
    check_plan,
    definition_of,
    kept_fields,
)
from hooktail_parsers.builders.notations import check_notation
from hooktail_parsers.builders.record_plan import Column, Meaning, RecordPlan, TimeSource
from hooktail_parsers.builders.shapes import TEXT, Shape
from hooktail_parsers.builders.stamp_shape import stamp_shape
from hooktail_parsers.builders.writers import APACHE
from hooktail_parsers.clock import clf_time_ms
from hooktail_parsers.date_format import strptime_ms
from hooktail_parsers.options import text_decoder
from hooktail_parsers.times import epoch_ms, zone_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_DIRECTIVE = re.compile(
    r"\s*(?:LogFormat|CustomLog|TransferLog|GlobalLog)\s+(.*)", re.DOTALL | re.IGNORECASE
)
_QUOTED = re.compile(r"""(["'])((?:\\.|(?!\1)[^\\])*)\1""", re.DOTALL)
_BACKSLASH = re.compile(r"""\\(["'\\nrt])""")
_BACKSLASHES = {"n": "\n", "r": "\r", "t": "\t"}
_ITEM = re.compile(r"%(?:%|((?:[<>!0-9,]|\{[^{}]*\})*)(\^[a-zA-Z]{2}|[a-zA-Z])|(.?))", re.DOTALL)
_ARGUMENT = re.compile(r"\{([^{}]*)\}")
_PREFIXED = re.compile(r"(?:(begin|end)(?::|\Z))?(.*)", re.DOTALL)
_TOKENS = {
    # From 2001 to 2286 they are of one width, which tells them from digits that follow.
    "sec": (Shape(rb"[0-9]{10}", begins=b"0123456789"), "%s"),
    "msec": (Shape(rb"[0-9]{13}", begins=b"0123456789"), ""),
    "usec": (Shape(rb"[0-9]{16}", begins=b"0123456789"), ""),
    "msec_frac": (Shape(rb"[0-9]{3}", begins=b"0123456789"), "%f"),
    "usec_frac": (Shape(rb"[0-9]{6}", begins=b"0123456789"), "%f"),
}
_IGNORED = Meaning("ignored")


class _Stamp(NamedTuple):
    """A `%{...}t`: how it reads as strptime has it (empty for a count), and of which moment."""

    column: Column
    date_format: str
    end: bool


def build(definition: str, options: Mapping[str, str]) -> LayoutParser:
    """Builds a parser for lines by a LogFormat.

    Raises:
        OptionError: the format cannot be read, leaves open where an item ends, or states no
            time, client or request; or an option is wrong.
    """
    check_definition(definition, options)
    check_notation(definition, "apache")
    stamps: list[_Stamp] = []
    own_time = "date_format" in options
    parts = _with_whole_targets(_parts(layout_text(definition), stamps, own_time=own_time))
    check_quotes(parts)
    layout = compile_layout(parts, APACHE, spaces="refused")
    plan = RecordPlan(
        [column.meaning for column in layout.columns],
        _time_source(layout.columns, stamps, options),
        text_decoder(options),
        APACHE.unescape,
        session_cookie=options.get("session_cookie"),
        kept=kept_fields(options),
    )
    check_plan(plan, "%t or %{format}t", "%h or %a", "%r, or %m and %U")
    return LayoutParser(layout, plan)


def layout_text(definition: str) -> str:
    """Returns the text of a format given as a directive, as a quoted argument, or bare.

    Raises:
        OptionError: the directive holds no format.
    """
    text = re.sub(r"\\\r?\n", "", definition).strip()
    directive = _DIRECTIVE.fullmatch(text)
    if directive is not None:
        arguments = _QUOTED.findall(directive[1])
        formats = [raw for _, raw in arguments if "%" in raw]
        if not formats:
            raise OptionError(
                "log_format", 'the directive holds no format between quotes ("%h ...")'
            )
        return _unescaped(formats[-1])
    quoted = _QUOTED.fullmatch(text)
    return _unescaped(text if quoted is None else quoted[2])


def _unescaped(raw: str) -> str:
    # Once for the configuration's quotes, and control characters as the log module reads them.
    return _BACKSLASH.sub(lambda found: _BACKSLASHES.get(found[1], found[1]), raw)


def _parts(text: str, stamps: list[_Stamp], *, own_time: bool) -> list[bytes | Column]:
    parts: list[bytes | Column] = []
    at = 0
    for item in _ITEM.finditer(text):
        parts.append(text[at : item.start()].encode())
        at = item.end()
        modifiers, letter, other = item.groups()
        if other is not None:
            raise OptionError("log_format", f"{item[0]!r} is no item; a percent sign is %%")
        if letter is None:
            parts.append(b"%")
            continue
        arguments = _ARGUMENT.findall(modifiers)
        argument = arguments[-1] if arguments else None
        if letter == "t" and argument:
            stamp = _stamp(item[0], argument)
            stamps.append(stamp)
            parts.append(stamp.column)
        elif letter == "t" and own_time:
            parts += [b"[", Column(item[0], TEXT, _IGNORED), b"]"]
        elif letter == "t":
            parts.append(Column(item[0], CLF_TIME, _IGNORED))
        else:
            parts.append(apache_column(item[0], letter, argument, final=">" in modifiers))
    parts.append(text[at:].encode())
    return parts


def _stamp(shown: str, argument: str) -> _Stamp:
    prefixed = _PREFIXED.fullmatch(argument)
    moment, date_format = prefixed.groups() if prefixed else (None, argument)
    shape, date_format = _TOKENS.get(date_format) or (stamp_shape(date_format), date_format)
    return _Stamp(Column(shown, shape, _IGNORED), date_format, moment == "end")


def _with_whole_targets(parts: Sequence[bytes | Column]) -> list[bytes | Column]:
    """Joins `%U%q`, which together are a target."""
    whole: list[bytes | Column] = []
    for part in parts:
        if part == b"":
            continue
        before = whole[-1] if whole else None
        if isinstance(part, Column) and isinstance(before, Column):
            roles = (before.meaning.role, part.meaning.role)
            if roles == ("target", "query"):
                shape = Shape(begins=b"/")
                whole[-1] = Column(before.name + part.name, shape, Meaning("target", rank=1))
                continue
        whole.append(part)
    return whole


def _time_source(
    columns: Sequence[Column], stamps: Sequence[_Stamp], options: Mapping[str, str]
) -> TimeSource | None:
    zone = zone_of(options)
    year = int(options["year"]) if "year" in options else None
    # By identity: two items may look the same.
    place_of = {id(column): place for place, column in enumerate(columns)}
    whole = [place for place, each in enumerate(columns) if each.name.endswith("t") and _is_t(each)]
    chosen = [stamp for stamp in stamps if not stamp.end] or list(stamps)
    counts = [stamp for stamp in chosen if not stamp.date_format]
    if counts:
        return TimeSource((place_of[id(counts[0].column)],), epoch_ms)
    if chosen:
        places = tuple(place_of[id(stamp.column)] for stamp in chosen)
        try:
            read = strptime_ms(" ".join(stamp.date_format for stamp in chosen), zone, year)
        except ValueError as error:
            if not whole:
                raise OptionError("log_format", f"the time of the layout: {error}") from error
        else:
            return TimeSource(places, read)
    if not whole:
        return None
    if "date_format" not in options:
        return TimeSource((whole[0],), lambda raw: clf_time_ms(raw[1:-1]))
    try:
        return TimeSource((whole[0],), strptime_ms(options["date_format"], zone, year))
    except ValueError as error:
        raise OptionError("date_format", str(error)) from error


def _is_t(column: Column) -> bool:
    return column.meaning is _IGNORED and "{" not in column.name.replace("{}", "")


def _make(options: Mapping[str, str]) -> LayoutParser:
    return build(definition_of(options), options)


APACHE_FORMAT = Format(
    "apache",
    'Apache by its LogFormat: apache:%h %l %u %t "%r" %>s %b ...',
    ALL_FIELDS,
    _make,
    kind="builder",
    build=build,
    example=(
        '203.0.113.7 - - [14/Mar/2025:09:26:53 +0100] "GET /cart?item=1 HTTP/1.1" 200 512 1843'
    ),
    source="Apache HTTP Server, mod_log_config: LogFormat",
)
FORMATS: tuple[Format, ...] = (APACHE_FORMAT,)
