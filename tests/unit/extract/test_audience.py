"""Whom an event may be about, and when."""

from __future__ import annotations

import ipaddress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from hooktail.config.sections import DAY_S, SourceSection
from hooktail.extract.addresses import address_kind, visitor_network
from hooktail.extract.audience import Audience
from hooktail_parsers import Record

NOW_MS = 1_705_314_600_000
SHOP = SourceSection(name="shop", paths=("/var/log/access.log",))
CHROME = (
    "Mozilla/5.0 (Linux; Android 13; SM-S918B) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/120.0.0.0 Mobile Safari/537.36"
)
VISIT = Record(time_ms=NOW_MS, ip="81.2.69.142", user_agent=CHROME)


def refused(record: Record, source: SourceSection = SHOP, *, limit_age: bool = True) -> str | None:
    return Audience(source, limit_age=limit_age).refuses(record, NOW_MS)


def test_a_person_with_an_address_now_is_welcome() -> None:
    assert refused(VISIT) is None


@pytest.mark.parametrize("time_ms", [None, -1])
def test_a_line_without_a_time_makes_no_event(time_ms: int | None) -> None:
    assert refused(structs.replace(VISIT, time_ms=time_ms)) == "filtered.no_time"


def test_clocks_may_differ_by_five_minutes() -> None:
    assert refused(structs.replace(VISIT, time_ms=NOW_MS + 300_000)) is None
    assert refused(structs.replace(VISIT, time_ms=NOW_MS + 300_001)) == "filtered.future"


def test_what_is_over_seven_days_old_expires() -> None:
    week_ms = 7 * 86_400_000
    assert refused(structs.replace(VISIT, time_ms=NOW_MS - week_ms)) is None
    assert refused(structs.replace(VISIT, time_ms=NOW_MS - week_ms - 1)) == "expired.age"


def test_the_age_limit_can_be_changed_and_turned_off() -> None:
    old = structs.replace(VISIT, time_ms=NOW_MS - 2 * 86_400_000)
    assert refused(old, replace(SHOP, max_event_age_s=DAY_S)) == "expired.age"
    assert refused(structs.replace(VISIT, time_ms=0), replace(SHOP, max_event_age_s=None)) is None
    assert refused(structs.replace(VISIT, time_ms=0), limit_age=False) is None


@pytest.mark.parametrize("agent", [None, "", "-", " \t"])
def test_a_line_without_a_user_agent_makes_no_event(agent: str | None) -> None:
    assert refused(structs.replace(VISIT, user_agent=agent)) == "filtered.no_user_agent"


@pytest.mark.parametrize("ip", [None, "", "-", "unknown", "host.example", "1.2.3.4.5", "fe80::1%1"])
def test_a_line_without_an_address_makes_no_event(ip: str | None) -> None:
    assert refused(structs.replace(VISIT, ip=ip)) == "filtered.no_ip"


@pytest.mark.parametrize(
    "ip",
    [
        "10.0.0.1",
        "127.0.0.1",
        "169.254.1.1",
        "172.16.0.1",
        "192.168.1.100",
        "100.64.0.1",
        "192.0.2.1",
        "198.51.100.42",
        "203.0.113.195",
        "198.18.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "fe80::1",
        "fc00::1",
        "2001:db8::1",
        "3fff::1",
        "ff02::1",
        "::ffff:10.0.0.1",
    ],
)
def test_private_reserved_cgnat_and_documentation_addresses_make_no_event(ip: str) -> None:
    assert refused(structs.replace(VISIT, ip=ip)) == "filtered.private_ip"
    assert refused(structs.replace(VISIT, ip=ip), replace(SHOP, private_ips="send")) is None


@pytest.mark.parametrize(
    "ip", ["1.1.1.1", "9.9.9.9", "81.2.69.142", "172.32.0.1", "100.128.0.1", "198.52.0.1",
           "203.0.114.1", "223.255.255.1", "2a01:4f8::1", "2606:4700::1111", "::ffff:81.2.69.142"]
)  # fmt: skip
def test_public_addresses_are_public(ip: str) -> None:
    assert address_kind(ip) == "public"


@given(
    st.integers(0x0, 0xFFFF),
    st.lists(st.sampled_from((0, 0, 1, 0xDB8, 0xFFFF)), min_size=7, max_size=7),
)
def test_an_ipv6_address_is_as_public_as_its_registry_says(first: int, others: list[int]) -> None:
    address = ipaddress.IPv6Address(":".join(f"{group:x}" for group in (first, *others)))
    document = ipaddress.ip_network("3fff::/20")
    own = address.ipv4_mapped or address
    special = own.is_multicast or own.is_reserved or address in document
    expected = "public" if own.is_global and not special else "private"
    assert address_kind(str(address)) == expected


