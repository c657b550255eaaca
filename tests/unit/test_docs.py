"""The documentation is typed in: what it shows is what happens.

    toml            loads as `hooktail run` would load it; an account id comes from the environment
    toml fragment   loads behind a small configuration with one source
    console         each `$ ` line is run in a directory with the log and the configuration of
                    docs/start/first-steps.md; the lines below it are its whole output, in which
                    `...` stands for any text, and alone on a line for any lines
    sh              is not run: it needs root, a service manager, a terminal, or runs for long

Tables that must be complete (commands, log events, counters, exit codes) are compared with the
code.
"""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.processes import daemon, endpoint, wait_for

from hooktail import errors
from hooktail.checked import load
from hooktail.cli.main import build_parser
from hooktail.delivery.gate import Mode

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("benchmarks/*.md")])
FIRST_STEPS = ROOT / "docs/start/first-steps.md"
CONFIGURATION = ROOT / "docs/reference/configuration.md"
"""Its blocks are sections of one file, which config/test_schema_and_reference.py joins."""
TOP = ("daemon", "parsers", "tests", "docs", "configs", "systemd", "benchmarks", ".ci")
HERE = "/home/you/trial"
"""The reader's directory, as the pages call it."""
BASE = """
[destination.default]
account_id = "base-1"
[[source]]
name = "base"
paths = ["/var/log/base.log"]
"""
ENVIRONMENT = dict.fromkeys(
    ("HOOKTAIL_ACCOUNT_ID", "HOOKTAIL_ACCOUNT_ID_SHOP", "HOOKTAIL_ACCOUNT_ID_MAGAZINE"),
    "environment-1",
)


def blocks(page: Path, info: str) -> Iterator[tuple[int, str]]:
    """The fenced blocks of a kind, each with the number of its first line."""
    text = page.read_text(encoding="utf-8")
    for found in re.finditer(r"(?ms)^```([^\n`]*)\n(.*?)^```$", text):
        if found[1] == info:
            yield text.count("\n", 0, found.start()) + 2, found[2]


def every_block(info: str) -> list[object]:
    return [
        pytest.param(text, id=f"{page.relative_to(ROOT)}:{line}")
        for page in PAGES
        if page != CONFIGURATION
        for line, text in blocks(page, info)
    ]


def prose(page: Path) -> str:
    return re.sub(r"(?ms)^```.*?^```$", "", page.read_text(encoding="utf-8"))


def reference(name: str) -> str:
    return (ROOT / "docs/reference" / name).read_text(encoding="utf-8")


def load_text(directory: Path, text: str) -> None:
    """Loads a configuration, with the account files that it names; raises what is wrong."""
    for name in set(re.findall(r"/etc/hooktail/(account_id[.\w]*)", text)):
        (directory / name).write_text("file-1")
    path = directory / "hooktail.toml"
    path.write_text(text.replace("/etc/hooktail/", f"{directory}/"))
    load(path, ENVIRONMENT)


@pytest.mark.parametrize("text", every_block("toml"))
def test_a_configuration_in_the_docs_loads(tmp_path: Path, text: str) -> None:
    load_text(tmp_path, text)


@pytest.mark.parametrize("text", every_block("toml fragment"))
def test_a_fragment_of_a_configuration_loads(tmp_path: Path, text: str) -> None:
    load_text(tmp_path, BASE + text)


@pytest.mark.parametrize("path", sorted(ROOT.glob("configs/**/*.toml")), ids=lambda path: path.name)
def test_an_example_configuration_loads(path: Path) -> None:
    load(path, ENVIRONMENT)


@pytest.fixture
def trial(tmp_path: Path) -> Path:
    """The reader's directory after step 4 of the first steps."""
    directory = tmp_path / "trial"
    directory.mkdir()
    (_, log), *_ = blocks(FIRST_STEPS, "log")
    (_, config), *_ = blocks(FIRST_STEPS, "toml")
    (directory / "access.log").write_text(log)
    (directory / "hooktail.toml").write_text(config.replace(HERE, str(directory)))
    return directory


