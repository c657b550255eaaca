"""`once_per` keys: exact over restarts and second readings, the same on two hosts, bounded."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooktail.checkpoint.state import State
from hooktail.config.sections import FieldSection, RuleSection, SourceSection
from hooktail.errors import ConfigError
from hooktail.extract import build_extractor
from hooktail.extract.extractor import Extractor
from hooktail.extract.once import WINDOW_MS, OnceBook
from hooktail.model import Claim, Extraction, Lines

DAY_MS = 86_400_000
NOON_MS = 1_705_320_000_000
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
PURCHASE = RuleSection(
    name="purchase",
    when={"path": "/thanks"},
    once_per="order",
    fields=(FieldSection(name="order", source="query.order"),),
)
SHOP = SourceSection(name="shop", paths=(), site="https://shop.example", rules=(PURCHASE,))


def line(order: str, time_ms: int = NOON_MS, ip: str = "81.2.69.142") -> bytes:
    time = datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")
    return f'{ip} - - [{time}] "GET /thanks?order={order} HTTP/1.1" 200 5 "-" "{AGENT}"'.encode()


def extractor(once: OnceBook | None = None, source: SourceSection = SHOP) -> Extractor:
    return build_extractor(
        source,
        payload="flat",
        visitor_secret=b"s" * 32,
        once=OnceBook() if once is None else once,
        now_ms=lambda: NOON_MS + 100 * DAY_MS,
        limit_age=False,
    )


def read(reader: Extractor, *texts: bytes, start: int = 0, log: bytes = b"log") -> Extraction:
    end = start + sum(map(len, texts)) + len(texts)
    return reader.extract(Lines(list(texts), start, end), log)


def test_a_key_is_taken_once_and_stays_the_owners() -> None:
    book = OnceBook()
    assert book.claim("key", "line 1", 1000) == "free"
    assert book.claim("key", "line 2", 2000) == "taken"
    assert book.claim("key", "line 1", 1000) == "own"
    assert book.claim("other", "line 2", 2000) == "free"


def test_asking_claims_nothing() -> None:
    book = OnceBook()
    assert book.standing("key", "line 1", 1000) == "free"
    assert len(book) == 0


def test_a_key_is_free_again_after_thirty_days_of_event_time() -> None:
    book = OnceBook([Claim("key", "line 1", 0)])
    assert book.claim("key", "line 2", WINDOW_MS - 1) == "taken"
    assert book.claim("key", "line 2", WINDOW_MS) == "free"
    assert book.claim("key", "line 3", WINDOW_MS + 1) == "taken"


def test_old_claims_are_forgotten() -> None:
    book = OnceBook([Claim("old", "a", 1), Claim("new", "b", 2)])
    book.forget_before(2)
    assert len(book) == 1
    assert book.standing("old", "z", 1) == "free"
    assert book.standing("new", "z", 2) == "taken"


def test_the_claims_made_first_go_where_there_are_too_many() -> None:
    book = OnceBook(limit=128)
    for number in range(1000):
        book.claim(f"key {number}", "line", number)
        assert len(book) <= 128
    assert book.standing("key 999", "other", 999) == "taken"
    assert book.standing("key 0", "other", 0) == "free"


def test_a_claim_that_was_renewed_is_not_among_the_first() -> None:
    book = OnceBook([Claim("a", "1", 0), Claim("b", "2", 0)], limit=2)
    book.claim("a", "3", WINDOW_MS)
    book.claim("c", "4", WINDOW_MS)
    assert book.standing("a", "z", WINDOW_MS) == "taken"
    assert book.standing("b", "z", 0) == "free"


def test_a_second_line_with_the_key_makes_no_event() -> None:
    taken = read(extractor(), line("A1"), line("A1", ip="81.2.69.143"), line("A2"))
    assert [event.start for event in taken.events] == [0, len(line("A1")) * 2 + 2]
    assert taken.settled == {"filtered.once_per": 1}
    assert len(taken.claims) == 2


def journaled(claims: list[Claim]) -> list[Claim]:
    """Sends claims the way of the checkpoint: through a journal record and a snapshot."""
    state = State()
    state.apply(orjson.loads(orjson.dumps({"claim": list(map(list, claims))})))
    state = State.from_json(orjson.loads(orjson.dumps(state.to_json())))
    return [Claim(key, owner, time_ms) for key, (owner, time_ms) in state.claims.items()]


@given(
    st.lists(st.sampled_from("ABC"), min_size=1, max_size=12),
    st.integers(0, 12),
    st.integers(0, 12),
)
def test_a_kill_anywhere_changes_no_event(orders: list[str], cut: int, back: int) -> None:
    """Lines before the cut were read, those from `back` on are read again by the next process."""
    texts = [line(order) for order in orders]
    whole = read(extractor(), *texts)

    first = read(extractor(), *texts[:cut])
    back = min(back, cut, len(texts))
    start = sum(len(text) + 1 for text in texts[:back])
    again = read(extractor(OnceBook(journaled(first.claims))), *texts[back:], start=start)

    assert again.events == [event for event in whole.events if event.start >= start]
    assert {event.start for event in first.events} <= {event.start for event in whole.events}
    assert not {claim.key for claim in again.claims} & {claim.key for claim in first.claims}


def test_another_host_with_the_same_site_gives_the_same_id() -> None:
    here = read(extractor(), line("A1"), log=b"host 1")
    there = read(
        extractor(source=replace(SHOP, name="other")),
        line("X"),
        line("A1", NOON_MS + 60_000, "81.2.69.9"),
        log=b"host 2",
    )
    assert here.events[0].event_id == there.events[1].event_id
    assert here.events[0].event_id != there.events[0].event_id


def test_without_site_the_host_is_part_of_the_key_however_it_is_written() -> None:
    source = replace(SHOP, site=None, format="vhost_combined")
    hosts = (
        b"www.shop.example",
        b"shop.example",
        b"SHOP.example.",
        b"Shop.Example",
        b"shop.example.",
    )
    texts = [host + b":443 " + line("A1") for host in hosts]

    apart = read(extractor(source=source), *texts)
    together = read(extractor(source=replace(source, site="https://shop.example")), *texts)

    assert [event.start for event in apart.events] == [0, len(texts[0]) + 1]
    assert apart.settled == {"filtered.once_per": 3}
    assert together.settled == {"filtered.once_per": 4}


def test_an_order_number_that_comes_back_after_thirty_days_is_another_order() -> None:
    once = OnceBook()
    reader = extractor(once)
    soon = read(reader, line("A1"), line("A1", NOON_MS + 30 * DAY_MS - 1000))
    late = read(reader, line("A1", NOON_MS + 30 * DAY_MS), start=10_000)
    assert len(soon.events) == 1
    assert len(late.events) == 1
    assert late.claims[0].time_ms == NOON_MS + 30 * DAY_MS


def test_names_that_lines_give_are_keys_of_their_own() -> None:
    rule = replace(PURCHASE, name="order_{query.kind}")
    reader = extractor(source=replace(SHOP, rules=(rule,)))
    taken = read(reader, line("A1&kind=new"), line("A1&kind=old"), line("A1&kind=new"))
    assert [event.name for event in taken.events] == ["order_new", "order_old"]
    assert taken.settled == {"filtered.once_per": 1}


def test_a_list_is_no_key() -> None:
    field = FieldSection(name="order", source="query.order", type="json")
    with pytest.raises(ConfigError, match=r"event\[0\]\.once_per: a list or an object is no key"):
        extractor(source=replace(SHOP, rules=(replace(PURCHASE, fields=(field,)),)))


def test_a_rule_says_how_long_a_key_holds() -> None:
    rule = replace(PURCHASE, once_for_s=86_400.0)
    reader = extractor(source=replace(SHOP, rules=(rule,)))
    lines = [line("A1", NOON_MS + hours * 3_600_000) for hours in (0, 23, 24, 47, 72)]

    taken = read(reader, *lines)

    assert len({event.event_id for event in taken.events}) == 1
    assert [claim.time_ms for claim in taken.claims] == [
        NOON_MS,
        NOON_MS + DAY_MS,
        NOON_MS + 3 * DAY_MS,
    ]
    assert taken.settled == {"filtered.once_per": 2}
