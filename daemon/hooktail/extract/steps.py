"""The steps by which a line is explained, as data: `explain` finds them, the command tells them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from hooktail.extract.misfit import Misfit
    from hooktail.model import Event
    from hooktail_parsers import Record

EVENT = "event"
"""The verdict on a line that becomes an event; all others are counter keys."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParseStep:
    """What the format read."""

    format: str
    record: Record | None = None
    skipped: str = ""
    rejected: str = ""
    failure: str = ""
    """What the parser itself did wrong, where it did."""
    mapped: dict[str, str] = field(default_factory=dict)
    """Of a line that was skipped: what the source maps, record key to key in the log."""
    lacking: dict[str, str] = field(default_factory=dict)
    """Of these, those whose key the line does not have."""
    lines: int = 1
    """How many lines make up what was read."""
    text: bytes = b""
    """The line, where it was rejected."""
    misfit: Misfit | None = None
    """How far it fits, if that can be told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleStep:
    """A rule that was asked; unless it matched, the first condition that failed."""

    name: str
    matched: bool
    condition: str = ""
    expected: str = ""
    found: object = None
    drops: bool = False
    """Whether the lines of the rule make no event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterStep:
    """The page view's or the shared filters; `key` is what decided, `""` if the line passed."""

    stage: str
    """`pageview`, `audience`, `name` or `sample`."""
    key: str = ""
    found: object = None
    sign: str = ""
    """What tells it: the name of a bot's pattern, of a header, of a cookie, of a place that the
    event's name is made of; of a time, how far it is off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldStep:
    """One field of the rule that matched."""

    name: str
    source: str
    type: str
    found: object
    value: object
    required: bool
    too_long: bool = False
    lost_in: str = ""
    """What the found value could not pass: a transform, or the type."""
    lacks: str = ""
    """The place of its template that the line does not have."""
    private: bool = False
    """Whether what was found tells on somebody: `value` is what is sent instead, if anything is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkStep:
    """What was taken out of an address of the event, because it tells on somebody."""

    key: str
    """`url` or `referrer`."""
    parameters: tuple[str, ...] = ()
    """The names of the parameters that were taken out or hashed, as logged."""
    path: bool = False
    """Whether something was taken out of its path."""
    whole: bool = False
    """Whether the referrer itself was left out: it is no address, or its host tells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityStep:
    """Whom the line is about, where that is not what it says: other address, or other agent."""

    peer: str | None
    ip: str | None
    header: str | None = None
    """The forwarded header that counts from a trusted peer, empty if the line has none; None
    without trusted proxies."""
    malformed: str = ""
    """What stands for a hop of that header and is no address: nothing to its left counts."""
    user_agent: str | None = None
    """What stands for the missing one."""


Step: TypeAlias = ParseStep | RuleStep | FilterStep | IdentityStep | FieldStep | LinkStep


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """All steps up to the one that decided, and the verdict."""

    steps: list[Step] = field(default_factory=list)
    verdict: str
    """`EVENT`, or the key under which the line would be counted."""
    event: Event | None = None
    """The event that would be sent, or that would be but for its age or another line's key."""
