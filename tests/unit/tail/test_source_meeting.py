"""What a source makes of the files that a scan finds."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

from structlog.testing import capture_logs
from support.source_harness import Harness

from hooktail.tail import mounts
from hooktail.tail.discovery import Finder
from hooktail.tail.source import Resumption

DAY_S = 86_400.0


def old(harness: Harness, name: str, text: str, *, days: float = 3) -> Path:
    path = harness.directory / name
    path.write_text(text)
    os.utime(path, (harness.wall_s - days * DAY_S,) * 2)
    return path


def ignoring(directory: Path) -> Harness:
    return Harness(directory, ignore_older_than_s=2 * DAY_S)


async def test_old_files_are_not_followed_and_said_once_by_number(tmp_path: Path) -> None:
    harness = ignoring(tmp_path)
    old(harness, "access.log.1", "old\n")
    old(harness, "access.log.2", "older\n", days=30)
    old(harness, "access.log", "young\n", days=1)
    with capture_logs() as logs:
        harness.rescan()
        harness.rescan()

    assert await harness.read() == [b"young"]
    assert harness.source.file_count == 1
    assert harness.source.ignored_files == 2
    told = [each for each in logs if each["event"] == "files_ignored"]
    assert [each["files"] for each in told] == [2]
    harness.source.close()


async def test_an_old_file_that_grows_is_read_from_what_is_new(tmp_path: Path) -> None:
    harness = ignoring(tmp_path)
    path = old(harness, "access.log.1", "old\nhal")
    harness.rescan()
    harness.write("f\nnew\n", path)
    harness.rescan()

    assert await harness.read() == [b"half", b"new"]
    assert harness.source.ignored_files == 0
    harness.source.close()


async def test_another_file_in_the_place_of_an_old_one_is_read_from_its_beginning(
    tmp_path: Path,
) -> None:
    harness = ignoring(tmp_path)
    path = old(harness, "access.log.1", "old\n")
    harness.rescan()
    path.write_text("other lines\nof another log\n")  # the same inode
    harness.rescan()

    assert await harness.read() == [b"other lines", b"of another log"]
    harness.source.close()


async def test_an_old_file_that_the_checkpoint_knows_goes_on(tmp_path: Path) -> None:
    harness = ignoring(tmp_path)
    old(harness, "access.log", "one\ntwo\n")
    harness.consumer.answers = [Resumption(4)]
    harness.rescan()

    assert await harness.read() == [b"two"]
    harness.source.close()


async def test_an_old_archive_is_not_followed(tmp_path: Path) -> None:
    harness = ignoring(tmp_path)
    path = tmp_path / "access.log.2.gz"
    path.write_bytes(gzip.compress(b"one\n"))
    os.utime(path, (0, 0))
    harness.rescan()

    assert await harness.read() == []
    assert harness.source.ignored_files == 1


async def test_without_the_key_no_file_is_too_old(tmp_path: Path) -> None:
    harness = Harness(tmp_path)
    old(harness, "access.log", "one\n", days=10_000)
    harness.rescan()

    assert await harness.read() == [b"one"]
    harness.source.close()


def test_a_network_file_system_is_polled_and_that_is_said_once(tmp_path: Path) -> None:
    harness = Harness(tmp_path, paths=(f"{tmp_path}/access.log*", f"{tmp_path}/nfs/*.log"))
    (tmp_path / "nfs").mkdir()
    real = str(tmp_path.resolve())
    table = mounts.MountTable([mounts.Mount("/", "ext4"), mounts.Mount(f"{real}/nfs", "nfs4")])
    harness.finder = Finder(harness.section.paths, (), mount_table=lambda: table)
    harness.write("one\n")
    harness.write("two\n", tmp_path / "nfs" / "shop.log")
    with capture_logs() as logs:
        harness.rescan()
        harness.rescan()

    (told,) = [each for each in logs if each["event"] == "watching_by_polling"]
    assert (told["path"], told["file_system"]) == (f"{real}/nfs", "nfs4")
    assert told["reason"].startswith("network")
    assert harness.source.directories == {real}
    watched = {
        each.file.path.name: each.watched for each in harness.source._following.files.values()
    }
    assert watched == {"access.log": True, "shop.log": False}
    harness.source.close()


async def test_a_great_many_new_files_are_said_by_number(tmp_path: Path) -> None:
    harness = Harness(tmp_path)
    for number in range(12):
        (tmp_path / f"access.log.{number}").touch()
    harness.source._meeting.lines_a_scan = 10
    with capture_logs() as logs:
        harness.rescan()

    info = [each for each in logs if each["log_level"] == "info"]
    assert len([each for each in info if each["event"] == "file_started"]) == 10
    (told,) = [each for each in info if each["event"] == "files_followed"]
    assert (told["files"], told["not_named"]) == (12, 2)
    harness.source.close()
