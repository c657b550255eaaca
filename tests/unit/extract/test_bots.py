"""Which user agents are machines. The two lists were written from what is publicly known."""

from __future__ import annotations

from pathlib import Path

import pytest
from crawleruseragents import CRAWLER_USER_AGENTS_DATA
from hypothesis import given
from hypothesis import strategies as st

from hooktail.extract import bots
from hooktail.extract.bot_patterns import MORE_PATTERNS
from hooktail.extract.bots import (
    BotList,
    finder_of_re,
    finder_of_re2,
    in_plain_letters,
    is_bot,
    without_false_signs,
)


def agents(kind: str) -> list[str]:
    text = (Path(__file__).parent / f"agents_{kind}.txt").read_text()
    return [line for line in text.splitlines() if line and not line.startswith("#")]


HUMANS, MACHINES = agents("humans"), agents("bots")
LISTED = [agent for entry in CRAWLER_USER_AGENTS_DATA for agent in entry["instances"]]
PATTERNS = [
    *(entry["pattern"] for entry in CRAWLER_USER_AGENTS_DATA),
    *(f"(?i){pattern}" for pattern in MORE_PATTERNS.values()),
]
BY_RE = finder_of_re(PATTERNS)
GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


def test_people_are_people() -> None:
    assert [agent for agent in HUMANS if is_bot(agent)] == []


def test_machines_are_machines() -> None:
    assert [agent for agent in MACHINES if not is_bot(agent)] == []


def test_every_crawler_of_the_list_is_known() -> None:
    """Grouping the patterns must not lose one: each comes with agents that it matches."""
    assert [agent for agent in LISTED if not is_bot(agent)] == []


def test_without_google_re2_nothing_is_judged_otherwise() -> None:
    people = (without_false_signs(in_plain_letters(agent)) for agent in HUMANS)
    assert [agent for agent in people if BY_RE(agent)] == []
    asked = (without_false_signs(in_plain_letters(agent)) for agent in MACHINES + LISTED)
    assert [agent for agent in asked if not BY_RE(agent)] == []


def test_the_lists_are_long_and_hold_no_agent_twice() -> None:
    assert len(HUMANS) >= 200
    assert len(MACHINES) >= 250
    assert len(set(HUMANS + MACHINES)) == len(HUMANS) + len(MACHINES)


@pytest.mark.parametrize(
    ("person", "machine"),
    [
        ("Overcast/3.0 (+http://overcast.fm/; iOS podcast app)",
         "Overcast/1.0 Podcast Sync (2 subscribers; feed-id=1; +http://overcast.fm/)"),
        ("Podimo/2.54.0 build 512/Android 33", "Podimo/1.0 (+https://podimo.com/)"),
        ("Mozilla/5.0 (Linux; Android 13) Mobile Safari/537.36 Viber/22.3.0", "Viber"),
        ("Mozilla/5.0 (Linux; Android 9; CUBOT_X19) Safari/537.36", "Mozilla/5.0 (CubotBot/1.0)"),
        ("Mozilla/5.0 (Linux; Android 13; Talbot) AppleWebKit/537.36 Chrome/108 Safari/537.36",
         "Mozilla/5.0 (Linux; Android 13; TalBot) AppleWebKit/537.36 Chrome/108 Safari/537.36"),
        ("Mozilla/5.0 (Linux; Android 13; Talbot Build/A1; wv) AppleWebKit/537.36 Chrome/108",
         "Mozilla/5.0 (Linux; Android 13; Talbot/1.0; wv) AppleWebKit/537.36 Chrome/108"),
        ("Mozilla/5.0 (Linux; U; Android 9; en-us; Robot Phone R1) AppleWebKit/537.36 Chrome/100",
         "Mozilla/5.0 (Linux; Android 9; Pixel; talbot) AppleWebKit/537.36 Chrome/100"),
        ("Mozilla/5.0 (Linux; Android 9; Talbot) AppleWebKit/537.36 Chrome/100 Safari/537.36",
         "Mozilla/5.0 (Linux; Android 9; Talbot) AppleWebKit/537.36 Chrome/100 (A-bot/1)"),
        ("Mozilla/5.0 (Linux; Android 12; wv) AppleWebKit/537.36 Chrome/120 GoogleApp/15 Viber/21",
         "Mozilla/5.0 (Linux; Android 12; wv) AppleWebKit/537.36 Chrome/120 Viber/21 (a-bot/1.0)"),
    ],
)  # fmt: skip
def test_people_and_machines_under_one_name_are_told_apart(person: str, machine: str) -> None:
    assert not is_bot(person)
    assert is_bot(machine)


