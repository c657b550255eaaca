"""Lines that wait in the entry of one copy of a content while another copy is read."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

from support.life import Life
from support.lines import page_view


async def test_an_older_copy_put_back_after_a_kill_sends_what_was_in_flight(
    tmp_path: Path,
) -> None:
    before = Life(tmp_path)
    before.write(*(page_view(number) for number in range(10)))
    await before.read()
    backup = tmp_path / "backup"
    shutil.copy(before.log, backup)
    before.write(page_view(10))
    await before.read()
    sent = before.destination.bodies
    before.destination.settle(0, 1, 2, 3, 4, 5, 6, 9)
    await asyncio.sleep(0)  # in flight: 7, 8, and 10, which the backup does not have
    backup.replace(before.log)

    after = Life(tmp_path)
    await after.read()

    assert after.destination.bodies == [sent[7], sent[8]]
    assert after.balance() == {"delivered": 8, "pending": 3}
    after.write(page_view(11))
    await after.read()
    assert len(after.destination.waiting) == 3
    after.destination.settle()
    await asyncio.sleep(0)
    assert after.balance() == {"delivered": 11, "pending": 1}

    again = Life(tmp_path)
    await again.read()
    assert again.destination.waiting == []
