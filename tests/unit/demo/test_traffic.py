"""The demo's traffic: the same for the same seed, and every line's fate is the extractor's."""

from __future__ import annotations

import ipaddress
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import orjson
import pytest

from hooktail import config
from hooktail.collector import validate
from hooktail.config import SourceSection
from hooktail.demo import setup, shop
from hooktail.demo.traffic import (
    AGAIN,
    BOT,
    DELIVERED,
    EXCLUDED,
    METHOD,
    NO_AGENT,
    NO_ORDER,
    NO_REQUEST,
    PRIVATE,
    STATIC,
    STATUS,
    LogLine,
    Traffic,
)
from hooktail.extract import Extractor, build_extractor
from hooktail.extract.bots import is_bot
from hooktail.extract.once import OnceBook
from hooktail.model import Event, Lines

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 3, 5, 14, 0, 9, tzinfo=UTC)
FATES = {
    AGAIN, BOT, DELIVERED, EXCLUDED, METHOD, NO_AGENT, NO_ORDER, NO_REQUEST, PRIVATE, STATIC,
    STATUS,
}  # fmt: skip


def traffic(seed: int, number: int) -> list[LogLine]:
    generator = Traffic(seed)
    return [generator.next(NOW + timedelta(seconds=i // 60)) for i in range(number)]


@pytest.fixture
def source(tmp_path: Path) -> SourceSection:
    """The demo's own source, as the daemon reads it."""
    file = tmp_path / "hooktail.toml"
    file.write_text(setup.config_text(tmp_path, "127.0.0.1", 8093))
    return config.load(file, environ={}).sources[0]


@pytest.fixture
def extractor(source: SourceSection) -> Extractor:
    return build_extractor(
        source,
        payload="flat",
        visitor_secret=bytes(32),
        once=OnceBook(),
        now_ms=lambda: int(NOW.timestamp() * 1000) + 3_600_000,
    )


def test_the_same_seed_makes_the_same_lines() -> None:
    assert traffic(7, 2_000) == traffic(7, 2_000)
    assert traffic(7, 2_000) != traffic(8, 2_000)


@pytest.mark.parametrize("seed", range(5))
def test_every_line_ends_as_it_says(extractor: Extractor, seed: int) -> None:
    """Line by line: the real extractor, with the demo's configuration, says the same."""
    start = 0
    for line in traffic(seed, 3_000):
        lines = Lines([line.text], start, start + len(line.text) + 1)
        start = lines.end

        taken = extractor.extract(lines, b"generation")

        settled = taken.settled or {DELIVERED: 1}
        assert settled == {line.fate: 1}, line.text
        assert [event.name for event in taken.events] == ([line.event] if line.event else [])
        if line.cents:
            value = orjson.loads(taken.events[0].body)["value"]
            assert round(value * 100) == line.cents


def test_every_event_is_one_that_the_endpoint_takes(extractor: Extractor) -> None:
    """Odd bytes in paths and e-mail addresses in parameters included; the addresses are gone."""
    events = extract(extractor, traffic(3, 3_000))

    assert all(not validate(event.body) for event in events)
    assert not any(b"mail.example" in event.body for event in events)


def test_everything_that_can_become_of_a_line_happens() -> None:
    fates = Counter(line.fate for line in traffic(1, 5_000))

    assert set(fates) == FATES
    assert 0.15 < fates[DELIVERED] / fates.total() < 0.6


@pytest.mark.parametrize("seed", range(10))
def test_a_short_demo_has_purchases(seed: int) -> None:
    assert any(line.event == "purchase" for line in traffic(seed, 400))


def test_clients_come_from_public_networks_of_both_kinds() -> None:
    addresses = [
        ipaddress.ip_address(line.text.partition(b" ")[0].decode())
        for line in traffic(2, 3_000)
        if line.fate == DELIVERED
    ]

    assert all(address.is_global for address in addresses)
    assert {address.version for address in addresses} == {4, 6}


def test_browsers_are_people_and_crawlers_are_not() -> None:
    assert not any(is_bot(agent) for agent in shop.BROWSERS)
    assert all(is_bot(agent) for agent in (*shop.CRAWLERS, shop.UPTIME_MONITOR))


def test_a_line_is_what_nginx_writes() -> None:
    line = traffic(1, 1)[0].text.decode()

    assert "[05/Mar/2026:14:00:09 +0000]" in line
    assert line.count('"') == 6


def extract(extractor: Extractor, lines: list[LogLine]) -> list[Event]:
    texts = [line.text for line in lines]
    end = sum(len(text) + 1 for text in texts)
    return extractor.extract(Lines(texts, 0, end), b"generation").events
