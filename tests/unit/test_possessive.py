r"""Before 3.11.5, Python's `re` is wrong about possessive repetitions of more than one character.

`(?:ab?c)*+` and its like match what they should not, or nothing (python/cpython#106052); `[^"]*+`
and atomic groups are right everywhere. Debian 12's own Python is 3.11.2.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import hooktail
import hooktail_parsers
from hooktail_parsers.backtracking import repeats_group_possessively

ADVICE = "write (?>(?:…)*) for (?:…)*+, and (?>…|) for (?:…)?+"
TESTS = Path(__file__).parents[1]
# `\)++` repeats one character, and `(…)*+` is for people.
POSSESSIVE_GROUP = re.compile(r"(?<![\\…])\)(?:[*+?]|\{[0-9,{}]+\})\+")


@pytest.mark.parametrize(
    ("pattern", "wrong"),
    [
        (r'[^"]*+a++(?:b)?+.{2,3}+', False),
        (r"(?>(?:ab?c)*)(?>ab|)", False),
        (r"(?:ab?c)*+", True),
        (r"(?:a|bc)?+", True),
        (r"(a)++", True),
        (r"x(?:(?=(?>(?:y|(?: [^ ]++){1,3}+)))z)", True),
        (r"(a)?(?(1)b|(?:cd)*+)", True),
    ],
)
def test_the_tree_of_an_expression_tells(pattern: str, wrong: bool) -> None:
    assert repeats_group_possessively(pattern) is wrong


def test_no_expression_is_one_that_an_old_python_reads_wrongly() -> None:
    script = [sys.executable, "-m", "support.expressions"]
    done = subprocess.run(script, cwd=TESTS, capture_output=True, text=True, check=True)

    found = json.loads(done.stdout)

    assert found["count"] > 400
    assert found["wrong"] == [], ADVICE


def test_no_part_of_an_expression_repeats_a_group_possessively() -> None:
    """Parts that only some layouts use are compiled in no test."""
    places = [
        f"{path}:{number}: {line.strip()}"
        for package in (hooktail, hooktail_parsers)
        for folder in package.__path__
        for path in Path(folder).rglob("*.py")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if POSSESSIVE_GROUP.search(line)
    ]

    assert places == [], ADVICE
