"""Event ids repeat for the same bytes; once_per keys are one business fact."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from hooktail.extract.identity import (
    HEAD_BYTES,
    LineIds,
    generation_of,
    once_event_id,
    once_key,
    pack,
    uuid_text,
)

UUID8 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


@given(st.binary(min_size=16, max_size=16))
def test_ids_have_the_form_of_a_uuid_version_8(digest: bytes) -> None:
    assert UUID8.fullmatch(uuid_text(digest))


@given(st.lists(st.binary()), st.lists(st.binary()))
def test_packing_is_unambiguous(one: list[bytes], other: list[bytes]) -> None:
    assert (pack(*one) == pack(*other)) == (one == other)


def test_the_same_line_has_the_same_id_and_any_difference_another() -> None:
    ids = {
        LineIds("site", "shop", b"g").event_id(0, b"line", b"pageview"),
        LineIds("site", "shop", b"g").event_id(0, b"line", b"pageview"),
        LineIds("site2", "shop", b"g").event_id(0, b"line", b"pageview"),
        LineIds("site", "shop2", b"g").event_id(0, b"line", b"pageview"),
        LineIds("site", "shop", b"g2").event_id(0, b"line", b"pageview"),
        LineIds("site", "shop", b"g").event_id(1, b"line", b"pageview"),
        LineIds("site", "shop", b"g").event_id(0, b"line2", b"pageview"),
        LineIds("site", "shop", b"g").event_id(0, b"line", b"purchase"),
        LineIds("site", "shop", b"g").event_id(0, b"linepage", b"view"),
    }
    assert len(ids) == 8


def test_ids_do_not_depend_on_what_was_asked_before() -> None:
    ids = LineIds("site", "shop", b"g")
    first = ids.event_id(0, b"line", b"pageview")
    ids.event_id(5, b"other", b"pageview")
    assert ids.event_id(0, b"line", b"pageview") == first


@given(st.binary(max_size=3000), st.binary(max_size=3000))
def test_a_generation_does_not_change_while_its_file_grows(head: bytes, more: bytes) -> None:
    generation = generation_of(head)
    if generation:
        assert generation_of(head + more) == generation
    else:
        assert b"\n" not in head
        assert len(head) < HEAD_BYTES


def test_files_that_differ_in_their_first_line_are_different_generations() -> None:
    assert generation_of(b"a\nsame\n") != generation_of(b"b\nsame\n")
    assert generation_of(b"a\nsame\n") == generation_of(b"a\nother\n")
    assert generation_of(b"x" * 1024 + b"a\n") == generation_of(b"x" * 1024 + b"b\n")
    assert generation_of(b"x" * 1023 + b"\n") != generation_of(b"x" * 1024)


def test_two_hosts_agree_on_an_order() -> None:
    assert once_event_id("s", "purchase", "A1") == once_event_id("s", "purchase", "A1")
    assert UUID8.fullmatch(once_event_id("s", "purchase", "A1"))
    assert re.fullmatch("[0-9a-f]{16}", once_key("s", "purchase", "A1"))
    keys = {
        once_key("s", "purchase", "A1"),
        once_key("t", "purchase", "A1"),
        once_key("s", "refund", "A1"),
        once_key("s", "purchase", "A2"),
        once_key("s", "purchaseA", "1"),
    }
    assert len(keys) == 5
