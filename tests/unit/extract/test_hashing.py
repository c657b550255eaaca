"""Hashes in the forms that advertisers match on."""

from __future__ import annotations

import hashlib
import sys
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooktail.extract.hashing import hash_email, hash_phone, hash_text


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize("text", ["me@b.example", " Me@B.Example ", "ME@B.EXAMPLE\n"])
def test_an_address_is_trimmed_and_in_lower_case_before(text: str) -> None:
    assert hash_email(text) == sha256("me@b.example")


@pytest.mark.parametrize("text", ["", "-", "me", "me@", "@b.example", "a@b", "a b@c.example"])
def test_what_is_no_address_has_no_hash(text: str) -> None:
    assert hash_email(text) is None


@pytest.mark.parametrize(
    "text", ["+49 170 1234567", "+49 (170) 123-45.67", "0049 170 1234567", " +491701234567 "]
)
def test_a_number_is_its_digits_with_country_code(text: str) -> None:
    assert hash_phone(text) == sha256("491701234567")
    assert hash_phone(text, plus=True) == sha256("+491701234567")


@pytest.mark.parametrize("text", ["", "-", "0170 1234567", "+1", "+1234567890123456", "+" * 65])
def test_what_is_no_number_with_a_country_code_has_no_hash(text: str) -> None:
    assert hash_phone(text) is None


def test_a_national_number_needs_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hooktail.extract.hashing.find_spec", lambda _: None)
    assert hash_phone("0170 1234567", region="DE") is None


def test_a_national_number_gets_the_code_of_its_region(monkeypatch: pytest.MonkeyPatch) -> None:
    class Number:
        country_code = 49
        national = "1701234567"

    library = ModuleType("phonenumbers")
    library.__dict__.update(
        NumberParseException=ValueError,
        parse=lambda text, region: (
            {"DE": Number}[region] if text == "0170 1234567" else int("none")
        ),
        is_possible_number=lambda _: True,
        national_significant_number=lambda number: number.national,
    )
    monkeypatch.setitem(sys.modules, "phonenumbers", library)
    monkeypatch.setattr("hooktail.extract.hashing.find_spec", lambda _: library)

    assert hash_phone("0170 1234567", region="DE") == sha256("491701234567")
    assert hash_phone("call me", region="DE") is None


@given(st.text() | st.emails() | st.from_regex(r"\+[1-9][0-9]{7,12}", fullmatch=True))
def test_hashing_twice_changes_nothing(text: str) -> None:
    for once in (hash_email(text), hash_phone(text), hash_text(text)):
        if once is not None:
            assert hash_email(once) == hash_phone(once) == hash_text(once) == once
    assert hash_email("A" * 64) == "a" * 64
