"""The addresses of a source's first events, and what they look like."""

from __future__ import annotations

from hooktail.config.sections import SourceSection
from hooktail.extract.address_watch import FIRST_EVENTS, AddressAdvice, AddressWatch
from hooktail.extract.audience import Audience
from hooktail_parsers import Record

VISITORS = [f"81.{n // 250}.{n % 250}.7" for n in range(FIRST_EVENTS)]
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
BOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


def advice(ips: list[str]) -> AddressAdvice | None:
    watch = AddressWatch()
    said = [found for ip in ips if (found := watch.seen(ip)) is not None]
    assert len(said) <= 1
    return said[0] if said else None


def test_visitors_from_everywhere_need_no_advice() -> None:
    assert advice(VISITORS) is None


def test_fewer_than_the_first_events_say_nothing_yet() -> None:
    assert advice(["10.0.0.1"] * (FIRST_EVENTS - 1)) is None


def test_private_addresses_are_a_proxy_of_ones_own() -> None:
    found = advice(["10.0.0.1", "192.168.1.1"] * 300 + VISITORS[:400])

    assert found == AddressAdvice("private", 600, 1000, "behind a proxy? set trusted_proxies")


def test_the_networks_of_a_cdn_are_told_by_name() -> None:
    found = advice([f"172.{64 + n % 8}.1.{n % 250}" for n in range(700)] + VISITORS[:300])

    assert found is not None
    assert (found.looks, found.events) == ("cdn", 700)
    assert 'set trusted_proxies = ["cloudflare"]' in found.hint


def test_one_address_for_most_is_told() -> None:
    found = advice(["81.2.69.142"] * 501 + VISITORS[:499])

    assert found is not None
    assert (found.looks, found.events, found.of) == ("one_address", 501, 1000)
    assert "exclude_cidrs" in found.hint


def test_half_is_not_most() -> None:
    assert advice(["81.2.69.142"] * 500 + VISITORS[:500]) is None


def audience(ips: list[str], agent: str = AGENT, **keys: object) -> Audience:
    source = SourceSection(name="shop", paths=("/a",), **keys)  # type: ignore[arg-type]  # some keys
    asked = Audience(source, limit_age=False)
    for ip in ips:
        asked.refuses(Record(time_ms=0, ip=ip, user_agent=agent), 0)
    return asked


def test_the_audience_looks_at_the_first_events_alone() -> None:
    assert audience(["10.0.0.1"] * (FIRST_EVENTS - 1)).advice is None
    assert audience(["10.0.0.1"] * FIRST_EVENTS).advice is not None
    assert audience(VISITORS + ["10.0.0.1"] * 5000).advice is None


def test_the_advice_stays_for_who_asks_later() -> None:
    found = audience(["10.0.0.1"] * FIRST_EVENTS + VISITORS).advice

    assert found is not None
    assert found.looks == "private"


def test_what_bots_and_own_traffic_do_is_not_looked_at() -> None:
    assert audience(["81.2.69.142"] * 2000, BOT).advice is None
    assert audience(["81.2.69.142"] * 2000, exclude_cidrs=("81.2.69.142",)).advice is None
