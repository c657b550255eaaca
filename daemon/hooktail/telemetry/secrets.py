"""The texts that no line may show: those given to `mask`, and whatever can be revealed."""

from __future__ import annotations

import re
from functools import cache
from typing import Protocol, runtime_checkable
from urllib.parse import quote

import orjson

from hooktail.telemetry.text import encodable, printable

MASK = "***"
_MOST_SECRETS = 256
_LEAST_SECRET_CHARS = 4  # a shorter text is part of ordinary words; it would blot out the log


@runtime_checkable
class Revealable(Protocol):
    """A value that keeps a secret, such as `config.sections.Secret`."""

    def reveal(self) -> str:
        """Returns the secret text."""


class Secrets:
    """The texts that no line may show, in each spelling that a renderer or a URL gives them."""

    def __init__(self) -> None:
        self._texts: dict[str, None] = {}
        self._pattern: re.Pattern[str] | None = None

    def add(self, text: str) -> None:
        """Takes in a text, as the newest."""
        if len(text) < _LEAST_SECRET_CHARS:
            return
        self._texts.pop(text, None)
        self._texts[text] = None
        if len(self._texts) > _MOST_SECRETS:
            del self._texts[next(iter(self._texts))]
        spellings = {spelling for text in self._texts for spelling in _spellings(text)}
        # The longest first: a secret that begins like another must not leave its end behind.
        ordered = sorted(spellings, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, ordered)))

    def hide(self, text: str) -> str:
        """Puts `***` in the place of each of them."""
        return text if self._pattern is None else self._pattern.sub(MASK, text)


def _spellings(text: str) -> tuple[str, ...]:
    as_json = orjson.dumps(encodable(text)).decode()[1:-1]
    url_safe = quote(text, safe="", errors="backslashreplace")
    return text, as_json, repr(text)[1:-1], printable(text), url_safe


_secrets = Secrets()


def mask(secret_text: str) -> None:
    """Shows `***` from now on wherever `secret_text` would occur in a line.

    The last 256 different texts are kept. A text of fewer than 4 characters is not looked for
    (a `Secret` that holds one is masked all the same).
    """
    _secrets.add(secret_text)


def hide(text: str) -> str:
    """Returns a text without the secrets that are known."""
    return _secrets.hide(text)


def keeps_a_secret(value: object) -> bool:
    """Tells whether a value can be revealed, and so must not be shown."""
    # Asked once for each type: `isinstance` of a protocol costs as much as a whole log line.
    kind: type = type(value)
    return _reveals(kind)


@cache
def _reveals(kind: type) -> bool:
    return issubclass(kind, Revealable)
