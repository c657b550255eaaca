"""Lines to outcomes with the real reader, extractor, ledger and journal; only sending is fake."""

from __future__ import annotations

import asyncio
import bz2
import errno
import gzip
import lzma
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
from structlog.testing import capture_logs
from support.life import Life
from support.lines import asset, page_view

from hooktail.checkpoint.keeper import LOST_KEY
from hooktail.extract.identity import generation_of
from hooktail.model import Claim, Event, Settler
from hooktail.pipeline import OWN_EVENTS
from hooktail.tail.discovery import scan
from hooktail.tail.file import READ_BYTES, TailedFile
from hooktail.tail.finishing import ARCHIVE_DAMAGED_S

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


async def test_every_line_is_counted_and_only_what_waits_is_pending(tmp_path: Path) -> None:
    life = Life(tmp_path)
    life.write(page_view(1), asset(2), "no log line\n", page_view(3), "\n")
    await life.read()

    assert life.balance() == {
        "filtered.static_file": 1,
        "filtered.blank": 1,
        "unparsable.syntax": 1,
        "pending": 2,
    }
    kept = (life.state_dir / "unparsed" / "shop.ndjson").read_text()
    assert "no log line" in kept

    life.destination.settle()
    await asyncio.sleep(0)
    assert life.balance()["delivered"] == 2
    assert life.balance()["pending"] == 0


async def test_after_a_crash_only_what_was_pending_is_sent_again_with_the_same_bytes(
    tmp_path: Path,
) -> None:
    before = Life(tmp_path)
    before.write(*(page_view(number) for number in range(10)), asset(99))
    await before.read()
    sent = before.destination.bodies
    before.destination.settle(0, 4, 5, 9)
    await asyncio.sleep(0)

    after = Life(tmp_path)
    await after.read()

    assert after.destination.bodies == [sent[n] for n in (1, 2, 3, 6, 7, 8)]
    after.write(page_view(10))
    await after.read()
    assert len(after.destination.waiting) == 7
    after.destination.settle()
    await asyncio.sleep(0)
    assert after.balance() == {"delivered": 11, "filtered.static_file": 1, "pending": 0}


async def test_what_was_read_but_not_written_down_is_read_again_and_counted_once(
    tmp_path: Path,
) -> None:
    before = Life(tmp_path)
    before.write(page_view(1))
    await before.read()
    before.write(page_view(2))
    before.now_s += 5
    await before.source.turns()  # the loop turn does not end: the process dies within it
    before.keeper._noted.clear()

    after = Life(tmp_path)
    await after.read()

    assert len(after.destination.waiting) == 2
    assert after.balance()["pending"] == 2


async def test_a_pending_line_that_rules_now_filter_is_settled_as_filtered(tmp_path: Path) -> None:
    before = Life(tmp_path)
    before.write(page_view(1), page_view(2))
    await before.read()

    after = Life(tmp_path)
    after.feed.extractor.audience._agents._compute = lambda _agent: "filtered.bot"
    await after.read()

    assert after.destination.waiting == []
    assert after.balance() == {"filtered.bot": 2, "pending": 0}


async def test_a_renamed_file_is_found_again_after_a_restart(tmp_path: Path) -> None:
    before = Life(tmp_path)
    before.write(page_view(1))
    await before.read()
    before.destination.settle()
    await asyncio.sleep(0)
    before.write(page_view(2))
    before.log.rename(tmp_path / "access.log.1")
    before.write(page_view(3))

    after = Life(tmp_path)
    await after.read()

    assert len(after.destination.waiting) == 2
    after.destination.settle()
    await asyncio.sleep(0)
    assert after.balance() == {"delivered": 3, "pending": 0}


@pytest.mark.parametrize("answered", [True, False])
async def test_copytruncate_sends_of_the_copy_only_what_was_unread(
    tmp_path: Path, answered: bool
) -> None:
    life = Life(tmp_path)
    life.write(page_view(1), page_view(2))
    await life.read()
    if answered:
        life.destination.settle()
        await asyncio.sleep(0)
    life.write(page_view(3))  # not read before the truncation
    shutil.copy(life.log, tmp_path / "access.log.1")
    life.source.apply(scan(life.section.paths, ()))  # sees the copy beside the original
    os.truncate(life.log, 0)
    life.write(page_view(4))
    await life.read()
    await life.read()

    life.destination.settle()
    await asyncio.sleep(0)
    assert life.balance() == {"delivered": 4, "pending": 0}


