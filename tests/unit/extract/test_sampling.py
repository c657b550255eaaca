"""A share of the page views: whole visitors, alike everywhere, and never a conversion."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from hooktail.config.sections import PageviewSection, RuleSection, SourceSection
from hooktail.extract import build_extractor
from hooktail.extract.explain import explain
from hooktail.extract.extractor import Extractor
from hooktail.extract.once import OnceBook
from hooktail.extract.sampling import Sample
from hooktail.extract.steps import (
    FilterStep,
)
from hooktail.model import Lines

SHOP = SourceSection(
    name="shop",
    paths=(),
    site="https://shop.example",
    rules=(RuleSection(name="buy", when={"path": "/buy"}),),
    pageview=PageviewSection(sample=0.2),
)


def line(ip: int, path: str = "/") -> bytes:
    return (
        f"81.2.{ip // 250}.{ip % 250} - - [15/Jan/2024:10:30:00 +0000] "
        f'"GET {path} HTTP/1.1" 200 5 "-" "Mozilla/5.0 (X11) Firefox/128.0"'
    ).encode()


def extractor(source: SourceSection = SHOP) -> Extractor:
    return build_extractor(
        source,
        payload="flat",
        visitor_secret=b"s" * 32,
        once=OnceBook(),
        now_ms=lambda: 1_705_314_660_000,
    )


def sent(texts: list[bytes], source: SourceSection = SHOP) -> list[int]:
    taken = extractor(source).extract(Lines(texts, 0, sum(map(len, texts)) + len(texts)), b"log")
    assert taken.settled.get("filtered.sampled", 0) == len(texts) - len(taken.events)
    return [event.start for event in taken.events]


def test_about_the_share_of_the_visitors_is_sent() -> None:
    assert 150 < len(sent([line(number) for number in range(1000)])) < 250


def test_a_visitor_is_in_or_out_with_all_page_views() -> None:
    for number in range(40):
        assert len(sent([line(number, path) for path in ("/", "/a", "/b")])) in (0, 3)


def test_the_events_of_rules_are_always_sent() -> None:
    assert len(sent([line(number, "/buy") for number in range(50)])) == 50


def test_who_is_in_at_a_share_is_in_at_every_larger_one() -> None:
    texts = [line(number) for number in range(200)]
    larger = replace(SHOP, pageview=PageviewSection(sample=0.6))
    assert set(sent(texts)) < set(sent(texts, larger))


@given(st.text())
def test_everybody_is_of_the_whole(visitor: str) -> None:
    assert Sample(1.0).has(visitor)
    assert Sample(0.5).has(visitor) == Sample(0.5).has(visitor)


def test_explain_tells_of_the_sample() -> None:
    told = [explain(extractor(), line(number)) for number in range(40)]
    verdicts = {each.verdict for each in told}
    assert verdicts == {"event", "filtered.sampled"}
    out = next(each for each in told if each.verdict == "filtered.sampled")
    assert out.steps[-1] == FilterStep(stage="sample", key="filtered.sampled")
