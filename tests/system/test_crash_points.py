"""The process dies at every named instant, and loses nothing.

The names are `hooktail.crashpoint.POINTS`: a new one is tested without another word.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from support.lines import asset, page_view
from support.processes import Daemon, Endpoint, daemon, endpoint, wait_for

from hooktail.checkpoint.store import read_state
from hooktail.crashpoint import EXIT_CODE, POINTS, POINTS_ANEW

MISBEHAVIOUR = "422:0.3,delay=20ms:0.5"
REACHED_WITHIN_S = 30.0


@pytest.mark.parametrize("passing", [1, 3])
@pytest.mark.parametrize("point", POINTS)
def test_a_crash_at_any_point_loses_nothing_and_repeats_only_what_was_in_flight(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, point: str, passing: int
) -> None:
    """The first passing is often in the first start, the third among compactions at work."""
    log = tmp_path / "access.log"
    log.touch()
    with endpoint(tmp_path, "--fail", MISBEHAVIOUR) as pixel, daemon(tmp_path) as hooktail:
        hooktail.configure(pixel.template, str(log), delivery="concurrency = 8")
        monkeypatch.setenv("HOOKTAIL_TESTING", "1")
        monkeypatch.setenv("HOOKTAIL_COMPACT_BYTES", "1000")
        monkeypatch.setenv("HOOKTAIL_CRASH_AT", f"{point}:{passing}")
        hooktail.start(wait=False)
        written = write_until_it_dies(hooktail, log)
        unsettled = unsettled_at_the_crash(hooktail, log)
        before = Counter(urls(pixel))

        monkeypatch.delenv("HOOKTAIL_CRASH_AT")
        hooktail.start()
        append(log, written, written + 20)
        wait_for(lambda: outcomes(hooktail) == views(log), "an outcome for every page view")
        assert hooktail.stop() == 0

        books = hooktail.assert_balanced()
        assert books["read"] == len(log.read_text().splitlines())
        assert books["pending"] == 0
        assert set(urls(pixel)) == set(paths_of(log))
        repeated = {url for url, times in Counter(urls(pixel)).items() if times > 1}
        assert repeated <= unsettled
        assert max(before.values(), default=1) == 1
        assert_each_refused_event_is_kept(pixel, hooktail)
        assert_one_body_for_each_event(pixel)


@pytest.mark.parametrize(
    ("point", "survives"),
    [
        *((f"{point}:1", point == "anew-done") for point in POINTS_ANEW),
        ("snapshot-tmp-half:2", False),
        ("snapshot-tmp-written:2", False),
        ("snapshot-renamed:2", True),
        ("snapshot-dir-synced:2", True),
    ],
)
def test_a_crash_while_the_checkpoint_is_written_anew_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, point: str, survives: bool
) -> None:
    """The state directory is emptied: until the new snapshot is there, a restart finds nothing."""
    log = tmp_path / "access.log"
    log.touch()
    with endpoint(tmp_path) as pixel, daemon(tmp_path) as hooktail:
        hooktail.configure(pixel.template, str(log), delivery="concurrency = 8")
        monkeypatch.setenv("HOOKTAIL_TESTING", "1")
        monkeypatch.setenv("HOOKTAIL_CRASH_AT", point)
        hooktail.start()
        append(log, 0, 20)
        wait_for(lambda: outcomes(hooktail) == 20, "an outcome for the first lines")
        for file in hooktail.state_dir.glob("checkpoint.*"):
            file.unlink()
        written = write_until_it_dies(hooktail, log, 20)
        unsettled = unsettled_at_the_crash(hooktail, log)

        monkeypatch.delenv("HOOKTAIL_CRASH_AT")
        hooktail.start()
        append(log, written, written + 20)
        wait_for(lambda: outcomes(hooktail) == views(log), "an outcome for every page view")
        assert hooktail.stop() == 0

        assert hooktail.assert_balanced()["pending"] == 0
        assert set(urls(pixel)) == set(paths_of(log))
        repeated = {url for url, times in Counter(urls(pixel)).items() if times > 1}
        assert repeated <= unsettled
        assert (len(unsettled) < views(log) - 20) == survives
        assert_one_body_for_each_event(pixel)


def write_until_it_dies(hooktail: Daemon, log: Path, written: int = 0) -> int:
    """Writes lines as long as the daemon lives; returns how many page views there are."""
    ends_at = time.monotonic() + REACHED_WITHIN_S
    while hooktail.running.poll() is None:
        assert time.monotonic() < ends_at, "the point was not reached"
        append(log, written, written + 4)
        written += 4
        time.sleep(0.02)
    assert hooktail.running.returncode == EXIT_CODE, hooktail.log_text()
    return written


def append(log: Path, first: int, last: int) -> None:
    with log.open("a") as file:
        for number in range(first, last):
            file.write(page_view(number) + asset(number))


def unsettled_at_the_crash(hooktail: Daemon, log: Path) -> set[str]:
    """The page views whose outcome the checkpoint does not have, by path."""
    entries = list(read_state(hooktail.state_dir).files.values())
    assert len(entries) <= 1
    read = entries[0].read if entries else 0
    pending = entries[0].pending if entries else set()
    return {path for path, start in paths_of(log).items() if start >= read or start in pending}


def paths_of(log: Path) -> dict[str, int]:
    """Every page view's path with its line's offset."""
    found, offset = {}, 0
    for line in log.read_text().splitlines(keepends=True):
        if "/p/" in line:
            found[line.split()[6]] = offset
        offset += len(line)
    return found


def views(log: Path) -> int:
    return len(paths_of(log))


def urls(pixel: Endpoint) -> list[str]:
    return [path_in(request) for request in pixel.requests()]


def path_in(request: dict[str, Any]) -> str:
    return str(request["body"]["url"]).removeprefix("https://shop.example")


def outcomes(hooktail: Daemon) -> int:
    books = hooktail.books()
    dead = sum(lines for key, lines in books.items() if key.startswith("dead_lettered"))
    return books.get("delivered", 0) + dead


def assert_each_refused_event_is_kept(pixel: Endpoint, hooktail: Daemon) -> None:
    accepted = {request["body"]["event_id"] for request in pixel.accepted()}
    refused = {request["body"]["event_id"] for request in pixel.requests()} - accepted
    letters: set[str] = set()
    for file in (hooktail.state_dir / "deadletter").glob("*.ndjson"):
        letters |= {json.loads(line)["event_id"] for line in file.read_text().splitlines()}
    assert refused <= letters


def assert_one_body_for_each_event(pixel: Endpoint) -> None:
    bodies: dict[str, str] = {}
    for request in pixel.requests():
        body = json.dumps(request["body"])
        assert bodies.setdefault(request["body"]["event_id"], body) == body
