"""Sessions in event time: where they begin and end, late lines, and a book that stays small."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from hooktail.config.sections import SessionSection
from hooktail.extract import sessions
from hooktail.extract.sessions import SessionBook, Sessions
from hooktail.extract.visitor import MAX_ID, visitor
from hooktail_parsers import Record

MINUTE, HOUR, DAY = 60, 3600, 86_400
NOON = 1_705_320_000
SECTION = SessionSection()
ANNA, BERT = visitor("anna"), visitor("bert")


def starts(*times: int, book: SessionBook | None = None, key: int = ANNA.key) -> list[int]:
    """The starts of the sessions of one visitor's events."""
    used = SessionBook(SECTION) if book is None else book
    found = []
    for time_s in times:
        place = used.find(key, time_s)
        used.keep(place, time_s)
        found.append(place.start_s)
    return found


def test_a_session_ends_after_half_an_hour_without_an_event() -> None:
    at = [NOON, NOON + 30 * MINUTE, NOON + 60 * MINUTE, NOON + 90 * MINUTE + 1]

    assert starts(*at) == [NOON, NOON, NOON, at[3]]


def test_a_session_ends_after_a_day_however_busy() -> None:
    at = range(NOON, NOON + DAY + 11 * MINUTE, 10 * MINUTE)

    found = starts(*at)

    assert set(found[:-1]) == {NOON}
    assert found[-1] == at[-1]


def test_visitors_do_not_share_a_session() -> None:
    book = SessionBook(SECTION)

    assert starts(NOON, book=book) == [NOON]
    assert starts(NOON + 1, book=book, key=BERT.key) == [NOON + 1]


def test_a_line_that_comes_late_belongs_to_the_session_it_falls_into() -> None:
    first, second = NOON, NOON + 2 * HOUR

    assert starts(first, first + 9, first + 5) == [first] * 3
    assert starts(first, second, first + 5) == [first, second, first]
    assert starts(first, second, first + 29 * MINUTE, first + 58 * MINUTE) == [
        first,
        second,
        first,
        first,
    ]


def test_a_line_from_just_before_a_session_belongs_to_it_and_does_not_move_its_start() -> None:
    assert starts(NOON, NOON - 30 * MINUTE, NOON) == [NOON] * 3


def test_a_file_read_behind_another_has_sessions_of_its_own() -> None:
    ahead = [NOON + minute * MINUTE for minute in range(0, 60, 10)]
    behind = [at - 5 * HOUR for at in ahead]
    side_by_side = [at for pair in zip(ahead, behind, strict=True) for at in pair]

    assert set(starts(*side_by_side)) == {ahead[0], behind[0]}


@given(st.lists(st.integers(0, 40 * MINUTE), max_size=60))
def test_in_order_lines_of_any_gaps_get_the_sessions_of_the_definition(gaps: list[int]) -> None:
    now, times, expected = NOON, [], []
    start = last = -DAY
    for gap in gaps:
        now += gap
        if now - last > 30 * MINUTE or now - start > DAY:
            start = now
        last = now
        times.append(now)
        expected.append(start)

    assert starts(*times) == expected


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3 * DAY)), max_size=60))
def test_in_any_order_no_session_is_longer_than_a_day_and_the_journal_says_it_all(
    events: list[tuple[str, int]],
) -> None:
    book, journal = SessionBook(SECTION), dict[int, int]()
    seen: dict[tuple[str, int], list[int]] = {}
    for name, at in events:
        place = book.find(visitor(name).key, at)
        book.keep(place, at)
        journal.update(place.changes)
        seen.setdefault((name, place.start_s), []).append(at)

    assert journal == book._places
    for (_, start), times in seen.items():
        assert max(times) - start <= DAY
        assert min(times) >= start - 30 * MINUTE


@given(st.lists(st.integers(0, 2 * HOUR), max_size=30), st.integers(0, 30))
def test_a_book_taken_up_again_goes_on_where_it_was(times: list[int], cut: int) -> None:
    whole = starts(*(NOON + at for at in times))

    places: dict[int, int] = {}
    first = starts(*(NOON + at for at in times[:cut]), book=SessionBook(SECTION, places))
    rest = starts(*(NOON + at for at in times[cut:]), book=SessionBook(SECTION, dict(places)))

    assert first + rest == whole


def crowd(book: SessionBook, times: Iterable[int]) -> None:
    """One new visitor at each time."""
    for number, at in enumerate(times):
        key = visitor(f"{at}.{number}").key
        book.keep(book.find(key, at), at)