@given(
    st.lists(
        st.sampled_from(HUMANS + MACHINES + LISTED).flatmap(
            lambda agent: st.integers(0, len(agent)).map(lambda end: agent[:end])
        ),
        max_size=4,
    ).map("".join)
    | st.text(max_size=40)
)
def test_re_and_google_re2_agree_on_any_agent(agent: str) -> None:
    by_re2, plain = finder_of_re2_once(), in_plain_letters(agent)

    assert BY_RE(plain) == by_re2(plain)


@pytest.mark.parametrize("agent", ["Ruby", "node", "Mozilla/5.0", "SSL Labs", "AlwaysOn", "iTMS"])
def test_the_end_is_the_end_for_both(agent: str) -> None:
    """`$` of `re` alone is found before a line feed at the end as well."""
    assert BY_RE(agent)
    assert finder_of_re2_once()(agent)
    assert not BY_RE(f"{agent}\n")
    assert not finder_of_re2_once()(f"{agent}\n")
    assert BotList().sign(agent)


def test_only_an_anchor_is_an_end() -> None:
    assert finder_of_re([r"a\$", "b[$]", r"c[^\]$]d"])("b$")
    assert finder_of_re([r"a\$", "b[$]"])("a$\n")
    assert not finder_of_re([r"c[^\]$]d"])("c$d")
    assert finder_of_re(["(?i)e([^-]|$)"])("E")


@pytest.mark.parametrize(
    ("agent", "plain"),
    [
        ("Mozilla/5.0", "Mozilla/5.0"),
        ("\uff27\uff4f\uff4f\uff47\uff4c\uff45\uff42\uff4f\uff54\uff0f2", "Googlebot/2"),
        ("G\u043e\u043eglebot", "Googlebot"),
        ("G\u03bf\u03bfglebot", "Googlebot"),
        ("Google\u200bb\u00adot", "Googlebot"),
        ("\U0001d401\U0001d428\U0001d42d", "Bot"),
        ("\u0412\u041e\u0422 x", "___ x"),
        ("Bot\u00e1nico \u2022", "Bot_nico \u2022"),
    ],
)
def test_agents_are_read_as_people_read_them(agent: str, plain: str) -> None:
    assert in_plain_letters(agent) == plain
    assert in_plain_letters(plain) == plain


def test_a_letter_of_another_script_does_not_end_a_word() -> None:
    """google-re2 knows ASCII alone: `bot` in front of an accent was a word to it."""
    assert not is_bot("Bot\u00e1nico/5.2 (iPhone; iOS 18.1)")
    assert is_bot("Bot\u00e1nico-Bot/5.2")


def test_patterns_of_ones_own_find_what_is_written_and_what_is_read() -> None:
    known = BotList(add=["\u0440\u043e\u0431\u043e\u0442", "^OurMonitor/"])

    assert known.has("\u0440\u043e\u0431\u043e\u0442/1")
    assert known.sign("\u0440\u043e\u0431\u043e\u0442/1") == "\u0440\u043e\u0431\u043e\u0442"
    assert known.has("\uff2f\uff55\uff52\uff2d\uff4f\uff4e\uff49\uff54\uff4f\uff52\uff0f1")
    assert known.sign("\uff23\uff35\uff22\uff2f\uff34 X19") == ""


def finder_of_re2_once() -> bots.Find:
    pytest.importorskip("re2")
    if not FOUND:
        by_re2 = finder_of_re2(PATTERNS)
        assert by_re2 is not None
        FOUND.append(by_re2)
    return FOUND[0]


FOUND: list[bots.Find] = []


def test_a_name_of_the_list_lets_its_agents_pass() -> None:
    known = BotList(remove=["okhttp", "googlebot"])

    assert not known.has("okhttp/4.12.0")
    assert not known.has(GOOGLEBOT)
    assert known.has("curl/8.9.1")
    assert is_bot("okhttp/4.12.0")


@pytest.mark.parametrize("name", MORE_PATTERNS)
def test_every_machine_of_ours_can_be_removed_by_name(name: str) -> None:
    passing = [agent for agent in MACHINES if not BotList(remove=[name]).has(agent)]

    assert passing


@pytest.mark.parametrize("name", ["Googlebot", "Googlebot\\/", "wget", "[wW]get", "curl", "PTST"])
def test_names_are_patterns_with_or_without_their_signs(name: str) -> None:
    assert name.lower() in bots.names()


def test_patterns_can_be_added() -> None:
    known = BotList(add=["^OurMonitor/", "(?i)batch"])

    assert known.has("OurMonitor/2")
    assert known.has("Mozilla/5.0 nightly BATCH run")
    assert known.has(GOOGLEBOT)
    assert not known.has("Mozilla/5.0 OurMonitor/2")
    assert [agent for agent in HUMANS if known.has(agent)] == []


@pytest.mark.parametrize("pattern", ["(", "a{2,1}"])
def test_a_pattern_that_is_none_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="no regular expression"):
        BotList(add=[pattern])
