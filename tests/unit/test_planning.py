"""What a reload replaces, and what it leaves alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hooktail.checkpoint.places import Places
from hooktail.config.sections import (
    Config,
    DeliverySection,
    DestinationSection,
    FieldSection,
    RuleSection,
    Secret,
    SourceSection,
)
from hooktail.planning import MOST_AGE_S, Plan, claims_needed_for_s, plans, replacements

SECRET = b"x" * 32


class Configured:
    """A configuration after the other, with the places that they come to."""

    def __init__(self) -> None:
        self.places: dict[str, Places] = {}
        self.delivery = DeliverySection()
        self.ca_file: Path | None = None

    def plans(self, **sources: str) -> dict[str, Plan]:
        """Sources by name, with their destinations, a letter each."""
        for name, letters in sources.items():
            self.places[name] = self.places.get(name, Places()).name(name, list(letters))
        config = Config(
            file="hooktail.toml",
            state_dir=Path("/state"),
            destinations={
                name: DestinationSection(
                    name=name, account_id=Secret("acct-1"), ca_file=self.ca_file
                )
                for name in "abcd"
            },
            delivery=self.delivery,
            sources=tuple(
                SourceSection(name=name, paths=("/x",), destinations=tuple(letters))
                for name, letters in sources.items()
            ),
        )
        return plans(config, self.places, SECRET)


def test_only_destinations_that_a_source_feeds_are_worked_for() -> None:
    assert list(Configured().plans(shop="ba", blog="a")) == ["a", "b"]


def test_what_is_the_same_is_left_alone() -> None:
    configured = Configured()
    before = configured.plans(shop="ab", blog="c")

    assert replacements(before, configured.plans(shop="ab", blog="c")) == []


def test_a_destination_more_or_less_touches_no_other() -> None:
    configured = Configured()
    one, two = configured.plans(shop="a"), configured.plans(shop="ab")

    assert replacements(one, two) == [{"b"}]
    assert replacements(two, one) == [{"b"}]


def test_each_is_replaced_by_itself_when_all_change() -> None:
    configured = Configured()
    before = configured.plans(shop="ab", blog="c")
    configured.delivery = DeliverySection(concurrency=8)

    assert replacements(before, configured.plans(shop="ab", blog="c")) == [{"a"}, {"b"}, {"c"}]


def test_a_place_that_moves_makes_two_destinations_wait_for_each_other() -> None:
    configured = Configured()
    before = configured.plans(shop="a", blog="c")

    assert replacements(before, configured.plans(shop="b", blog="c")) == [{"a", "b"}]


def test_those_who_read_in_a_chain_of_moves_are_one() -> None:
    configured = Configured()
    before = configured.plans(shop="a", blog="b", news="d")

    assert replacements(before, configured.plans(shop="b", blog="c", news="d")) == [{"a", "b", "c"}]


def test_what_is_shut_is_begun_anew_though_nothing_has_changed() -> None:
    before = Configured().plans(shop="ab")

    assert replacements(before, before, anew=["b"]) == [{"b"}]


def test_a_file_that_says_something_else_is_a_change(tmp_path: Path) -> None:
    configured = Configured()
    configured.ca_file = tmp_path / "ca.pem"
    configured.ca_file.write_text("one")
    before = configured.plans(shop="a")
    assert replacements(before, configured.plans(shop="a")) == []

    configured.ca_file.write_text("another")

    assert replacements(before, configured.plans(shop="a")) == [{"a"}]


def test_a_plan_shows_no_secret() -> None:
    (plan,) = Configured().plans(shop="a").values()

    assert "acct-1" not in repr(plan)
    assert "xxx" not in repr(plan)
    assert replace(plan, visitor_secret=b"y" * 32) != plan


def test_a_key_is_kept_while_a_line_may_come_that_it_decides() -> None:
    """A line may be as old as `max_event_age`, and the event that took its key older still."""
    day_s = 86_400.0
    field = FieldSection(name="order", source="query.order")
    once = RuleSection(name="purchase", when={}, once_per="order", fields=(field,))
    longer = replace(once, once_for_s=90 * day_s)

    def needed(*sources: SourceSection) -> float:
        file, state_dir = "hooktail.toml", Path("/state")
        config = Config(file=file, state_dir=state_dir, destinations={}, sources=sources)
        return claims_needed_for_s(config) / day_s

    shop = SourceSection(name="shop", paths=("/x",), rules=(once,))
    assert needed() == 0
    assert needed(replace(shop, rules=(replace(once, once_per=None),))) == 0
    assert needed(shop) == 37
    assert needed(shop, replace(shop, rules=(once, longer))) == 97
    assert needed(replace(shop, max_event_age_s=None)) == 30 + MOST_AGE_S / day_s
