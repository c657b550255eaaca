"""`hooktail config`: what it prints, and what it never prints."""

from __future__ import annotations

import argparse
import json
import tomllib
from typing import TYPE_CHECKING

import pytest

from hooktail.cli import config as command
from hooktail.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path


SECRET = "acc-4711-never-shown"
TEXT = f"""
[destination.default]
account_id = "{SECRET}"
endpoint = "https://h.example/{SECRET}/p.png"
[[source]]
name = "shop"
paths = ["/var/log/shop.log"]
max_event_age = "0"
[[source.event]]
name = "purchase"
[source.event.fields]
"order id" = {{ from = "query.order" }}
note = 'a "quoted" \\ text'
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "hooktail.toml"
    file.write_text(TEXT)
    return file


def run(*words: str, path: Path | str = "") -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", default=str(path))
    command.register(parser.add_subparsers())
    args = parser.parse_args(words)
    code = args.run(args)
    assert isinstance(code, int)
    return code


def test_show_writes_toml_with_the_secrets_masked(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("config", "show", path=path) == 0

    out = capsys.readouterr().out
    assert SECRET not in out
    shown = tomllib.loads(out)
    assert shown["destination"]["default"]["account_id"] == "***"
    assert shown["destination"]["default"]["endpoint"] == "https://h.example/{account_id}/p.png"
    assert shown["delivery"]["concurrency"] == 64
    assert shown["source"][0]["max_event_age"] == "0"
    fields = shown["source"][0]["event"][0]["fields"]
    assert fields["order id"]["from"] == "query.order"
    assert fields["note"] == 'a "quoted" \\ text'


@pytest.mark.parametrize(
    ("endpoint", "as_shown"),
    [
        ("https://h.example/p?key=URLSECRET", "https://h.example/p?key=***"),
        ("https://h.example/p?URLSECRET", "https://h.example/p?***"),
        (
            "https://h.example?a=&id={account_id}&k=URLSECRET",
            "https://h.example?a=&id={account_id}&k=***",
        ),
        ("https://h.example/{account_id}/p?", "https://h.example/{account_id}/p?"),
    ],
)
def test_keys_in_the_address_of_an_endpoint_are_masked(
    endpoint: str, as_shown: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "hooktail.toml"
    file.write_text(f'[destination.default]\naccount_id = "{SECRET}"\nendpoint = "{endpoint}"\n')
    with file.open("a") as more:
        more.write('[[source]]\nname = "shop"\npaths = ["/var/log/shop.log"]\n')

    assert run("config", "show", path=file) == 0

    out = capsys.readouterr().out
    assert "URLSECRET" not in out
    assert tomllib.loads(out)["destination"]["default"]["endpoint"] == as_shown


def test_json_says_the_same(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("config", "show", path=path)
    as_toml = tomllib.loads(capsys.readouterr().out)

    assert run("config", "show", "--json", path=path) == 0

    out = capsys.readouterr().out
    assert SECRET not in out
    as_json = json.loads(out)
    assert as_json == as_toml


def test_show_refuses_a_wrong_file(path: Path) -> None:
    path.write_text(TEXT.replace("paths", "pahts"))

    with pytest.raises(ConfigError, match="did you mean 'paths'"):
        run("config", "show", path=path)


def test_schema_is_written_without_any_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("config", "schema") == 0

    schema = json.loads(capsys.readouterr().out)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["additionalProperties"] is False


@pytest.mark.parametrize("words", [("config",), ("config", "shwo")])
def test_an_action_is_needed(words: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit):
        run(*words)


def test_the_help_has_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run("config", "show", "--help")

    assert "examples:" in capsys.readouterr().out


def test_show_names_the_file_that_the_account_id_stands_in(
    path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It showed an `account_id` that the file does not have."""
    file = tmp_path / "account_id"
    file.write_text(SECRET)
    path.write_text(TEXT.replace(f'account_id = "{SECRET}"', f'account_id_file = "{file}"'))

    assert run("config", "show", path=path) == 0

    out = capsys.readouterr().out
    assert SECRET not in out
    shown = tomllib.loads(out)["destination"]["default"]
    assert shown["account_id_file"] == str(file)
    assert "account_id" not in shown
