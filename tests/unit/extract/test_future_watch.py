"""A log that is ahead of the clock, and which zone error it is."""

from __future__ import annotations

import pytest

from hooktail.config.sections import SourceSection
from hooktail.extract.audience import Audience
from hooktail.extract.future_watch import ENOUGH_LINES, FutureWatch, hint_for
from hooktail_parsers import Record

HOUR_MS = 3_600_000
NOW_MS = 1_705_314_600_000


@pytest.mark.parametrize(
    ("ahead_ms", "said"),
    [
        (HOUR_MS, "1 hour ahead"),
        (2 * HOUR_MS - 20_000, "2 hours ahead"),
        (2 * HOUR_MS + 90_000, "2 hours ahead"),
        (5 * HOUR_MS + HOUR_MS // 2, "5 hours 30 minutes ahead"),
        (HOUR_MS * 3 // 4, "45 minutes ahead"),
    ],
)
def test_what_is_ahead_by_what_zones_differ_by_is_a_zone_error(ahead_ms: int, said: str) -> None:
    assert said in hint_for(ahead_ms)
    assert "timezone" in hint_for(ahead_ms)


@pytest.mark.parametrize("ahead_ms", [6 * 60_000, HOUR_MS + 7 * 60_000, 300 * HOUR_MS])
def test_anything_else_is_a_wrong_clock(ahead_ms: int) -> None:
    assert "clock" in hint_for(ahead_ms)


def test_the_farthest_line_counts_once_there_are_enough() -> None:
    watch = FutureWatch()
    told = [watch.seen(2 * HOUR_MS - back * 60_000) for back in range(ENOUGH_LINES + 5)]

    advice = told[ENOUGH_LINES - 1]
    assert advice is not None
    assert (advice.ahead_s, advice.lines) == (7200, ENOUGH_LINES)
    assert told.count(None) == len(told) - 1


def test_the_audience_tells_of_a_log_from_the_future() -> None:
    audience = Audience(SourceSection(name="shop", paths=("/a",)), limit_age=True)
    ahead = Record(time_ms=NOW_MS + HOUR_MS, ip="81.2.69.142", user_agent="Firefox")

    for _ in range(ENOUGH_LINES + 1):
        assert audience.future is None or audience.future.ahead_s == 3600
        assert audience.refuses(ahead, NOW_MS) == "filtered.future"

    assert audience.future is not None
    assert "1 hour ahead" in audience.future.hint
