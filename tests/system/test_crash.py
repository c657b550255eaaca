"""SIGKILL at random moments, under load, against an endpoint that misbehaves."""

from __future__ import annotations

import json
import os
import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.lines import mixed
from support.processes import Endpoint, daemon, endpoint, wait_for

KILLS = 24
LINES_PER_S = 1200
HOSTILE = (
    "503:0.06,429=retry-after-0:0.01,reset-before:0.03,reset-after:0.03,close:0.1,"
    "garbage:0.01,delay=60ms:0.3"
)
ANSWER_LOST = {"reset-after", "stall", "drip", "garbage"}
"""Faults after which the daemon cannot know that the event was accepted."""
SETTLING_S = 1.0
"""How long before a kill a request may have been read and still have been in flight."""


class Writer(threading.Thread):
    """Writes numbered lines, and renames the file now and then, as logrotate does."""

    def __init__(self, log: Path, seed: int, lines_per_s: int = LINES_PER_S) -> None:
        super().__init__()
        self.log = log
        self.lines_per_s = lines_per_s
        self.lines: list[str] = []
        self.rotations = 0
        self._rng = random.Random(seed)
        self._done = threading.Event()

    def run(self) -> None:
        file = self.log.open("a")
        rotate_at = time.monotonic() + 3
        while not self._done.is_set():
            for _ in range(self.lines_per_s // 50):
                line = mixed(len(self.lines), self._rng)
                self.lines.append(line)
                file.write(line)
                if self._rng.random() < 0.02:
                    file.flush()  # in the middle of a line, often
            file.flush()
            if time.monotonic() > rotate_at:
                rotate_at = time.monotonic() + self._rng.uniform(1, 4)
                self.rotations += 1
                self.log.rename(f"{self.log}.{self.rotations}")
                file.write(mixed_late := mixed(len(self.lines), self._rng))
                self.lines.append(mixed_late)
                file.close()
                file = self.log.open("a")
            self._done.wait(0.02)
        file.close()

    def finish(self) -> None:
        self._done.set()
        self.join()

    def page_views(self) -> set[str]:
        return {line.split()[6] for line in self.lines if "/p/" in line}


def paths_of(requests: list[dict[str, Any]]) -> set[str]:
    return {request["body"]["url"].removeprefix("https://shop.example") for request in requests}


@pytest.mark.timeout(300)
def test_killed_again_and_again_it_loses_nothing_and_repeats_only_what_was_in_flight(
    tmp_path: Path,
) -> None:
    kill_again_and_again(tmp_path, seed=20_240_115, go_on=lambda kills: kills < KILLS)


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_killed_for_as_long_as_told_it_loses_nothing(tmp_path: Path) -> None:
    ends_at = time.monotonic() + float(os.environ["SOAK_S"])
    seed = random.randrange(2**32)
    print("seed", seed)
    kill_again_and_again(tmp_path, seed=seed, go_on=lambda _: time.monotonic() < ends_at)


def kill_again_and_again(tmp_path: Path, *, seed: int, go_on: Callable[[int], bool]) -> None:
    rng = random.Random(seed)
    log = tmp_path / "access.log"
    writer = Writer(log, seed=7)
    kills: list[float] = []
    with (
        endpoint(tmp_path, "--fail", HOSTILE, "--seed", "3", "--idle-close", "0.5") as pixel,
        daemon(tmp_path) as hooktail,
    ):
        hooktail.configure(
            pixel.template,
            f"{log}*",
            delivery="concurrency = 16\nretry_initial_s = 0.05\nretry_max_s = 0.5",
        )
        log.touch()
        hooktail.start()
        writer.start()
        while go_on(len(kills)):
            time.sleep(rng.uniform(0.05, 1.2))
            hooktail.kill()
            kills.append(time.time())
            hooktail.assert_balanced()
            hooktail.start(wait=rng.random() < 0.8)
        writer.finish()
        written = writer.page_views()
        wait_for(lambda: len(paths_of(pixel.accepted())) >= len(written), "every page view", 120)
        wait_for(lambda: hooktail.books().get("delivered") == len(written), "the books", 20)
        assert hooktail.stop() == 0
        books = hooktail.assert_balanced()

        assert paths_of(pixel.accepted()) == written
        assert books == {
            "read": len(writer.lines),
            "pending": 0,
            "delivered": len(written),
            "filtered.static_file": len(writer.lines) - len(written),
        }
        assert_repeats_were_in_flight(pixel, kills)


def assert_repeats_were_in_flight(
    pixel: Endpoint, kills: list[float], *, read_late_s: float = 0.0
) -> None:
    """Whatever came twice is the same, and its first answer was lost or cut off by a kill.

    `read_late_s` is how long after a kill the endpoint may read what stood in its socket.
    """
    by_path: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for request in pixel.accepted():
        by_path[request["body"]["url"]].append(request)
    repeated = {url: requests for url, requests in by_path.items() if len(requests) > 1}
    for url, requests in repeated.items():
        assert len({json.dumps(request["body"]) for request in requests}) == 1, url
        for request in requests[:-1]:
            in_flight = any(-read_late_s <= kill - request["t"] < SETTLING_S for kill in kills)
            assert request["fault"] in ANSWER_LOST or in_flight, (url, requests, kills)
    ids = {request["body"]["event_id"] for request in pixel.accepted()}
    assert len(ids) == len(by_path)


@pytest.mark.parametrize("rotated", [False, True])
def test_what_was_written_while_it_was_down_is_read(tmp_path: Path, rotated: bool) -> None:
    log = tmp_path / "access.log"
    rng = random.Random(1)
    lines = [mixed(number, rng) for number in range(300)]
    with endpoint(tmp_path) as pixel, daemon(tmp_path) as hooktail:
        hooktail.configure(pixel.template, f"{log}*")
        log.write_text("".join(lines[:100]))
        hooktail.start()
        wait_for(lambda: hooktail.books().get("read") == 100, "the first lines")
        wait_for(lambda: hooktail.pending() == 0, "their answers")
        hooktail.kill()
        with log.open("a") as file:
            file.writelines(lines[100:200])
        if rotated:
            log.rename(tmp_path / "access.log.1")
        with log.open("a") as file:
            file.writelines(lines[200:])
        hooktail.start()
        views = sum("/p/" in line for line in lines)
        wait_for(lambda: hooktail.books().get("delivered") == views, "the rest")
        assert hooktail.stop() == 0
        assert hooktail.assert_balanced()["read"] == 300
        assert len(pixel.accepted()) == len(paths_of(pixel.accepted())) == views
