"""The short way gives what the long way gives, for any records in any order, or does not know."""

from __future__ import annotations

from copy import copy
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import structs

from hooktail.config.sections import (
    ConsentCookie,
    PageviewSection,
    PrivacySection,
    RuleSection,
    SessionSection,
    SourceSection,
    VisitorSection,
)
from hooktail.extract import build_extractor
from hooktail.extract.extractor import Extractor
from hooktail.extract.once import OnceBook
from hooktail.model import Extraction, Lines
from hooktail_parsers import ParseError, Record, Skip

NOW_MS = 1_705_314_660_000
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
PLAIN = Record(
    time_ms=NOW_MS - 60_000,
    ip="81.2.69.142",
    method="GET",
    path="/shop/lamp",
    status=200,
    referrer="https://a.example/",
    user_agent=AGENT,
)
SHOP = SourceSection(name="shop", paths=("/var/log/access.log",), site="https://shop.example")
# fmt: off
SECTIONS: dict[str, SourceSection] = {
    "nothing said": SHOP,
    "no site": replace(SHOP, site=None),
    "no event id": replace(SHOP, send_event_id=False),
    "one visitor field": replace(SHOP, visitor=VisitorSection(visitor_fields=("visitor_id",))),
    "no sessions": replace(SHOP, session=SessionSection(enabled=False)),
    "few sessions": replace(SHOP, session=SessionSection(max_sessions=2, idle_s=60)),
    "cut addresses": replace(SHOP, ip_anonymization=True),
    "own traffic": replace(SHOP, exclude_cidrs=("81.2.69.0/24",)),
    "machines": replace(SHOP, bot_cidrs=("2a01:4f8::/32",), private_ips="send"),
    "a long name": replace(SHOP, pageview=PageviewSection(name="p" * 200)),
    "a quoted name": replace(SHOP, pageview=PageviewSection(name='a "view" \u00e9')),
    "a rule with a path": replace(SHOP, rules=(RuleSection(name="r", when={"path": "/b"}),)),
    "one status": replace(SHOP, pageview=PageviewSection(statuses=(200,))),
    "other statuses": replace(SHOP, pageview=PageviewSection(statuses=(404, 200, 304))),
    "other methods": replace(SHOP, pageview=PageviewSection(methods=("POST", "GET"))),
    "no gets": replace(SHOP, pageview=PageviewSection(methods=("HEAD",))),
    "short urls and agents": replace(SHOP, max_url_length=64, max_user_agent_length=64),
    "any age": replace(SHOP, max_event_age_s=None),
    # Those for which it is closed.
    "any path": replace(SHOP, rules=(RuleSection(name="r", when={"query": {"q": True}}),)),
    "small bodies": replace(SHOP, max_body_bytes=1024),
    "no page views": replace(SHOP, pageview=PageviewSection(enabled=False)),
    "a sample": replace(SHOP, pageview=PageviewSection(sample=0.5)),
    "tagged bots": replace(SHOP, bots="tag"),
    "a cookie's visitor": replace(SHOP, visitor=VisitorSection(cookie="v")),
    "rotated": replace(SHOP, visitor=VisitorSection(rotate="daily")),
    "a cookie's session": replace(SHOP, session=SessionSection(cookie="s")),
    "consent": replace(SHOP, privacy=PrivacySection(require_consent=ConsentCookie(cookie="ok"))),
    "proxies": replace(SHOP, trusted_proxies=("81.2.69.0/24",)),
    "an agent for none": replace(SHOP, user_agent_default=AGENT),
}
# fmt: on

records = st.builds(
    Record,
    time_ms=st.sampled_from(
        [None, -1, 0, NOW_MS - 60_000, NOW_MS - 59_001, NOW_MS, NOW_MS + 10**6, NOW_MS - 8 * 10**8]
    )
    | st.integers(NOW_MS - 10_000_000, NOW_MS),
    ip=st.sampled_from(
        [None, "81.2.69.142", "81.2.69.143", "10.0.0.1", "172.32.0.1", "2a01:4f8::1", "nobody"]
    ),
    method=st.sampled_from(["GET", "GET", "GET", "POST", None]),
    scheme=st.sampled_from([None, None, "http"]),
    host=st.sampled_from([None, None, "shop.example", "Other.example.", "a\nb", ""]),
    port=st.sampled_from([None, None, 8443]),
    path=st.sampled_from(
        [
            None,
            "/",
            "/shop/lamp",
            "/a.css",
            '/q"\\\u00e9',
            "/a#b",
            "/jo@example.com",
            "/api/x",
            "*",
            "/\ud800",
        ]
    )
    | st.integers(2000, 2100).map(lambda length: "/" + "p" * length),
    query=st.sampled_from(
        [
            None,
            None,
            "",
            "q=1&email=jo@example.com",
            "email=jo@example.com",
            "a#b",
            '"\\\u00e9 \ud800',
        ]
    )
    | st.integers(2, 2050).map(lambda length: "x=" + "y" * length),
    status=st.sampled_from([200, 200, 304, 404, None]),
    referrer=st.sampled_from(
        [
            None,
            "",
            "-",
            "https://a.example/?token=s3cr3t",
            "nowhere",
            "https://b.example/" + "r" * 3000,
        ]
    ),
    user_agent=st.sampled_from(
        [
            None,
            "",
            "-",
            AGENT,
            "curl/8.5.0",
            "a\nb",
            "a" * 1024,
            "a" * 1025,
            "a" * 3000,
            "\u00e9\ud800",
        ]
    ),
    cookies=st.sampled_from([None, None, "v=1; s=2; ok=1"]),
    headers=st.sampled_from([None, None, None, {"sec-gpc": "1"}, {"purpose": "prefetch"}]),
    session=st.sampled_from([None, None, None, "abc"]),
    fields=st.sampled_from([None, None, None, {"ident": "x"}, {"http_dnt": "1"}]),
)


