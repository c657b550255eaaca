"""Which requests a rule could match at all, judged by its `when` alone.

Only what must hold for every record counts: the conditions at the top. The answer errs on the side
of "could", so that whoever passes over the other requests loses no event.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from hooktail.extract.complaints import Complaints
from hooktail.extract.matching import statuses, texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_PLAIN = re.compile(r"[ -~]*")
"""What has the same bytes in every encoding."""
_NO_WILDCARD = re.compile(r"[^*?]*")


class Reach(NamedTuple):
    """What a request has at least in common with those that a rule matches; None is anything."""

    methods: frozenset[str] | None
    statuses: frozenset[int] | None
    prefixes: tuple[str, ...] | None
    """Beginnings of the path, as it stands in a path without percent signs and slashes in a row."""


def reach_of(when: Mapping[str, object]) -> Reach:
    """Returns the reach of a rule whose conditions have been checked."""
    methods = texts(when.get("method"))
    wanted = statuses(when["status"], Complaints("", "")) if "status" in when else None
    return Reach(
        frozenset(method.upper() for method in methods) if methods else None,
        frozenset(wanted) if wanted else None,
        _prefixes(texts(when.get("path"))),
    )


def _prefixes(paths: Iterable[str]) -> tuple[str, ...] | None:
    found = tuple(map(_prefix, paths))
    return found if found and all(found) else None


def _prefix(path: str) -> str:
    kind, _, text = path.partition(":")
    if path.startswith("/"):
        text = path
    elif kind == "glob":
        text = _beginning(_NO_WILDCARD, text)
    elif kind != "prefix":
        return ""
    return _beginning(_PLAIN, text)


def _beginning(expression: re.Pattern[str], text: str) -> str:
    found = expression.match(text)
    return "" if found is None else found[0]
