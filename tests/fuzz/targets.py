"""Every format as a fuzzer and property tests use it: with options, samples, something inside."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from hooktail_parsers import Format
from hooktail_parsers.builtin import FORMATS
from hooktail_parsers.joining import JoinRules, join

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DEFINITIONS = {
    "nginx": (
        '$remote_addr [$time_iso8601] $scheme $host "$request" $status',
        """log_format j escape=json '{"a":"$remote_addr","t":"$msec","r":"$request"}';""",
        """$remote_addr - [$time_local] "$request" $status "$http_user_agent" $request_time""",
    ),
    "apache": (
        '%h %l %u %t "%r" %>s %b %D',
        r'LogFormat "%v:%p %a \"%m %U%q\" %>s \"%{Referer}i\" \"%{sid}C\" %{%Y-%m-%d %T}t" mine',
    ),
    "goaccess": ('%h %^[%d:%t %^] "%r" %s %b "%R" "%u"', "VCOMBINED", "CADDY"),
    "grok": (
        "%{COMBINEDAPACHELOG}",
        r"%{IPORHOST:clientip} \[%{HTTPDATE:timestamp}\] \"%{WORD:verb} %{NOTSPACE:request}\" .*",
    ),
    "regex": (
        r'(?P<ip>\S+) \[(?P<time>[^\]]+)\] "(?P<request>[^"]*)" (?P<status>\d+)',
        r"(?P<ip>[0-9.]+) .*?(?P<path>/\S*) (?P<status>[0-9]{3})",
    ),
}
"""Definitions of builders; the builder's example is a line of the first."""

OPTIONS: dict[str, dict[str, str]] = {
    "haproxy_http": {"request_captures": "host,user-agent,referer"},
    "laravel_app": {
        "map.method": "method", "map.path": "url", "map.status": "status", "map.ip": "ip",
    },
    "json_app": {"map.path": "page.path", "map.event": "event"},
    "logfmt_app": {"map.path": "page", "timezone": "Europe/Berlin"},
    "werkzeug": {"timezone": "America/St_Johns", "encoding": "latin-1"},
    "nginx_json": {"session_cookie": "sid"},
    "rfc3164": {"year": "2024", "timezone": "Europe/Berlin"},
}  # fmt: skip
"""Options with which a format is tried besides none."""

INSIDE = ("caddy_json", "rails3_log", "iis_w3c", "auto")


class Target(NamedTuple):
    """A format that can be made, with lines of it."""

    name: str
    format: Format
    options: Mapping[str, str]
    samples: list[bytes]


def wrapped(wrapper: Format, inner: Format) -> Format:
    wrap = wrapper.wrap
    assert wrap is not None
    return replace(
        inner,
        name=f"{wrapper.name}+{inner.name}",
        example="",
        fields=tuple(dict.fromkeys((*inner.fields, *wrapper.fields))),
        make=lambda options: wrap(inner.make({}), options),
    )


def built(builder: Format, definition: str) -> Format:
    build = builder.build
    assert build is not None
    return replace(builder, make=lambda options: build(definition, options))


def joined(inner: Format, rules: JoinRules) -> Format:
    return replace(
        inner, name=f"joined {inner.name}", make=lambda options: join(inner.make(options), rules)
    )


def lines_of(known: Format) -> list[bytes]:
    return known.example.encode().split(b"\n")


def targets() -> Iterator[Target]:
    for known in FORMATS.values():
        lines = lines_of(known)
        if known.kind == "builder":
            for number, definition in enumerate(DEFINITIONS[known.name], 1):
                yield Target(f"{known.name} {number}", built(known, definition), {}, lines)
            continue
        if known.kind == "wrapper":
            # Alone it is around `auto`, which fills whatever there is.
            everything = replace(known, fields=FORMATS["auto"].fields)
            yield Target(known.name, everything, {}, lines)
            for inside in INSIDE:
                whole = wrapped(known, FORMATS[inside])
                yield Target(whole.name, whole, OPTIONS.get(known.name, {}), lines)
            whole = replace(wrapped(known, FORMATS["ncsa_combined"]), example=known.example)
            yield Target(whole.name, whole, OPTIONS.get(known.name, {}), lines)
            continue
        yield Target(known.name, known, {}, lines)
        if known.name in OPTIONS:
            yield Target(f"{known.name} with options", known, OPTIONS[known.name], lines)
    nested = wrapped(FORMATS["cri"], wrapped(FORMATS["rfc3164"], FORMATS["ncsa_combined"]))
    line = b"2025-03-14T08:26:53.9Z stdout F " + lines_of(FORMATS["rfc3164"])[0]
    yield Target(nested.name, replace(nested, example=line.decode()), {}, [line])
    for inside, rules in (
        ("json_app", JoinRules(json=True, max_lines=5)),
        ("django_runserver", JoinRules(indented=True, max_bytes=300)),
        ("uvicorn", JoinRules(start="^INFO", end="OK$")),
    ):
        whole = joined(FORMATS[inside], rules)
        yield Target(whole.name, whole, {}, lines_of(FORMATS[inside]))


TARGETS = list(targets())
EXAMPLES = [line for known in FORMATS.values() for line in lines_of(known) if line]
