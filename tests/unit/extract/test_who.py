"""Whom an event is about, from the line to the body: client, own traffic, bots, absent agents."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from hooktail.cli.explanation import render
from hooktail.config.sections import FieldSection, RuleSection, SourceSection
from hooktail.errors import ConfigError
from hooktail.extract import build_extractor, check_source, warnings_of
from hooktail.extract.explain import explain
from hooktail.extract.once import OnceBook
from hooktail.extract.steps import (
    IdentityStep,
    ParseStep,
)
from hooktail.model import Lines

if TYPE_CHECKING:
    from hooktail.extract.extractor import Extractor

AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
SHOP = SourceSection(
    name="shop",
    paths=("/var/log/access.log",),
    site="https://shop.example",
    format='nginx:$remote_addr [$time_local] "$request" $status "$http_user_agent" '
    '"$http_x_forwarded_for" "$http_forwarded"',
)


def line(
    ip: str = "81.2.69.142", agent: str = AGENT, xff: str = "-", forwarded: str = "-"
) -> bytes:
    request = '[15/Jan/2024:10:30:00 +0000] "GET / HTTP/1.1" 200'
    return f'{ip} {request} "{agent}" "{xff}" "{forwarded}"'.encode()


def extractor(source: SourceSection) -> Extractor:
    return build_extractor(
        source,
        payload="flat",
        visitor_secret=b"s" * 32,
        once=OnceBook(),
        now_ms=lambda: 1_705_314_660_000,
    )


def outcome(text: bytes, source: SourceSection = SHOP) -> dict[str, Any] | str:
    """The body of a line's event, or the counter key of why it has none."""
    taken = extractor(source).extract(Lines([text], 0, len(text) + 1), b"generation")
    if taken.events:
        body: dict[str, Any] = orjson.loads(taken.events[0].body)
        return body
    (key,) = taken.settled
    return key


def body(text: bytes, source: SourceSection = SHOP) -> dict[str, Any]:
    found = outcome(text, source)
    assert isinstance(found, dict), found
    return found


PROXIED = replace(SHOP, trusted_proxies=("private", "unix"))


def test_without_trusted_proxies_the_peer_is_the_client() -> None:
    assert body(line(xff="6.6.6.6"))["ip_address"] == "81.2.69.142"
    assert outcome(line("10.0.0.1", xff="81.2.69.142")) == "filtered.private_ip"


@pytest.mark.parametrize("peer", ["10.0.0.1", "::1", "unix:"])
def test_behind_a_trusted_proxy_the_client_is_who_it_says(peer: str) -> None:
    assert body(line(peer, xff="81.2.69.142"), PROXIED)["ip_address"] == "81.2.69.142"


def test_a_peer_that_is_not_trusted_speaks_for_itself() -> None:
    assert body(line("81.2.69.142", xff="6.6.6.6"), PROXIED)["ip_address"] == "81.2.69.142"


def test_a_proxy_that_names_nobody_is_a_private_address() -> None:
    assert outcome(line("10.0.0.1"), PROXIED) == "filtered.private_ip"
    assert outcome(line("unix:"), PROXIED) == "filtered.no_ip"


def test_the_order_of_the_headers_can_be_changed() -> None:
    text = line("10.0.0.1", xff="81.2.69.142", forwarded="for=81.2.69.143")
    by_forwarded = replace(PROXIED, client_ip_headers=("Forwarded",))

    assert body(text, PROXIED)["ip_address"] == "81.2.69.142"
    assert body(text, by_forwarded)["ip_address"] == "81.2.69.143"


def test_a_client_has_the_same_visitor_id_through_any_proxy() -> None:
    direct = body(line("81.2.69.142"), PROXIED)
    proxied = body(line("10.9.9.9", xff="81.2.69.142, 10.0.0.2"), PROXIED)

    assert direct["visitor_id"] == proxied["visitor_id"]


def test_own_traffic_makes_no_event_even_where_it_is_private() -> None:
    own = replace(SHOP, exclude_cidrs=("81.2.69.0/24", "private"), private_ips="send")

    assert outcome(line(), own) == "filtered.own_traffic"
    assert outcome(line("192.168.1.1"), own) == "filtered.own_traffic"
    assert outcome(line("10.0.0.1", xff="81.2.69.7"), replace(own, trusted_proxies=("10.0.0.1",))) \
        == "filtered.own_traffic"  # fmt: skip
    assert body(line("81.2.70.1"), own)["ip_address"] == "81.2.70.1"


def test_an_anonymised_address_keeps_its_network_and_the_visitor_stays() -> None:
    anonymous = replace(SHOP, ip_anonymization=True)

    assert body(line(), anonymous)["ip_address"] == "81.2.69.0"
    assert body(line("2a01:4f8:1:2:3:4:5:6"), anonymous)["ip_address"] == "2a01:4f8:1::"
    assert body(line(), anonymous)["visitor_id"] == body(line())["visitor_id"]
    assert body(line("81.2.69.143"), anonymous)["visitor_id"] != body(line())["visitor_id"]


def test_bots_are_dropped_tagged_or_sent() -> None:
    text = line(agent="curl/8.9.1")

    assert outcome(text) == "filtered.bot"
    assert body(text, replace(SHOP, bots="tag"))["bot"] is True
    assert "bot" not in body(text, replace(SHOP, bots="send"))
    assert "bot" not in body(line(), replace(SHOP, bots="tag"))


