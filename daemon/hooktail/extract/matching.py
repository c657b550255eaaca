"""What the values of conditions say: texts, globs, regular expressions, ranges, statuses.

Each is compiled into a test of one value. It knows neither records nor rules.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, NamedTuple

from hooktail.extract.casts import to_number, to_string
from hooktail.extract.text import glob_pattern, with_any_between
from hooktail_parsers.regexes import compile_user_regex, other_way

if TYPE_CHECKING:
    from collections.abc import Callable

    from hooktail.extract.complaints import Complaints
    from hooktail_parsers.regexes import UserRegex

RANGE_ALLOWED = '">1.5", ">=2", "<10", "<=10", "10-20", { min = 10, max = 20 }, or a number'
STATUS_ALLOWED = '200, "200", "2xx", "200-299", or a list of these'
VALUE_ALLOWED = (
    'true (it is there), false (it is not), a text, "prefix:a", "glob:a*", "regex:^a", a number, '
    "{ min = 1, max = 9 }, or a list of texts and numbers"
)

_RANGE = re.compile(
    r"(?P<sign>[<>]=?)\s*(?P<bound>[0-9]+(?:\.[0-9]+)?)"
    r"|(?P<low>[0-9]+(?:\.[0-9]+)?)(?:\s*-\s*(?P<high>[0-9]+(?:\.[0-9]+)?))?"
)
_STATUS = re.compile(r"([1-9])xx|([1-9][0-9]{2})(?:-([1-9][0-9]{2}))?", re.IGNORECASE)


class TextTest(NamedTuple):
    """A test of one text."""

    holds: Callable[[str], object]
    regex: UserRegex | None = None

    @property
    def group_names(self) -> tuple[str, ...]:
        """The named groups of the regular expression."""
        return () if self.regex is None else tuple(self.regex.groups)

    def groups(self, text: str) -> dict[str, str] | None:
        """Returns what the named groups hold, None if the expression is not found."""
        found = None if self.regex is None else self.regex.search(_bytes(text))
        if self.regex is None or found is None:
            return None
        named = self.regex.named(found)
        return {name: held.decode(errors="replace") for name, held in named.items() if held}


def prefixed_text(text: str, complaints: Complaints) -> TextTest | None:
    """Compiles `prefix:a`, `glob:a*` and `regex:^a`; None for text in no such form.

    A bad expression is complained of, and gives a test that never holds.
    """
    kind, colon, rest = text.partition(":")
    if not colon or not rest:
        return None
    match kind:
        case "prefix":
            return TextTest(lambda value: value.startswith(rest))
        case "glob":
            return TextTest(glob_pattern([rest]).match)
        case "regex":
            return _regex(rest, complaints)
        case _:
            return None


def _regex(text: str, complaints: Complaints) -> TextTest:
    try:
        regex = compile_user_regex(text)
    except ValueError as error:
        complaints.add(str(error), f"regex:{text}")
        return TextTest(lambda _: False)
    if regex.longest_search_bytes is not None:
        complaints.warn(
            f"could take long on long texts, and is not looked for in those over "
            f"{regex.longest_search_bytes} bytes",
            f"regex:{text}",
            hint=f"begin it with ^, name what ends a part ([^/]* for .*), or {other_way()}",
        )
    return TextTest(lambda value: regex.search(_bytes(value)) is not None, regex)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "replace")


class ValueTest(NamedTuple):
    """A test of any value that a record may hold; None is an absent one."""

    expected: str
    holds: Callable[[object], bool]
    text: TextTest | None = None
    """Where the test is one of text: that one."""


def value_test(wanted: object, complaints: Complaints) -> ValueTest | None:
    """Compiles what a value must be; None after a complaint. Of a list, any item may pass."""
    if isinstance(wanted, bool):
        if wanted:
            return ValueTest("present", _is_there)
        return ValueTest("absent", lambda value: not _is_there(value))
    tests: list[ValueTest] = []
    for item in wanted if isinstance(wanted, list | tuple) else [wanted]:
        test = _single_test(item, complaints)
        if test is not None:
            tests.append(test)
    if not tests:
        if isinstance(wanted, list | tuple) and not wanted:
            complaints.add("an empty list matches nothing", allowed=VALUE_ALLOWED)
        return None
    if len(tests) == 1:
        return _of_items(tests[0])
    if any(test.text and test.text.group_names for test in tests):
        complaints.add("a regex with named groups stands alone, not in a list", wanted)
    passes = [test.holds for test in tests]
    expected = "one of " + ", ".join(test.expected for test in tests)
    return _of_items(ValueTest(expected, lambda value: any(holds(value) for holds in passes)))


def _single_test(wanted: object, complaints: Complaints) -> ValueTest | None:
    match wanted:
        case str() if wanted:
            test = prefixed_text(wanted, complaints)
            if test is None and "*" in wanted:
                parts = with_any_between(map(re.escape, wanted.split("*")))
                test = TextTest(re.compile(parts, re.DOTALL).fullmatch)
            elif test is None:
                test = TextTest(wanted.__eq__)
            holds = test.holds

            def of_text(value: object) -> bool:
                text = value if isinstance(value, str) else to_string(value)
                return text is not None and bool(holds(text))

            return ValueTest(wanted, of_text, test)
        case int() | float() if not isinstance(wanted, bool) and math.isfinite(wanted):
            return ValueTest(str(wanted), lambda value: _number(value) == wanted)
        case dict():
            return range_test(wanted, complaints)
        case _:
            complaints.add("not a condition on a value", wanted, allowed=VALUE_ALLOWED)
            return None


def _of_items(test: ValueTest) -> ValueTest:
    holds = test.holds

    def of_items(value: object) -> bool:
        return any(map(holds, value)) if isinstance(value, list) else holds(value)

    return test._replace(holds=of_items)


def _is_there(value: object) -> bool:
    return value is not None and value is not False and value not in ("", "-")


def _number(value: object) -> float | None:
    number = to_number(value)
    return None if number is None else float(number)


def range_test(wanted: object, complaints: Complaints) -> ValueTest | None:
    """Compiles a range of numbers; None after a complaint."""
    found = bounds(wanted)
    if found is None:
        complaints.add("not a range", wanted, allowed=RANGE_ALLOWED)
        return None
    low, high, open_low, open_high = found
    if low > high or (low == high and (open_low or open_high)):
        complaints.add("the range holds no number", wanted, allowed=RANGE_ALLOWED)
        return None

    def holds(value: object) -> bool:
        number = _number(value)
        if number is None:
            return False
        above = number > low if open_low else number >= low
        return above and (number < high if open_high else number <= high)

    shown = (
        " and ".join(f"{name} {bound}" for name, bound in wanted.items())
        if isinstance(wanted, dict)
        else str(wanted)
    )
    return ValueTest(shown, holds)


def bounds(wanted: object) -> tuple[float, float, bool, bool] | None:
    """Returns the lowest and the highest number, and whether each is itself left out."""
    if isinstance(wanted, dict):
        numbers = [_plain(value) for value in wanted.values()]
        if not wanted or not wanted.keys() <= {"min", "max"} or None in numbers:
            return None
        low, high = _plain(wanted.get("min", -math.inf)), _plain(wanted.get("max", math.inf))
        return None if low is None or high is None else (low, high, False, False)
    number = _plain(wanted)
    if number is not None:
        return number, number, False, False
    found = _RANGE.fullmatch(wanted.strip()) if isinstance(wanted, str) else None
    if found is None:
        return None
    if found["sign"]:
        bound, is_open = float(found["bound"]), len(found["sign"]) == 1
        if found["sign"][0] == ">":
            return bound, math.inf, is_open, False
        return -math.inf, bound, False, is_open
    low = float(found["low"])
    return low, float(found["high"]) if found["high"] else low, False, False


def _plain(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value)


def statuses(value: object, complaints: Complaints) -> set[int]:
    """Returns the statuses that a condition names; empty after a complaint."""
    wanted: set[int] = set()
    for item in value if isinstance(value, list | tuple) else [value]:
        text = str(item) if isinstance(item, str | int) and not isinstance(item, bool) else ""
        found = _STATUS.fullmatch(text)
        if found is None:
            complaints.add("not a status", item, allowed=STATUS_ALLOWED)
            continue
        if found[1]:
            first, last = int(found[1]) * 100, int(found[1]) * 100 + 99
        else:
            first, last = int(found[2]), int(found[3] or found[2])
        if first > last:
            complaints.add("the range ends before it begins", item, allowed=STATUS_ALLOWED)
        wanted.update(range(first, last + 1))
    if not wanted and isinstance(value, list | tuple) and not value:
        complaints.add("an empty list matches nothing", allowed=STATUS_ALLOWED)
    return wanted


def texts(value: object) -> list[str]:
    """Returns a text or a list of texts as a list; empty if it is none, or holds an empty one."""
    items = value if isinstance(value, list | tuple) else [value]
    given = [item for item in items if isinstance(item, str) and item]
    return given if len(given) == len(items) else []


def shown(value: object) -> str:
    """Writes a condition's value for people."""
    if isinstance(value, list | tuple):
        return "one of " + ", ".join(map(str, value))
    return str(value)
