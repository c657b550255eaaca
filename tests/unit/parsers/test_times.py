"""Time stamps of all kinds, and a user's own date_format."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooktail_parsers import OptionError
from hooktail_parsers.date_format import strptime_ms
from hooktail_parsers.times import (
    ctime_ms,
    epoch_ms,
    epoch_number_ms,
    iso_time_ms,
    syslog_time_ms,
    zone_of,
)

BERLIN = ZoneInfo("Europe/Berlin")
MOMENT_MS = 1_741_940_813_123  # 2025-03-14 08:26:53.123 UTC
# Without a zone: each test gives its own.
MOMENTS = st.datetimes(datetime.fromisoformat("1970-01-03"), datetime.fromisoformat("9999-12-28"))
OFFSETS = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


def milliseconds(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


@pytest.mark.parametrize(
    "stamp",
    [
        b"2025-03-14T08:26:53.123Z",
        b"2025-03-14t08:26:53.123z",
        b"2025-03-14 08:26:53,123 UTC",
        b"2025-03-14T08:26:53.123987654Z",
        b"2025-03-14T09:26:53.123+01:00",
        b"2025-03-14 09:26:53.123 +0100",
        b"2025-03-14T09:26:53.123+01",
        b"2025-03-14T05:56:53.1239-02:30",
        b"2025-03-14T09:26:53.123",
        b"2025-03-14 09:26:53,123",
    ],
)
def test_an_iso_time_is_read_with_its_zone_or_the_one_given(stamp: bytes) -> None:
    assert iso_time_ms(stamp, BERLIN) == MOMENT_MS


@pytest.mark.parametrize(
    "stamp",
    [
        b"",
        b"-",
        b"2025-02-29T00:00:00Z",
        b"2025-13-01T00:00:00Z",
        b"2025-03-14T24:00:00Z",
        b"2025-03-14T08:60:00Z",
        b"2025-03-14T08:26:61Z",
        b"1969-12-31T23:59:59Z",
        b"9999-12-31T23:59:59-01:00",
        b"2025-03-14T08:26:53.Z",
        b"2025-03-14T08:26:53Z ",
        b"2025-03-14T08:26:53 CET",
        b"2025-03-14T08:26:53+25:00",
        "2025-03-14T08:26:5٣Z".encode(),
    ],
)
def test_an_impossible_iso_time_is_none(stamp: bytes) -> None:
    assert iso_time_ms(stamp) is None


@given(MOMENTS, OFFSETS)
def test_any_iso_time_comes_back(moment: datetime, zone: timezone) -> None:
    moment = moment.replace(tzinfo=zone)

    assert iso_time_ms(moment.isoformat().encode()) == milliseconds(moment)


@given(MOMENTS, st.sampled_from(["Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe"]))
def test_any_local_time_is_the_zones_first_of_that_name(moment: datetime, name: str) -> None:
    zone = zone_of({"timezone": name})

    expected = milliseconds(moment.replace(tzinfo=zone, fold=0).astimezone(UTC))

    assert iso_time_ms(moment.isoformat().encode(), zone) == expected


def test_local_times_that_come_twice_or_never_are_read_the_same_way_every_time() -> None:
    twice = iso_time_ms(b"2025-10-26 02:30:00", BERLIN)
    never = iso_time_ms(b"2025-03-30 02:30:00", BERLIN)

    assert twice == iso_time_ms(b"2025-10-26T00:30:00Z")
    assert never == iso_time_ms(b"2025-03-30T01:30:00Z")


def test_a_leap_second_is_the_last_millisecond_of_its_minute() -> None:
    assert iso_time_ms(b"2016-12-31T23:59:60.5Z") == milliseconds(
        datetime(2016, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC)
    )


@pytest.mark.parametrize(
    ("name", "away_h"), [("UTC", 0), ("+02:00", 2), ("-0300", -3), ("Asia/Tokyo", 9)]
)
def test_a_zone_is_a_name_or_an_offset(name: str, away_h: int) -> None:
    zone = zone_of({"timezone": name})

    assert zone.utcoffset(datetime.fromisoformat("2025-03-14")) == timedelta(hours=away_h)
    assert zone_of({}) is UTC


@pytest.mark.parametrize("name", ["Mars/Olympus", "+99:00", "../etc/passwd", "Europe", ""])
def test_an_unknown_zone_is_an_error_of_the_option(name: str) -> None:
    with pytest.raises(OptionError, match="timezone: found"):
        zone_of({"timezone": name})


@pytest.mark.parametrize(
    ("text", "time_ms"),
    [
        (b"1741940813", 1_741_940_813_000),
        (b"1741940813.1239", MOMENT_MS),
        (b"1741940813,1", 1_741_940_813_100),
        (b"1741940813123", MOMENT_MS),
        (b"1741940813123.7", MOMENT_MS),
        (b"1741940813123456", MOMENT_MS),
        (b"1741940813123456789", MOMENT_MS),
        (b"0", 0),
        (b"99999999999999999999", None),
        (b"-5", None),
        (b"1e9", None),
        (b"", None),
    ],
)
def test_the_unit_of_an_epoch_time_is_told_by_its_magnitude(
    text: bytes, time_ms: int | None
) -> None:
    assert epoch_ms(text) == time_ms


@pytest.mark.parametrize(
    ("number", "time_ms"),
    [
        (1_741_940_813, 1_741_940_813_000),
        (1_741_940_813.123, MOMENT_MS),
        (1_741_940_813_123, MOMENT_MS),
        (1_741_940_813_123.0, MOMENT_MS),
        (1_741_940_813_123_456_789, MOMENT_MS),
        (-1, None),
        (float("nan"), None),
        (float("inf"), None),
        (10**30, None),
    ],
)
def test_an_epoch_time_may_be_a_number(number: float, time_ms: int | None) -> None:
    assert epoch_number_ms(number) == time_ms


def test_ctime_and_syslog_times_are_local_times() -> None:
    expected = MOMENT_MS // 1000 * 1000

    assert ctime_ms(b"Fri Mar 14 09:26:53 2025", BERLIN) == expected
    assert ctime_ms(b"Fri Mar 14 09:26:53.123456 2025", BERLIN) == MOMENT_MS
    assert syslog_time_ms(b"Mar 14 09:26:53", 2025, BERLIN) == expected
    assert syslog_time_ms(b"Mar  4 00:00:00", 2025) == milliseconds(
        datetime(2025, 3, 4, tzinfo=UTC)
    )
    assert syslog_time_ms(b"Feb 29 00:00:00", 2025) is None
    assert ctime_ms(b"Fri Mrz 14 09:26:53 2025") is None


@pytest.mark.parametrize(
    ("date_format", "stamp"),
    [
        ("%d/%b/%Y:%H:%M:%S.%f %z", b"14/Mar/2025:09:26:53.123 +0100"),
        ("%Y-%m-%dT%H:%M:%S.%3N%:z", b"2025-03-14T08:26:53.123+00:00"),
        ("%Y%m%d%H%M%S%f", b"20250314082653123"),
        ("%F %T,%L", b"2025-03-14 08:26:53,123"),
        ("%s.%f", b"1741940813.123"),
        ("%D %r %f", b"03/14/25 08:26:53 am 123"),
        ("%-d. %B %Y %I:%M:%S.%f %p %Z", b"14. march 2025 8:26:53.123 AM utc"),
        ("%a %b %e %H:%M:%S.%f", b"Fri Mar 14 08:26:53.123"),
        ("%j %H:%M:%S.%f 100%%", b"073 08:26:53.123 100%"),
    ],
)
def test_a_date_format_reads_its_stamps(date_format: str, stamp: bytes) -> None:
    assert strptime_ms(date_format, UTC, 2025)(stamp) == MOMENT_MS


def test_a_format_without_a_zone_reads_local_times() -> None:
    assert strptime_ms("%Y-%m-%d %H:%M:%S.%f", BERLIN)(b"2025-03-14 09:26:53.123") == MOMENT_MS
    assert strptime_ms("%Y-%m-%d %H:%M %Z", BERLIN)(b"2025-03-14 09:26 CET") == 1_741_940_760_000


@pytest.mark.parametrize(
    ("date_format", "stamp"),
    [
        ("%Y-%m-%d", b"2025-02-29"),
        ("%Y-%j", b"2025-366"),
        ("%Y-%m-%d %H", b"2025-01-01 24"),
        ("%Y-%m-%d %I %p", b"2025-01-01 13 pm"),
        ("%Y-%m-%d", b"2025-01-01 trailing"),
        ("%d %b %Y", b"1 Mai 2025"),
        ("%s", b"999999999999"),
    ],
)
def test_an_impossible_stamp_is_none_in_any_format(date_format: str, stamp: bytes) -> None:
    assert strptime_ms(date_format)(stamp) is None


@pytest.mark.parametrize(
    ("date_format", "said"),
    [
        ("%Y-%m-%d %Q", "'%Q' is no directive"),
        ("%Y-%m-%d %", "ends within a directive"),
        ("%Y-%m-%d %d", "states the day again"),
        ("%Y-%y-%m-%d", "states the year twice"),
        ("%d/%b", "states no year"),
        ("%Y %H:%M", "states no day"),
        ("%F %I", "need each other"),
        ("%d" * 200, "longer than"),
    ],
)
def test_a_date_format_that_cannot_work_is_refused(date_format: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        strptime_ms(date_format)


@given(st.binary(max_size=40))
def test_no_bytes_make_a_reader_raise(stamp: bytes) -> None:
    read = strptime_ms("%d/%b/%Y:%H:%M:%S.%f %z")

    for time_ms in (iso_time_ms(stamp), ctime_ms(stamp), epoch_ms(stamp), read(stamp)):
        assert time_ms is None or time_ms > -86_400_000


@given(MOMENTS, OFFSETS)
def test_any_stamp_of_a_format_comes_back(moment: datetime, zone: timezone) -> None:
    moment = moment.replace(tzinfo=zone)
    stamp = f"{moment:%d.%m.}{moment.year:04d}{moment: %H:%M:%S.%f%z}".encode()

    assert strptime_ms("%d.%m.%Y %H:%M:%S.%f%z")(stamp) == milliseconds(moment)
