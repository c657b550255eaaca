"""A daemon that is killed under load, before an endpoint that misbehaves; what must hold then."""

from __future__ import annotations

import json
import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from support.lines import mixed
from support.processes import Daemon, Endpoint, daemon, endpoint, wait_for

LINES_PER_S = 1200
SEED = 20_240_115
QUICK = "concurrency = 16\nretry_initial_s = 0.05\nretry_max_s = 0.5"
"""Delivery that makes much of a short time."""
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


class Way(NamedTuple):
    """A way to kill, and what is seen to before the next time."""

    kill: Callable[[Daemon, random.Random], None]
    after: Callable[[Daemon, random.Random], None]


def killed_again_and_again(
    directory: Path,
    ways: Sequence[Way],
    *,
    go_on: Callable[[int], bool],
    seed: int = SEED,
    delivery: str = QUICK,
    lines_per_s: int = LINES_PER_S,
    read_late_s: float = 0.0,
) -> None:
    """Kills in one way after the other while `go_on`, told how often it was, says so.

    Nothing is lost, the books balance, and only what was in flight is repeated.
    """
    rng = random.Random(seed)
    log = directory / "access.log"
    log.touch()
    writer = Writer(log, seed=7, lines_per_s=lines_per_s)
    kills: list[float] = []
    with (
        endpoint(directory, "--fail", HOSTILE, "--seed", "3", "--idle-close", "0.5") as pixel,
        daemon(directory) as hooktail,
    ):
        hooktail.own_group = True
        hooktail.configure(pixel.template, f"{log}*", delivery=delivery)
        hooktail.start()
        writer.start()
        while go_on(len(kills)):
            time.sleep(rng.uniform(0.05, 1.2))
            way = ways[len(kills) % len(ways)]
            way.kill(hooktail, rng)
            kills.append(time.time())
            way.after(hooktail, rng)
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
        assert_repeats_were_in_flight(pixel, kills, read_late_s=read_late_s)


def until_told(soak_s: float) -> Callable[[int], bool]:
    """Goes on for so long."""
    ends_at = time.monotonic() + soak_s
    return lambda _kills: time.monotonic() < ends_at


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
