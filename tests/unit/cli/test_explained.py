"""What `hooktail explain` says about lines of all kinds, as it was read and found good.

Each case is a log in explained/ with its output beside it; its name begins with the source's.
"""

from __future__ import annotations

from itertools import accumulate
from pathlib import Path

import pytest
from support import golden

from hooktail.checked import load
from hooktail.cli.explanation import render
from hooktail.cli.verdicts import ADVICE, REASONS
from hooktail.extract import build_extractor, registry
from hooktail.extract.explain import explain_lines
from hooktail.extract.identity import generation_of
from hooktail.extract.once import OnceBook
from hooktail.extract.reading import HeldLine

HERE = Path(__file__).parent / "explained"
CASES = sorted(HERE.glob("*.log"))
NOW_MS = 1_741_780_800_000  # 2025-03-12T12:00:00Z
EVENT_PAGE = Path(__file__).parents[3] / "docs/reference/event.md"


def explained(case: Path) -> str:
    loaded = load(HERE / "hooktail.toml", {"HOOKTAIL_ACCOUNT_ID": "a-1"})
    name = case.stem.partition("_")[0]
    (source,) = (source for source in loaded.sources if source.name == name)
    extractor = build_extractor(
        source,
        payload="flat",
        visitor_secret=b"explained" * 4,
        once=OnceBook(),
        now_ms=lambda: NOW_MS,
    )
    texts = case.read_bytes().splitlines()
    starts = accumulate((len(text) + 1 for text in texts), initial=0)
    generation = generation_of(texts[0] + b"\n")
    lines = [(HeldLine(*each), generation) for each in zip(starts, texts, strict=False)]
    models = [registry.find(source.format).example.encode()]
    return "\n".join(map(render, explain_lines(extractor, lines, models)))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_it_reads_like_a_good_answer(case: Path) -> None:
    golden.check(case.with_suffix(".txt"), explained(case))


def test_the_cases_show_what_people_ask_about() -> None:
    shown = "\n".join(case.with_suffix(".txt").read_text() for case in CASES)

    assert len(CASES) >= 20
    for key in REASONS:
        if key in ASKED:
            assert f"counted as {key}" in shown, key


ASKED = {
    "filtered.static_file", "filtered.bot", "filtered.prefetch", "filtered.private_ip",
    "filtered.required_field_missing", "filtered.once_per", "filtered.no_consent",
    "filtered.future", "expired.age", "unparsable.syntax", "unparsable.not_a_request",
    "filtered.status", "filtered.method", "filtered.excluded_path", "filtered.dropped_by_rule",
    "filtered.no_request", "filtered.no_rule", "filtered.no_user_agent",
}  # fmt: skip


def test_every_counter_of_a_line_has_its_words() -> None:
    """Those of the reference's table that a single line can come to."""
    page = EVENT_PAGE.read_text(encoding="utf-8")
    elsewhere = {"expired.lost_with_its_pipe", "unparsable.not_found_again"}
    rows = [row.partition(" | ")[0] for row in page.splitlines() if row.startswith("| `")]
    keys = {
        name.strip("` ")
        for row in rows
        for name in row.strip("| ").split(",")
        if name.strip("` ").startswith(("filtered.", "expired.", "unparsable."))
    }

    assert keys
    assert keys - elsewhere - REASONS.keys() == set()
    assert ADVICE.keys() <= REASONS.keys()
