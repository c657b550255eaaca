"""Which user agents are machines: the crawler-user-agents list and what it misses."""

from __future__ import annotations

import importlib
import re
import unicodedata
from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

from hooktail.extract.bot_patterns import FALSE_SIGNS, MORE_PATTERNS
from hooktail_parsers.regexes import compile_user_regex

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_FALSE_SIGNS = re.compile("|".join(FALSE_SIGNS), re.IGNORECASE)
_RE2_MEMORY_BYTES = 16 << 20
"""For the states that google-re2 remembers. With its default of half, what nobody has sent before
takes three times as long."""
_CASELESS = "(?i)"
_MOST_LONGER = 4
_WORD = re.compile(r"[^\W\d_]+")
_LATIN = re.compile("[A-Za-z]")
_OTHER_LETTER = re.compile(r"[^\W\x00-\x7f]")
_LOOK_ALIKES = str.maketrans(
    # Cyrillic, then Greek; by their codes, for they cannot be told apart by looking.
    "\u0430\u0441\u0501\u0435\u04bb\u0456\u0458\u04cf\u043e\u0440\u051b\u0455\u0475\u051d\u0445\u0443"
    "\u0410\u0412\u0421\u0415\u041d\u0406\u0408\u041a\u041c\u041e\u0420\u0405\u0422\u0425\u0423"
    "\u03b1\u03f2\u03b9\u03f3\u03bf\u03c1\u03bd"
    "\u0391\u0392\u0395\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a7\u03a5\u0396",
    "acdehijlopqsvwxyABCEHIJKMOPSTXYacijopvABEHIKMNOPTXYZ",
)


Find: TypeAlias = "Callable[[str], bool]"
"""Whether a text holds what is looked for."""


class BotList:
    """The machines as one source wants them: `add` are patterns, `remove` names of the list.

    An agent that a removed pattern finds is none, whatever else is found in it.
    Raises ValueError for a pattern that cannot be used, KeyError for a name that is in no list.
    """

    def __init__(self, *, add: Sequence[str] = (), remove: Sequence[str] = ()) -> None:
        self._is_known = _known_machines() if not remove else _without(remove)
        self._added = [compile_user_regex(pattern) for pattern in add]

    def has(self, user_agent: str) -> bool:
        """Whether the agent is a machine's. A new one costs 2 to 40 µs: ask through a cache."""
        plain = in_plain_letters(user_agent)
        if self._added:
            for raw in {user_agent.encode("utf-8", "replace"), plain.encode("utf-8", "replace")}:
                if any(pattern.search(raw) for pattern in self._added):
                    return True
        return _finds(self._is_known, plain)

    def sign(self, user_agent: str) -> str:
        """Returns the name of the first pattern that is found in an agent; `""` for none.

        For people: it asks one pattern after the other, which takes a second.
        """
        plain = in_plain_letters(user_agent)
        for raw in (user_agent.encode("utf-8", "replace"), plain.encode("utf-8", "replace")):
            for pattern in self._added:
                if pattern.search(raw):
                    return pattern.pattern.decode()
        plain = without_false_signs(plain)
        if self._is_known(plain):
            for pattern_text in _all_patterns():
                if re.search(_with_ends(pattern_text), plain):
                    return _name_of(pattern_text)
        return ""


def is_bot(user_agent: str) -> bool:
    """Whether the agent is one of the built-in machines."""
    return _finds(_known_machines(), in_plain_letters(user_agent))


def in_plain_letters(user_agent: str) -> str:
    r"""Returns the agent as a reader would read it, in ASCII but for signs.

    Fullwidth and mathematical letters are plain ones (NFKC), what has no width is nothing, and
    Cyrillic and Greek letters that look like Latin ones are those, in words that have Latin ones
    too: a word of one script (`\u0412\u041e\u0422`, Russian for "here") is what it says. Other
    letters are `_`, for google-re2 knows none but those of ASCII, and would see a word end there.
    """
    if user_agent.isascii():
        return user_agent
    seen = "".join(
        letter
        for letter in unicodedata.normalize("NFKC", user_agent)
        if unicodedata.category(letter) != "Cf"
    )
    # One letter can stand for eighteen, and patterns are slow on what is long.
    return _OTHER_LETTER.sub("_", _WORD.sub(_latin, seen[: _MOST_LONGER * len(user_agent)]))


def _latin(word: re.Match[str]) -> str:
    return word[0].translate(_LOOK_ALIKES) if _LATIN.search(word[0]) else word[0]


def without_false_signs(user_agent: str) -> str:
    """Returns the agent without what only sounds like a machine."""
    return _FALSE_SIGNS.sub("", user_agent)


def _finds(is_known: Find, user_agent: str) -> bool:
    if not is_known(user_agent):
        return False
    plain = without_false_signs(user_agent)
    return plain == user_agent or is_known(plain)


@cache
def names() -> dict[str, tuple[str, ...]]:
    r"""Returns the patterns by the names that `remove` takes, in lower case.

    A pattern's name is its text without anchors, escapes and alternatives of case (`Googlebot`
    for `Googlebot\/`), or the text as it is.
    """
    found: dict[str, tuple[str, ...]] = {}
    for pattern in _crawlers():
        for name in dict.fromkeys((_plain(pattern), pattern)):
            found[name.lower()] = (*found.get(name.lower(), ()), pattern)
    for name, pattern in MORE_PATTERNS.items():
        found[name.lower()] = (*found.get(name.lower(), ()), _CASELESS + pattern)
    return found


