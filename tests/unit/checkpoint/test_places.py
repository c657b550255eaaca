"""What a source is called in the checkpoint for each destination, whatever becomes of them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hooktail.checkpoint.places import Places, is_of
from hooktail.checkpoint.state import State


def after(*configurations: str) -> dict[str, str]:
    """The places of those named last, after sources with these destinations, a letter each."""
    places = Places()
    for names in configurations:
        places = places.name("shop", list(names))
    return {name: places.at[name] for name in configurations[-1]}


def test_the_first_has_the_sources_name_and_a_further_one_its_own() -> None:
    assert after("a") == {"a": "shop"}
    assert after("ab") == {"a": "shop", "b": "shop>b"}


def test_one_that_is_added_leaves_the_first_where_it_is_in_whatever_order() -> None:
    assert after("a", "ba") == {"a": "shop", "b": "shop>b"}


def test_one_that_is_renamed_goes_on_where_it_was() -> None:
    assert after("a", "b") == {"b": "shop"}
    assert after("ab", "ac") == {"a": "shop", "c": "shop>b"}
    assert after("ab", "cb") == {"c": "shop", "b": "shop>b"}


def test_one_that_stays_alone_goes_on_where_it_was() -> None:
    assert after("ab", "b") == {"b": "shop>b"}


def test_one_that_comes_back_goes_on_where_it_was() -> None:
    assert after("ab", "b", "ba") == {"b": "shop>b", "a": "shop"}


def test_a_new_one_gets_nothing_of_one_that_was_taken_out_before() -> None:
    """Its place may be days old: it would be a flood."""
    assert after("ab", "b", "bc") == {"b": "shop>b", "c": "shop>c"}


def test_a_place_that_a_renamed_one_has_is_not_given_twice() -> None:
    assert after("ab", "ac", "acb") == {"a": "shop", "c": "shop>b", "b": "shop>b+"}


@given(st.lists(st.sets(st.sampled_from("abcd"), min_size=1).map(sorted).map("".join), min_size=1))
def test_no_two_ever_share_a_place_and_none_that_stays_moves(configurations: list[str]) -> None:
    places = Places()
    for names in configurations:
        before = places
        places = places.name("shop", list(names))

        assert len(set(places.at.values())) == len(places.at)
        assert {*names} <= places.at.keys()
        for name in {*names} & {*before.now}:
            assert places.at[name] == before.at[name]
        assert all(is_of(place, "shop") for place in places.at.values())


def test_they_survive_a_snapshot_and_a_journal() -> None:
    places = Places().name("shop", ["a", "b"]).name("shop", ["b"])
    state = State()
    state.apply({"feed": {"shop": places.to_json()}})

    assert State.from_json(state.to_json()).places == {"shop": places}


def test_a_place_is_of_its_source_alone() -> None:
    assert is_of("shop>b", "shop")
    assert not is_of("shop2", "shop")
    assert not is_of("shop2>b", "shop")
