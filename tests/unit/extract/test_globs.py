"""Globs: what they match, and that no text takes long, whatever the glob."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooktail.config.sections import PageviewSection, RuleSection, SourceSection
from hooktail.extract.pageview import PageviewFilter
from hooktail.extract.rules import compile_rules
from hooktail.extract.text import as_served, glob_pattern
from hooktail_parsers import Record

texts = st.text("ab/\n", max_size=12)


def backtracking(glob: str) -> re.Pattern[str]:
    """The same by another way, which is slow on some texts."""
    signs = {"*": ".*", "?": "."}
    return re.compile("".join(signs.get(each) or re.escape(each) for each in glob), re.DOTALL)


@given(st.lists(st.text("ab/*?", max_size=10), max_size=3), texts)
def test_a_glob_is_any_text_between_its_pieces(globs: list[str], text: str) -> None:
    expected = any(backtracking(glob).fullmatch(text) for glob in globs)
    assert (glob_pattern(globs).match(text) is not None) == expected


@pytest.mark.parametrize(
    "glob", ["*/a/*/b/*/c", "*a*a*a*a*a*a*x", "*/user/*/order/*/print", "a*b?c*d*e", "*?*?*?*?x"]
)
def test_no_path_takes_long(glob: str) -> None:
    paths = [piece * (60_000 // len(piece)) for piece in ("/a/b", "a", "/user/order/", "abcde")]
    section = PageviewSection(exclude_paths=(glob,), include_paths=(glob,))
    pageview = PageviewFilter(section)
    source = SourceSection(
        name="shop",
        paths=(),
        site="https://shop.example",
        rules=(
            RuleSection(name="a", when={"path": f"glob:{glob}"}),
            RuleSection(name="b", when={"query": {"x": glob}}),
            RuleSection(name="c", when={"host": glob.replace("/", ".")}),
            RuleSection(name="d", when={"field": {"user": glob}}),
        ),
    )
    rules = compile_rules(source)
    before_s = time.process_time()
    for path in paths:
        record = Record(path=f"/{path}", query=f"x={path}", host=path, user=path)
        pageview.refuses(Record(method="GET", status=200, path=f"/{path}"))
        for rule in rules:
            assert rule.matches_behind_path(record) in (True, False)
            assert rule.path is None or rule.path.holds(record) in (True, False)
    assert time.process_time() - before_s < 2


@given(st.lists(st.sampled_from(["/", "a", "%2F", "%41", "%", "//"]), max_size=8).map("".join))
def test_a_path_as_served_is_so_already(path: str) -> None:
    served = as_served(path)
    assert "//" not in served
    if "%" not in served:
        assert as_served(served) == served