def near(name: str) -> str:
    """Returns `did you mean x?` for the nearest name, or an empty text."""
    close = get_close_matches(name.lower(), names(), n=1)
    return f"did you mean {close[0]}?" if close else ""


def _plain(pattern: str) -> str:
    text = re.sub(r"\[([A-Za-z])[A-Za-z]\]", r"\1", pattern)
    return re.sub(r"\\(\W)", r"\1", text).strip("^$/ ")


def _without(removed: Sequence[str]) -> Find:
    known = _known_machines()
    patterns = [pattern for name in removed for pattern in names()[name.lower()]]
    passing = _finder(patterns)
    return lambda agent: known(agent) and not passing(agent)


@cache
def _crawlers() -> tuple[str, ...]:
    # Imported on first use: the package reads a megabyte of JSON when imported.
    from crawleruseragents import CRAWLER_USER_AGENTS_DATA  # noqa: PLC0415  # see above

    patterns = tuple(dict.fromkeys(entry["pattern"] for entry in CRAWLER_USER_AGENTS_DATA))
    # The rest of it, examples of agents most of all, would be three megabytes for nothing.
    CRAWLER_USER_AGENTS_DATA.clear()
    return patterns


@cache
def _known_machines() -> Find:
    return _finder(_all_patterns())


def _all_patterns() -> list[str]:
    return [*_crawlers(), *(_CASELESS + pattern for pattern in MORE_PATTERNS.values())]


def _name_of(pattern: str) -> str:
    for name, ours in MORE_PATTERNS.items():
        if pattern == _CASELESS + ours:
            return name
    return _plain(pattern)


def _finder(patterns: Sequence[str]) -> Find:
    """Returns whether any of the patterns is found in a text, as a function."""
    return finder_of_re2(patterns) or finder_of_re(patterns)


def finder_of_re2(patterns: Sequence[str]) -> Find | None:
    """Asks google-re2 for all patterns at once; None if it is absent or refuses one."""
    try:
        re2: Any = importlib.import_module("re2")
    except ImportError:
        return None
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _RE2_MEMORY_BYTES
    together = re2.Set.SearchSet(options)
    try:
        for pattern in patterns:
            together.Add(pattern)
        together.Compile()
    except re2.error:
        return None
    match = together.Match
    return lambda text: bool(match(text.encode("utf-8", "replace")))


def finder_of_re(patterns: Sequence[str]) -> Find:
    """Asks `re`: for the beginning of the text and for anywhere in it, as written and in any case.

    The caseless patterns are in lower case but for their escapes, and asked about a text in lower
    case, which is half the work.
    """
    caseless = [each.removeprefix(_CASELESS) for each in patterns if each.startswith(_CASELESS)]
    exact = [_with_ends(each) for each in patterns if not each.startswith(_CASELESS)]
    at_head, anywhere = _two_patterns(exact)
    low_at_head, low_anywhere = _two_patterns([_with_ends(_lower(each)) for each in caseless])

    def find(text: str) -> bool:
        low = text.lower()
        found = at_head(text) or low_at_head(low) or anywhere(text) or low_anywhere(low)
        return found is not None

    return find


_Search: TypeAlias = "Callable[[str], re.Match[str] | None]"


def _two_patterns(patterns: list[str]) -> tuple[_Search, _Search]:
    """Compiles what begins with `^` and the others; an empty alternation finds nothing."""
    heads = [each[1:] for each in patterns if each.startswith("^") and "|" not in each]
    others = [each for each in patterns if not (each.startswith("^") and "|" not in each)]
    return (
        re.compile(one_pattern(heads) or "(?!)").match,
        re.compile(one_pattern(others) or "(?!)").search,
    )


def _lower(pattern: str) -> str:
    return re.sub(r"(\\.)|([A-Z])", lambda found: found[1] or found[2].lower(), pattern)


def _with_ends(pattern: str) -> str:
    r"""Returns a pattern for `re` whose `$` is the end, as google-re2 has it: `\Z`."""
    return _END.sub(lambda found: found[1] or r"\Z", pattern)


_END = re.compile(r"(\\.|\[\^?\]?(?:\\.|[^\]\\])*\])|\$", re.DOTALL)
_PLAIN_HEAD = re.compile(r"[A-Za-z0-9 ]{2}(?![?*+{])")


def one_pattern(patterns: Iterable[str]) -> str:
    """Joins patterns into one alternation, grouped by their first two characters.

    `re` tries the branches of an alternation one by one at each position of the text; grouping
    leaves it a tenth of them.
    """
    groups: dict[str, dict[str, list[str]]] = {}
    others: list[str] = []
    for pattern in dict.fromkeys(patterns):
        if "|" not in pattern and _PLAIN_HEAD.match(pattern):
            groups.setdefault(pattern[0], {}).setdefault(pattern[1], []).append(pattern[2:])
        else:
            others.append(f"(?:{pattern})")
    grouped = [
        f"{first}(?:{'|'.join(_branch(second, rests) for second, rests in seconds.items())})"
        for first, seconds in groups.items()
    ]
    return "|".join(grouped + others)


def _branch(head: str, rests: list[str]) -> str:
    return f"{head}(?:{'|'.join(rests)})"
