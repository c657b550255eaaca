"""The conditions of a rule (`when`), compiled once into predicates on records."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

from hooktail.extract.cache import Cache
from hooktail.extract.condition import Condition
from hooktail.extract.matching import (
    TextTest,
    prefixed_text,
    range_test,
    shown,
    statuses,
    texts,
)
from hooktail.extract.named_values import field_conditions, query_conditions
from hooktail.extract.nesting import MAX_DEPTH, NESTS
from hooktail.extract.pageview import content_type
from hooktail.extract.places import NO_GROUPS
from hooktail.extract.text import as_served, clean, glob_pattern

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from hooktail.extract.complaints import Complaints
    from hooktail.extract.places import Groups, Surroundings
    from hooktail_parsers import Record

_METHOD = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_PATH_ALLOWED = '"/exact", "prefix:/a/", "glob:/a/*", "regex:^/a/(?P<id>[0-9]+)$"'
_AUTHORITY = re.compile(
    r"[A-Za-z][A-Za-z0-9+.-]*://(?:[^/?#@]*@)?(\[[^\]/?#]*\]|[^/?#:]*)", re.DOTALL
)


def compile_when(
    when: Mapping[str, object],
    surroundings: Surroundings,
    complaints: Complaints,
    depth: int = 0,
) -> list[Condition]:
    """Compiles conditions, the cheap and selective ones first. What is wrong is complained of."""

    def compile_inner(table: Mapping[str, object], below: Complaints) -> list[Condition]:
        return compile_when(table, surroundings, below, depth + 1)

    conditions: list[Condition] = []
    for key in when:
        if key not in KEYS:
            complaints.at(key).unknown(key, KEYS, "condition")
    for key, compiler in _COMPILERS.items():
        if key in when:
            conditions += compiler(when[key], surroundings, complaints.at(key))
    for key, nest in NESTS.items():
        if key in when and depth == MAX_DEPTH:
            complaints.at(key).add(f"nested deeper than {MAX_DEPTH} levels")
        elif key in when:
            conditions += nest(when[key], compile_inner, complaints.at(key))
    names = [name for condition in conditions for name in condition.group_names]
    for name in {name for name in names if names.count(name) > 1}:
        complaints.add("two expressions name the same group", name)
    return conditions


def _path(value: object, _: Surroundings, complaints: Complaints) -> Iterator[Condition]:
    given = texts(value)
    if not given:
        complaints.add("must be a text or a list of texts", value, allowed=_PATH_ALLOWED)
        return
    tests: list[TextTest] = []
    for text in given:
        test = TextTest(text.__eq__) if text.startswith("/") else prefixed_text(text, complaints)
        if test is None:
            complaints.add("not a path", text, allowed=_PATH_ALLOWED)
        else:
            tests.append(test)
            _warn_of_query(text, complaints)
            _warn_of_beginning(text, complaints)
    names = tuple(name for test in tests for name in test.group_names)
    if names and len(given) > 1:
        complaints.add("a regex with named groups stands alone, not in a list", value)
    if not tests:
        return
    matches = tests[0].holds if len(tests) == 1 else _any_of([test.holds for test in tests])

    def holds(record: Record) -> bool:
        path = record.path
        if path is None:
            return False
        return any(map(matches, _forms(path)))

    groups = _path_groups(tests[0]) if names else None
    yield Condition("path", shown(value), holds, lambda record: record.path, groups, names)


def _warn_of_query(path: str, complaints: Complaints) -> None:
    if path.startswith(("/", "prefix:")) and ("?" in path or "#" in path):
        complaints.warn(
            "hardly ever matches: a path ends before its ? or #",
            path,
            hint='ask for parameters by their names: query = { step = "3" }',
        )


def _warn_of_beginning(path: str, complaints: Complaints) -> None:
    kind, _, rest = path.partition(":")
    if path.startswith("/") or kind == "regex" or rest.startswith(("/", "*")):
        return
    if kind == "glob" and rest.startswith(("?", "[")):
        return
    complaints.warn("matches no path: they begin with /", path, hint=f'write "{kind}:/{rest}"')


def _any_of(tests: list[Callable[[str], object]]) -> Callable[[str], bool]:
    return lambda text: any(test(text) for test in tests)


def _path_groups(test: TextTest) -> Callable[[Record], Groups]:
    def groups(record: Record) -> Groups:
        logged, *others = _forms(record.path or "")
        found = test.groups(logged)
        if found is not None:
            return {name: _decode(text) for name, text in found.items()}
        also = next((found for found in map(test.groups, others) if found is not None), NO_GROUPS)
        return {name: clean(text) for name, text in also.items()}

    return groups


def _forms(path: str) -> tuple[str, ...]:
    """Returns a path as logged, and in the other ways in which an operator may have written it.

    An operator writes /café and /a/b, a browser /caf%C3%A9, and a server takes /a//b for /a/b.
    """
    if "%" not in path and "//" not in path:
        return (path,)
    return path, unquote(path, errors="replace"), as_served(path)


def _decode(text: str) -> str:
    return clean(unquote(text, errors="replace"))


def _method(value: object, _: Surroundings, complaints: Complaints) -> Iterator[Condition]:
    given = texts(value)
    if not given or not all(_METHOD.fullmatch(text) for text in given):
        complaints.add("not a method", value, allowed='"GET", or a list of methods')
        return
    wanted = frozenset(text.upper() for text in given)
    yield Condition(
        "method",
        shown(value),
        lambda record: record.method in wanted,
        lambda record: record.method,
    )


def _status(value: object, _: Surroundings, complaints: Complaints) -> Iterator[Condition]:
    wanted = statuses(value, complaints)
    if wanted:
        yield Condition(
            "status",
            shown(value),
            lambda record: record.status in wanted,
            lambda record: record.status,
        )


def _host(value: object, surroundings: Surroundings, complaints: Complaints) -> Iterator[Condition]:
    match = _globs(value, complaints)
    if match is None:
        return
    site_host = surroundings.site_host

    def host(record: Record) -> str | None:
        return (record.host or "").rstrip(".") or site_host

    yield Condition("host", shown(value), lambda record: match(host(record)), host)


def _referrer_host(value: object, _: Surroundings, complaints: Complaints) -> Iterator[Condition]:
    match = _globs(value, complaints)
    if match is None:
        return
    hosts: Cache[str | None] = Cache(_host_of)

    def host(record: Record) -> str | None:
        return hosts[record.referrer] if record.referrer else None

    yield Condition("referrer_host", shown(value), lambda record: match(host(record)), host)


def _host_of(url: str) -> str | None:
    found = _AUTHORITY.match(url)
    return found[1].lower() if found else None


def _globs(value: object, complaints: Complaints) -> Callable[[str | None], bool] | None:
    """Compiles globs of hosts."""
    given = texts(value)
    if not given:
        complaints.add("not a host", value, allowed='"shop.example", "*.shop.example", or a list')
        return None
    wrong = [text for text in given if "/" in text]
    if wrong:
        complaints.add("a host has no scheme and no path", wrong[0], allowed='"shop.example"')
    for text in given:
        if text.count(":") == 1:  # with more it is an IPv6 address
            complaints.warn("never matches: a host is without its port here", text)
    match = glob_pattern(given, ignore_case=True).match
    return lambda host: host is not None and match(host) is not None


def _content_type(value: object, _: Surroundings, complaints: Complaints) -> Iterator[Condition]:
    given = texts(value)
    if not given:
        complaints.add("not a media type", value, allowed='"text/html", "image/*", or a list')
        return
    for text in given:
        if ";" in text:
            complaints.warn("never matches: a media type is without its parameters here", text)
    match = glob_pattern(given, ignore_case=True).match

    def holds(record: Record) -> bool:
        stated = content_type(record)
        return stated is not None and match(stated.partition(";")[0].strip()) is not None

    yield Condition("content_type", shown(value), holds, content_type)


def _duration(value: object, _: Surroundings, complaints: Complaints) -> Iterator[Condition]:
    test = range_test(value, complaints)
    if test is not None:
        holds = test.holds
        yield Condition(
            "duration_s",
            test.expected,
            lambda record: holds(record.duration_s),
            lambda record: record.duration_s,
        )


def _bytes_sent(value: object, _: Surroundings, complaints: Complaints) -> Iterator[Condition]:
    test = range_test(value, complaints)
    if test is not None:
        holds = test.holds
        yield Condition(
            "bytes_sent",
            test.expected,
            lambda record: holds(record.bytes_sent),
            lambda record: record.bytes_sent,
        )


# In the order in which they are asked: the most selective and cheapest first.
_COMPILERS: Mapping[str, Callable[[object, Surroundings, Complaints], Iterator[Condition]]] = {
    "path": _path,
    "method": _method,
    "status": _status,
    "host": _host,
    "bytes_sent": _bytes_sent,
    "duration_s": _duration,
    "content_type": _content_type,
    "referrer_host": _referrer_host,
    "query": query_conditions,
    "field": field_conditions,
}
KEYS = ("method", "path", "host", "status", "query", "field", "referrer_host", "content_type",
        "duration_s", "bytes_sent", "not", "any", "all")  # fmt: skip
"""The conditions that there are, in the order of the reference."""
