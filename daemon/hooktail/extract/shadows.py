"""Rules that can never match, because an earlier one takes every line that they want.

It sees the simple cases, in which each condition of the earlier rule is one of the later rule too,
in the same words or in narrower ones. It never calls a rule shadowed that is not.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from hooktail.extract.complaints import Complaints
from hooktail.extract.matching import statuses, texts
from hooktail.extract.text import glob_pattern

if TYPE_CHECKING:
    from collections.abc import Mapping


def shadow_of(earlier: Mapping[str, object], later: Mapping[str, object]) -> bool:
    """Whether conditions `earlier` hold for every record for which conditions `later` do."""
    return all(key in later and _covers(key, earlier[key], later[key]) for key in earlier)


def _covers(key: str, wide: object, narrow: object) -> bool:
    """Whether all that fulfils `narrow` under a key fulfils `wide` too."""
    if _same(wide, narrow):
        return True
    match key:
        case "status":
            found = statuses(narrow, Complaints("", ""))
            return bool(found) and found <= statuses(wide, Complaints("", ""))
        case "method":
            named = {text.upper() for text in texts(narrow)}
            return bool(named) and named <= {text.upper() for text in texts(wide)}
        case "path":
            given = texts(narrow)
            return bool(given) and all(
                any(_path_covers(each, text) for each in texts(wide)) for text in given
            )
        case "host" | "referrer_host" | "content_type":
            given, globs = texts(narrow), texts(wide)
            match = glob_pattern(globs, ignore_case=True).match
            # A glob's own stars pass for text: what matches `*.a.b` matches `*.b` too.
            plain = not any("?" in text for text in given + globs)
            return bool(given) and plain and all(match(text) for text in given)
        case "query" | "field" if isinstance(wide, dict) and isinstance(narrow, dict):
            return all(
                name in narrow and _value_covers(key, wanted, narrow[name])
                for name, wanted in wide.items()
            )
        case _:
            return False


def _path_covers(wide: str, narrow: str) -> bool:
    if wide == narrow:
        return True
    kind, _, rest = wide.partition(":")
    if kind == "prefix":
        return narrow.removeprefix("prefix:").startswith(rest)
    return kind == "glob" and narrow.startswith("/") and bool(glob_pattern([rest]).match(narrow))


def _value_covers(key: str, wide: object, narrow: object) -> bool:
    if wide is True and not isinstance(narrow, bool):
        # A parameter that is something is there. Of a field only a number tells that it is.
        return key == "query" or isinstance(narrow, int | float)
    if isinstance(wide, list) and not isinstance(narrow, list):
        return any(_same(item, narrow) for item in wide)
    return _same(wide, narrow)


def _same(one: object, other: object) -> bool:
    """Whether both are written alike: to Python true is 1, to a condition it is not."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
