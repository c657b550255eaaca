"""All sections in the order of the reference, and which of them a key belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hooktail.config.keys.daemon import LOG, ROOT, STATUS
from hooktail.config.keys.delivery import DELIVERY, DESTINATION
from hooktail.config.keys.events import EVENT, FIELD, PAGEVIEW, WHEN
from hooktail.config.keys.source import MAP, MULTILINE, SOURCE
from hooktail.config.keys.visitors import PRIVACY, SESSION, VISITOR

if TYPE_CHECKING:
    from hooktail.config.keys.words import Section

SECTIONS = (
    ROOT,
    DESTINATION,
    DELIVERY,
    STATUS,
    LOG,
    SOURCE,
    MAP,
    MULTILINE,
    VISITOR,
    SESSION,
    PRIVACY,
    PAGEVIEW,
    EVENT,
    WHEN,
    FIELD,
)


def homes(*, beside: Section) -> dict[str, str]:
    """Returns, for keys of a single other section, where they belong."""
    found: dict[str, list[str]] = {}
    # The keys of a field (`from`, `type`, `default`) are words too common to point anywhere.
    for section in SECTIONS[:-1]:
        for name in section.known:
            found.setdefault(name, []).append(section.title)
    return {
        name: titles[0]
        for name, titles in found.items()
        if len(titles) == 1 and name not in beside.known
    }
