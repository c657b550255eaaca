from __future__ import annotations

from pathlib import Path

import pytest

from hooktail.checkup import host
from hooktail.checkup.finding import Level


@pytest.fixture
def inotify(tmp_path: Path) -> Path:
    (tmp_path / "max_user_watches").write_text("100\n")
    (tmp_path / "max_user_instances").write_text("128\n")
    return tmp_path


def test_what_fits_is_said_in_one_line(inotify: Path) -> None:
    [found] = host.look(3, 10, 64, inotify=inotify, most_files=1024)

    assert found.level is Level.OK
    assert found.message == "3 directories to watch; fs.inotify.max_user_watches is 100"


def test_too_few_watches_come_with_the_command(inotify: Path) -> None:
    [found] = host.look(90, 10, 64, inotify=inotify, most_files=1024)

    assert (found.name, found.level) == ("too_few_watches", Level.WARN)
    assert "sysctl fs.inotify.max_user_watches=65536" in found.hint


def test_no_instances_and_no_limits_are_warnings(inotify: Path, tmp_path: Path) -> None:
    (inotify / "max_user_instances").write_text("0\n")
    [none] = host.look(3, 10, 64, inotify=inotify, most_files=1024)
    [unknown] = host.look(3, 10, 64, inotify=tmp_path / "absent", most_files=1024)

    assert none.name == "too_few_instances"
    assert unknown.name == "no_inotify"


def test_more_files_than_descriptors_are_a_warning(inotify: Path) -> None:
    _, found = host.look(3, 1000, 64, inotify=inotify, most_files=1024)

    assert (found.name, found.level) == ("too_many_files", Level.WARN)
    assert "1,128 descriptors" in found.message
    assert "LimitNOFILE" in found.hint


def test_no_limit_is_no_trouble(inotify: Path) -> None:
    assert len(list(host.look(3, 10**7, 64, inotify=inotify, most_files=-1))) == 1
