"""What a source maps (`[source.map]`), and which of it a line has not: for telling people.

The parsers look a key up where it stands; here a line is only searched for its name, as JSON and
`key=value` write one, so that this holds for every format that takes a map.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_PREFIX = "map."
# Laravel's lines have these without naming them.
_UNNAMED = frozenset(("datetime", "channel", "level", "message"))
_LARAVEL = re.compile(rb"\[[0-9-]{10}[T ][0-9:]{8}[^\]]{0,20}\] [\w-]{1,64}\.[A-Z]+: ").match


def mapped_keys(options: Mapping[str, str]) -> dict[str, str]:
    """Returns record keys and the keys in the log that stand for them."""
    return {
        option.removeprefix(_PREFIX): path.strip()
        for option, path in options.items()
        if option.startswith(_PREFIX)
    }


def lacks_key(line: bytes, path: str) -> bool:
    """Tells whether nothing in a line is called as the last part of a key in the log."""
    if path in _UNNAMED and _LARAVEL(line):
        return False
    name = re.escape(path.rpartition(".")[2].encode("utf-8", "replace"))
    return (
        re.search(rb'["\\.]' + name + rb'"\s*:|(?<![\w.-])(?:[\w.-]+\.)?' + name + b"=", line)
        is None
    )
