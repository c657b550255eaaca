"""The time of the common log format."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooktail_parsers.clock import clf_time_ms

_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


@given(
    st.datetimes(datetime(1970, 1, 2), datetime(9999, 12, 30)),  # noqa: DTZ001 - given a zone below
    st.integers(-12 * 60, 14 * 60),
)
def test_every_time_in_every_zone_is_its_instant(moment: datetime, offset_min: int) -> None:
    zoned = moment.replace(microsecond=0, tzinfo=timezone(timedelta(minutes=offset_min)))
    stamp = f"{zoned:%d}/{_MONTHS[zoned.month - 1]}/{zoned:%Y:%H:%M:%S} {zoned:%z}"

    assert clf_time_ms(stamp.encode()) == int(zoned.timestamp()) * 1000


@pytest.mark.parametrize(
    "stamp",
    [
        b"31/Feb/2025:09:26:53 +0100",
        b"29/Feb/2023:09:26:53 +0100",
        b"00/Mar/2025:09:26:53 +0100",
        b"14/Mar/2025:24:00:00 +0100",
        b"14/Mar/2025:09:60:53 +0100",
        b"14/Mar/2025:09:26:61 +0100",
        b"14/Mar/2025:09:26:53 +2400",
        b"14/Mar/2025:09:26:53 +0160",
        b"14/Mar/0000:09:26:53 +0100",
        b"14/Mar/1969:09:26:53 +0100",
        b"31/Dec/9999:23:59:59 -0001",
        "14/Mär/2025:9:26:53 +0100".encode(),
        b"14/03/2025:009:26:53 +0100",
        b"14/Mar/2025:09:26:53  0100",
        b"",
    ],
)
def test_an_impossible_time_is_none(stamp: bytes) -> None:
    assert clf_time_ms(stamp) is None


def test_a_leap_second_is_the_last_millisecond_of_its_minute() -> None:
    next_minute = clf_time_ms(b"01/Jan/2017:00:00:00 +0000")

    assert next_minute is not None
    assert clf_time_ms(b"31/Dec/2016:23:59:60 +0000") == next_minute - 1


def test_the_29th_of_february_exists_in_leap_years() -> None:
    assert clf_time_ms(b"29/Feb/2024:00:00:00 +0000") == 1_709_164_800_000


@given(st.binary())
def test_any_bytes_are_no_time_or_one_of_four_digit_years(stamp: bytes) -> None:
    time_ms = clf_time_ms(stamp)

    assert time_ms is None or 0 <= time_ms < 253_402_300_800_000
