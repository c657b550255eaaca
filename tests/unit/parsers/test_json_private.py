"""What of a log's own keys may leave the parser."""

from __future__ import annotations

import pytest

from hooktail_parsers.json_logs.private import is_private, public_fields


@pytest.mark.parametrize(
    "key",
    ["params", "Parameters", "request_body", "req.body", "password", "user_password", "Set-Cookie",
     "authorization", "X-Api-Key", "access_token", "creditCard", "credit_card", "card", "cvv",
     "client_secret", "stack_trace", "err", "a.password.b", "x" * 500],
)  # fmt: skip
def test_a_key_that_names_a_secret_is_private(key: str) -> None:
    assert is_private(key)


@pytest.mark.parametrize("key", ["cart", "total", "order_id", "upstream", "resp_headers", "level"])
def test_an_ordinary_key_is_public(key: str) -> None:
    assert not is_private(key)


def test_private_keys_are_left_out_at_every_level() -> None:
    found = {"a": {"b": [{"password": "x", "c": 1}], "Set-Cookie": ["s"]}, "body": {"d": 1}}

    assert public_fields(found) == {"a": {"b": [{"c": 1}]}}


def test_missing_values_and_what_json_cannot_state_are_left_out() -> None:
    found = {"a": None, "b": "", "c": "-", "d": {}, "e": [], "f": float("inf"), "g": 2**70,
             "h": object(), "i": b"bytes"}  # fmt: skip

    assert public_fields(found) is None


def test_lone_surrogates_are_replaced() -> None:
    assert public_fields({"a": "\ud800", "b": ["\udfff"]}) == {
        "a": "\ufffd",
        "b": ["\ufffd"],
    }


def test_keys_text_and_levels_are_bounded() -> None:
    deep: object = 1
    for _ in range(50):
        deep = {"a": deep}
    many = public_fields({f"k{n}": n for n in range(1000)})
    long = public_fields({f"k{n}": "x" * 1000 for n in range(60)})

    assert many is not None
    assert len(many) == 64
    assert long is not None
    assert len(str(long)) < 20_000
    assert public_fields({"deep": deep}) is None
    assert public_fields({"list": [[[[[[[[1]]]]]]]]}) is None
