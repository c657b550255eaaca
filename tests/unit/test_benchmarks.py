"""The benchmarks work: the log they generate is always the same, and each prints a table."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from datetime import UTC, datetime
from importlib import util
from pathlib import Path
from types import ModuleType

import pytest

from hooktail.config.sections import SourceSection
from hooktail.extract import Extractor, build_extractor
from hooktail.extract.once import OnceBook
from hooktail.model import Lines
from hooktail_parsers import Record

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
UNTIL = datetime(2024, 1, 15, 10, 0, 0, tzinfo=UTC)
UNTIL_MS = int(UNTIL.timestamp() * 1000)
LINES = 5000


def script(name: str) -> ModuleType:
    """One of the scripts as a module; those that are asked for import nothing of the others."""
    spec = util.spec_from_file_location(f"benchmark_{name}", BENCHMARKS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    return script("generate")


def test_the_same_arguments_give_the_same_bytes(tmp_path: Path) -> None:
    def log(name: str, *options: str) -> bytes:
        path = tmp_path / name
        command = [sys.executable, str(BENCHMARKS / "generate.py"), str(path), "500"]
        subprocess.run([*command, "--until", "2024-01-15T10:00:00Z", *options], check=True)
        return path.read_bytes()

    first = log("first")

    assert first.count(b"\n") == 500
    assert log("again") == first
    assert log("other", "--seed", "2") != first


def records(generate: ModuleType, **options: bool) -> list[Record]:
    texts = [line.rstrip("\n").encode() for line in generate.lines(LINES, until=UNTIL, **options)]
    source = SourceSection(name="shop", paths=())
    parsed = extractor(source).parser.parse_batch(texts)
    return [record for record in parsed if isinstance(record, Record)]


def extractor(source: SourceSection) -> Extractor:
    return build_extractor(
        source,
        payload="flat",
        visitor_secret=b"x" * 32,
        once=OnceBook([]),
        now_ms=lambda: UNTIL_MS,
    )


def test_a_mixed_log_has_the_shares_it_promises(generate: ModuleType) -> None:
    found = records(generate)

    assert len(found) == LINES
    assets = sum((record.path or "").startswith("/static/") for record in found)
    bots = sum(
        record.user_agent is None
        or "Mozilla/5.0 (" not in record.user_agent
        or "bot" in record.user_agent
        for record in found
    )
    ipv6 = sum(":" in (record.ip or "") for record in found)
    assert assets / LINES == pytest.approx(0.80, abs=0.02)
    assert bots / LINES == pytest.approx(0.10, abs=0.02)
    assert ipv6 / LINES == pytest.approx(0.12, abs=0.02)


def test_times_never_go_back_and_end_when_they_are_told_to(generate: ModuleType) -> None:
    times = [record.time_ms or 0 for record in records(generate)]

    assert times == sorted(times)
    assert times[-1] == UNTIL_MS


def test_every_line_of_a_page_view_log_makes_an_event(generate: ModuleType) -> None:
    texts = [
        line.rstrip("\n").encode() for line in generate.lines(LINES, until=UNTIL, pageviews=True)
    ]
    source = SourceSection(name="shop", paths=(), site="https://shop.example")

    taken = extractor(source).extract(Lines(texts, 0, sum(map(len, texts)) + LINES), b"log")

    assert taken.settled == {}
    assert len(taken.events) == LINES
    assert len({event.event_id for event in taken.events}) == LINES


@pytest.mark.parametrize("name", script("run").NAMES)
def test_each_benchmark_runs_and_prints_a_table(name: str) -> None:
    done = subprocess.run(
        [sys.executable, str(BENCHMARKS / "run.py"), name, "--tiny"],
        check=False,  # its last words are shown below
        capture_output=True,
        text=True,
        timeout=100,
    )

    assert done.returncode == 0, done.stderr
    heading, *rest = done.stdout.splitlines()
    assert heading == f"## {name}"
    header, rule, *rows = (line.split("|")[1:-1] for line in rest if line.startswith("|"))
    assert set("".join(rule)) <= set("-: ")
    assert rows
    assert {len(row) for row in rows} == {len(header)}
    assert f"`python benchmarks/run.py {name} --tiny`" in done.stdout
    assert socket.gethostname() not in done.stdout


def test_a_table_is_written_between_its_markers_and_nowhere_else() -> None:
    run = script("run")
    readme = (
        "a\n<!-- lines -->\nold\n<!-- end of lines -->\nb\n<!-- idle -->\n<!-- end of idle -->\n"
    )

    written = run.inserted(readme, "lines", "| new |\n")

    assert written == readme.replace("\nold\n", "\n\n| new |\n\n")
    assert run.inserted(written, "lines", "| new |\n") == written


def test_the_page_has_a_place_for_every_table() -> None:
    readme = (BENCHMARKS / "README.md").read_text()
    begun = re.findall(r"^<!-- (\w+) -->$", readme, re.MULTILINE)

    assert begun == list(script("run").NAMES)
    assert begun == re.findall(r"^<!-- end of (\w+) -->$", readme, re.MULTILINE)
