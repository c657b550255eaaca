"""`hooktail check`: the words, the order, the exit codes; what it finds is tested in checkup/."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from support.lines import page_view
from support.re2 import with_re2, without_re2

from hooktail import telemetry
from hooktail.cli.main import main

CONFIG = """
state_dir = "{0}/state"
[destination.default]
account_id = "acct-secret-7"
endpoint = "http://127.0.0.1:1/{{account_id}}/pixel.png"
[[source]]
name = "shop"
paths = ["{0}/access.log*"]
site = "https://shop.example"
"""


class Host:
    """A directory with a log that fits and a configuration."""

    def __init__(self, directory: Path, capfd: pytest.CaptureFixture[str]) -> None:
        self.directory = directory
        self.log = directory / "access.log"
        self.log.write_text("".join(map(page_view, range(20))))
        (directory / "state").mkdir(mode=0o700)
        self.config = directory / "hooktail.toml"
        self.config.write_text(CONFIG.format(directory))
        self._capfd = capfd

    def add(self, text: str) -> None:
        with self.config.open("a") as file:
            file.write(text)

    def check(self, *words: str) -> tuple[int, str, str]:
        """The exit code, stdout and stderr; as this user, whoever it is."""
        user = str(os.geteuid())
        code = main(["check", "--config", str(self.config), "--user", user, *words])
        out, err = self._capfd.readouterr()
        assert "acct-secret-7" not in out + err
        return code, out, err


@pytest.fixture
def host(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Host:
    monkeypatch.setattr(telemetry, "configure", lambda *_, **__: None)  # for the whole process
    return Host(tmp_path, capfd)


def test_all_is_well_in_groups_on_stderr(host: Host) -> None:
    code, out, err = host.check("--offline")

    assert code == 0
    assert out == ""
    headings = [line for line in err.splitlines() if not line.startswith(" ")]
    assert headings[:-1] == [
        "service", "config", "source shop", "state dir", "host", "destination default",
    ]  # fmt: skip
    assert headings[-1].endswith("hooktail would work here")
    assert "\x1b" not in err


def test_a_log_of_no_events_is_not_said_to_work(host: Host) -> None:
    host.log.write_text("".join(page_view(n, ip="10.0.0.7") for n in range(20)))

    code, _, err = host.check("--offline")

    assert code == 0
    assert err.endswith("but no sampled line of shop would be an event\n")
    assert "would work here" not in err


def test_json_is_one_object_a_finding_on_stdout(host: Host) -> None:
    code, out, err = host.check("--offline", "--json")

    found = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert err == ""
    assert {"name", "source", "level", "message", "hint"} <= set(found[0])
    assert {each["source"] for each in found} == {None, "shop"}


def test_every_mistake_of_the_configuration_is_told_at_once(host: Host) -> None:
    host.add('frmat = "combined"\nstart_at = "middle"\n[[source.event]]\nname = 5\n')

    code, _, err = host.check("--offline")

    assert code == 78
    for key in ("source[shop].frmat", "source[shop].start_at", "source[shop].event[0].name"):
        assert f"hooktail.toml: {key}: " in err
    assert "did you mean" in err
    assert "allowed" in err
    assert "were not looked at" in err


def test_a_configuration_that_is_not_there_is_78(host: Host) -> None:
    host.config.unlink()

    assert host.check("--offline")[0] == 78


def test_a_log_that_is_not_there_is_65(host: Host) -> None:
    host.log.unlink()

    assert host.check("--offline")[0] == 65


def test_a_format_that_fits_nothing_is_65(host: Host) -> None:
    host.add('format = "caddy_json"\n')

    code, _, err = host.check("--offline")

    assert code == 65
    assert 'format = "ncsa_combined" reads 20 of 20' in err


def test_an_endpoint_that_refuses_is_69_and_nothing_is_sent(host: Host) -> None:
    code, _, err = host.check("--send-test")

    assert code == 69
    assert "no connection: Connection refused" in err
    assert "the test event was not sent" in err


def test_of_several_failures_the_worst_counts(host: Host) -> None:
    host.log.unlink()
    (host.directory / "state").rmdir()
    (host.directory / "state").write_text("x")

    assert host.check()[0] == 73


def test_a_warning_is_no_failure(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    with_re2(monkeypatch)
    host.add('bot_patterns_add = ["(a+)+x"]\n')

    code, _, err = host.check("--offline")

    assert code == 0
    assert "source[shop].bot_patterns_add[0]" in err
    assert "take for ever" in err
    assert "1 warning, 0 failures" in err


def test_what_only_google_re2_makes_safe_is_a_failure_without_it(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_re2(monkeypatch)
    host.add('bot_patterns_add = ["(a+)+x"]\n')

    code, _, err = host.check("--offline")

    assert code == 78
    assert "source[shop].bot_patterns_add[0]" in err
    assert "install google-re2" in err


def test_offline_and_a_test_event_contradict_each_other(host: Host) -> None:
    assert host.check("--offline", "--send-test")[0] == 64


def test_an_unknown_user_is_a_usage_error(host: Host) -> None:
    assert main(["check", "--config", str(host.config), "--user", "nosuchuser"]) == 64


def test_nothing_from_a_log_reaches_the_terminal_as_a_command(host: Host) -> None:
    host.log.write_text("\x1b[31mred\x07\n" * 5)

    _, _, err = host.check("--offline")

    assert "is refused" in err
    assert "\x1b" not in err
    assert "\x07" not in err


def test_nothing_is_written_anywhere(host: Host) -> None:
    def everything() -> dict[str, tuple[int, int]]:
        found = {str(path): path.stat() for path in host.directory.rglob("*")}
        return {path: (each.st_mtime_ns, each.st_size) for path, each in found.items()}

    before = everything()
    host.check()

    assert everything() == before
