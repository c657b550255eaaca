"""The real daemon with two workers: killed in every way, stopped, reloaded."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from support.lines import mixed, page_view
from support.processes import Daemon, daemon, endpoint, is_alive, wait_for
from system.test_crash import HOSTILE, Writer, assert_repeats_were_in_flight, paths_of

KILLS = 9
LINES_PER_S = 400
WORKERS = "workers = 2\nconcurrency = 16\nretry_initial_s = 0.05\nretry_max_s = 0.5"


def kill_the_group(hooktail: Daemon, _rng: random.Random) -> None:
    os.killpg(hooktail.running.pid, signal.SIGKILL)
    hooktail.running.wait(10)


def kill_the_daemon(hooktail: Daemon, _rng: random.Random) -> None:
    orphans = hooktail.workers()
    hooktail.kill()
    wait_for(lambda: not any(map(is_alive, orphans)), "its workers to end", 5)


def kill_a_worker(hooktail: Daemon, rng: random.Random) -> None:
    workers = wait_for(hooktail.workers, "a worker")
    os.kill(rng.choice(workers), signal.SIGKILL)


WAYS = [kill_the_group, kill_the_daemon, kill_a_worker]


@pytest.mark.timeout(300)
def test_killed_in_every_way_under_load_it_loses_nothing(tmp_path: Path) -> None:
    kill_in_every_way(tmp_path, seed=20_240_115, go_on=lambda kills: kills < KILLS)


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_killed_in_every_way_for_as_long_as_told_it_loses_nothing(tmp_path: Path) -> None:
    ends_at = time.monotonic() + float(os.environ["SOAK_S"])
    seed = random.randrange(2**32)
    print("seed", seed)
    kill_in_every_way(tmp_path, seed=seed, go_on=lambda _: time.monotonic() < ends_at)


def kill_in_every_way(tmp_path: Path, *, seed: int, go_on: Callable[[int], bool]) -> None:
    rng = random.Random(seed)
    log = tmp_path / "access.log"
    writer = Writer(log, seed=7, lines_per_s=LINES_PER_S)
    kills: list[float] = []
    with (
        endpoint(tmp_path, "--fail", HOSTILE, "--seed", "3", "--idle-close", "0.5") as pixel,
        daemon(tmp_path) as hooktail,
    ):
        hooktail.own_group = True
        hooktail.configure(pixel.template, f"{log}*", delivery=WORKERS)
        log.touch()
        hooktail.start()
        writer.start()
        while go_on(len(kills)):
            time.sleep(rng.uniform(0.05, 1.2))
            kill = WAYS[len(kills) % len(WAYS)]
            kill(hooktail, rng)
            kills.append(time.time())
            if kill is kill_a_worker:
                wait_for(lambda: hooktail.logged("worker_died"), "the death to be noticed")
                assert hooktail.running.poll() is None
            else:
                hooktail.assert_balanced()
                hooktail.start()
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
        # Nobody waits for the end of a killed worker before the moment is noted.
        assert_repeats_were_in_flight(pixel, kills, read_late_s=0.5)


def test_a_stop_told_to_the_whole_group_drains_and_repeats_nothing(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    rng = random.Random(5)
    lines = [mixed(number, rng) for number in range(30_000)]
    log.write_text("".join(lines))
    with endpoint(tmp_path, "--fail", "delay=20ms") as pixel, daemon(tmp_path) as hooktail:
        hooktail.own_group = True
        hooktail.configure(pixel.template, f"{log}*", delivery="workers = 2\ndrain_timeout_s = 6")
        hooktail.start()
        wait_for(lambda: len(pixel.accepted()) > 300, "some deliveries")
        workers = hooktail.workers()
        assert len(workers) == 2

        stopped_at = time.monotonic()
        os.killpg(hooktail.running.pid, signal.SIGTERM)
        assert hooktail.running.wait(40) == 0
        assert time.monotonic() - stopped_at < 6 + 3
        assert not any(map(is_alive, workers))
        assert hooktail.logged("drained")[0]["requests_cut_short"] == 0
        assert hooktail.logged("worker_died") == []
        after_stop = hooktail.assert_balanced()
        assert 0 < after_stop["delivered"] == len(pixel.accepted())

        hooktail.start()
        views = sum("/p/" in line for line in lines)
        wait_for(lambda: hooktail.books().get("delivered") == views, "the rest", 90)
        assert hooktail.stop() == 0
        count = Counter(request["body"]["event_id"] for request in pixel.accepted())
        assert set(count.values()) == {1}
        assert len(count) == views


def test_a_second_signal_stops_at_once(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_text("".join(page_view(number) for number in range(500)))
    with endpoint(tmp_path, "--fail", "stall") as pixel, daemon(tmp_path) as hooktail:
        hooktail.configure(pixel.template, f"{log}*", delivery="workers = 2\ndrain_timeout_s = 60")
        hooktail.start()
        wait_for(pixel.requests, "a request in flight")
        hooktail.running.send_signal(signal.SIGTERM)
        wait_for(lambda: hooktail.logged("stopping"), "the first signal")
        stopped_at = time.monotonic()

        assert hooktail.stop() == 0
        assert time.monotonic() - stopped_at < 5
        assert hooktail.assert_balanced()["pending"] == 500


@pytest.mark.parametrize(("before", "after"), [(1, 2), (2, 3), (2, 1)])
def test_a_reload_may_change_how_many_there_are(tmp_path: Path, before: int, after: int) -> None:
    log = tmp_path / "access.log"
    log.write_text("".join(page_view(number) for number in range(3000)))
    with endpoint(tmp_path, "--fail", "delay=20ms") as pixel, daemon(tmp_path) as hooktail:
        hooktail.configure(
            pixel.template, f"{log}*", delivery=f"workers = {before}\nqueue_events = 200"
        )
        hooktail.start()
        wait_for(lambda: len(pixel.accepted()) > 100, "some deliveries")
        good = hooktail.config.read_text()
        hooktail.config.write_text(good.replace(f"workers = {before}", f"workers = {after}"))
        hooktail.hang_up()
        wait_for(lambda: hooktail.logged("reloaded"), "the reload")
        wait_for(lambda: len(hooktail.logged("started")) == 2, "the second run")

        wait_for(lambda: hooktail.books().get("delivered") == 3000, "everything", 60)
        assert len(hooktail.workers()) == (after if after > 1 else 0)
        assert hooktail.stop() == 0
        count = Counter(request["body"]["url"] for request in pixel.accepted())
        assert set(count.values()) == {1}
        assert len(count) == 3000
        assert hooktail.logged("worker_died") == []


def test_no_account_id_is_in_any_process_list_or_log(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_text(page_view(1))
    with endpoint(tmp_path, "--fail", "404") as pixel, daemon(tmp_path) as hooktail:
        hooktail.configure(pixel.template, f"{log}*", delivery="workers = 2")
        hooktail.start()
        wait_for(lambda: hooktail.logged("destination_held"), "an answer")
        for pid in hooktail.workers():
            assert b"acct-1" not in Path(f"/proc/{pid}/cmdline").read_bytes()
            assert b"acct-1" not in Path(f"/proc/{pid}/environ").read_bytes()
        os.kill(hooktail.workers()[0], signal.SIGKILL)
        wait_for(lambda: hooktail.logged("worker_died"), "the death")
        assert hooktail.stop() == 0

        assert "acct-1" not in hooktail.log_text()
