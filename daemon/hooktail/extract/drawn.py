"""Texts that a machine drew by lot: tokens and codes, unlike slugs, order numbers and products.

It goes by how often letters and digits take turns. What it cannot tell from a word, a number or a
product's name is none: where that would be too little, the name before the text has to be enough.
"""

from __future__ import annotations

import re

_PIECE = re.compile(r"[A-Za-z0-9]+")
_RUN = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
_HEX = re.compile(r"[0-9a-f]{16,}|[0-9A-F]{16,}")
_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_SHORTEST = 8
_SHORTEST_IN_CAPITALS = 12
"""Shops write the numbers of orders and articles in capitals."""
_LONG = 20
_LONGEST = 32
"""No word with digits in it is as long."""


def looks_drawn(text: str) -> bool:
    """Whether a text (percent-decoded) is, or has between its `-`, `_` and the like, such a one."""
    return _UUID.fullmatch(text) is not None or any(map(_is_drawn, _PIECE.findall(text)))


def _is_drawn(piece: str) -> bool:
    if piece.isdigit() or piece.isalpha():
        return False
    length = len(piece)
    if length >= _LONGEST or _HEX.fullmatch(piece):
        return True
    if length < (_SHORTEST_IN_CAPITALS if piece.isupper() else _SHORTEST):
        return False
    runs = len(_RUN.findall(piece))
    # `iphone15pro` has three runs in eleven characters, `SamsungGalaxyS24Ultra` five in 21.
    return (runs > 3 and length < 3 * runs) or (runs > 5 and length >= _LONG)
