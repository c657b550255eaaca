r"""Passes over lines that surely make no event, without parsing or even splitting them. Pure.

Most lines of an access log are for images, scripts and style sheets. One expression, built from the
shape of the format's ordinary lines, runs over as many of them as follow each other; a second one
looks at each line between such runs. What neither is sure of goes on to the parser, so that the
answer is always the parser's and the filters' own.

The expressions are fast because their longest loops know one character only. They may therefore
run over a newline inside quotes, and take `\"` for a quote: neither is believed before the quotes
of what matched have been counted, and lines with `\"` are never shown to them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from hooktail.extract.reach import reach_of
from hooktail_parsers.shape import ANY_STATUS, LineShape, request

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hooktail.config.sections import SourceSection
    from hooktail.extract.pageview import PageviewFilter
    from hooktail.extract.reach import Reach
    from hooktail.model import Lines

_ESCAPED_QUOTE = b'\\"'
_QUERY = rb'(?:\?[^ "\\\n]*+)?'
# Of a path with a percent sign, the rules and the page view look at what it stands for too.
_PATH = rb'/[^ ?"\\\n%]*+'
# Of slashes in a row rules take one, too.
_NO_TWO_SLASHES = rb'(?=(?>(?:/[^ ?"\\\n%/]++)*)/?[ ?])'
_OTHER_METHOD = rb"(?!GET )[A-Z]++"


class Sifted(NamedTuple):
    """What is left of a batch of lines."""

    texts: list[bytes]
    starts: list[int]
    dropped: dict[str, int]
    """How many lines were passed over, by counter key."""


class _Kind(NamedTuple):
    """Lines of one reason."""

    reason: str
    request: bytes
    """An expression for their request and status."""


class Prefilter:
    """Knows one source's lines that surely make no event."""

    def __init__(self, shape: LineShape, run: _Kind | None, single: list[_Kind]) -> None:
        self._quotes = shape.quotes
        self._run_reason = "" if run is None else run.reason
        self._reasons = [kind.reason for kind in single]
        # What follows always matches: nothing is given back, possessive or not.
        runs = b"" if run is None else b"(?:" + shape.line(run.request) + b")*"
        kinds = shape.line(*(kind.request + b"()" for kind in single)) + b"|" if single else b""
        self._scan = re.compile(runs + b"(?:" + kinds + rb"([^\n]*+)\n|\Z)").finditer

    def sift(self, lines: Lines) -> Sifted | None:
        """Returns what is left of a batch.

        None where nothing can be said: the lines are not the file's own bytes, or quotes in them
        span lines.
        """
        raw = lines.raw
        if raw is None:
            return None
        texts: list[bytes] = []
        starts: list[int] = []
        kinds: list[int | None] = []
        left = len(self._reasons) + 1
        offset = lines.start
        at, end = 0, len(raw)
        while at < end:
            escaped = raw.find(b"\\", at)  # one byte is looked for ten times as fast as two
            if escaped >= 0:
                escaped = raw.find(_ESCAPED_QUOTE, escaped)
            stop = end if escaped < 0 else max(raw.rfind(b"\n", at, escaped) + 1, at)
            for found in self._scan(raw, at, stop):
                kind = found.lastindex
                if kind == left:
                    texts.append(found[left])
                    starts.append(offset + found.start(left))
                else:
                    kinds.append(kind)
            at = stop
            if escaped >= 0:
                at = raw.find(b"\n", escaped) + 1
                texts.append(raw[stop : at - 1])
                starts.append(offset + stop)
        number = len(lines) - len(texts)
        if raw.count(b'"') - b"".join(texts).count(b'"') != number * self._quotes:
            return None
        dropped = {}
        for index, reason in enumerate(self._reasons, 1):
            if of_kind := kinds.count(index):
                dropped[reason] = of_kind
                number -= of_kind
        if number:
            dropped[self._run_reason] = number
        return Sifted(texts, starts, dropped)


def prefilter_of(
    parser: object, source: SourceSection, pageview: PageviewFilter
) -> Prefilter | None:
    """Builds the prefilter of a source; None where the format has no shape, or rules want all."""
    shape = getattr(parser, "shape", None)
    if not isinstance(shape, LineShape):
        return None
    reaches = [reach_of(rule.when) for rule in source.rules]
    if not pageview.enabled:
        spared = _spared(reaches)
        if spared is None:
            return None
        every = request(target=spared + _PATH + _QUERY)
        return Prefilter(shape, _Kind("filtered.no_rule", every), [])
    if pageview.methods != {"GET"}:
        return None
    seen = pageview.statuses
    seen_status = "|".join(map(str, sorted(seen))).encode()
    in_get = [reach for reach in reaches if reach.methods is None or "GET" in reach.methods]
    run = None
    static = _spared([each for each in in_get if each.statuses is None or each.statuses & seen])
    if static is not None:
        target = static + _static_path(pageview.extensions) + _QUERY
        run = _Kind("filtered.static_file", request(b"GET", target, b"(?:" + seen_status + b")"))
    single = []
    status = _spared([each for each in in_get if each.statuses is None or each.statuses - seen])
    if status is not None:
        target = status + _PATH + _QUERY
        other = b"(?!" + seen_status + b")" + ANY_STATUS
        single.append(_Kind("filtered.status", request(b"GET", target, other)))
    method = _spared([each for each in reaches if each.methods is None or each.methods - {"GET"}])
    if method is not None:
        target = method + _PATH + _QUERY
        single.append(_Kind("filtered.method", request(_OTHER_METHOD, target)))
    return Prefilter(shape, run, single) if run or single else None


def _spared(reaches: list[Reach]) -> bytes | None:
    """Returns a look ahead that refuses the paths of rules; None if they may want any path."""
    prefixes: set[str] = set()
    for reach in reaches:
        if reach.prefixes is None:
            return None
        prefixes.update(reach.prefixes)
    if not prefixes:
        return b""
    wanted = b"|".join(re.escape(each.encode()) for each in sorted(prefixes))
    return b"(?!" + wanted + b")" + _NO_TWO_SLASHES


def _static_path(page_extensions: Iterable[str]) -> bytes:
    """A path whose last name has an extension, as the page view sees it, that serves no pages."""
    pages = "|".join(sorted(map(re.escape, page_extensions))).encode()
    return (
        rb'/(?:[^ ?"\\\n%;.]*+\.)+'
        + (rb"(?!(?i:" + pages + rb"|[0-9]+)[ ?])")
        + rb"[0-9A-Za-z]{1,10}+(?=[ ?])"
    )
