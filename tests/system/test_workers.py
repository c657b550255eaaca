"""The real daemon with two workers: killed in every way, reloaded. How it stops: `test_stop`."""

from __future__ import annotations

import os
import random
import signal
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from support.kills import QUICK, Way, killed_again_and_again, until_told
from support.lines import page_view
from support.processes import Daemon, daemon, endpoint, is_alive, wait_for

KILLS = 9
# Nobody waits for the end of a killed worker before the moment is noted.
UNDER_LOAD: dict[str, Any] = {
    "delivery": f"workers = 2\n{QUICK}",
    "lines_per_s": 400,
    "read_late_s": 0.5,
}


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


def start_again(hooktail: Daemon, _rng: random.Random) -> None:
    hooktail.assert_balanced()
    hooktail.start()


def see_it_noticed(hooktail: Daemon, _rng: random.Random) -> None:
    wait_for(lambda: hooktail.logged("worker_died"), "the death to be noticed")
    assert hooktail.running.poll() is None


WAYS = [
    Way(kill_the_group, start_again),
    Way(kill_the_daemon, start_again),
    Way(kill_a_worker, see_it_noticed),
]


@pytest.mark.timeout(300)
def test_killed_in_every_way_under_load_it_loses_nothing(tmp_path: Path) -> None:
    killed_again_and_again(tmp_path, WAYS, go_on=lambda kills: kills < KILLS, **UNDER_LOAD)


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_killed_in_every_way_for_as_long_as_told_it_loses_nothing(tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    print("seed", seed)
    go_on = until_told(float(os.environ["SOAK_S"]))
    killed_again_and_again(tmp_path, WAYS, go_on=go_on, seed=seed, **UNDER_LOAD)


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