def test_a_network_of_machines_is_one_whatever_the_agent_says() -> None:
    machines = replace(SHOP, bot_cidrs=("81.2.69.0/24",))

    assert outcome(line(), machines) == "filtered.bot"
    assert body(line(), replace(machines, bots="tag"))["bot"] is True
    assert "bot" not in body(line(), replace(machines, bots="send"))
    assert "bot" not in body(line("81.2.70.1"), replace(machines, bots="tag"))


def test_a_field_of_a_rule_goes_before_the_tag() -> None:
    rule = RuleSection(name="visit", when={}, fields=(FieldSection(name="bot", constant="no"),))

    assert body(line(agent="curl/8"), replace(SHOP, bots="tag", rules=(rule,)))["bot"] == "no"


def test_patterns_are_added_and_removed() -> None:
    ours = replace(SHOP, bot_patterns_add=("^OurMonitor/",), bot_patterns_remove=("okhttp",))

    assert outcome(line(agent="OurMonitor/2"), ours) == "filtered.bot"
    assert body(line(agent="okhttp/4.12.0"), ours)["user_agent"] == "okhttp/4.12.0"
    assert outcome(line(agent="okhttp/4.12.0")) == "filtered.bot"


@pytest.mark.parametrize("agent", ["", "-", " "])
def test_a_constant_stands_for_an_absent_agent(agent: str) -> None:
    unknown = replace(SHOP, user_agent_default="Mozilla/5.0 (unknown)")

    assert outcome(line(agent=agent)) == "filtered.no_user_agent"
    assert body(line(agent=agent), unknown)["user_agent"] == "Mozilla/5.0 (unknown)"
    assert body(line(), unknown)["user_agent"] == AGENT


@pytest.mark.parametrize(
    ("keys", "key", "words"),
    [
        ({"trusted_proxies": ("10.0.0.0/8", "clodflare")}, "trusted_proxies[1]", "cloudflare?"),
        ({"exclude_cidrs": ("unix",)}, "exclude_cidrs[0]", "unknown network"),
        ({"bot_cidrs": ("1.2.3.4/8",)}, "bot_cidrs[0]", "write 1.0.0.0/8"),
        ({"bot_patterns_add": ("a", "(")}, "bot_patterns_add[1]", "no regular expression"),
        ({"bot_patterns_remove": ("gogglebot",)}, "bot_patterns_remove[0]", "googlebot?"),
        ({"user_agent_default": "-"}, "user_agent_default", "says nothing"),
        ({"user_agent_default": "curl/8"}, "user_agent_default", "a machine's"),
    ],
)
def test_what_is_wrong_is_told_with_its_key(keys: dict[str, Any], key: str, words: str) -> None:
    source = replace(SHOP, **keys)

    (problem,) = check_source(source, "hooktail.toml")
    assert problem.key == f"source[shop].{key}"
    assert words in str(problem)
    with pytest.raises(ConfigError):
        extractor(source)


def told(text: bytes, source: SourceSection) -> tuple[list[object], str]:
    explanation = explain(extractor(source), text)
    return list(explanation.steps), render(explanation)


def test_explain_says_who_named_the_client() -> None:
    steps, text = told(line("10.0.0.1", xff="81.2.69.142, 10.0.0.2"), PROXIED)

    (step,) = [each for each in steps if isinstance(each, IdentityStep)]
    assert step == IdentityStep(peer="10.0.0.1", ip="81.2.69.142", header="x-forwarded-for")
    assert 'client: "81.2.69.142", by x-forwarded-for of the trusted peer at "10.0.0.1"' in text
    (parsed,) = [each for each in steps if isinstance(each, ParseStep)]
    assert parsed.record is not None
    assert parsed.record.ip == "10.0.0.1"


def test_explain_says_that_no_trusted_peer_names_the_client() -> None:
    text = told(line(xff="6.6.6.6"), PROXIED)[1]

    assert 'client: "81.2.69.142", as the line has it; no trusted peer names another' in text


def test_explain_says_what_stands_for_the_agent() -> None:
    text = told(line(agent="-"), replace(SHOP, user_agent_default="Mozilla/5.0 (unknown)"))[1]

    assert 'user_agent_default "Mozilla/5.0 (unknown)"' in text
    assert "client:" not in text


def test_explain_names_own_traffic() -> None:
    text = told(line(), replace(SHOP, exclude_cidrs=("81.2.69.142",)))[1]

    assert 'the address is one of your own: "81.2.69.142"' in text


def test_explain_says_whether_agent_or_address_made_it_a_bot() -> None:
    by_address = told(line(), replace(SHOP, bot_cidrs=("81.2.69.0/24",)))[1]
    by_agent = told(line(agent="curl/8.9.1"), SHOP)[1]

    assert 'it is a bot or a monitor (bot_cidrs): "81.2.69.142"' in by_address
    assert 'it is a bot or a monitor (curl): "curl/8.9.1"' in by_agent


@pytest.mark.parametrize("entry", ["0.0.0.0/0", "::/0", "0.0.0.0/1"])
def test_trust_in_everybody_is_a_warning(entry: str) -> None:
    """Then anybody can write into the header whose address the event bears."""
    source = SourceSection(
        name="shop",
        paths=("/a",),
        trusted_proxies=("private", entry),
        exclude_cidrs=("10.0.0.0/8",),
    )

    (warning,) = warnings_of(source, "hooktail.toml")

    assert warning.key == "source[shop].trusted_proxies[1]"
    assert "takes almost any visitor for a proxy" in warning.message
    assert warnings_of(replace(source, trusted_proxies=("private", "fc00::/7")), "f") == []