class Incomparable:
    """As some numbers of libraries are: whoever compares it gets an exception."""

    def __eq__(self, other: object) -> bool:
        raise ValueError("the truth of it is ambiguous")

    __hash__ = None  # type: ignore[assignment]  # whoever looks it up gets one too


wrong = st.sampled_from(["1", b"/x", 1.5, -1, [1], {"a": 1}, True, ("x",)]) | st.builds(
    Incomparable
)
broken = st.builds(
    lambda record, name, value: structs.replace(record, **{name: value}),
    records,
    st.sampled_from(Record.__struct_fields__),
    wrong,
)
"""What only a plugin gives: one value of the wrong type."""
refused = st.sampled_from([ParseError("syntax"), Skip("blank")])
batches = st.lists(st.lists(records | broken | refused, max_size=12), max_size=6)


class Played:
    """A parser of lines that are numbers: those of the records that it plays."""

    def __init__(self, parsed: list[Record | ParseError | Skip]) -> None:
        self.parsed = parsed

    def parse(self, line: bytes) -> Record | ParseError | Skip:
        given = self.parsed[int(line)]
        return copy(given) if isinstance(given, Record) else given

    def parse_batch(self, lines: list[bytes]) -> list[Record | ParseError | Skip]:
        return [self.parse(line) for line in lines]


def extractor(section: SourceSection, *, short: bool) -> Extractor:
    made = build_extractor(
        section, payload="both", visitor_secret=b"s" * 32, once=OnceBook(), now_ms=lambda: NOW_MS
    )
    made.audience._watch = None  # as after the first events
    if not short:
        made._short_way = None
    return made


def play(
    made: Extractor, batches: list[list[Record | ParseError | Skip]]
) -> tuple[list[Extraction], dict[int, int]]:
    parser = Played([each for batch in batches for each in batch])
    reader = made.reader()
    reader._parser = parser  # type: ignore[assignment]
    taken, number, start = [], 0, 0
    for batch in batches:
        texts = [str(number + each).encode() for each in range(len(batch))]
        number += len(batch)
        end = start + sum(map(len, texts)) + len(texts)
        taken.append(made.extract(Lines(texts, start, end), b"generation", reader))
        start = end
    return taken, made.sessions.book._places


@pytest.mark.parametrize("name", SECTIONS)
@given(batches=batches)
@example(
    batches=[
        [PLAIN, PLAIN, structs.replace(PLAIN, query="a=1")],
        [structs.replace(PLAIN, path="/")],
    ]
)
def test_both_ways_give_the_same(
    name: str, batches: list[list[Record | ParseError | Skip]]
) -> None:
    section = SECTIONS[name]
    shortly = play(extractor(section, short=True), batches)
    assert shortly == play(extractor(section, short=False), batches)


def test_plain_page_views_go_the_short_way() -> None:
    made = extractor(SHOP, short=True)
    assert made._short_way is not None
    long: list[int] = []
    results: list[Record | ParseError] = [
        PLAIN,
        structs.replace(PLAIN, path="/a.css"),
        structs.replace(PLAIN, user_agent="curl/8.5.0"),
        structs.replace(PLAIN, headers={"sec-gpc": "1"}),
        ParseError("syntax"),
        structs.replace(PLAIN, query="q=1"),
        structs.replace(PLAIN, host="shop.example"),
    ]
    taken = Extraction()
    lines = Lines([b"line"] * len(results), 0, 5 * len(results))
    made._short_way.take(
        results,
        lines,
        made.ids_of(b"generation"),
        taken,
        NOW_MS,
        lambda index, _: long.append(index),
    )
    assert long == [3, 4]
    assert [event.start for event in taken.events] == [0, 25, 30]
    assert taken.settled == {"filtered.static_file": 1, "filtered.bot": 1}


@pytest.mark.parametrize("name", ["status", "method", "time_ms", "path", "ip", "user_agent"])
def test_a_value_that_cannot_be_compared_ends_no_batch(name: str) -> None:
    broken = structs.replace(PLAIN, **{name: Incomparable()})

    [taken], _ = play(extractor(SHOP, short=True), [[broken, PLAIN]])

    assert [event.start for event in taken.events] == [2]
    assert sum(taken.settled.values()) == 1


def test_it_waits_until_the_first_addresses_have_been_looked_at() -> None:
    made = extractor(SHOP, short=True)
    assert made._short_way is not None
    assert made._short_way.knows_any
    made.audience._watch = object()  # type: ignore[assignment]
    assert not made._short_way.knows_any


def test_a_line_that_is_read_again_keeps_its_session_of_then() -> None:
    def again(*, short: bool) -> list[bytes]:
        made = extractor(SHOP, short=short)
        reader = made.reader()
        reader._parser = Played([PLAIN])  # type: ignore[assignment]
        lines = Lines([b"0"], 0, 2)
        taken = made.extract(lines, b"generation", reader, ages={0: 1234})
        return [event.body for event in taken.events]

    assert again(short=True) == again(short=False)