def test_sessions_that_are_past_are_swept_as_others_begin(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sessions, "WINDOW", 100)
    book = SessionBook(SECTION)

    crowd(book, range(NOON, NOON + 2 * DAY, 10))

    alive = (30 + 5) * MINUTE // 10
    assert alive <= len(book) <= 2 * alive
    assert book.dropped == 0


def test_a_file_hours_behind_keeps_its_sessions_while_another_runs_ahead(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sessions, "WINDOW", 100)
    book = SessionBook(SECTION)
    late = NOON - 5 * HOUR

    for minute in range(60):
        crowd(book, range(NOON + minute * MINUTE, NOON + (minute + 1) * MINUTE))
        assert starts(late + minute * MINUTE, book=book) == [late]


def test_beyond_the_most_those_seen_longest_ago_go() -> None:
    book = SessionBook(replace(SECTION, max_sessions=1000))
    starts(NOON, book=book)

    crowd(book, range(NOON + 1, NOON + 5001))

    assert len(book) == 1000
    assert book.dropped == 4001
    last = [(value >> 20) + (value & 0xFFFFF) for value in book._places.values()]
    assert sorted(last)[len(last) // 2] > NOON + 4000


def test_at_the_start_what_is_long_past_and_what_is_too_much_is_forgotten() -> None:
    before = SessionBook(SECTION)
    crowd(before, range(NOON - 3 * DAY, NOON, 60))
    places = before._places

    assert len(SessionBook(SECTION, dict(places))) == (DAY + 35 * MINUTE) // 60 + 1
    few = SessionBook(replace(SECTION, max_sessions=100), dict(places))
    assert len(few) == 100
    assert few.find(min(few._places), NOON).start_s > NOON - 100 * 60


# -- ids


VISIT = Record(time_ms=NOON * 1000 + 999, ip="81.2.69.142", user_agent="x", path="/")


def test_the_id_is_known_again_by_the_age_alone() -> None:
    one, again = Sessions(SECTION, "shop", {}), Sessions(SECTION, "shop", {})
    first = one.of(VISIT, ANNA)
    assert first is not None
    assert first.place is not None
    one.book.keep(first.place, NOON)

    later = structs.replace(VISIT, time_ms=(NOON + 100) * 1000)
    second = one.of(later, ANNA)

    assert second is not None
    assert second.id == first.id
    assert (first.age_s, second.age_s) == (0, 100)
    repeated = again.of(later, ANNA, second.age_s)
    assert repeated is not None
    assert repeated.id == first.id
    assert repeated.place is None


def test_ids_differ_by_visitor_start_and_source() -> None:
    def id_of(source: str, who: str, at_s: int) -> str:
        session = Sessions(SECTION, source, {}).of(
            structs.replace(VISIT, time_ms=at_s * 1000), visitor(who)
        )
        assert session is not None
        return session.id

    assert len({id_of(*each) for each in [("a", "1", 2), ("b", "1", 2), ("a", "2", 1)]}) == 3


def test_cookie_then_field_then_what_the_format_calls_the_session() -> None:
    section = replace(SECTION, cookie="visit", field="fields.visit")
    told = Sessions(section, "shop", {}, named=True)

    def id_of(**changes: object) -> str:
        session = told.of(structs.replace(VISIT, **changes), ANNA)
        assert session is not None
        return session.id

    logged = {"session": "logged", "fields": {"visit": "field"}, "cookies": "visit=cookie"}
    assert id_of(**logged) == "cookie"
    assert id_of(**logged | {"cookies": "visit=-"}) == "field"
    assert id_of(**logged | {"cookies": None, "fields": None}) == "logged"
    made = id_of(session="x" * (MAX_ID + 1))
    assert len(made) == 36
    assert len(told.book) == 0  # nothing was kept


def test_what_only_the_format_calls_a_session_is_not_sent_as_it_is() -> None:
    """It may be the key to an account; its digest keeps the visit together all the same."""
    told = Sessions(SECTION, "shop", {})
    first, again, other = (
        told.of(structs.replace(VISIT, session=logged), ANNA) for logged in ("k3y", "k3y", "other")
    )

    assert first is not None
    assert other is not None
    assert first == again
    assert first.id != other.id
    assert len(first.id) == 36
    assert len(told.book) == 0


def test_turned_off_there_is_none() -> None:
    assert Sessions(SessionSection(enabled=False), "shop", {}).of(VISIT, ANNA) is None