def typed(command: str, directory: Path) -> str:
    """What a terminal would show, stdout and stderr in the order in which they come."""
    programs = directory / "bin"
    programs.mkdir(exist_ok=True)
    program = programs / "hooktail"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -P -m hooktail "$@"\n')
    program.chmod(0o755)
    ended = subprocess.run(
        ["sh", "-c", command],
        cwd=directory,
        env={
            "PATH": f"{programs}:{os.environ['PATH']}",
            "HOOKTAIL_CONFIG": "hooktail.toml",
            "LANG": "C.UTF-8",
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=60,
    )
    return ended.stdout.rstrip() + "\n"


def pattern(shown: list[str]) -> str:
    """A regular expression for an output in which `...` stands for anything."""
    lines = [
        r"(?:.*\n)*?" if line == "..." else re.escape(line).replace(r"\.\.\.", ".*") + "\n"
        for line in shown
    ]
    return "".join(lines)


@pytest.mark.parametrize("text", every_block("console"))
def test_a_session_in_the_docs_goes_as_shown(trial: Path, text: str) -> None:
    sessions = re.findall(r"(?m)^\$ (.+)\n((?:(?!\$ ).*\n)*)", text)

    assert sessions
    for command, shown in sessions:
        output = typed(command, trial)
        expected = shown.replace(HERE, str(trial)).rstrip().splitlines()
        assert re.fullmatch(pattern(expected), output), f"$ {command}\n{output}"


def test_the_first_steps_arrive_at_the_stand_in(trial: Path) -> None:
    """Step 7, with the event ids that `preview` has promised in step 6."""
    previewed = typed("hooktail preview --source shop 2>/dev/null", trial)
    promised = [json.loads(line)["event_id"] for line in previewed.splitlines()]

    with endpoint(trial, name="received.ndjson") as stand_in, daemon(trial) as running:
        config = running.config.read_text()
        running.config.write_text(config.replace(":8093/", f":{stand_in.port}/"))
        running.start()
        wait_for(lambda: len(stand_in.accepted()) == len(promised), "the events")
        assert running.stop() == 0
        received = [request["body"] for request in stand_in.requests()]

    assert sorted(body["event_id"] for body in received) == sorted(promised)
    assert sorted(body["event_name"] for body in received) == ["pageview", "purchase"]


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"(?m)^#+ (.+)$", prose(page))
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        if not target.is_file() or (anchor and anchor not in anchors(target)):
            broken.append(link)

    assert not broken


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_file_of_the_project_that_a_page_names_is_there(page: Path) -> None:
    spans = re.findall(r"`([\w./-]+)`", prose(page))
    named = [
        ROOT / span if span.split("/")[0] in TOP else ROOT / "daemon/hooktail" / span
        for span in spans
        if "/" in span and (span.split("/")[0] in TOP or span.endswith(".py"))
    ]

    assert [str(path.relative_to(ROOT)) for path in named if not path.exists()] == []


def commands() -> list[str]:
    listed = build_parser().format_help().split("COMMAND\n")[1].split("\n\n")[0]
    return re.findall(r"(?m)^ {4}(\w+)", listed)


@pytest.mark.parametrize("command", commands())
def test_every_command_is_in_the_reference_with_its_options(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    chapter = reference("commands.md").split(f"\n## `{command}`\n")[1].split("\n## ")[0]
    with pytest.raises(SystemExit):
        build_parser().parse_args([command, "--help"])
    options = set(re.findall(r"--[a-z][a-z-]+", capsys.readouterr().out))

    assert [each for each in options - {"--help", "--config"} if each not in chapter] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_names_no_command_that_there_is_not(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    code = re.findall(r"(?ms)^```[^\n]*\n.*?^```$|`[^`\n]+`", text)
    typed_in = re.compile(r"(?m)(?:^|[`/$|] ?)hooktail ([a-z]+)\b")
    named = {word for part in code for word in typed_in.findall(part)}

    assert named <= set(commands())


LEVELS = {"debug", "info", "warning", "error", "exception", "critical", "trouble"}


def calls() -> Iterator[ast.Call]:
    for folder in ("daemon/hooktail", "parsers/hooktail_parsers"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call):
                    yield node


def first_text(call: ast.Call) -> str:
    first = call.args[0] if call.args else None
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else ""


def logged_events() -> set[str]:
    """The names in calls such as `log.warning("file_truncated", ...)`."""
    written = {
        first_text(call)
        for call in calls()
        if isinstance(call.func, ast.Attribute)
        and call.func.attr in LEVELS
        and ast.unparse(call.func.value).lower().endswith(("log", "logger()", "teller"))
    }
    return (written - {""}) | {f"destination_{mode.value}" for mode in Mode}


def test_the_reference_has_exactly_the_events_that_are_logged() -> None:
    documented = re.findall(r"(?m)^\| `(\w+)` \|", reference("log-events.md"))

    assert sorted(documented) == sorted(logged_events())


def test_every_event_in_what_to_do_when_is_logged() -> None:
    page = (ROOT / "docs/how-to/what-to-do-when.md").read_text(encoding="utf-8")
    rows = re.findall(r"(?m)^\| (`\w+`(?:, `\w+`)*) \|", page)

    assert rows
    assert set(re.findall(r"\w+", " ".join(rows))) <= logged_events()


def test_the_reference_has_every_counter_of_a_line_that_makes_no_event() -> None:
    counters = set()
    for path in (ROOT / "daemon/hooktail").rglob("*.py"):
        quoted = re.findall(
            r'"((?:filtered|expired|unparsable)\.[a-z_]+)"', path.read_text(encoding="utf-8")
        )
        counters.update(quoted)

    assert [name for name in sorted(counters) if f"`{name}`" not in reference("event.md")] == []


def test_the_reference_has_every_reason_of_a_parser() -> None:
    reasons = {
        first_text(call)
        for call in calls()
        if isinstance(call.func, ast.Name) and call.func.id in ("ParseError", "Skip")
    } - {""}

    assert reasons
    assert [name for name in sorted(reasons) if f"`{name}`" not in reference("record.md")] == []


def test_the_reference_has_every_exit_code() -> None:
    codes = {
        kind.exit_code
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.HooktailError)
    }

    assert [
        code for code in sorted(codes) if f"\n| {code} |" not in reference("exit-codes.md")
    ] == []