async def test_a_file_truncated_and_refilled_right_after_a_read_is_known_by_what_was_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its head is written down a moment later: by then the file begins otherwise."""
    life = Life(tmp_path)
    read = TailedFile.read

    def read_just_before_copytruncate(file: TailedFile, _most_bytes: int) -> object:
        taken = read(file)
        monkeypatch.setattr(TailedFile, "read", read)
        shutil.copy(life.log, tmp_path / "access.log.1")
        os.truncate(life.log, 0)
        life.write(*(page_view(number) for number in range(20, 60)))
        return taken

    monkeypatch.setattr(TailedFile, "read", read_just_before_copytruncate)
    life.write(*(page_view(number) for number in range(20)))
    await life.read()
    life.source.apply(scan(life.section.paths, ()))
    await life.read()
    await life.read()

    life.destination.settle()
    await asyncio.sleep(0)
    assert life.balance() == {"delivered": 60, "pending": 0}


async def test_a_file_truncated_and_refilled_right_before_its_first_read_has_the_ids_of_its_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    life = Life(tmp_path)
    read = TailedFile.read

    def read_just_after_copytruncate(file: TailedFile, _most_bytes: int) -> object:
        monkeypatch.setattr(TailedFile, "read", read)
        os.truncate(life.log, 0)
        life.write(page_view(2), page_view(3))
        return read(file)

    monkeypatch.setattr(TailedFile, "read", read_just_after_copytruncate)
    life.write(page_view(1))
    await life.read()
    (track,) = life.feed.tracks.values()

    assert track.generation() == generation_of(life.log.read_bytes())


async def test_what_was_answered_in_this_very_turn_is_not_taken_up_again_by_a_copy(
    tmp_path: Path,
) -> None:
    """The journal is written at the end of a turn; until then the checkpoint lags behind."""
    life = Life(tmp_path)
    life.write(page_view(1), page_view(2))
    await life.read()
    shutil.copy(life.log, tmp_path / "access.log.1")
    os.truncate(life.log, 0)
    life.destination.settle()
    life.source.apply(scan(life.section.paths, ()))  # in the same turn
    await life.read()

    assert life.destination.waiting == []
    assert life.balance() == {"delivered": 2, "pending": 0}


async def test_a_reload_while_the_disk_is_full_waits_to_know_what_was_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = Life(tmp_path)
    before.write(page_view(1), page_view(2))
    await before.read()
    before.destination.settle()
    await asyncio.sleep(0)
    files = before.source.release()

    after = Life(tmp_path, adopt=files)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(after.store, "append", full)
        after.keeper.note_record({"start": ["shop"]})
        await after.read()
        assert after.source.files == []
    await after.keeper.tick()
    await after.read()

    assert after.destination.waiting == []
    assert after.balance() == {"delivered": 2, "pending": 0}


async def test_lines_of_a_truncated_file_are_still_settled_by_their_answers(
    tmp_path: Path,
) -> None:
    life = Life(tmp_path)
    life.write(page_view(1), page_view(2))
    await life.read()
    os.truncate(life.log, 0)
    await life.read()

    life.destination.settle()
    await asyncio.sleep(0)

    assert life.balance() == {"delivered": 2, "pending": 0}
    assert life.feed.cut_off == {}


def paths_sent(life: Life) -> list[str]:
    return [
        orjson.loads(body)["url"].partition("shop.example")[2] for body in life.destination.bodies
    ]


def compress(path: str, text: str) -> None:
    Path(path).write_bytes(gzip.compress(text.encode()))


BEGINNINGS = {"comments": "# a banner of a server\n" * 60, "a hole": "\0" * 50_000}


@pytest.mark.parametrize("beginning", BEGINNINGS)
async def test_archives_that_begin_alike_are_each_read(tmp_path: Path, beginning: str) -> None:
    """A log of a writer that goes on at its old offset after copytruncate begins with a hole."""
    for number in range(3):
        text = BEGINNINGS[beginning] + "".join(page_view(10 * number + i) for i in range(5))
        compress(f"{tmp_path}/access.log.{number}.gz", text)
    life = Life(tmp_path)
    await life.read()
    assert sorted(paths_sent(life)) == sorted(
        f"/p/{10 * n + i}" for n in range(3) for i in range(5)
    )
    life.destination.settle()
    await asyncio.sleep(0)

    after = Life(tmp_path)
    text = BEGINNINGS[beginning] + "".join(page_view(90 + i) for i in range(5))
    compress(f"{tmp_path}/access.log.3.gz", text)
    await after.read()
    assert sorted(paths_sent(after)) == [f"/p/{90 + i}" for i in range(5)]


@pytest.mark.parametrize("beginning", BEGINNINGS)
async def test_a_log_that_begins_as_the_one_before_it_is_another(
    tmp_path: Path, beginning: str
) -> None:
    """While stopped, the log was compressed, and a new one begun."""
    before = Life(tmp_path)
    before.write(BEGINNINGS[beginning], *(page_view(number) for number in range(50)))
    await before.read()
    before.destination.settle()
    await asyncio.sleep(0)
    before.write(page_view(50))
    compress(f"{tmp_path}/access.log.1.gz", before.log.read_text())
    before.log.unlink()

    after = Life(tmp_path)
    after.write(BEGINNINGS[beginning], *(page_view(number) for number in range(60, 160)))
    await after.read()

    assert sorted(paths_sent(after)) == sorted(f"/p/{number}" for number in (50, *range(60, 160)))


async def test_a_turn_reads_about_as_much_as_there_is_room_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    life = Life(tmp_path)
    turns: list[int] = []
    submit = life.destination.submit

    def take_one_turn(events: list[Event], settler: Settler, *, source: str) -> None:
        submit(events, settler, source=source)
        turns.append(len(events))
        life.destination.has_room = False

    monkeypatch.setattr(life.destination, "submit", take_one_turn)
    life.write(*(page_view(number) for number in range(2000)))
    for room in (200, 0):
        life.destination.has_room, life.destination.room_events = True, room
        await life.read()
    assert 100 <= turns[0] <= 300  # how long the lines are is not known yet
    assert 0 < turns[1] <= 100

    life.destination.has_room, life.destination.room_events = True, 200
    assert life.feed.turn_bytes < READ_BYTES
    monkeypatch.setattr(life.destination, "submit", submit)
    life.write(*(asset(number) for number in range(20_000)))
    await life.read()
    assert life.feed.turn_bytes == READ_BYTES  # few lines make an event now


@pytest.mark.parametrize("reason", [errno.ENOSPC, errno.EROFS, errno.EIO])
async def test_a_disk_that_takes_nothing_pauses_reading_loses_nothing_and_heals(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reason: int
) -> None:
    life = Life(tmp_path)
    life.write(page_view(1))
    await life.read()
    real_write = os.write

    def full(descriptor: int, data: bytes) -> int:
        raise OSError(reason, os.strerror(reason))

    monkeypatch.setattr(os, "write", full)
    life.destination.settle()
    await asyncio.sleep(0)
    assert life.health == [False]
    assert not life.feed.has_room
    life.write(page_view(2))
    await life.read()
    assert life.destination.waiting == []
    assert life.balance()["pending"] == 1

    monkeypatch.setattr(os, "write", real_write)
    await life.keeper.tick()
    assert life.health == [False, True]
    await life.read()
    life.destination.settle()
    await asyncio.sleep(0)
    assert life.balance() == {"delivered": 2, "pending": 0}


async def test_once_per_holds_over_a_restart(tmp_path: Path) -> None:
    claim = Claim("key", "owner", 5)
    before = Life(tmp_path)
    before.feed._claims.append(claim)
    before.keeper.note(before.feed)
    await asyncio.sleep(0)

    assert before.on_disk().claims == {"key": ("owner", 5)}
    assert Life(tmp_path).store.state.claims == {"key": ("owner", 5)}


async def test_a_half_line_read_at_the_end_of_a_finished_file_is_not_read_again(
    tmp_path: Path,
) -> None:
    life = Life(tmp_path)
    life.write(page_view(1), page_view(2).rstrip("\n"))
    await life.read()
    assert len(life.destination.waiting) == 1
    life.log.unlink()
    await life.read()
    life.now_s += 100
    await life.read()

    assert len(life.destination.waiting) == 2
    life.destination.settle()
    life.now_s += 100
    await life.read()
    assert life.balance() == {"delivered": 2, "pending": 0}
    assert life.source.files == []


async def test_what_was_read_and_deleted_is_not_sent_again_when_it_comes_back(
    tmp_path: Path,
) -> None:
    life = Life(tmp_path)
    life.write(page_view(1), page_view(2))
    await life.read()
    life.destination.settle()
    content = life.log.read_bytes()
    life.log.unlink()
    await life.read()
    life.now_s += 100
    await life.read()
    (tmp_path / "access.log.7").write_bytes(content + page_view(3).encode())

    after = Life(tmp_path)
    await after.read()

    assert len(after.destination.waiting) == 1


@pytest.mark.parametrize("stopped", [False, True])
async def test_an_older_copy_put_back_in_place_sends_nothing_again(
    tmp_path: Path, stopped: bool
) -> None:
    life = Life(tmp_path)
    life.write(*(page_view(number) for number in range(100)))
    await life.read()
    life.destination.settle()
    await asyncio.sleep(0)
    content = life.log.read_bytes()

    modified_s = life.log.stat().st_mtime - 60
    life.log.write_bytes(content[: len(content) * 8 // 10])
    os.utime(life.log, (modified_s, modified_s))
    if stopped:
        life = Life(tmp_path)
    await life.read()
    assert life.destination.waiting == []
    with life.log.open("ab") as file:
        file.write(b"\n" + page_view(77).encode())
    await life.read()
    assert len(life.destination.waiting) == 1


async def test_a_file_rewritten_while_stopped_is_read_as_new(tmp_path: Path) -> None:
    before = Life(tmp_path)
    lines = [page_view(number) for number in range(10)]
    before.write(*lines)
    await before.read()
    before.destination.settle()
    await asyncio.sleep(0)
    other = "".join(lines).replace("/p/9", "/q/9")
    before.log.write_text(other)

    after = Life(tmp_path)
    await after.read()

    assert len(after.destination.waiting) == 10


async def test_files_long_gone_are_forgotten_and_what_was_pending_in_them_is_counted(
    tmp_path: Path,
) -> None:
    before = Life(tmp_path)
    before.write(page_view(1), page_view(2))
    await before.read()
    before.destination.settle(0)
    await asyncio.sleep(0)
    before.log.unlink()
    before.source.close()

    after = Life(tmp_path)
    await after.read()
    assert after.feed.books.totals == {"read": 2, "delivered": 1}
    assert after.feed.pending == after.feed.absent == 1

    after.wall_s += 8 * 86_400
    await after.keeper.compact()

    assert after.on_disk().files == {}
    assert after.feed.books.totals == {"read": 2, "delivered": 1, LOST_KEY: 1}
    assert after.feed.pending == 0
    assert after.balance() == {"delivered": 1, "expired.lost_with_its_file": 1, "pending": 0}


async def test_a_file_that_comes_back_after_it_was_forgotten_is_new(tmp_path: Path) -> None:
    before = Life(tmp_path)
    before.write(page_view(1), page_view(2))
    await before.read()
    before.source.close()
    content = before.log.read_bytes()
    before.log.unlink()
    after = Life(tmp_path)
    await after.read()
    after.wall_s += 8 * 86_400
    await after.keeper.compact()

    after.log.write_bytes(content)
    await after.read()
    after.destination.settle()
    await asyncio.sleep(0)

    assert after.balance() == {"delivered": 2, LOST_KEY: 2, "pending": 0}
    assert after.feed.pending == 0


async def test_a_clock_that_jumps_makes_nobody_forget_a_file_that_is_followed(
    tmp_path: Path,
) -> None:
    life = Life(tmp_path)
    life.write(page_view(1))
    await life.read()
    life.wall_s += 400 * 86_400
    await life.keeper.compact()
    life.write(page_view(2))
    await life.read()
    life.destination.settle()
    await asyncio.sleep(0)

    assert life.balance() == {"delivered": 2, "pending": 0}


@pytest.mark.parametrize("name", ["access.log.bak", "access.log-before", "access.log.0"])
async def test_a_copy_of_a_living_file_is_never_sent_while_it_is_one(
    tmp_path: Path, name: str
) -> None:
    """Whether it is made slowly, seen while empty, or made while the daemon was stopped."""
    life = Life(tmp_path)
    life.write(*(page_view(number) for number in range(20)))
    await life.read()
    content = life.log.read_bytes()
    copy = tmp_path / name
    copy.touch()
    await life.read()
    for end in (700, 1500, len(content)):
        copy.write_bytes(content[:end])
        await life.read()
        await life.read()
    life.destination.settle()
    await asyncio.sleep(0)

    after = Life(tmp_path)
    await after.read()
    await after.read()
    assert after.destination.waiting == []
    assert after.balance() == {"delivered": 20, "pending": 0}

    with copy.open("ab") as file:
        file.write(page_view(777).encode())
    await after.read()
    await after.read()
    assert len(after.destination.waiting) == 1


async def test_a_file_name_that_is_no_text_stops_nobody(tmp_path: Path) -> None:
    life = Life(tmp_path)
    life.write(page_view(1))
    (tmp_path / os.fsdecode(b"access.log\xff")).write_text(page_view(2) + "rubbish\n")
    await life.read()
    life.destination.settle()
    await asyncio.sleep(0)

    assert life.balance() == {"delivered": 2, "unparsable.syntax": 1, "pending": 0}


async def test_a_checkpoint_that_could_not_be_compacted_heals_without_news(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    life = Life(tmp_path)
    life.write(page_view(1))
    await life.read()

    def refused() -> bytes:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(life.store, "begin_generation", refused)
        patch.setattr("hooktail.checkpoint.keeper.COMPACT_BYTES", 1)
        await life.keeper.tick()
        assert not life.keeper.healthy
    await life.keeper.tick()

    assert life.keeper.healthy


async def test_old_claims_are_forgotten(tmp_path: Path) -> None:
    life = Life(tmp_path)
    now_ms = int(life.wall_s * 1000)
    month_ms = 30 * 86_400_000
    life.feed._claims += [Claim("old", "a", now_ms - 2 * month_ms), Claim("new", "b", now_ms)]
    life.keeper.note(life.feed)
    await asyncio.sleep(0)
    await life.keeper.compact()

    assert life.on_disk().claims.keys() == {"new"}


async def test_claims_are_kept_as_long_as_a_rule_needs_them(tmp_path: Path) -> None:
    life = Life(tmp_path)
    now_ms = int(life.wall_s * 1000)
    day_ms = 86_400_000
    for asked_s in (90 * 86_400, 60):  # the rule is gone after a reload, and may come back
        life.keeper.keep_claims_for(asked_s)
    life.feed._claims += [
        Claim("old", "a", now_ms - 92 * day_ms),
        Claim("needed", "b", now_ms - 90 * day_ms),
    ]
    life.keeper.note(life.feed)
    await asyncio.sleep(0)
    await life.keeper.compact()

    assert life.on_disk().claims.keys() == {"needed"}


CODECS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": zstd.compress,
}


@pytest.mark.parametrize("suffix", CODECS)
@pytest.mark.parametrize("when", ["running", "stopped"])
async def test_a_log_that_is_compressed_goes_on_at_its_offset(
    tmp_path: Path, suffix: str, when: str
) -> None:
    life = Life(tmp_path)
    life.write(*(page_view(number) for number in range(300)))
    await life.read()
    life.destination.settle()
    await asyncio.sleep(0)
    life.write(*(page_view(number) for number in range(300, 320)))  # nobody has read these
    if when == "stopped":
        life.source.close()
    content = life.log.read_bytes()
    archive = tmp_path / f"access.log.1.{suffix}"
    archive.write_bytes(CODECS[suffix](content))
    life.log.unlink()
    life.write(page_view(999))

    if when == "stopped":
        life = Life(tmp_path)
    for _ in range(8):  # the original is held for a quiet minute
        await life.read()
        life.destination.settle()
        await asyncio.sleep(0)
        life.now_s += 40
    assert life.balance() == {"delivered": 321, "pending": 0}

    after = Life(tmp_path)
    await after.read()
    assert after.destination.waiting == []
    assert after.balance() == {"delivered": 321, "pending": 0}
    assert [file.path.name for file in after.source.files] == ["access.log"]  # the archive is done
    archive.rename(tmp_path / f"access.log.2.{suffix}")
    await after.read()
    assert after.destination.waiting == []


async def test_an_archive_nobody_knows_is_read_from_its_beginning(tmp_path: Path) -> None:
    life = Life(tmp_path)
    await life.read()
    (tmp_path / "access.log.1.gz").write_bytes(gzip.compress(page_view(1).encode() * 1))
    for _ in range(3):
        await life.read()

    assert len(life.destination.waiting) == 1
    life.destination.settle()
    await asyncio.sleep(0)
    await life.read()
    assert life.source.files == []
    assert life.balance() == {"delivered": 1, "pending": 0}


async def test_archives_that_are_there_are_remembered_however_long(tmp_path: Path) -> None:
    life = Life(tmp_path)
    (tmp_path / "access.log.1.gz").write_bytes(gzip.compress(page_view(1).encode()))
    for _ in range(3):
        await life.read()
        life.destination.settle()
        await asyncio.sleep(0)
    for _ in range(20):
        life.wall_s += 86_400
        life.feed.met_again()
        await asyncio.sleep(0)
        await life.keeper.compact()

    after = Life(tmp_path)
    await after.read()
    assert after.destination.waiting == []
    assert after.balance()["delivered"] == 1


async def test_a_changed_log_format_is_an_alarm_within_a_hundred_lines(tmp_path: Path) -> None:
    with capture_logs() as logs:
        life = Life(tmp_path)
        life.write(*(page_view(number) for number in range(200)))
        await life.read()
        assert "format_drift" not in [each["event"] for each in logs]

        life.write(*(f"{number} GET /p/{number}\n" for number in range(150)))
        await life.read()

    (told,) = [each for each in logs if each["event"] == "format_drift"]
    assert told["path"] == str(life.log)
    kept = (life.state_dir / "unparsed" / "shop.ndjson").read_text()
    assert kept.count("\n") == 150


def parser_that_forgets_to_decode(directory: Path) -> Path:
    file = directory / "ours.py"
    file.write_text(
        "from hooktail_parsers import Format, LineParser, Record\n"
        "class Ours(LineParser):\n"
        "    def parse(self, line):\n"
        "        return Record(method='GET', path=line, user_agent='Firefox')\n"
        "OURS = Format('ours', 'ours', (), lambda options: Ours())\n"
    )
    file.chmod(0o600)
    return file


async def test_a_parser_of_its_author_s_own_that_fails_is_said_once_with_what_it_did(
    tmp_path: Path,
) -> None:
    file = parser_that_forgets_to_decode(tmp_path)
    life = Life(tmp_path, format="ours", parser_file=file)
    life.write(*(page_view(number) for number in range(3)))

    with capture_logs() as logs:
        await life.read()
        life.write(page_view(3))
        await life.read()

    assert life.balance() == {"unparsable.parser_failed": 4, "pending": 0}
    (said,) = [each for each in logs if each["event"] == "parser_failed"]
    assert said["failure"] == "it returned a record whose path is bytes; allowed: str or None"
    assert said["log_level"] == "error"


async def test_a_copy_of_what_nobody_had_read_is_read_when_its_original_is_truncated(
    tmp_path: Path,
) -> None:
    """In an outage: there was no room to read a line before copytruncate took it away."""
    life = Life(tmp_path)
    life.write(*(page_view(number) for number in range(OWN_EVENTS)))
    await life.read()
    life.log.rename(tmp_path / "access.log.1")
    life.write(page_view(77))
    life.destination.has_room = False
    await life.read()
    shutil.copy(life.log, tmp_path / "access.log.0")
    await life.read()
    os.truncate(life.log, 0)
    life.destination.has_room = True
    for _ in range(3):
        await life.read()
        life.destination.settle()

    await asyncio.sleep(0)
    assert life.balance() == {"delivered": OWN_EVENTS + 1, "pending": 0}


async def test_a_copy_that_goes_on_by_itself_gives_what_is_its_own_alone(tmp_path: Path) -> None:
    life = Life(tmp_path)
    life.write(*(page_view(number) for number in range(OWN_EVENTS)))
    await life.read()
    life.log.rename(tmp_path / "access.log.1")
    life.write(page_view(77))
    life.destination.has_room = False
    await life.read()
    copy = tmp_path / "access.log.0"
    shutil.copy(life.log, copy)
    await life.read()
    with copy.open("a") as file:
        file.write(page_view(78))
    life.destination.has_room = True
    for _ in range(3):
        await life.read()
        life.destination.settle()

    await asyncio.sleep(0)
    assert life.balance() == {"delivered": OWN_EVENTS + 2, "pending": 0}


async def test_an_archive_that_begins_like_a_living_log_is_another_one(tmp_path: Path) -> None:
    """Two sites may be asked by the same monitor in the same second; one is compressed."""
    life = Life(tmp_path)
    first = page_view(1)
    life.write(first, page_view(2))
    await life.read()
    (tmp_path / "access.log.other.1.gz").write_bytes(gzip.compress((first + page_view(3)).encode()))
    for _ in range(3):
        await life.read()

    assert len(life.destination.waiting) == 4
    assert len(set(life.destination.bodies)) == 3


async def test_after_a_restart_an_original_is_not_taken_for_a_copy_of_its_copy(
    tmp_path: Path,
) -> None:
    before = Life(tmp_path)
    copy = tmp_path / "access.log"
    original = tmp_path / "access.log.1"
    original.write_text(page_view(1))
    await before.read()
    shutil.copy(original, copy)
    await before.read()
    with copy.open("a") as file:
        file.write(page_view(2))
    await before.read()
    assert len(before.destination.waiting) == 2

    after = Life(tmp_path)
    await after.read()

    assert len(after.destination.waiting) == 2


async def test_a_file_that_was_empty_at_a_reload_is_no_copy_of_a_log_with_the_same_first_line(
    tmp_path: Path,
) -> None:
    before = Life(tmp_path)
    first = page_view(1)
    before.write(first, page_view(2))
    other = tmp_path / "access.log.other"
    other.touch()
    await before.read()
    before.destination.settle()
    await asyncio.sleep(0)
    files = before.source.release()
    other.write_text(first + page_view(3))  # after the last look at it

    after = Life(tmp_path, adopt=files, store=before.store)
    for _ in range(3):
        await after.read()

    assert len(after.destination.waiting) == 2


async def test_what_a_full_disk_kept_from_being_written_before_a_reload_is_known_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = Life(tmp_path)
    before.write(page_view(1), page_view(2))

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(before.store, "append", full)
        await before.read()
        before.destination.settle(0)
        await asyncio.sleep(0)
        after = Life(tmp_path, adopt=before.source.release(), store=before.store)
        await after.read()
        assert after.source.files == []
    await after.keeper.tick()
    await after.read()

    assert len(after.destination.waiting) == 1
    after.destination.settle()
    await asyncio.sleep(0)
    assert after.balance() == {"delivered": 2, "pending": 0}
    assert after.feed.books.totals == {"read": 2, "delivered": 2}


async def test_a_line_over_the_limit_is_counted_and_its_head_is_kept(tmp_path: Path) -> None:
    life = Life(tmp_path)
    limit = life.section.max_line_bytes
    life.write(page_view(1), "x" * (limit + 1) + "\n", page_view(2))
    await life.read()
    life.destination.settle()
    await asyncio.sleep(0)

    assert life.balance() == {"delivered": 2, "unparsable.line_too_long": 1, "pending": 0}
    kept = (life.state_dir / "unparsed" / "shop.ndjson").read_text()
    assert '"reason":"line_too_long"' in kept
    assert len(kept) < limit


async def test_lines_that_a_damaged_archive_does_not_give_again_do_not_hold_it_for_ever(
    tmp_path: Path,
) -> None:
    """They were in flight at a kill, and the plain file was gone when the archive broke off."""
    before = Life(tmp_path)
    before.write(*(page_view(number) for number in range(20)))
    await before.read()
    before.destination.settle(*range(8))
    await asyncio.sleep(0)
    whole = gzip.compress(before.log.read_bytes(), compresslevel=0)
    before.log.unlink()
    archive = tmp_path / "access.log.1.gz"
    archive.write_bytes(whole[: len(whole) // 2])

    after = Life(tmp_path)
    await after.read()
    found = len(after.destination.waiting)
    assert 0 < found < 12
    after.destination.settle()
    with capture_logs() as logs:
        for _ in range(4):
            after.now_s += ARCHIVE_DAMAGED_S
            await after.read()

    assert "archive_damaged" in [each["event"] for each in logs]
    assert after.source.file_count == 0
    assert after.balance() == {
        "delivered": 8 + found,
        "unparsable.not_found_again": 12 - found,
        "pending": 0,
    }


async def test_of_an_archive_that_goes_on_no_size_is_told_that_nobody_knows(
    tmp_path: Path,
) -> None:
    lines = "".join(page_view(number) for number in range(5)).encode()
    archive = tmp_path / "access.log.1.gz"
    archive.write_bytes(gzip.compress(lines))
    before = Life(tmp_path)
    await before.read()
    assert len(before.destination.waiting) == 5

    with capture_logs() as logs:
        after = Life(tmp_path)
        await after.read()

    (resumed,) = [each for each in logs if each["event"] == "file_resumed"]
    assert "size" not in resumed
    assert resumed["offset"] == 0