@pytest.mark.parametrize(
    "ip", ["2a01:4f8", "2a01::1::2", "2a01:4f8::1%eth0", "2a01:1:2:3:4:5:6:7:8"]
)
def test_what_only_looks_like_a_public_ipv6_address_is_none(ip: str) -> None:
    assert address_kind(ip) == "invalid"


@pytest.mark.parametrize("ip", ["1.2.3.256", "01.2.3.4", "1.2.3", "1.2.3.4 ", "\u0661.2.3.4"])
def test_what_is_no_address_is_not_sent_even_where_private_ones_are(ip: str) -> None:
    assert (
        refused(structs.replace(VISIT, ip=ip), replace(SHOP, private_ips="send"))
        == "filtered.no_ip"
    )


def test_a_household_keeps_its_network() -> None:
    assert visitor_network("2a01:4f8:0:1::5") == visitor_network("2a01:4f8:0:1:9:8:7:6")
    assert visitor_network("2a01:4f8::1:9:8:7:6") == "2a01:4f8:0:1"
    assert visitor_network("2a01:4f8:0:2::5") != visitor_network("2a01:4f8:0:1::5")
    assert visitor_network("81.2.69.142") == "81.2.69.142"


@pytest.mark.parametrize(
    "agent",
    [
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
        "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
        "curl/7.88.1",
        "python-requests/2.31.0",
        "Go-http-client/2.0",
        "kube-probe/1.29",
        "ELB-HealthChecker/2.0",
        "GoogleHC/1.0",
        "Prometheus/2.45.0",
        "HAProxy",
        "Zabbix",
        "Nagios-plugin",
        "check_http/v2.3.3 (nagios-plugins 2.3.3)",
        "Uptime-Kuma/1.23.0",
        "Mozilla/5.0 (StatusCake)",
        "Site24x7",
        "Datadog Agent/7.23.0",
        "Mozilla/5.0 (X11; Linux x86_64) HeadlessChrome/120.0.0.0 Safari/537.36",
        "Mozilla/5.0 (Linux; Android 11) Chrome/109.0.0.0 Mobile Safari/537.36 Chrome-Lighthouse",
        "Mozilla/5.0 (Windows NT 10.0) Chrome/120.0.0.0 Safari/537.36 PTST/240101",
    ],
)
def test_bots_and_monitors_make_no_event(agent: str) -> None:
    assert refused(structs.replace(VISIT, user_agent=agent)) == "filtered.bot"
    assert refused(structs.replace(VISIT, user_agent=agent), replace(SHOP, bots="send")) is None


@pytest.mark.parametrize(
    "agent",
    [
        CHROME,
        "Mozilla/5.0 (Linux; Android 9; CUBOT_X19) AppleWebKit/537.36 Chrome/120.0 Mobile",
        "Mozilla/5.0 (Linux; Android 10; CUBOT KINGKONG MINI 3) Chrome/120.0 Mobile Safari/537.36",
        "Mozilla/5.0 (Linux; U; Android 4.4; Cubot S208 Build/KOT49H) AppleWebKit/534.30",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_3 like Mac OS X) Mobile/15E148 Instagram 316.0",
        "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    ],
)
def test_phones_and_browsers_are_no_bots(agent: str) -> None:
    assert refused(structs.replace(VISIT, user_agent=agent)) is None


def test_who_asks_not_to_be_tracked_is_not() -> None:
    assert refused(structs.replace(VISIT, headers={"Sec-GPC": "1"})) == "filtered.no_consent"
    assert refused(structs.replace(VISIT, headers={"Sec-GPC": "0", "DNT": "1"})) is None


def test_how_far_ahead_a_line_may_be_is_a_key() -> None:
    def key(ahead_ms: int, **keys: float) -> str | None:
        source = SourceSection(name="shop", paths=("/a",), **keys)  # type: ignore[arg-type]
        record = Record(time_ms=NOW_MS + ahead_ms, ip="81.2.69.142", user_agent="Firefox")
        return Audience(source, limit_age=False).refuses(record, NOW_MS)

    assert key(300_000) is None
    assert key(300_001) == "filtered.future"
    assert key(60_001, max_event_ahead_s=60) == "filtered.future"
