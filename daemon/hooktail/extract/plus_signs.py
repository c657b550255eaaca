"""What a `+` of a query stands for in a field: a blank, but where it begins a phone number.

In a query as it was logged both look alike, and behind the blank nobody would know the number.
"""

from __future__ import annotations

from hooktail.extract.personal import phones_in

_RAW_PLUS = "\ue000"
"""Stands for one while the rest is decoded: what was encoded (`%2B`) is a plus anyway."""


def marked(raw: str) -> str:
    """Returns a raw text whose `+` are told from decoded ones, for `settled`."""
    return raw.replace("+", _RAW_PLUS)


def unmarked(text: str) -> str:
    """Returns a text, `marked` and then decoded, as if each raw `+` were a blank."""
    return text.replace(_RAW_PLUS, " ")


def settled(text: str) -> str:
    """Returns a text, `marked` and then decoded, with plus signs and blanks where they belong."""
    if _RAW_PLUS not in text:
        return text
    plain = text.replace(_RAW_PLUS, "+")
    for begin in phones_in(plain):
        text = f"{text[:begin]}+{text[begin + 1 :]}"
    return unmarked(text)
