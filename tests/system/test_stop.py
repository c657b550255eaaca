"""A clean stop under load, and what a restart does after it; with workers the same."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from pathlib import Path

import pytest
from support.lines import mixed, page_view
from support.processes import daemon, endpoint, is_alive, wait_for

both = pytest.mark.parametrize("workers", [1, 2])
LINES = 30_000


@both
def test_a_stop_under_load_is_quick_and_a_restart_sends_nothing_twice(
    tmp_path: Path, workers: int
) -> None:
    """Told to the whole group, as systemd and a terminal do."""
    log = tmp_path / "access.log"
    rng = random.Random(5)
    lines = [mixed(number, rng) for number in range(LINES)]
    log.write_text("".join(lines))
    with endpoint(tmp_path, "--fail", "delay=20ms") as pixel, daemon(tmp_path) as hooktail:
        hooktail.own_group = True
        hooktail.configure(
            pixel.template, f"{log}*", delivery=f"workers = {workers}\ndrain_timeout_s = 6"
        )
        hooktail.start()
        wait_for(lambda: len(pixel.accepted()) > 300, "some deliveries")
        processes = hooktail.workers()
        assert len(processes) == (0 if workers == 1 else workers)

        stopped_at = time.monotonic()
        os.killpg(hooktail.running.pid, signal.SIGTERM)
        assert hooktail.running.wait(40) == 0
        assert time.monotonic() - stopped_at < 6 + 3
        assert not any(map(is_alive, processes))
        assert hooktail.logged("drained")[0]["requests_cut_short"] == 0
        assert hooktail.logged("worker_died") == []
        after_stop = hooktail.assert_balanced()
        assert 0 < after_stop["delivered"] == len(pixel.accepted())
        assert after_stop["read"] < LINES

        hooktail.start()
        views = sum("/p/" in line for line in lines)
        wait_for(lambda: hooktail.books().get("delivered") == views, "the rest", 90)
        assert hooktail.stop() == 0
        count = Counter(request["body"]["event_id"] for request in pixel.accepted())
        assert set(count.values()) == {1}
        assert len(count) == views
        assert hooktail.assert_balanced()["read"] == LINES


def test_a_stop_during_an_outage_keeps_within_its_deadline(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_text("".join(page_view(number) for number in range(500)))
    with endpoint(tmp_path, "--fail", "503") as pixel, daemon(tmp_path) as hooktail:
        hooktail.configure(pixel.template, f"{log}*", delivery="drain_timeout_s = 3")
        hooktail.start()
        wait_for(lambda: len(pixel.requests()) > 5, "some refusals")
        stopped_at = time.monotonic()

        assert hooktail.stop() == 0
        assert time.monotonic() - stopped_at < 3 + 2
        books = hooktail.assert_balanced()
        assert 0 < books["read"] == books["pending"]


@both
def test_a_second_signal_stops_at_once(tmp_path: Path, workers: int) -> None:
    log = tmp_path / "access.log"
    log.write_text("".join(page_view(number) for number in range(500)))
    with endpoint(tmp_path, "--fail", "stall") as pixel, daemon(tmp_path) as hooktail:
        hooktail.configure(
            pixel.template, f"{log}*", delivery=f"workers = {workers}\ndrain_timeout_s = 60"
        )
        hooktail.start()
        wait_for(pixel.requests, "a request in flight")
        hooktail.running.send_signal(signal.SIGTERM)
        wait_for(lambda: hooktail.logged("stopping"), "the first signal")
        stopped_at = time.monotonic()

        assert hooktail.stop() == 0
        assert time.monotonic() - stopped_at < 5
        assert hooktail.logged("drained")[0]["requests_cut_short"] > 0
        books = hooktail.assert_balanced()
        assert 0 < books["read"] == books["pending"]
