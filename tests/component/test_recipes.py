"""The recipes of configs/recipes/ do on realistic lines what their pages in docs/how-to/ say.

For each source of NAME.toml there is a log in recipes/NAME/, with the exact bodies and books beside
it, as `hooktail preview` writes them. The page shows the recipe, lines of the log and bodies.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support import golden

from hooktail.collector.validate import validate

ROOT = Path(__file__).parents[2]
RECIPES = sorted((ROOT / "configs/recipes").glob("*.toml"))
LOGS = sorted((Path(__file__).parent / "recipes").glob("*/*.log"))
PAGES = {path.stem: ROOT / "docs/how-to" / f"{path.stem}.md" for path in RECIPES}
PAGES["haproxy-log"] = PAGES["behind-haproxy"]
ACCOUNTS = ("HOOKTAIL_ACCOUNT_ID", "HOOKTAIL_ACCOUNT_ID_SHOP", "HOOKTAIL_ACCOUNT_ID_MAGAZINE")


def hooktail(state_dir: Path, config: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Runs a command with a configuration as it stands, a recipe by its name."""
    path = Path(config) if "/" in config else ROOT / f"configs/recipes/{config}.toml"
    (state_dir / "visitor_secret").write_bytes(b"recipes " * 4)
    return subprocess.run(
        [
            *(sys.executable, "-m", "hooktail"),
            *("--config", str(path), *words),
        ],
        env={"HOOKTAIL_STATE_DIR": str(state_dir), "LANG": "C.UTF-8"}
        | dict.fromkeys(ACCOUNTS, "a-1"),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_loads_without_a_warning(tmp_path: Path, recipe: Path) -> None:
    shown = hooktail(tmp_path, recipe.stem, "config", "show", "--json")

    assert shown.returncode == 0, shown.stderr
    assert shown.stderr == ""
    sources = {source["name"] for source in json.loads(shown.stdout)["source"]}
    assert sources == {log.stem for log in LOGS if log.parent.name == recipe.stem}


@pytest.mark.parametrize("log", LOGS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_exactly_these_events_come_out(tmp_path: Path, log: Path) -> None:
    shown = hooktail(tmp_path, log.parent.name, "preview", "--source", log.stem, str(log))

    assert shown.returncode == 0, shown.stderr
    assert "balances: " in shown.stderr
    for line in shown.stdout.splitlines():
        assert validate(line.encode()) == []
    golden.check(log.with_suffix(".ndjson"), shown.stdout)
    golden.check(log.with_suffix(".books"), shown.stderr)


def blocks(page: Path, info: str) -> list[str]:
    text = page.read_text(encoding="utf-8")
    return re.findall(rf"(?ms)^```{re.escape(info)}\n(.*?)^```$", text)


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_the_page_shows_the_recipe_as_it_is(recipe: Path) -> None:
    assert recipe.read_text(encoding="utf-8") in blocks(PAGES[recipe.stem], "toml")


@pytest.mark.parametrize("page", sorted(set(PAGES.values())), ids=lambda path: path.stem)
def test_lines_and_bodies_on_the_page_are_those_of_the_test(page: Path) -> None:
    logs = [log for log in LOGS if PAGES[log.parent.name] == page]
    lines = {line for log in logs for line in log.read_text().splitlines()}
    bodies = [
        json.loads(line)
        for log in logs
        for line in log.with_suffix(".ndjson").read_text(encoding="utf-8").splitlines()
    ]
    shown_lines = [line for block in blocks(page, "log") for line in block.splitlines()]
    shown_bodies = [json.loads(block) for block in blocks(page, "json")]

    assert shown_lines
    assert set(shown_lines) <= lines
    assert shown_bodies
    for body in shown_bodies:
        # Ids are made; the page shows "..." for them.
        assert any(
            list(body) == list(other)
            and all(value in ("...", other[key]) for key, value in body.items())
            for other in bodies
        ), body


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_a_log_format_of_the_page_is_the_one_that_is_read(recipe: Path) -> None:
    """What people put into their server and what the recipe reads are one text."""
    text = recipe.read_text(encoding="utf-8")
    for definition in re.findall(r"(?s)log_format hooktail .*?;\n", text):
        assert any(
            plain(definition) in plain(block) for block in blocks(PAGES[recipe.stem], "nginx")
        )


def plain(definition: str) -> str:
    return " ".join(definition.split())


def test_the_line_of_the_page_on_application_logs_makes_its_event(tmp_path: Path) -> None:
    page = ROOT / "docs/how-to/events-from-application-logs.md"
    config, log = tmp_path / "hooktail.toml", tmp_path / "app.log"
    config.write_text("[destination.default]\n" + blocks(page, "toml fragment")[0])
    log.write_text(blocks(page, "json")[0])

    shown = hooktail(tmp_path, str(config), "preview", "--source", "app", str(log))

    body = json.loads(shown.stdout)
    assert body["event_name"] == "subscription_created"
    assert (body["plan"], body["value"]) == ("pro", 19)
