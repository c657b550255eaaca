r"""`nginx:` and a `log_format`: a parser for lines as nginx writes them by it.

    log_format name [escape=default|json|none] '...' '...';

The directive is taken as it stands in nginx.conf, or its text alone. A format that is a JSON text
is read by its keys where a line is not exactly as the format writes it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hooktail_parsers._api import Format, OptionError
from hooktail_parsers.builders.columns import check_quotes, compile_layout
from hooktail_parsers.builders.json_template import JsonTemplate
from hooktail_parsers.builders.layout_parser import (
    ALL_FIELDS,
    LayoutParser,
    check_definition,
    check_plan,
    definition_of,
    kept_fields,
)
from hooktail_parsers.builders.nginx_definition import read_definition
from hooktail_parsers.builders.nginx_variables import nginx_column
from hooktail_parsers.builders.notations import check_notation
from hooktail_parsers.builders.record_plan import Column, Meaning, RecordPlan, TimeSource
from hooktail_parsers.builders.shapes import Shape
from hooktail_parsers.builders.writers import NGINX_DEFAULT, NGINX_JSON, NGINX_NONE
from hooktail_parsers.clock import clf_time_ms
from hooktail_parsers.date_format import strptime_ms
from hooktail_parsers.options import text_decoder
from hooktail_parsers.times import epoch_ms, iso_time_ms, zone_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from hooktail_parsers._api import Parsed

_WRITERS = {"default": NGINX_DEFAULT, "json": NGINX_JSON, "none": NGINX_NONE}
_VARIABLE = re.compile(r"\$(?:\{([A-Za-z0-9_]+)\}|([A-Za-z0-9_]+))|(\$)")
# The finest first. nginx writes all of them at the end of a request.
_CLOCKS: dict[str, Callable[[bytes], int | None]] = {
    "$msec": epoch_ms,
    "$time_iso8601": iso_time_ms,
    "$time_local": clf_time_ms,
}
_TARGETS = ("$uri", "$document_uri")
_QUERIES = ("$args", "$query_string")
_NO_TIME = re.compile(r"\$(?:upstream_.*|.*_time|connection.*)").fullmatch


def build(definition: str, options: Mapping[str, str]) -> LayoutParser:
    """Builds a parser for lines by a `log_format`.

    Raises:
        OptionError: the format cannot be read, leaves open where a variable ends, or states no
            time, client or request; or an option is wrong.
    """
    check_definition(definition, options)
    check_notation(definition, "nginx")
    text, escape = read_definition(definition)
    is_json = text.lstrip().startswith("{")
    writer = _WRITERS[escape or ("json" if is_json else "default")]
    parts = _with_whole_targets(_parts(text))
    if not is_json:
        check_quotes(parts)
    layout = compile_layout(parts, writer, spaces="refused")
    meanings = [column.meaning for column in layout.columns]
    time = _time_source(layout.columns, options)

    def plan(unescape: Callable[[bytes], bytes]) -> RecordPlan:
        return RecordPlan(
            meanings,
            time,
            text_decoder(options),
            unescape,
            session_cookie=options.get("session_cookie"),
            kept=kept_fields(options),
        )

    ours = plan(writer.unescape)
    check_plan(
        ours,
        "$time_local, $time_iso8601 or $msec",
        "$remote_addr or $http_x_forwarded_for",
        "$request, or $request_method and $request_uri",
    )
    return LayoutParser(layout, ours, _by_keys(parts, plan) if is_json else None)


def _by_keys(
    parts: Sequence[bytes | Column], plan: Callable[[Callable[[bytes], bytes]], RecordPlan]
) -> Callable[[bytes], Parsed | None] | None:
    try:
        template = JsonTemplate(parts)
    except (ValueError, RecursionError):
        return None
    unescaped = plan(NGINX_NONE.unescape)

    def parse(line: bytes) -> Parsed | None:
        texts = template.texts(line) if line.startswith(b"{") else None
        return None if texts is None else unescaped.record(texts)

    return parse


def _parts(text: str) -> list[bytes | Column]:
    parts: list[bytes | Column] = []
    at = 0
    for variable in _VARIABLE.finditer(text):
        braced, plain, lone = variable.groups()
        if lone:
            near = text[variable.start() : variable.start() + 10]
            raise OptionError("log_format", f"a $ without the name of a variable at {near!r}")
        if variable.start() > at:
            parts.append(text[at : variable.start()].encode())
        parts.append(nginx_column(braced or plain))
        at = variable.end()
    if at < len(text):
        parts.append(text[at:].encode())
    return parts


def _with_whole_targets(parts: Sequence[bytes | Column]) -> list[bytes | Column]:
    """Joins `$uri$is_args$args`, which together are a target."""
    whole: list[bytes | Column] = []
    names = [part.name if isinstance(part, Column) else "" for part in parts]
    at = 0
    while at < len(parts):
        joined = names[at] in _TARGETS and names[at + 1 : at + 2] == ["$is_args"]
        if joined and names[at + 2 : at + 3] in ([name] for name in _QUERIES):
            whole.append(
                Column("".join(names[at : at + 3]), Shape(begins=b"/"), Meaning("target", rank=1))
            )
            at += 3
        else:
            whole.append(parts[at])
            at += 1
    return whole


def _time_source(columns: Sequence[Column], options: Mapping[str, str]) -> TimeSource | None:
    names = [column.name for column in columns]
    date_format = options.get("date_format")
    if date_format is not None:
        # A time of the operator's own: nginx's have names that tell how they are written.
        for place, name in enumerate(names):
            named = "time" in name or "date" in name
            if named and name not in _CLOCKS and not _NO_TIME(name):
                return TimeSource((place,), _user_time(date_format, options))
    for name, read in _CLOCKS.items():
        if name in names:
            return TimeSource((names.index(name),), read)
    return None


def _user_time(date_format: str, options: Mapping[str, str]) -> Callable[[bytes], int | None]:
    year = options.get("year")
    try:
        return strptime_ms(date_format, zone_of(options), int(year) if year else None)
    except ValueError as error:
        raise OptionError("date_format", str(error)) from error


def _make(options: Mapping[str, str]) -> LayoutParser:
    return build(definition_of(options), options)


NGINX = Format(
    "nginx",
    'nginx by its log_format: nginx:$remote_addr [$time_local] "$request" ...',
    ALL_FIELDS,
    _make,
    kind="builder",
    build=build,
    example=(
        '203.0.113.7 [2025-03-14T09:26:53+01:00] https shop.example "GET /cart?item=1 HTTP/2.0" 200'
    ),
    source="nginx, ngx_http_log_module: log_format",
)
FORMATS: tuple[Format, ...] = (NGINX,)
