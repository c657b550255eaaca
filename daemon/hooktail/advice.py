"""What the books of a source say to its operator: that little comes of its lines, and why. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

ENOUGH_LINES = 100
"""Fewer say nothing: a quiet night has as many."""
MOST = 0.5
"""A reason that takes more than this share of what could have been events is worth a word."""

_EXPECTED = ("filtered.static_file", "filtered.excluded_path", "filtered.method", "filtered.status")
"""What most lines of a healthy access log end as."""
_NO_RECORD = "filtered.part_of_record"
"""A line behind the first of its record, which is counted by that one."""

_HINTS = {
    "filtered.future": "the log's clock is ahead of ours: is its time zone right (timezone)?",
    "filtered.private_ip": "behind a proxy? set trusted_proxies and log X-Forwarded-For in a "
    "column that the format reads (nginx_main, not combined); or private_ips to send",
    "filtered.own_traffic": "exclude_cidrs takes most visitors: is it the proxy's network?",
    "filtered.no_user_agent": "the format has no user agent: log it (combined, not common)",
    "filtered.no_ip": "the format has no client address: log it",
    "filtered.no_time": "the format has no time: log it",
    "filtered.bot": "only machines came by, or the agent is not the visitor's; an app's? set "
    "bot_patterns_remove",
    "filtered.no_rule": "no rule matches and the page view is off",
    "expired.age": "the log is older than max_event_age",
}


LOG_THE_HEADER = (
    "trusted_proxies finds no forwarded header in the line: have the server log X-Forwarded-For in "
    "a column that the format reads (nginx_main reads it last, combined passes over it)"
)
"""What to do where the proxies are known and what they say is not."""

TRUST_THE_PEERS = (
    "the lines have X-Forwarded-For: set trusted_proxies to the networks of your proxies"
)
"""What to do where the header is there and nobody is trusted to have written it."""


class Advice(NamedTuple):
    """One thing worth a warning."""

    reason: str
    lines: int
    of: int
    hint: str


def advise(books: Mapping[str, int], pending: int = 0) -> Advice | None:
    """Returns the reason that takes most of a source's lines, if it takes too many.

    Lines that are no page views by nature (assets, redirects) do not count, nor do those that
    are no record of their own.
    """
    read = books.get("read", 0)
    others = sum(books.get(key, 0) for key in (*_EXPECTED, _NO_RECORD))
    candidates = read - others
    if candidates < ENOUGH_LINES:
        return None
    reasons = telling_reasons(books)
    if not reasons:
        return None
    reason, lines = max(reasons.items(), key=lambda item: item[1])
    events = books.get("delivered", 0) + pending
    if lines <= candidates * MOST or (reason == "filtered.bot" and events):
        return None
    return Advice(reason, lines, candidates, hint_for(reason))


def hint_for(reason: str) -> str:
    """Says what to do where most lines end for this reason."""
    if reason.startswith("unparsable."):
        return "is the format right? see `hooktail parse`, and state_dir/unparsed"
    return _HINTS.get(reason, "see `hooktail explain`")


def telling_reasons(books: Mapping[str, int]) -> dict[str, int]:
    """Returns the reasons other than those for which most lines of a healthy log are no events."""
    return {
        key: lines
        for key, lines in books.items()
        if key.startswith(("filtered.", "unparsable.", "expired."))
        and key not in (*_EXPECTED, _NO_RECORD)
    }
