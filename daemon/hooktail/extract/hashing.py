"""Hashes of e-mail addresses and phone numbers, in the forms that advertisers match on.

A hash is its own hash: 64 hex digits pass through, so that hashing twice changes nothing.
"""

from __future__ import annotations

import hashlib
import re
from importlib import import_module
from importlib.util import find_spec

_DIGEST = re.compile(r"[0-9a-fA-F]{64}")
_EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@.]{2,}")
_LONGEST_EMAIL = 320
_LONGEST_PHONE = 64
"""With blanks, brackets and what else stands between the digits."""


def hash_email(text: str) -> str | None:
    """Returns SHA-256 in hex of the trimmed, lower-case address; None for text that is none.

    64 hex digits are taken for such a hash and only lower-cased.
    """
    text = text.strip().lower()
    if _DIGEST.fullmatch(text):
        return text
    return _sha256(text) if len(text) <= _LONGEST_EMAIL and _EMAIL.fullmatch(text) else None


def hash_phone(text: str, *, plus: bool = False, region: str | None = None) -> str | None:
    """Returns SHA-256 in hex of country code and number, all digits, behind a `+` if wanted.

    The country code stands behind `+` or `00`. A national number needs a `region` (`DE`) and the
    package phonenumbers; without them it is None, as is text that is no number.
    """
    text = text.strip()
    if _DIGEST.fullmatch(text):
        return text.lower()
    if len(text) > _LONGEST_PHONE:
        return None
    digits = re.sub(r"[^0-9]", "", text)
    if text[:2] == "00":
        digits = digits[2:]
    elif text[:1] != "+":
        digits = "" if region is None else _international(text, region)
    return _sha256(("+" if plus else "") + digits) if 7 <= len(digits) <= 15 else None


def hash_text(text: str) -> str:
    """Returns SHA-256 in hex of the trimmed, lower-case text; a hash passes through."""
    text = text.strip().lower()
    return text if _DIGEST.fullmatch(text) else _sha256(text)


def knows_national_numbers() -> bool:
    """Whether the package phonenumbers is installed."""
    return find_spec("phonenumbers") is not None


def _international(text: str, region: str) -> str:
    """Returns the digits with country code of a national number, `""` where nobody knows it."""
    if not knows_national_numbers():
        return ""
    library = import_module("phonenumbers")  # an extra: no line needs it by default
    try:
        number = library.parse(text, region)
    except library.NumberParseException:
        return ""
    if not library.is_possible_number(number):
        return ""
    return f"{number.country_code}{library.national_significant_number(number)}"


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
