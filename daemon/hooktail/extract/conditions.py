"""The conditions of a rule (`when`), compiled once into predicates on records."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote

from hooktail.extract.text import clean, glob_pattern

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hooktail.extract.complaints import Complaints
    from hooktail.extract.fields import Groups, ParseQuery
    from hooktail_parsers import Record

_STATUS = re.compile(r"([1-9])xx|([1-9][0-9]{2})(?:-([1-9][0-9]{2}))?", re.IGNORECASE)
_STATUS_ALLOWED = '200, "200", "2xx", "200-299", or a list of these'
_METHOD = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_PATH_ALLOWED = '"/exact", "prefix:/a/", "glob:/a/*", "regex:^/a/(?P<id>[0-9]+)$"'


class Condition(NamedTuple):
    """One condition: a predicate, and what people need to know about it."""

    key: str
    """As in the file: `path`, `query.order`."""
    expected: str
    holds: Callable[[Record], bool]
    found: Callable[[Record], object]
    groups: Callable[[Record], Groups] | None = None
    """For a path given as a regex: its named groups, percent-decoded once."""
    group_names: tuple[str, ...] = ()


def compile_when(
    when: Mapping[str, object],
    site_host: str | None,
    parse: ParseQuery,
    complaints: Complaints,
) -> list[Condition]:
    """Compiles conditions, the cheap and selective ones first. What is wrong is complained of."""
    conditions: list[Condition] = []
    for key in when:
        if key not in _COMPILERS and key != "query":
            complaints.at(key).unknown(
                key, ("method", "path", "host", "status", "query"), "condition"
            )
    for key, compiler in _COMPILERS.items():
        if key in when:
            condition = compiler(when[key], site_host, complaints.at(key))
            if condition is not None:
                conditions.append(condition)
    if "query" in when:
        conditions += _query(when["query"], parse, complaints.at("query"))
    return conditions


def _path(value: object, _: str | None, complaints: Complaints) -> Condition | None:
    texts = _texts(value)
    if not texts:
        complaints.add("must be a text or a list of texts", value, allowed=_PATH_ALLOWED)
        return None
    matchers: list[Callable[[str], object]] = []
    pattern: re.Pattern[str] | None = None
    for text in texts:
        kind, colon, rest = text.partition(":")
        if text.startswith("/"):
            matchers.append(text.__eq__)
        elif colon and rest and kind == "prefix":
            matchers.append(_prefix(rest))
        elif colon and rest and kind == "glob":
            matchers.append(glob_pattern([rest]).match)
        elif colon and rest and kind == "regex":
            try:
                pattern = re.compile(rest)
            except re.error as error:
                complaints.add(f"not a regular expression: {error}", text)
                continue
            matchers.append(pattern.search)
        else:
            complaints.add("not a path", text, allowed=_PATH_ALLOWED)
    names = tuple(pattern.groupindex) if pattern is not None else ()
    if names and len(texts) > 1:
        complaints.add("a regex with named groups stands alone, not in a list", value)
    if not matchers:
        return None
    test = matchers[0] if len(matchers) == 1 else _any_of(matchers)

    def holds(record: Record) -> bool:
        path = record.path
        if path is None:
            return False
        # As logged, or percent-decoded once: an operator writes /café, a browser /caf%C3%A9.
        return bool(test(path) or ("%" in path and test(unquote(path, errors="replace"))))

    groups = _named_groups(pattern) if pattern is not None and names else None
    return Condition("path", _shown(value), holds, lambda record: record.path, groups, names)


def _prefix(text: str) -> Callable[[str], bool]:
    return lambda path: path.startswith(text)


def _any_of(matchers: list[Callable[[str], object]]) -> Callable[[str], bool]:
    return lambda text: any(matcher(text) for matcher in matchers)


def _named_groups(pattern: re.Pattern[str]) -> Callable[[Record], Groups]:
    def groups(record: Record) -> Groups:
        path = record.path or ""
        found = pattern.search(path)
        if found is None:
            found = pattern.search(unquote(path, errors="replace"))
            decode = clean
        else:
            decode = _decode
        named = found.groupdict() if found else {}
        return {name: decode(text) for name, text in named.items() if text is not None}

    return groups


def _decode(text: str) -> str:
    return clean(unquote(text, errors="replace"))


def _method(value: object, _: str | None, complaints: Complaints) -> Condition | None:
    texts = _texts(value)
    if not texts or not all(_METHOD.fullmatch(text) for text in texts):
        complaints.add("not a method", value, allowed='"GET", or a list of methods')
        return None
    wanted = frozenset(text.upper() for text in texts)
    return Condition(
        "method",
        _shown(value),
        lambda record: record.method in wanted,
        lambda record: record.method,
    )


def _status(value: object, _: str | None, complaints: Complaints) -> Condition | None:
    wanted: set[int] = set()
    for item in value if isinstance(value, list | tuple) else [value]:
        text = str(item) if isinstance(item, str | int) and not isinstance(item, bool) else ""
        found = _STATUS.fullmatch(text)
        if found is None:
            complaints.add("not a status", item, allowed=_STATUS_ALLOWED)
            continue
        if found[1]:
            first, last = int(found[1]) * 100, int(found[1]) * 100 + 99
        else:
            first, last = int(found[2]), int(found[3] or found[2])
        if first > last:
            complaints.add("the range ends before it begins", item, allowed=_STATUS_ALLOWED)
        wanted.update(range(first, last + 1))
    if not wanted:
        if isinstance(value, list | tuple) and not value:
            complaints.add("an empty list matches nothing", allowed=_STATUS_ALLOWED)
        return None
    return Condition(
        "status",
        _shown(value),
        lambda record: record.status in wanted,
        lambda record: record.status,
    )


def _host(value: object, site_host: str | None, complaints: Complaints) -> Condition | None:
    texts = _texts(value)
    if not texts:
        complaints.add("not a host", value, allowed='"shop.example", "*.shop.example", or a list')
        return None
    wrong = [text for text in texts if "/" in text]
    if wrong:
        complaints.add("a host has no scheme and no path", wrong[0], allowed='"shop.example"')
    match = glob_pattern(texts, ignore_case=True).match

    def holds(record: Record) -> bool:
        host = record.host or site_host
        return host is not None and match(host) is not None

    return Condition("host", _shown(value), holds, lambda record: record.host or site_host)


# In the order in which they are asked: the most selective and cheapest first.
_COMPILERS: Mapping[str, Callable[[object, str | None, Complaints], Condition | None]] = {
    "path": _path,
    "method": _method,
    "status": _status,
    "host": _host,
}


def _query(value: object, parse: ParseQuery, complaints: Complaints) -> list[Condition]:
    if not isinstance(value, dict):
        complaints.add(
            "must be a table of parameters", value, allowed='{ order = true, step = "3" }'
        )
        return []
    conditions: list[Condition] = []
    for name, wanted in value.items():
        if not isinstance(wanted, str | int):
            complaints.at(name).add(
                "not a condition on a parameter",
                wanted,
                allowed='true (present), false (absent), an exact text, a glob with "*"',
            )
            continue
        conditions.append(_parameter(name, wanted, parse))
    return conditions


def _parameter(name: str, wanted: str | int, parse: ParseQuery) -> Condition:
    def found(record: Record) -> str | None:
        return parse(record.query).get(name) if record.query else None

    key = f"query.{name}"
    if isinstance(wanted, bool):
        expected = "present" if wanted else "absent"
        return Condition(key, expected, lambda record: (found(record) is not None) is wanted, found)
    text = str(wanted)
    if "*" not in text:
        return Condition(key, _shown(text), lambda record: found(record) == text, found)
    match = re.compile(".*".join(map(re.escape, text.split("*"))), re.DOTALL).fullmatch

    def holds(record: Record) -> bool:
        value = found(record)
        return value is not None and match(value) is not None

    return Condition(key, _shown(text), holds, found)


def _texts(value: object) -> list[str]:
    items = value if isinstance(value, list | tuple) else [value]
    texts = [item for item in items if isinstance(item, str) and item]
    return texts if len(texts) == len(items) else []


def _shown(value: object) -> str:
    if isinstance(value, list | tuple):
        return "one of " + ", ".join(map(str, value))
    return str(value)
