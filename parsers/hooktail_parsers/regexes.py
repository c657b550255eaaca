r"""Regular expressions that users write, made safe for lines that anybody may write.

An expression whose time is linear runs in Python's `re`. Any other runs in google-re2 if that is
installed and knows the expression, else in `re` on short texts alone; and if even those could take
long, it is refused. Expressions are matched against bytes: text in them stands for its UTF-8. A
group may be named `(?<name>...)`, too.
"""

from __future__ import annotations

import importlib
import re
import sys
import warnings
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

from hooktail_parsers.backtracking import cost_of, repeats_group_possessively

if TYPE_CHECKING:
    from collections.abc import Callable

    from hooktail_parsers.backtracking import Cost

LEAST_BYTES = 256
"""The length of a text that an expression must be quick on, unless the caller says otherwise."""
_LONGEST_PATTERN_BYTES = 16_384
# A group repeated possessively may match what it should not, or nothing (python/cpython#106052).
_IS_WRONG_ABOUT_POSSESSIVE_GROUPS = sys.version_info < (3, 11, 5)
# As PCRE, Java, JavaScript and grok name a group; `re` alone does not know it.
_GROUP_OF_OTHERS = re.compile(rb"(?<!\\)\(\?<([A-Za-z_]\w*)>")
# google-re2 reads these otherwise than `re` does: `{,3}` as text, classes by name as classes.
_READ_OTHERWISE = re.compile(rb"\{,|\[:").search


class Found(Protocol):
    """What a match gave, of `re` or of google-re2: groups by number alone."""

    def group(self, group: int = 0, /) -> bytes | None:
        """Returns what a group holds; None if it took no part."""

    def groups(self) -> tuple[bytes | None, ...]:
        """Returns what each group holds, from the first on."""

    def start(self, group: int = 0, /) -> int:
        """Returns where a group begins; -1 if it took no part."""

    def end(self, group: int = 0, /) -> int:
        """Returns where a group ends; -1 if it took no part."""


class UserRegex:
    """A compiled expression. A text beyond the length that it is quick on does not match it."""

    __slots__ = (
        "_match",
        "_search",
        "danger",
        "groups",
        "longest_match_bytes",
        "longest_search_bytes",
        "pattern",
    )

    def __init__(self, pattern: bytes, compiled: re.Pattern[bytes], cost: Cost) -> None:
        self.pattern = pattern
        self.groups: dict[str, int] = dict(compiled.groupindex)
        """The named groups, with their numbers."""
        self.danger = cost.danger()
        """Why `re` alone could take long over the expression; None if it cannot."""
        self.longest_match_bytes = cost.longest_bytes("match")
        """The longest text that `match` looks at; None for any."""
        self.longest_search_bytes = cost.longest_bytes("search")
        """The longest text that `search` looks at; None for any."""
        quick: Any = compiled  # typeshed's re.Match is too overloaded to be a Found
        self._match: Callable[[bytes], Found | None] = quick.match
        self._search: Callable[[bytes], Found | None] = quick.search
        if self.longest_match_bytes is None and self.longest_search_bytes is None:
            return
        linear = _linear(pattern, compiled)
        if linear is None:
            return
        if self.longest_match_bytes is not None:
            self.longest_match_bytes, self._match = None, linear.match
        if self.longest_search_bytes is not None:
            self.longest_search_bytes, self._search = None, linear.search

    def match(self, text: bytes) -> Found | None:
        """Matches at the beginning of the text; None too if the text is too long."""
        longest = self.longest_match_bytes
        if longest is not None and len(text) > longest:
            return None
        return self._match(text)

    def search(self, text: bytes) -> Found | None:
        """Matches anywhere in the text; None too if the text is too long."""
        longest = self.longest_search_bytes
        if longest is not None and len(text) > longest:
            return None
        return self._search(text)

    def named(self, found: Found) -> dict[str, bytes | None]:
        """Returns what the named groups hold; None for one that took no part."""
        held = found.groups()
        return {name: held[number - 1] for name, number in self.groups.items()}


def compile_user_regex(pattern: str | bytes, least_bytes: int = LEAST_BYTES) -> UserRegex:
    """Compiles an expression; `least_bytes` is the length of text that it must be quick on.

    Raises:
        ValueError: it is no regular expression, or could take long and google-re2 cannot help.
    """
    compiled, cost = _compile(pattern)
    regex = UserRegex(compiled.pattern, compiled, cost)
    longest = regex.longest_match_bytes
    if longest is not None and longest < least_bytes:
        raise ValueError(
            f"{cost.danger()}: a hostile line could take for ever; "
            f'name the bytes that end a part ([^"]* instead of .*), or {other_way()}'
        )
    return regex


def other_way() -> str:
    """Says what else helps an expression that `re` alone could take long over."""
    if _re2() is None:
        return "install google-re2"
    return "leave out what google-re2 does not know (look-around, back-references)"


def danger_of(pattern: str | bytes) -> str | None:
    """Says why `re` alone could take long over the expression; None if it cannot.

    Raises:
        ValueError: it is no regular expression.
    """
    _, cost = _compile(pattern)
    return cost.danger()


def _compile(pattern: str | bytes) -> tuple[re.Pattern[bytes], Cost]:
    raw = pattern.encode() if isinstance(pattern, str) else pattern
    if len(raw) > _LONGEST_PATTERN_BYTES:
        raise ValueError(f"longer than {_LONGEST_PATTERN_BYTES} bytes")
    raw = _GROUP_OF_OTHERS.sub(rb"(?P<\1>", raw)
    try:
        with warnings.catch_warnings():
            # What a later Python may read otherwise ([[:alpha:]]) is refused today.
            warnings.simplefilter("error")
            compiled = re.compile(raw)
        wrong = _IS_WRONG_ABOUT_POSSESSIVE_GROUPS and repeats_group_possessively(raw)
        cost = cost_of(raw)
    except (re.error, Warning, OverflowError) as error:
        raise ValueError(f"no regular expression: {error}") from error
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if wrong:
        raise ValueError(
            "Python before 3.11.5 is wrong about (…)*+, (…)++ and (…)?+: "
            "write (?>(…)*), (?>(…)+) and (?>(…)?)"
        )
    return compiled, cost


def _linear(raw: bytes, compiled: re.Pattern[bytes]) -> Any:
    """Compiles by google-re2; None if that is absent or reads the expression otherwise."""
    re2 = _re2()
    if re2 is None or _READ_OTHERWISE(raw):
        return None
    if compiled.flags & re.IGNORECASE and not raw.isascii():
        return None
    options = re2.Options()
    options.log_errors = False
    options.encoding = re2.Options.Encoding.LATIN1
    try:
        linear = re2.compile(raw, options)
    except re2.error:
        return None
    return linear if linear.groups == compiled.groups else None


@lru_cache(maxsize=1)
def _re2() -> Any:
    """Returns the module google-re2, or None. Imported only once an expression needs it."""
    try:
        return importlib.import_module("re2")
    except ImportError:
        return None
