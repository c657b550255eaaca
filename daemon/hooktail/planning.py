"""What is to run under a configuration, and what a new configuration leaves alone.

A plan is one destination with those who read for it. Plans that are equal mean the same work: a
reload does not touch the branch that does it. Nothing is done here, and of files only the times are
looked at.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from pathlib import Path

    from hooktail.checkpoint.places import Places
    from hooktail.config import Config
    from hooktail.config.sections import DeliverySection, DestinationSection, SourceSection

Stamp = tuple[str, int, int, int]
MOST_AGE_S = 366 * 86_400.0
"""Of a line of a source without `max_event_age`: keys are not kept for ever for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A source as it is read for one destination."""

    place: str
    """What it is called in the checkpoint."""
    source: SourceSection
    keeps_unparsable: bool
    """Only one of a source's readings keeps the lines that no parser took."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What one branch does."""

    destination: DestinationSection
    delivery: DeliverySection
    readings: tuple[Reading, ...]
    visitor_secret: bytes = field(repr=False)
    files: tuple[Stamp, ...]
    """The files that the sections name, which may say something else by the next reload."""


def plans(config: Config, places: Mapping[str, Places], visitor_secret: bytes) -> dict[str, Plan]:
    """Returns the plan of each destination that any source feeds; `places` names all of them."""
    readings: dict[str, list[Reading]] = {}
    for source in config.sources:
        for destination in source.destinations:
            reading = Reading(
                place=places[source.name].at[destination],
                # Whom else it feeds makes no difference here.
                source=replace(source, destinations=(destination,)),
                keeps_unparsable=destination == source.destinations[0],
            )
            readings.setdefault(destination, []).append(reading)
    return {
        name: Plan(
            destination=config.destinations[name],
            delivery=config.delivery,
            readings=tuple(those),
            visitor_secret=visitor_secret,
            files=tuple(_stamps(config.destinations[name], those)),
        )
        for name, those in sorted(readings.items())
    }


def claims_needed_for_s(config: Config) -> float:
    """Returns how old a `once_per` key, by its event's time, may be and still decide; seconds.

    A line may be as old as its source lets it be, and a key holds for a span before it.
    """
    return max(
        (
            rule.once_for_s + (source.max_event_age_s or MOST_AGE_S)
            for source in config.sources
            for rule in source.rules
            if rule.once_per is not None
        ),
        default=0.0,
    )


def replacements(
    old: Mapping[str, Plan], new: Mapping[str, Plan], anew: Collection[str] = ()
) -> list[set[str]]:
    """Returns which destinations' branches are replaced, those together that must be.

    A place that moves from one branch to another makes the two one: the first must have ended
    before the other begins. `anew` names those to be replaced though nothing has changed.
    """
    changed = {name for name in {*old, *new} if old.get(name) != new.get(name) or name in anew}
    groups = [{name} for name in sorted(changed)]
    before = {reading.place: name for name, plan in old.items() for reading in plan.readings}
    for name, plan in new.items():
        for reading in plan.readings:
            if before.get(reading.place, name) == name:
                continue
            both = {name, before[reading.place]}
            joined = set().union(*(group for group in groups if group & both))
            groups = [group for group in groups if not group & both] + [joined]
    return groups


def _stamps(destination: DestinationSection, readings: Iterable[Reading]) -> Iterable[Stamp]:
    named: list[Path | str | None] = [destination.ca_file]
    for reading in readings:
        source = reading.source
        named += [source.parser_file, *source.trusted_proxies]
        named += [*source.exclude_cidrs, *source.bot_cidrs, *source.bot_patterns_add]
    for path in sorted({str(each) for each in named if each is not None}):
        if not path.startswith("/"):
            continue
        try:
            found = os.stat(path)
        except OSError:
            continue
        yield path, found.st_ino, found.st_size, found.st_mtime_ns
