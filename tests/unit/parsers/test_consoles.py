"""Access lines that web frameworks write to a console."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.clf import Formats

from hooktail_parsers import Record
from hooktail_parsers.consoles.morgan import FORMATS as MORGAN
from hooktail_parsers.consoles.python import FORMATS as PYTHON
from hooktail_parsers.consoles.rack_werkzeug import FORMATS as RACK

CONSOLES = Formats(MORGAN + PYTHON + RACK)
LOCAL_MS = 1_741_944_413_000
"""2025-03-14 09:26:53 UTC."""
HOUR_MS = 3_600_000
RACK_LINE = '203.0.113.7 - bob [14/Mar/2025 09:26:53] "GET /p?a=1 HTTP/1.1" 200 512 0.0241'
WERKZEUG_LINE = '203.0.113.7 - - [14/Mar/2025 09:26:53] "GET /p?a=1 HTTP/1.1" 200 -'
DJANGO_LINE = '[14/Mar/2025 09:26:53] "GET /p?a=1 HTTP/1.1" 200 512'
UVICORN_LINE = 'INFO:     203.0.113.7:54321 - "GET /p?a=1 HTTP/1.1" 200 OK'


def plain(**more: object) -> Record:
    record = Record(method="GET", path="/p", query="a=1", status=200)
    for key, value in more.items():
        setattr(record, key, value)
    return record


def test_rack_states_seconds_and_a_local_time() -> None:
    assert CONSOLES.record("rack_common_logger", RACK_LINE) == plain(
        time_ms=LOCAL_MS, ip="203.0.113.7", user="bob", bytes_sent=512, duration_s=0.0241
    )
    there = CONSOLES.record("rack_common_logger", RACK_LINE, timezone="Europe/Berlin")
    assert there.time_ms == LOCAL_MS - HOUR_MS


@pytest.mark.parametrize(
    ("stamp", "time_ms"),
    [
        ("14/Mar/2025:09:26:53 +0100", LOCAL_MS - HOUR_MS),
        ("14/Mar/2025:09:26:53 UTC", LOCAL_MS),
        ("14/Mar/2025:09:26:53 CET", LOCAL_MS + 2 * HOUR_MS),
    ],
)
def test_newer_rack_and_webrick_state_an_offset_or_a_zone(stamp: str, time_ms: int) -> None:
    """The name of a zone tells no offset: the option does."""
    line = RACK_LINE.replace("14/Mar/2025 09:26:53", stamp)

    record = CONSOLES.record("rack_common_logger", line, timezone="-02:00")

    assert record.time_ms == time_ms


def test_rack_names_the_forwarded_list_as_client() -> None:
    line = RACK_LINE.replace("203.0.113.7", "10.0.0.2, 203.0.113.9")

    record = CONSOLES.record("rack_common_logger", line)

    assert (record.ip, record.xff) == ("203.0.113.9", "10.0.0.2, 203.0.113.9")


@pytest.mark.parametrize(
    "line",
    [
        WERKZEUG_LINE,
        WERKZEUG_LINE.replace('"GET /p?a=1 HTTP/1.1"', '"\x1b[33mGET /p?a=1 HTTP/1.1\x1b[0m"'),
        f"INFO:werkzeug:{WERKZEUG_LINE}",
        f"2025-03-14 10:26:53,123 INFO werkzeug {WERKZEUG_LINE}",
        f"\x1b[32mINFO\x1b[0m\t{WERKZEUG_LINE}",
    ],
)
def test_werkzeug_in_colours_or_behind_a_logging_prefix(line: str) -> None:
    assert CONSOLES.record("werkzeug", line) == plain(time_ms=LOCAL_MS, ip="203.0.113.7")


def test_escaped_controls_of_the_http_server_are_undone() -> None:
    line = WERKZEUG_LINE.replace("a=1", r"a=\x1b\\")

    assert CONSOLES.record("werkzeug", line).query == "a=\x1b\\"


@pytest.mark.parametrize(
    ("line", "time_ms"),
    [
        (DJANGO_LINE, LOCAL_MS),
        (DJANGO_LINE.replace('"GET', '\x1b[32m"GET') + "\x1b[0m", LOCAL_MS),
        (f"INFO 2025-03-14 09:26:53,123 basehttp 7 {DJANGO_LINE[23:]}", LOCAL_MS + 123),
        (f"[2025-03-14T09:26:53.5Z] [INFO] [django.server] {DJANGO_LINE[23:]}", LOCAL_MS + 500),
    ],
)
def test_django_states_no_client(line: str, time_ms: int) -> None:
    assert CONSOLES.record("django_runserver", line) == plain(time_ms=time_ms, bytes_sent=512)


def test_a_line_that_names_a_client_is_not_djangos() -> None:
    for line in (RACK_LINE, WERKZEUG_LINE, f"2025-03-14 09:26:53 {WERKZEUG_LINE}", UVICORN_LINE):
        assert CONSOLES.refusal("django_runserver", line) == "syntax"
    assert CONSOLES.refusal("django_runserver", DJANGO_LINE[23:]) == "syntax"


@pytest.mark.parametrize(
    ("line", "time_ms"),
    [
        (UVICORN_LINE, None),
        (UVICORN_LINE.removesuffix(" OK"), None),
        (
            '\x1b[32mINFO\x1b[0m: 203.0.113.7:5 - "\x1b[1mGET /p?a=1 HTTP/1.1\x1b[0m" \x1b[91m200',
            None,
        ),
        (f"2025-03-14 09:26:53,123 INFO     uvicorn.access {UVICORN_LINE[10:]}", LOCAL_MS + 123),
        (f"[2025-03-14 10:26:53 +0100] [7] [INFO] {UVICORN_LINE[10:]}", LOCAL_MS),
        (f"2025-03-14T09:26:53Z {UVICORN_LINE}", LOCAL_MS),
    ],
)
def test_uvicorn_states_a_time_only_behind_a_logging_prefix(line: str, time_ms: int | None) -> None:
    assert CONSOLES.record("uvicorn", line) == plain(time_ms=time_ms, ip="203.0.113.7")


@pytest.mark.parametrize(
    ("client", "ip"),
    [
        ("2001:db8::7:50599", "2001:db8::7"),
        ("::1:54321", "::1"),
        ("[2001:db8::7]:443", "2001:db8::7"),
        ("203.0.113.7", "203.0.113.7"),
        ("", None),
        ("testclient:50000", None),
    ],
)
def test_uvicorn_joins_address_and_port_without_brackets(client: str, ip: str | None) -> None:
    line = UVICORN_LINE.replace("203.0.113.7:54321", client)

    assert CONSOLES.record("uvicorn", line) == plain(ip=ip)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('INFO:     203.0.113.7:5 - "WebSocket /ws" [accepted]', "syntax"),
        ('INFO:     203.0.113.7:5 - "WebSocket /ws" 403', "not_a_request"),
        ('203.0.113.7 - - "GET / HTTP/1.1" 200', "syntax"),
        ('2025-02-30 09:26:53 203.0.113.7:5 - "GET / HTTP/1.1" 200', "bad_time"),
    ],
)
def test_what_is_no_finished_request_of_uvicorn_is_rejected(line: str, reason: str) -> None:
    assert CONSOLES.refusal("uvicorn", line) == reason


def test_morgan_dev_says_neither_client_nor_time() -> None:
    line = "\x1b[0mGET /p?a=1 \x1b[32m200\x1b[0m 3.104 ms - 12\x1b[0m"

    assert CONSOLES.record("morgan_dev", line) == plain(bytes_sent=12, duration_s=0.003_104)
    assert CONSOLES.record("morgan_dev", "GET /p?a=1 200 12 - 3.104 ms") == plain(
        bytes_sent=12, duration_s=0.003_104
    )


def test_morgan_writes_dashes_where_no_answer_was_sent() -> None:
    line = "\x1b[0mGET /p?a=1 \x1b[0m-\x1b[0m - ms - -\x1b[0m"

    assert CONSOLES.record("morgan_dev", line) == plain(status=None)


COLOURS = st.lists(st.integers(0, 107), max_size=3).map(
    lambda codes: f"\x1b[{';'.join(map(str, codes))}m"
)


@given(st.lists(st.tuples(st.floats(0, 1), COLOURS), max_size=6))
def test_colours_anywhere_change_nothing(colours: list[tuple[float, str]]) -> None:
    for name, line in (("uvicorn", UVICORN_LINE), ("werkzeug", WERKZEUG_LINE)):
        coloured = line
        for where, colour in colours:
            at = int(where * len(line))
            if "\x1b" not in coloured[max(0, at - 16) : at + 16]:
                coloured = coloured[:at] + colour + coloured[at:]

        assert CONSOLES.record(name, coloured) == CONSOLES.record(name, line)
