"""Globs over real directories."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from hooktail.tail import mounts
from hooktail.tail.discovery import Finder, scan


def names(directory: Path, *patterns: str, exclude: tuple[str, ...] = ()) -> list[str]:
    found = scan([f"{directory}/{pattern}" for pattern in patterns], exclude)
    return sorted(str(path.relative_to(directory)) for path in found.files.values())


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("a.log", "b.log.1", "shop/a.log", "shop/deep/er/c.log", "shop/.hidden.log"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{name}\n")
    (tmp_path / "shop" / "a.log.d").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("a.log", ["a.log"]),
        ("absent.log", []),
        ("*.log", ["a.log"]),
        ("?.log*", ["a.log", "b.log.1"]),
        ("[ab].log", ["a.log"]),
        ("*/*.log*", ["shop/.hidden.log", "shop/a.log"]),
        ("*/a.log", ["shop/a.log"]),
        ("**/*.log", ["a.log", "shop/.hidden.log", "shop/a.log", "shop/deep/er/c.log"]),
        ("shop/**", ["shop/.hidden.log", "shop/a.log", "shop/deep/er/c.log"]),
        ("**/er/*.log", ["shop/deep/er/c.log"]),
    ],
)
def test_a_glob_finds_regular_files(tree: Path, pattern: str, expected: list[str]) -> None:
    assert names(tree, pattern) == expected


def test_what_is_excluded_is_not_found(tree: Path) -> None:
    assert names(tree, "**/*.log", exclude=("*/deep/*", f"{tree}/a.log")) == [
        "shop/.hidden.log",
        "shop/a.log",
    ]


def test_a_file_with_several_names_is_one_and_its_first_name_counts(tree: Path) -> None:
    os.link(tree / "a.log", tree / "0.log")
    (tree / "00.log").symlink_to(tree / "a.log")

    assert names(tree, "*.log") == ["0.log"]
    found = scan([f"{tree}/*.log"], ())
    (facts,) = found.facts.values()
    assert facts.size == len("a.log\n")


def test_a_symlink_is_known_by_the_path_of_its_target(tree: Path) -> None:
    (tree / "links").mkdir()
    (tree / "links" / "now.log").symlink_to(tree / "shop" / "a.log")
    found = scan([f"{tree}/links/*.log"], ())

    (facts,) = found.facts.values()
    assert facts.real_path == os.path.realpath(tree / "shop" / "a.log")
    assert os.path.realpath(tree / "shop") in found.directories


def test_where_a_directory_is_a_symlink_the_place_of_the_link_is_watched_too(tree: Path) -> None:
    (tree / "places").mkdir()
    (tree / "places" / "current").symlink_to(tree / "shop")
    found = scan([f"{tree}/places/current/*.log"], ())

    real = os.path.realpath(tree)
    assert {f"{real}/places", f"{real}/shop"} <= found.directories


def test_directories_that_a_glob_could_grow_into_are_watched(tree: Path) -> None:
    (tree / "other").mkdir()
    found = scan([f"{tree}/*/logs/*.log"], ())

    real = os.path.realpath(tree)
    assert {real, f"{real}/other", f"{real}/shop"} <= found.directories


def test_a_circle_of_symlinks_ends(tree: Path) -> None:
    (tree / "shop" / "round").symlink_to(tree)

    assert names(tree, "**/*.log") == names(tree, "**/*.log", exclude=("*/round/*",))


def test_names_that_are_no_text_are_found(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"caf\xe9.log")).write_text("line\n")

    assert len(scan([f"{tmp_path}/*.log"], ()).files) == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may look everywhere")
def test_a_directory_that_may_not_be_looked_into_is_said_to_be_unreadable(tree: Path) -> None:
    (tree / "shop").chmod(0)
    found = scan([f"{tree}/*/*.log"], ())
    (tree / "shop").chmod(0o755)

    assert tree / "shop" in found.unreadable


@pytest.mark.parametrize("pattern", ["*/*.log", "**/*.log", "*.log"])
def test_without_a_file_descriptor_nothing_seems_to_be_gone(
    tree: Path, monkeypatch: pytest.MonkeyPatch, pattern: str
) -> None:
    def exhausted(path: object) -> object:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(os, "scandir", exhausted)
    with pytest.raises(OSError, match="Too many"):
        scan([f"{tree}/{pattern}"], ())


def test_directories_on_a_network_file_system_are_named(tree: Path) -> None:
    real = os.path.realpath(tree)
    table = mounts.MountTable([mounts.Mount("/", "ext4"), mounts.Mount(f"{real}/shop", "nfs4")])
    finder = Finder([f"{tree}/*.log", f"{tree}/shop/*.log"], (), mount_table=lambda: table)

    assert finder.scan().polled == {f"{real}/shop": "nfs4"}


def test_a_second_scan_finds_what_changed(tree: Path) -> None:
    finder = Finder([f"{tree}/*.log"], ())
    first = finder.scan()
    (tree / "a.log").rename(tree / "z.log")
    (tree / "a.log").write_text("new\n")
    second = finder.scan()

    assert len(second.files) == 2
    (old,) = first.files
    assert second.files[old] == tree / "z.log"
