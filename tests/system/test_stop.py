"""A clean stop under load, and what a restart does after it."""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from pathlib import Path

from support.lines import mixed, page_view
from support.processes import daemon, endpoint, wait_for


def test_a_stop_under_load_is_quick_and_a_restart_sends_nothing_twice(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    rng = random.Random(5)
    lines = [mixed(number, rng) for number in range(60_000)]
    log.write_text("".join(lines))
    with endpoint(tmp_path, "--fail", "delay=20ms") as pixel, daemon(tmp_path) as hooktail:
        hooktail.configure(pixel.template, f"{log}*", delivery="drain_timeout_s = 6")
        hooktail.start()
        wait_for(lambda: len(pixel.accepted()) > 500, "some deliveries")

        stopped_at = time.monotonic()
        assert hooktail.stop() == 0
        assert time.monotonic() - stopped_at < 6 + 2
        assert hooktail.logged("drained")[0]["requests_cut_short"] == 0
        after_stop = hooktail.assert_balanced()
        assert 0 < after_stop["delivered"] == len(pixel.accepted())

        pixel_count = Counter(r["body"]["event_id"] for r in pixel.accepted())
        hooktail.start()
        views = sum("/p/" in line for line in lines)
        wait_for(lambda: hooktail.books().get("delivered") == views, "the rest", 90)
        assert hooktail.stop() == 0
        pixel_count = Counter(r["body"]["event_id"] for r in pixel.accepted())
        assert set(pixel_count.values()) == {1}
        assert len(pixel_count) == views
        assert hooktail.assert_balanced()["read"] == len(lines)


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
        assert hooktail.assert_balanced()["pending"] == 500


def test_a_second_signal_stops_at_once(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_text("".join(page_view(number) for number in range(500)))
    with endpoint(tmp_path, "--fail", "stall") as pixel, daemon(tmp_path) as hooktail:
        hooktail.configure(pixel.template, f"{log}*", delivery="drain_timeout_s = 60")
        hooktail.start()
        wait_for(pixel.requests, "a request in flight")
        hooktail.running.send_signal(signal.SIGTERM)
        wait_for(lambda: hooktail.logged("stopping"), "the first signal")
        stopped_at = time.monotonic()

        assert hooktail.stop() == 0
        assert time.monotonic() - stopped_at < 3
        assert hooktail.logged("drained")[0]["requests_cut_short"] > 0
