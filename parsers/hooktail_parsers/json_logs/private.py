"""What of a log's own keys may go into `fields`: nothing secret, and not too much.

Application logs hold bodies, parameters, cards and tokens beside what was asked for. A key whose
name says so is left out with all that is in it; the rest is bounded in keys, text and depth.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING

from hooktail_parsers.json_logs.aliases import normal_key
from hooktail_parsers.json_text import LARGEST, SMALLEST

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hooktail_parsers._api import JsonValue

_MOST_KEYS = 64
_MOST_TEXT = 16_384
_MOST_LEVELS = 6
_LONGEST_KEY = 128
_MOST_REMEMBERED = 4096

_PRIVATE_NAMES = frozenset(
    (
        "params", "parameters", "param", "pathparameters", "queryparameters", "form", "formdata",
        "post", "postdata", "body", "requestbody", "responsebody", "reqbody", "resbody", "rawbody",
        "auth", "pass", "passwd", "pwd", "pin", "otp", "jwt", "bearer", "csrf", "xsrf", "signature",
        "card", "pan", "cvv", "cvc", "iban", "ssn", "cookies", "err", "error", "excinfo",
        "stack", "backtrace", "stacktrace", "traceback",
    )
)  # fmt: skip
"""As `normal_key` makes them."""
_PRIVATE_WITHIN = re.compile(
    "password|passwd|passphrase|secret|token|authorization|apikey|accesskey|privatekey"
    "|credential|creditcard|debitcard|cardnumber|setcookie|securitycode|cookie|exception"
).search


class _PrivateKeys(dict[str, bool]):
    """Answers whether the name of a key says that what it holds must not leave the log."""

    def __missing__(self, key: str) -> bool:
        if len(key) > _LONGEST_KEY:
            return True
        levels = [normal_key(level) for level in key.split(".")]
        private = any(level in _PRIVATE_NAMES for level in levels) or bool(
            _PRIVATE_WITHIN("".join(levels))
        )
        if len(self) >= _MOST_REMEMBERED:
            self.clear()
        self[key] = private
        return private


_PRIVATE = _PrivateKeys()


def is_private(key: str) -> bool:
    """Tells whether the name of a key says that what it holds must not leave the log."""
    return _PRIVATE[key]


def public_fields(
    found: Mapping[str, object], own: Mapping[str, object] | None = None
) -> dict[str, JsonValue] | None:
    """Returns what may go into `fields` of an object's keys, None if that is nothing.

    `own` are fields that the user asked for by name: their names are not looked at. At most 64
    keys, 16 KiB of text and 6 levels, counted over all levels; what is over is left out, and so
    are missing values, numbers that JSON cannot state and values of other types.
    """
    budget = _Budget()
    kept: dict[str, JsonValue] = {}
    for key, value in (own or {}).items():
        public = budget.value(value, 1)
        if public is not None:
            kept[key] = public
    others = budget.members(found, 1)
    if kept:
        others.update(kept)
    return others or None


class _Budget:
    __slots__ = ("keys", "text")

    def __init__(self) -> None:
        self.keys = _MOST_KEYS
        self.text = _MOST_TEXT

    def members(self, found: Mapping[str, object], level: int) -> dict[str, JsonValue]:
        kept: dict[str, JsonValue] = {}
        self.keys -= len(found)
        if self.keys < 0:
            # What no longer fits is cut off.
            found = dict(islice(found.items(), max(0, self.keys + len(found))))
        text, private = self.text, _PRIVATE
        for key, value in found.items():
            if private[key]:
                continue
            if type(value) is str:
                if value == "-" or not value:
                    continue
                text -= len(key) + len(value)
                if text < 0:
                    break
                kept[key] = value if value.isascii() else plain(value)
            elif type(value) is list and len(value) == 1 and type(value[0]) is str:
                # A header, as most of them come.
                only = value[0]
                text -= len(key) + len(only)
                if text < 0:
                    break
                kept[key] = [only if only.isascii() else plain(only)]
            elif value is not None:
                self.text = text
                public = self.value(value, level)
                text = self.text
                if public is not None:
                    kept[key] = public
        self.text = text
        return kept

    def value(self, value: object, level: int) -> JsonValue:
        """Returns the value, None if it is left out."""
        if isinstance(value, list):
            return self._list(value, level + 1) if level < _MOST_LEVELS else None
        if isinstance(value, dict):
            return (self.members(value, level + 1) or None) if level < _MOST_LEVELS else None
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, bool):
            return value
        if isinstance(value, int):
            return value if SMALLEST <= value <= LARGEST else None
        if isinstance(value, float):
            return value if value - value == 0 else None  # neither infinite nor NaN
        return None

    def _text(self, text: str) -> str | None:
        self.text -= len(text)
        if self.text < 0 or text == "-" or not text:
            return None
        return text if text.isascii() else plain(text)

    def _list(self, found: list[object], level: int) -> JsonValue:
        kept: list[JsonValue] = []
        for value in found:
            self.keys -= 1
            if self.keys < 0:
                break
            public = self.value(value, level)
            if public is not None:
                kept.append(public)
        return kept or None


def plain(text: str) -> str:
    """Returns the text without lone surrogates, which no encoder takes: each becomes U+FFFD."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
