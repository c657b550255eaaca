"""The files under systemd/: what systemd thinks of them, and whether they fit the program."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest

from hooktail.config.sections import DEFAULT_PATH, DEFAULT_STATE_DIR, DeliverySection
from hooktail.errors import ConfigError, PermissionDeniedError, UsageError

FILES = Path(__file__).parents[2] / "systemd"
UNIT = FILES / "hooktail.service"
MOST_EXPOSURE = 2.0


def directives() -> dict[str, list[str]]:
    """The unit's directives; a name may stand several times."""
    found = defaultdict(list)
    for line in UNIT.read_text().splitlines():
        if line and line[0] not in "#[":
            name, _, value = line.partition("=")
            found[name].append(value)
    return dict(found)


def tool(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not on this machine")
    return path


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture
def installed_unit(tmp_path: Path) -> Path:
    """The unit with a program that exists here, for systemd-analyze looks for it."""
    (command,) = directives()["ExecStart"]
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace(command.split()[0], "/bin/true"))
    return unit


@pytest.mark.system
def test_systemd_finds_nothing_to_complain_about(installed_unit: Path) -> None:
    """A directive that it ignores is a complaint with exit code 0."""
    checked = run(tool("systemd-analyze"), "verify", "--man=no", str(installed_unit))

    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")


@pytest.mark.system
def test_the_sandbox_leaves_little_exposed(installed_unit: Path) -> None:
    analyze = tool("systemd-analyze")
    checked = run(analyze, "security", "--offline=true", "--no-pager", str(installed_unit))
    if "unrecognized option" in checked.stderr:
        pytest.skip("this systemd-analyze has no security --offline")

    exposure = re.search(r"Overall exposure level for \S+: ([0-9.]+)", checked.stdout)
    assert exposure is not None, checked.stderr
    assert float(exposure[1]) < MOST_EXPOSURE


@pytest.mark.system
def test_the_user_can_be_made() -> None:
    checked = run(tool("systemd-sysusers"), "--dry-run", str(FILES / "hooktail.sysusers"))

    assert checked.returncode == 0, checked.stderr
    assert "nvalid" not in checked.stderr


@pytest.mark.system
def test_the_directories_can_be_made(tmp_path: Path) -> None:
    """Only the format is judged: whether the user exists here is the machine's business."""
    systemd_tmpfiles = tool("systemd-tmpfiles")
    rules = (FILES / "hooktail.tmpfiles").read_text()
    (tmp_path / "rules.conf").write_text(
        re.sub(r"(?m)^(\S+ +\S+ +\d+) +\S+ +\S+", r"\1 - -", rules)
    )
    root = tmp_path / "root"
    (root / "etc" / "hooktail").mkdir(parents=True)
    configuration = root / DEFAULT_PATH.lstrip("/")
    configuration.write_text("")

    made = run(systemd_tmpfiles, "--create", f"--root={root}", str(tmp_path / "rules.conf"))

    assert (made.returncode, made.stderr) == (0, "")
    assert (root / "etc" / "hooktail").stat().st_mode & 0o777 == 0o750
    assert configuration.stat().st_mode & 0o777 == 0o640
    assert (root / DEFAULT_STATE_DIR.lstrip("/")).stat().st_mode & 0o777 == 0o700


def test_the_unit_starts_what_the_program_expects() -> None:
    unit = directives()

    assert unit["ExecStart"] == [f"/opt/hooktail/bin/hooktail run --config {DEFAULT_PATH}"]
    assert [f"/var/lib/{name}" for name in unit["StateDirectory"]] == [DEFAULT_STATE_DIR]
    assert unit["StateDirectoryMode"] == ["0700"]


def test_systemd_waits_longer_than_the_drain() -> None:
    (stop_timeout_s,) = directives()["TimeoutStopSec"]

    assert float(stop_timeout_s) > DeliverySection().drain_timeout_s


def test_what_a_person_must_repair_is_not_restarted() -> None:
    (codes,) = directives()["RestartPreventExitStatus"]

    errors = (UsageError, PermissionDeniedError, ConfigError)
    assert set(map(int, codes.split())) == {error.exit_code for error in errors}


def test_a_missing_credential_file_does_not_keep_the_unit_from_starting() -> None:
    """LoadCredential= alone fails the unit with 243; the id may stand in the configuration."""
    unit = directives()
    names = {value.split(":")[0] for value in unit["LoadCredential"]}
    fallbacks = dict(value.split(":", 1) for value in unit["SetCredential"])

    assert names == set(fallbacks)
    assert all(value.replace("\\n", "").strip() == "" for value in fallbacks.values())
    assert all(fallbacks.values()), "systemd ignores a fallback of no bytes"


def test_the_unit_runs_as_the_user_that_sysusers_makes() -> None:
    lines = [line.split() for line in (FILES / "hooktail.sysusers").read_text().splitlines()]
    users = [line[1] for line in lines if line and line[0] == "u"]
    members = [line[1:3] for line in lines if line and line[0] == "m"]

    unit = directives()
    assert unit["User"] == unit["Group"] == users
    assert [[users[0], group] for group in unit["SupplementaryGroups"]] == members
