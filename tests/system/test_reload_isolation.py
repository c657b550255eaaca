"""A reload beside a destination that hangs costs the others next to nothing."""

from __future__ import annotations

import time
from itertools import pairwise
from pathlib import Path

import pytest
from support.lines import page_view
from support.processes import daemon, endpoint, wait_for

QUIET_S = 1.5
"""How long the healthy one may be quiet, with five lines a second written and a busy machine."""
DRAIN_S = 4
"""How long the hanging one holds up who waits for it; far more than `QUIET_S`."""
STALL_S = 6


@pytest.mark.parametrize("change", ["of_the_hanging_one", "of_both", "none"])
def test_a_reload_beside_a_destination_that_hangs_does_not_silence_a_healthy_one(
    tmp_path: Path, change: str
) -> None:
    log, stuck_log = tmp_path / "access.log", tmp_path / "stuck.log"
    log.touch()
    stuck_log.write_text("".join(page_view(number) for number in range(1000, 1040)))
    with (
        endpoint(tmp_path, name="a.ndjson") as healthy,
        endpoint(tmp_path, "--fail", f"stall@0-{STALL_S}", name="b.ndjson") as hanging,
        daemon(tmp_path) as hooktail,
    ):
        hooktail.configure(
            healthy.template,
            str(log),
            delivery=f"drain_timeout_s = {DRAIN_S}\nretry_initial_s = 0.05",
            more=f"""
[destination.hanging]
account_id = "acct-2"
timeout_s = 5
endpoint = "{hanging.template}"
[[source]]
name = "stuck"
paths = ["{stuck_log}"]
site = "https://stuck.example"
start_at = "beginning"
max_event_age = "0"
destination = "hanging"
""",
        )
        hooktail.start()
        wait_for(hanging.requests, "a request that hangs")

        good = hooktail.config.read_text()
        if change == "of_the_hanging_one":
            hooktail.config.write_text(good.replace("timeout_s = 5\n", "timeout_s = 6\n"))
        elif change == "of_both":
            hooktail.config.write_text(good.replace("0.05", "0.06"))
        ends_at, number, reloaded = time.monotonic() + STALL_S + 1, 0, False
        while time.monotonic() < ends_at:
            with log.open("a") as file:
                file.write(page_view(number))
            number += 1
            if number == 10:
                hooktail.hang_up()
            time.sleep(0.2)
            reloaded = reloaded or bool(hooktail.logged("reloaded"))
        assert reloaded

        wait_for(lambda: hooktail.books().get("delivered") == number, "the healthy one")
        wait_for(lambda: hooktail.books("stuck").get("delivered") == 40, "the other one", 60)
        assert hooktail.stop() == 0
        times = [request["t"] for request in healthy.accepted()]
        assert len(times) == number  # none twice
        assert max(after - before for before, after in pairwise(times)) < QUIET_S
        assert hooktail.assert_balanced("stuck")["read"] == 40
        if change == "none":
            # Nothing was touched, so nothing was cut short or sent again before its time was over.
            assert hooktail.logged("reloaded")[0]["untouched"] == ["default", "hanging"]


def test_a_stop_amid_a_reload_ends_all_of_it_once(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_text("".join(page_view(number) for number in range(100)))
    with endpoint(tmp_path, "--fail", "stall") as pixel, daemon(tmp_path) as hooktail:
        hooktail.configure(pixel.template, str(log), delivery="drain_timeout_s = 2")
        hooktail.start()
        wait_for(pixel.requests, "a request that hangs")
        good = hooktail.config.read_text()
        hooktail.config.write_text(good.replace("drain_timeout_s = 2", "drain_timeout_s = 3"))
        hooktail.hang_up()
        time.sleep(0.3)

        began = time.monotonic()
        assert hooktail.stop() == 0

        assert time.monotonic() - began < 6
        assert not hooktail.logged("reloaded")
        books = hooktail.assert_balanced()
        assert 0 < books["pending"] == books["read"]
