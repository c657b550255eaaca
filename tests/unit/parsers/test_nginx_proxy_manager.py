"""Nginx Proxy Manager writes three forms into its logs."""

from __future__ import annotations

import pytest
from support.clf import AGENT, REQUEST, STAMP, TIME_MS, Formats

from hooktail_parsers import Record
from hooktail_parsers.proxies.nginx_proxy_manager import FORMATS

NPM = Formats(FORMATS)
NAME = "nginx_proxy_manager"
PROXY = (
    f'{STAMP} HIT 200 200 - GET https Shop.example "/p?a=1" [Client 203.0.113.7] [Length 512]'
    ' [Gzip 2.45] [Sent-to 10.0.0.15:8080] "Agent/1.0 (X11)" "https://ref.example/"'
)
STANDARD = (
    f'{STAMP} 404 - GET http shop.example "/" [Client 2001:DB8::7] [Length 0] [Gzip -] "-" "-"'
)


def test_the_agent_stands_before_the_referrer() -> None:
    assert NPM.record(NAME, PROXY) == Record(
        time_ms=TIME_MS,
        ip="203.0.113.7",
        method="GET",
        scheme="https",
        host="shop.example",
        path="/p",
        query="a=1",
        status=200,
        referrer="https://ref.example/",
        user_agent="Agent/1.0 (X11)",
        bytes_sent=512,
        fields={
            "upstream_cache_status": "HIT",
            "upstream_status": "200",
            "gzip_ratio": "2.45",
            "sent_to": "10.0.0.15:8080",
        },
    )


def test_other_hosts_state_no_cache_and_no_upstream() -> None:
    assert NPM.record(NAME, STANDARD) == Record(
        time_ms=TIME_MS,
        ip="2001:db8::7",
        method="GET",
        scheme="http",
        host="shop.example",
        path="/",
        status=404,
        bytes_sent=0,
    )


def test_the_status_is_the_last_number_before_the_dash() -> None:
    retried = PROXY.replace("HIT 200 200", "- 502, 504 : 200 404")

    record = NPM.record(NAME, retried)

    assert record.status == 404
    assert record.fields is not None
    assert record.fields["upstream_status"] == "502, 504 : 200"


def test_the_default_host_writes_combined() -> None:
    record = NPM.record(NAME, f"203.0.113.7 - - {STAMP} {REQUEST} {AGENT}")

    assert (record.ip, record.host, record.path) == ("203.0.113.7", None, "/p")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (STANDARD.replace("GET", "-").replace('"/"', '"-"'), "not_a_request"),
        (STANDARD.replace("GET", "").replace('"/"', '""'), "not_a_request"),
        (STANDARD.replace("14/Mar", "31/Feb"), "bad_time"),
        (STANDARD.replace("[Client", "[Peer"), "syntax"),
        (STANDARD[:-1], "syntax"),
    ],
)
def test_what_is_no_request_is_rejected(line: str, reason: str) -> None:
    assert NPM.refusal(NAME, line) == reason
