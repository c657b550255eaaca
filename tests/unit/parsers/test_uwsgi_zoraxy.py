"""Two servers whose request lines are their own: uWSGI and Zoraxy."""

from __future__ import annotations

import pytest
from support.clf import Formats

from hooktail_parsers import Record
from hooktail_parsers.consoles.uwsgi import FORMATS as UWSGI
from hooktail_parsers.proxies.zoraxy import FORMATS as ZORAXY

SERVERS = Formats(UWSGI + ZORAXY)
REQUEST = (
    "[pid: 77|app: 0|req: 1/1] 203.0.113.7 () {38 vars in 696 bytes} [Sun Mar  9 22:49:12 2025]"
    " POST /p?a=1 => generated 47 bytes in 129 msecs (HTTP/1.1 200) 9 headers in 378 bytes"
    " (1 switches on core 3)"
)
TRAFFIC = (
    "[2025-03-14 09:26:53.123456] [router:host-http] [origin:shop.example:81]"
    " [client: 203.0.113.7] [useragent: Agent/1.0 (X11)] GET /p?a=1 200"
)


def test_a_uwsgi_line_has_all_its_parts() -> None:
    assert SERVERS.record("uwsgi", REQUEST) == Record(
        time_ms=1_741_560_552_000,
        ip="203.0.113.7",
        method="POST",
        path="/p",
        query="a=1",
        status=200,
        bytes_sent=47,
        duration_s=0.129,
        fields={"pid": 77, "app": "0"},
    )


def test_the_time_of_uwsgi_is_local() -> None:
    here = SERVERS.record("uwsgi", REQUEST, timezone="Europe/Berlin")

    assert here.time_ms == 1_741_560_552_000 - 3_600_000


@pytest.mark.parametrize(
    ("old", "new", "key", "value"),
    [
        ("129 msecs", "68 micros", "duration_s", 0.000_068),
        ("msecs (", "msecs via sendfile() (", "duration_s", 0.129),
        ("()", "(bob)", "user", "bob"),
        ("203.0.113.7", "10.0.0.1, 203.0.113.9", "ip", "203.0.113.9"),
        ("203.0.113.7", "10.0.0.1, 203.0.113.9", "xff", "10.0.0.1, 203.0.113.9"),
        ("203.0.113.7", "", "ip", None),
        ("[pid", "{rss usage: 2 bytes/0MB} [pid", "ip", "203.0.113.7"),
        ("/p?a=1", "/a b => c", "path", "/a b => c"),
        ("HTTP/1.1 200", "HTTP/1.1 0", "status", None),
    ],
)
def test_uwsgi_varies(old: str, new: str, key: str, value: object) -> None:
    assert getattr(SERVERS.record("uwsgi", REQUEST.replace(old, new, 1)), key) == value


def test_a_zoraxy_line_has_all_its_parts() -> None:
    assert SERVERS.record("zoraxy", TRAFFIC, timezone="+01:00") == Record(
        time_ms=1_741_940_813_123,
        ip="203.0.113.7",
        method="GET",
        host="shop.example",
        port=81,
        path="/p",
        query="a=1",
        status=200,
        user_agent="Agent/1.0 (X11)",
        fields={"router": "host-http"},
    )


def test_a_zoraxy_agent_may_hold_brackets_and_a_request() -> None:
    agent = "x] GET /fake 200 [y"

    record = SERVERS.record("zoraxy", TRAFFIC.replace("Agent/1.0 (X11)", agent))

    assert (record.user_agent, record.path) == (agent, "/p")


def test_an_older_zoraxy_logs_no_agent() -> None:
    older = TRAFFIC.replace(" [useragent: Agent/1.0 (X11)]", "").replace("client: ", "client ")

    record = SERVERS.record("zoraxy", older)

    assert (record.ip, record.user_agent) == ("203.0.113.7", None)


@pytest.mark.parametrize(
    ("name", "line", "reason"),
    [
        ("uwsgi", REQUEST.replace("Mar  9", "Feb 30"), "bad_time"),
        ("uwsgi", REQUEST.replace("POST /p?a=1", " "), "not_a_request"),
        ("uwsgi", REQUEST[:150], "syntax"),
        ("zoraxy", TRAFFIC.replace("03-14", "02-30"), "bad_time"),
        ("zoraxy", TRAFFIC.replace("GET /p?a=1", "- -"), "not_a_request"),
        ("zoraxy", TRAFFIC[:-2], "syntax"),
        ("zoraxy", "[2025-03-14 09:26:53.123456] [router] [system:error] x", "syntax"),
    ],
)
def test_what_is_no_request_is_rejected(name: str, line: str, reason: str) -> None:
    assert SERVERS.refusal(name, line) == reason
