from __future__ import annotations

import asyncio
import errno
import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from hooktail.delivery import deadletter
from hooktail.delivery.deadletter import DeadLetters, Letter

NOON = 1_700_000_000.0  # 2023-11-14


def letter(number: int = 1, destination: str = "default", body: bytes = b'{"a":1}') -> Letter:
    return Letter(
        destination=destination,
        source="shop",
        event_id=f"id-{number}",
        event_name="pageview",
        reason="http_400",
        status=400,
        answer="bad event",
        tries=1,
        body=body,
    )


def box(directory: Path, wall_s: float = NOON) -> DeadLetters:
    return DeadLetters(directory, wall_s=lambda: wall_s)


def read(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text().splitlines()]


async def test_a_letter_has_all_that_a_replay_and_a_person_need(tmp_path: Path) -> None:
    await box(tmp_path / "deadletter").append([letter(body='{"t":"é"}'.encode())])

    assert read(tmp_path / "deadletter" / "default-2023-11-14.ndjson") == [
        {
            "v": 1,
            "time": "2023-11-14T22:13:20.000Z",
            "destination": "default",
            "source": "shop",
            "event_id": "id-1",
            "event_name": "pageview",
            "reason": "http_400",
            "status": 400,
            "answer": "bad event",
            "tries": 1,
            "body": '{"t":"é"}',
        }
    ]


async def test_letters_are_for_nobody_else_to_read(tmp_path: Path) -> None:
    await box(tmp_path / "deadletter").append([letter()])

    directory = tmp_path / "deadletter"
    (file,) = directory.iterdir()
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


async def test_each_destination_and_day_has_its_file(tmp_path: Path) -> None:
    await box(tmp_path).append([letter(1), letter(2, destination="a/../b")])
    await box(tmp_path, NOON + 86_400).append([letter(3)])

    assert sorted(os.listdir(tmp_path)) == [
        "a%2F..%2Fb-2023-11-14.ndjson",
        "default-2023-11-14.ndjson",
        "default-2023-11-15.ndjson",
    ]


async def test_a_line_torn_by_a_crash_does_not_spoil_the_next(tmp_path: Path) -> None:
    file = tmp_path / "default-2023-11-14.ndjson"
    file.write_bytes(b'{"v":1,"event_id":"whole"}\n{"v":1,"eve')

    await box(tmp_path).append([letter(7)])

    whole, torn, new = file.read_bytes().splitlines()
    assert json.loads(whole)["event_id"] == "whole"
    assert torn == b'{"v":1,"eve'
    assert json.loads(new)["event_id"] == "id-7"


async def test_a_full_disk_raises_and_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    letters = box(tmp_path)
    await letters.append([letter(1)])
    file = tmp_path / "default-2023-11-14.ndjson"
    before = file.read_bytes()
    real_write = os.write
    room = [10]

    def write(descriptor: int, data: bytes) -> int:
        if not room[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        written, room[0] = real_write(descriptor, bytes(data)[: room[0]]), 0
        return written

    monkeypatch.setattr(os, "write", write)
    with pytest.raises(OSError, match="No space left") as refused:
        await letters.append([letter(2)])
    assert refused.value.filename == str(tmp_path)
    monkeypatch.undo()

    assert file.read_bytes() == before
    await letters.append([letter(2)])
    assert [entry["event_id"] for entry in read(file)] == ["id-1", "id-2"]


async def test_a_letter_is_on_the_disk_before_append_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    real_fsync = os.fsync

    def fsync(descriptor: int) -> None:
        synced.append(os.fstat(descriptor).st_size)
        real_fsync(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    await box(tmp_path).append([letter()])

    assert synced[0] == (tmp_path / "default-2023-11-14.ndjson").stat().st_size


async def test_letters_that_come_together_share_one_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    appends = []
    real_append = deadletter._append_durably

    def append(directory: Path, name: str, lines: bytes) -> None:
        appends.append(lines.count(b"\n"))
        real_append(directory, name, lines)

    monkeypatch.setattr(deadletter, "_append_durably", append)
    letters = box(tmp_path)

    await asyncio.gather(*(letters.append([letter(n)]) for n in range(100)))

    ids = {entry["event_id"] for entry in read(tmp_path / "default-2023-11-14.ndjson")}
    assert ids == {f"id-{n}" for n in range(100)}
    assert sum(appends) == 100
    assert len(appends) <= 2


async def test_all_who_share_a_failed_write_are_told(tmp_path: Path) -> None:
    blocked = tmp_path / "deadletter"
    blocked.write_text("a file where the directory should be")
    letters = box(blocked)

    ends = await asyncio.gather(
        *(letters.append([letter(n)]) for n in range(5)), return_exceptions=True
    )

    assert all(isinstance(end, OSError) for end in ends)


async def test_a_cancelled_append_leaves_the_next_one_whole(tmp_path: Path) -> None:
    letters = box(tmp_path)
    first = asyncio.create_task(letters.append([letter(1)]))
    await asyncio.sleep(0)
    first.cancel()

    await letters.append([letter(2)])

    entries = read(tmp_path / "default-2023-11-14.ndjson")
    assert "id-2" in {entry["event_id"] for entry in entries}
