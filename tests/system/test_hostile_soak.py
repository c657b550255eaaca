"""Every way in which an endpoint can misbehave, alone and mixed, for long, with kills: `make soak`.

Nothing is lost, nothing comes twice but what was in flight, and the daemon does not grow.
"""

from __future__ import annotations

import json
import os
import random
import time
from pathlib import Path
from typing import NamedTuple

import pytest
from support.kills import Writer, assert_repeats_were_in_flight, paths_of
from support.processes import Daemon, daemon, endpoint, free_port, wait_for

MODES = (
    "503:0.3",
    "429=retry-after-0:0.1",
    "429=retry-after-1:0.01",
    "429=retry-after-date-2:0.01",
    "reset-before:0.2",
    "reset-after:0.2",
    "close:0.3",
    "garbage:0.1",
    "stall:0.01",
    "drip=1ms:0.1",
    "delay=50ms:0.5",
    "400:0.02",
    "403@0-4",
    "redirect@0-4",
    "503@0-4",
    (
        "503:0.06,429=retry-after-0:0.01,reset-before:0.03,reset-after:0.03,close:0.1,garbage:0.01,"
        "stall:0.002,drip=1ms:0.02,400:0.01,delay=60ms:0.3"
    ),
)
LINES_PER_S = 300
CONCURRENCY = 32
REST = 48
"""Descriptors beside the connections: logs, journal, watches, the loop."""
SPARE_KB = 16_000
KB_PER_FILE = 64
"""Of a rotated file that is followed still: here they pile up."""


class Size(NamedTuple):
    rss_kb: int
    descriptors: int
    threads: int


def size(pid: int) -> Size:
    status = dict(
        line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines()
    )
    descriptors = len(os.listdir(f"/proc/{pid}/fd"))
    return Size(int(status["VmRSS"].split()[0]), descriptors, int(status["Threads"]))


def dead_letters(hooktail: Daemon) -> set[str]:
    return {
        json.loads(json.loads(line)["body"])["url"].removeprefix("https://shop.example")
        for file in (hooktail.state_dir / "deadletter").glob("*.ndjson")
        for line in file.read_text().splitlines()
    }


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_whatever_the_endpoint_does_for_long_nothing_is_lost_and_nothing_grows(
    tmp_path: Path,
) -> None:
    seed = random.randrange(2**32)
    print("seed", seed)
    rng = random.Random(seed)
    log = tmp_path / "access.log"
    log.touch()
    port, each_s = free_port(), float(os.environ["SOAK_S"]) / len(MODES)
    writer = Writer(log, seed=7, lines_per_s=LINES_PER_S)
    kills: list[float] = []
    sizes: list[Size] = []
    with daemon(tmp_path) as hooktail:
        hooktail.configure(
            f"http://127.0.0.1:{port}/{{account_id}}/pixel.png",
            f"{log}*",
            delivery=f"concurrency = {CONCURRENCY}\nretry_initial_s = 0.05\nretry_max_s = 0.5",
        )
        text = hooktail.config.read_text()
        hooktail.config.write_text(text.replace("[delivery]", "timeout_s = 2\n[delivery]"))
        hooktail.start()
        writer.start()
        for mode in MODES:
            print(mode, flush=True)
            with endpoint(tmp_path, "--fail", mode, "--idle-close", "0.5", port=port):
                ends_at = time.monotonic() + each_s
                while time.monotonic() < ends_at:
                    time.sleep(0.5)
                    sizes.append(size(hooktail.running.pid))
                hooktail.kill()
                kills.append(time.time())
                hooktail.assert_balanced()
                hooktail.start(wait=rng.random() < 0.8)
        writer.finish()
        written = writer.page_views()
        with endpoint(tmp_path, port=port) as pixel:
            wait_for(
                lambda: len(paths_of(pixel.accepted()) | dead_letters(hooktail)) >= len(written),
                "every page view",
                300,
            )
            wait_for(lambda: hooktail.pending() == 0, "the books", 60)
            before = size(hooktail.running.pid)
            assert hooktail.stop() == 0
            books = hooktail.assert_balanced()

            assert paths_of(pixel.accepted()) | dead_letters(hooktail) == written
            assert books["read"] == len(writer.lines)
            assert_repeats_were_in_flight(pixel, kills)
    print("largest", max(sizes), "last", before, "events", len(written))
    # Lives are compared with each other: the first has seen one mode, the last ones the worst.
    first = max(each.rss_kb for each in sizes[: max(len(sizes) // len(MODES), 1)])
    files = writer.rotations + 1
    assert max(each.rss_kb for each in sizes) <= first + SPARE_KB + files * KB_PER_FILE
    assert max(each.descriptors for each in sizes) <= CONCURRENCY * 2 + REST + files
    assert max(each.threads for each in sizes) <= 12
