"""Formats whose columns before the time, or in between, are their own."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.clf import AGENT, REQUEST, STAMP, TIME_MS, Formats

from hooktail_parsers.ncsa.relatives import FORMATS

CLF = Formats(FORMATS)
REST = f"{STAMP} {REQUEST} {AGENT}"


@pytest.mark.parametrize(
    ("lead", "ip", "xff", "user"),
    [
        ("10.0.0.2, 203.0.113.9, 10.0.0.1 - -", "203.0.113.9", "=", None),
        ("10.0.0.2,10.0.0.1 - -", "10.0.0.2", "=", None),
        ("unknown, 198.51.100.4:80 - bob", "198.51.100.4", "=", "bob"),
        ("[2001:db8::7]:443, 10.0.0.1 - john smith", "2001:db8::7", "=", "john smith"),
        ("shop.example, shop.example - -", None, "=", None),
        ("203.0.113.9 - -", "203.0.113.9", "=", None),
        ("unix: - -", None, None, None),
        ("- - -", None, None, None),
        ("10.0.0.2, 203.0.113.9 10.2.2.1 - -", "10.2.2.1", "10.0.0.2, 203.0.113.9", None),
        ('"203.0.113.9, 10.0.0.1" 10.2.2.1 - bob', "10.2.2.1", "203.0.113.9, 10.0.0.1", "bob"),
        ('"10.0.0.1, 203.0.113.9" - -', "203.0.113.9", "10.0.0.1, 203.0.113.9", None),
        ('"-" 10.2.2.1 - a [b] c', "10.2.2.1", None, "a [b] c"),
        ("- 10.2.2.1 - -", "10.2.2.1", None, None),
    ],
)
def test_a_forwarded_list_stands_first_with_or_without_the_peer(
    lead: str, ip: str | None, xff: str | None, user: str | None
) -> None:
    """The peer is the client where it is logged; else the first public address of the list."""
    if xff == "=":
        xff = lead.partition(" - ")[0]

    alone = CLF.record("nginx_xff_first", f"{lead} {REST}")
    behind_host = CLF.record("nginx_vhost_xff_first", f"Shop.example:81 {lead} {REST}")

    assert (alone.ip, alone.xff, alone.user, alone.host) == (ip, xff, user, None)
    assert (behind_host.ip, behind_host.xff, behind_host.user) == (ip, xff, user)
    assert (behind_host.host, behind_host.port) == ("shop.example", 81)
    assert (alone.time_ms, alone.path, alone.status) == (TIME_MS, "/p", 200)


def test_a_time_within_the_forwarded_header_is_none_of_the_requests() -> None:
    lead = '"203.0.113.9 [01/Jan/2024:00:00:00 +0000] x" 10.2.2.1 - -'

    assert CLF.record("nginx_xff_first", f"{lead} {REST}").time_ms == TIME_MS


@pytest.mark.parametrize(
    ("name", "lead"),
    [
        ("nginx_xff_first", "shop.example 203.0.113.7 - -"),
        ("nginx_xff_first", "203.0.113.7"),
        ("nginx_xff_first", ""),
        ("nginx_vhost_xff_first", "203.0.113.7 - -"),
        ("vhost_combined_plus", "203.0.113.7 - -"),
        ("gandi", "203.0.113.7 - -"),
        ("nginx_with_time", "shop.example 203.0.113.7 - -"),
        ("nginx_with_time", "203.0.113.7, 10.0.0.1 - -"),
        ("tomcat", "203.0.113.7 -"),
    ],
)
def test_a_lead_of_another_format_is_rejected(name: str, lead: str) -> None:
    assert CLF.refusal(name, f"{lead} {REST}") == "syntax"


@pytest.mark.parametrize("name", [known.name for known in FORMATS if known.name != "tomcat"])
def test_a_line_without_referrer_and_agent_is_rejected(name: str) -> None:
    example = next(known.example for known in FORMATS if known.name == name)

    assert CLF.refusal(name, example[: example.index(' "https')]) == "syntax"


@pytest.mark.parametrize(
    ("numbers", "tail", "size", "duration_s", "fields"),
    [
        ("206 33973115 0.202", "", 33973115, 0.202, None),
        ("206 33973115 -", "", 33973115, None, None),
        ("206 5 0.202 0.100", "", 5, 0.202, {"extra": ["0.100"]}),
        ("206 5", " 0.3 0.2 .", 5, 0.3, {"extra": ["0.2", "."]}),
        ("206 - ", "", None, None, None),
        ("206 0.202", "", None, 0.202, None),
        (
            "206 5",
            ' rt=0.123 uct="0.000" uht="-" urt="0.1"',
            5,
            0.123,
            {"uct": "0.000", "urt": "0.1"},
        ),
        ("206 5", ' "2.75" [up] a:b', 5, None, {"extra": ["2.75", "up", "a:b"]}),
        ("206 5", ' cut "here', 5, None, {"extra": ["cut"]}),
    ],
)
def test_the_time_of_nginx_stands_before_the_referrer_or_behind_the_agent(
    numbers: str, tail: str, size: int, duration_s: float, fields: object
) -> None:
    line = f'203.0.113.7 - - {STAMP} "GET / HTTP/1.1" {numbers.strip()} {AGENT}{tail}'

    record = CLF.record("nginx_with_time", line)

    assert (record.status, record.bytes_sent, record.duration_s) == (206, size, duration_s)
    assert record.fields == fields
    assert (record.referrer, record.user_agent) == ("https://ref.example/", "Agent/1.0 (X11)")


def test_gandi_states_seconds_before_the_request() -> None:
    line = f"www.shop.example 203.0.113.7 - bob {STAMP} (3 s) {REQUEST} {AGENT}"

    record = CLF.record("gandi", line)

    assert (record.host, record.ip, record.user) == ("www.shop.example", "203.0.113.7", "bob")
    assert (record.duration_s, record.fields) == (3.0, None)


@pytest.mark.parametrize(
    ("lead", "tail", "more"),
    [
        ("203.0.113.7 - -", "", {}),
        ("203.0.113.7 - -", " 0/12345", {"duration_s": 0.012345}),
        ("203.0.113.7 - -", " 7/12345", {"fields": {"extra": ["7/12345"]}}),
        ("203.0.113.7 - -", ' "198.51.100.4, 10.0.0.1"', {"xff": "198.51.100.4, 10.0.0.1"}),
        ("203.0.113.7 - -", ' X-Forwarded-For="198.51.100.4"', {"xff": "198.51.100.4"}),
        ("203.0.113.7 - -", " request_id=abc", {"request_id": "abc"}),
        ("203.0.113.7 - -", ' TLSv1.3 "a b"', {"fields": {"extra": ["TLSv1.3", "a b"]}}),
        ("203.0.113.7 - -", " http://10.0.0.1/x", {"fields": {"extra": ["http://10.0.0.1/x"]}}),
        ("web1 203.0.113.7 - -", "", {}),
        ("203.0.113.7, 10.0.0.1 - -", "", {"xff": "203.0.113.7, 10.0.0.1"}),
        ('203.0.113.7 - ""', "", {}),
        ("203.0.113.7 - a b", "", {"user": "a b"}),
        ("203.0.113.7 id bob", "", {"user": "bob", "fields": {"ident": "id"}}),
    ],
)
def test_columns_added_to_vhost_combined_are_told_by_their_looks(
    lead: str, tail: str, more: dict[str, object]
) -> None:
    record = CLF.record("vhost_combined_plus", f"shop.example:443 {lead} {REST}{tail}")

    assert (record.host, record.port, record.ip) == ("shop.example", 443, "203.0.113.7")
    found = {
        key: getattr(record, key)
        for key in ("duration_s", "xff", "request_id", "user", "fields")
        if getattr(record, key) is not None
    }
    assert found == more


def test_an_address_as_virtual_host_is_one() -> None:
    record = CLF.record("vhost_combined_plus", f"198.51.100.4 2001:db8::1 - - {REST}")

    assert (record.host, record.ip) == ("198.51.100.4", "2001:db8::1")


def test_tomcat_adds_session_thread_and_a_duration_of_unknown_unit() -> None:
    session = "8F3C2A901B77D4E5A6C0D1E2F3A4B5C6.node1"
    line = f"0:0:0:0:0:0:0:1 - admin {STAMP} {REQUEST} {session} 12 http-nio-8080-exec-3"

    record = CLF.record("tomcat", line)

    assert (record.ip, record.user, record.session) == ("::1", "admin", session)
    assert record.fields == {"elapsed": 12, "thread": "http-nio-8080-exec-3"}
    assert record.duration_s is None


def test_tomcat_writes_common_or_combined_and_seconds_with_a_point() -> None:
    common = CLF.record("tomcat", f"203.0.113.7 - - {STAMP} {REQUEST} 0.386")
    combined = CLF.record("tomcat", f"203.0.113.7 - - {REST} - 0.386")

    assert (common.user_agent, common.duration_s) == (None, 0.386)
    assert (combined.user_agent, combined.duration_s) == ("Agent/1.0 (X11)", 0.386)


HOPS = st.lists(st.ip_addresses().map(str) | st.just("unknown"), max_size=3)


@given(st.ip_addresses().map(str), HOPS, st.ip_addresses(v=4).map(str))
def test_any_forwarded_list_is_kept_as_it_is(first: str, others: list[str], peer: str) -> None:
    hops = ", ".join([first, *others])
    for lead in (f'"{hops}" {peer} - -', f"{hops} {peer} - -"):
        record = CLF.record("nginx_xff_first", f"{lead} {REST}")

        assert (record.ip, record.xff) == (peer, hops)


@given(st.lists(st.text('ab=-."[]1 ', max_size=6), max_size=80))
def test_any_further_columns_leave_the_known_ones_alone(columns: list[str]) -> None:
    record = CLF.record("nginx_with_time", f"203.0.113.7 - - {REST} {' '.join(columns)}")

    assert (record.ip, record.path, record.user_agent) == ("203.0.113.7", "/p", "Agent/1.0 (X11)")
