"""What a field's value goes through before it is cast, step by step.

A step gives None where it cannot do its work (text that is no e-mail has no hash); what comes out
of a list is a list. It does not know types or rules.
"""

from __future__ import annotations

import hashlib
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeAlias
from urllib.parse import unquote

from hooktail.extract.casts import MAX_VALUES, to_integer, to_string
from hooktail.extract.hashing import hash_email, hash_phone
from hooktail.extract.plus_signs import marked, settled
from hooktail.extract.text import clean
from hooktail.extract.validation import TooLarge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Step: TypeAlias = "Callable[[object], object]"

HASHES = frozenset(("hash_email", "hash_phone", "sha256"))
"""Those behind which nobody can read the value."""
_EXACT_CENTS = 10**15
"""Decimal numbers of so many digits come back from a float as they were."""
NAMES = ("trim", "lower", "upper", "urldecode", "cents_to_units", "split", *sorted(HASHES))


class Transform(NamedTuple):
    """One step under its name."""

    name: str
    apply: Step


def compile_transforms(
    names: Iterable[str],
    *,
    separator: str = ",",
    phone_plus: bool = False,
    phone_region: str | None = None,
) -> tuple[Transform, ...]:
    """Compiles steps by their names, which must be of `NAMES`."""
    steps: dict[str, Step] = {
        "trim": _each(str.strip),
        "lower": _each(str.lower),
        "upper": _each(str.upper),
        "urldecode": _each(_urldecode),
        "cents_to_units": _cents_to_units,
        "split": partial(_split, separator=separator),
        "hash_email": _each(hash_email),
        "hash_phone": _each(partial(hash_phone, plus=phone_plus, region=phone_region)),
        "sha256": _each(_sha256),
    }
    return tuple(Transform(name, steps[name]) for name in names)


def _each(change: Callable[[str], str | None]) -> Step:
    """Applies a change to a text, a number's text, or each of a list's."""

    def apply(value: object) -> object:
        if isinstance(value, list):
            changed = [apply(item) for item in value]
            return [item for item in changed if item is not None] or None
        text = to_string(value)
        return None if text is None else change(text)

    return apply


def _urldecode(text: str) -> str:
    return clean(settled(unquote(marked(text), errors="replace")))


def _cents_to_units(value: object) -> object:
    """Divides a whole number by a hundred: 1999 is 19.99. What would lose digits is None."""
    if isinstance(value, list):
        return [units for item in value if (units := _cents_to_units(item)) is not None] or None
    cents = to_integer(value)
    if not isinstance(cents, int) or abs(cents) >= _EXACT_CENTS:
        return None
    units, rest = divmod(abs(cents), 100)
    sign = -1 if cents < 0 else 1
    # Read from its decimal text it is the nearest number there is, and is written as that text.
    return sign * (float(f"{units}.{rest:02d}") if rest else units)


def _split(value: object, separator: str) -> object:
    text = to_string(value)
    if text is None:
        return None
    items = [item for part in text.split(separator) if (item := part.strip())]
    if len(items) > MAX_VALUES:
        raise TooLarge
    return items or None


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
