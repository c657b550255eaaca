from pathlib import Path

import pytest

from hooktail.cli.main import main

CONFIG = """
[destination.default]
account_id = "acct-1"
[[source]]
name = "shop"
paths = ["/nowhere/access.log"]
"""


@pytest.mark.parametrize(
    "words",
    [
        ["--config", "PATH", "config", "show"],
        ["config", "--config", "PATH", "show"],
        ["config", "show", "--config", "PATH"],
        ["config", "show", "--json", "--config", "PATH"],
    ],
)
def test_config_is_accepted_before_and_behind_every_command(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "hooktail.toml"
    path.write_text(CONFIG)

    assert main([str(path) if word == "PATH" else word for word in words]) == 0
    assert "shop" in capsys.readouterr().out


def test_the_environment_names_the_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOOKTAIL_CONFIG", str(tmp_path / "absent.toml"))

    assert main(["config", "show"]) == 78
    assert "absent.toml" in capsys.readouterr().err


def test_no_command_is_a_usage_error_that_shows_the_commands(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([]) == 64
    assert "explain" in capsys.readouterr().err


def test_an_unknown_command_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["frobnicate"]) == 64
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    "command",
    ["run", "demo", "check", "formats", "parse", "explain", "preview", "collector", "config"],
)
def test_every_command_has_help_with_examples(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as leaving:
        main([command, "--help"])

    assert leaving.value.code == 0
    assert "example" in capsys.readouterr().out
