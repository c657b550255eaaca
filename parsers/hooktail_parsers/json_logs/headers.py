"""Request headers as a record keeps them: names in lower case, nothing secret, a bounded number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hooktail_parsers.json_logs.private import is_private
from hooktail_parsers.json_logs.values import MISSING, joined_text

if TYPE_CHECKING:
    from collections.abc import Mapping

_MOST_HEADERS = 64
_LONGEST_NAME = 64
LONGEST_VALUE = 8192
_MOST_NAMES = 1024


class _HeaderNames(dict[str, str]):
    """Answers a name as logged with the name as kept, `""` for one that is not kept."""

    def __missing__(self, name: str) -> str:
        kept = name.lower().replace("_", "-")
        if not kept.isascii() or len(kept) > _LONGEST_NAME:
            return ""
        if kept != "cookie" and is_private(kept):
            kept = ""
        if len(self) >= _MOST_NAMES:
            self.clear()
        self[name] = kept
        return kept


_NAMES = _HeaderNames()


def headers_of(whole: object, single: Mapping[str, object]) -> dict[str, str]:
    """Returns the headers of an object of them, and those that came under keys of their own.

    Several values of one header are joined by commas. `cookie` is among them, `authorization`,
    keys and tokens are not.
    """
    kept: dict[str, str] = {}
    names = _NAMES
    for found in (whole, single):
        if not isinstance(found, dict):
            continue
        for logged, value in found.items():
            name = names[logged]
            if not name:
                continue
            if type(value) is list and len(value) == 1:
                value = value[0]  # noqa: PLW2901  # one value is how most headers come
            if type(value) is str and value.isascii():
                text: str | None = None if value in MISSING else value
            else:
                text = joined_text(value, "; " if name == "cookie" else ", ")
            if text is not None and len(text) <= LONGEST_VALUE:
                kept[name] = text
                if len(kept) >= _MOST_HEADERS:
                    return kept
    return kept


WANTED = ("cookie", "host", "referer", "user-agent", "x-forwarded-for")
"""The headers that fill a record's own keys."""
_MOST_SETS = 512


class WantedNames(dict[tuple[str, ...], "tuple[str | None, ...] | None"]):
    """Answers the names of an object's headers with those of `WANTED`, as they are logged.

    None where `headers_of` has to be asked: a header is there twice, or there are too many.
    """

    def __missing__(self, names: tuple[str, ...]) -> tuple[str | None, ...] | None:
        logged = _logged_names(names)
        if len(names) <= _MOST_HEADERS and sum(map(len, names)) <= LONGEST_VALUE:
            if len(self) >= _MOST_SETS:
                self.clear()
            self[names] = logged
        return logged


def _logged_names(names: tuple[str, ...]) -> tuple[str | None, ...] | None:
    if len(names) > _MOST_HEADERS:
        return None
    kept: dict[str, str] = {}
    for logged in names:
        name = _NAMES[logged]
        if name in kept:
            return None
        if name:
            kept[name] = logged
    return tuple(kept.get(name) for name in WANTED)
