"""A source that feeds two destinations: each gets everything, and neither waits for the other."""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.kills import (
    HOSTILE,
    LINES_PER_S,
    QUICK,
    Writer,
    assert_repeats_were_in_flight,
    paths_of,
)
from support.lines import page_view
from support.processes import Daemon, Endpoint, daemon, endpoint, wait_for

BOTH = 'destination = ["default", "other"]'


def other(template: str, name: str = "other") -> str:
    return f'[destination.{name}]\naccount_id = "acct-2"\nendpoint = "{template}"\n'


@contextmanager
def two_endpoints(directory: Path, *options: str) -> Iterator[tuple[Endpoint, Endpoint]]:
    """The second one with `options`."""
    with (
        endpoint(directory, name="a.ndjson") as first,
        endpoint(directory, *options, name="b.ndjson") as second,
    ):
        yield first, second


def write(log: Path, numbers: range) -> None:
    with log.open("a") as file:
        file.writelines(page_view(number) for number in numbers)


def ids(pixel: Endpoint) -> Counter[str]:
    return Counter(request["body"]["event_id"] for request in pixel.accepted())


def delivered(hooktail: Daemon, place: str) -> int:
    return hooktail.books(place).get("delivered", 0)


def test_both_get_the_same_events_and_each_reading_has_its_books(tmp_path: Path) -> None:
    rules = """
[[source.event]]
name = "purchase"
when = { path = "/thanks" }
once_per = "order"
[source.event.fields]
order = { from = "query.order", required = true }
"""
    log = tmp_path / "access.log"
    lines = [page_view(number, ip=f"81.2.69.{number % 50}") for number in range(300)]
    lines += [page_view(number % 7, path="/thanks?order={}") for number in range(40)]
    log.write_text("".join(lines) + "no line of a log\n")
    with two_endpoints(tmp_path) as (first, second), daemon(tmp_path) as hooktail:
        hooktail.configure(
            first.template, str(log), source=BOTH, more=rules + other(second.template)
        )
        hooktail.start()
        for place in ("shop", "shop>other"):
            wait_for(lambda p=place: delivered(hooktail, p) == 307, place)  # type: ignore[misc]  # bound now
        assert hooktail.stop() == 0

        books = hooktail.assert_balanced("shop")
        assert books == hooktail.assert_balanced("shop>other")
        assert books["read"] == 341
        bodies = [
            {request["body"]["event_id"]: request["body"] for request in pixel.accepted()}
            for pixel in (first, second)
        ]
        assert bodies[0] == bodies[1]
        assert len(bodies[0]) == 307
        assert max(ids(first).values()) == max(ids(second).values()) == 1
        kept = (hooktail.state_dir / "unparsed" / "shop.ndjson").read_text().splitlines()
        assert len(kept) == 1  # not once for each


@pytest.mark.parametrize("fail", ["403", "stall", "503"])
def test_one_that_is_held_silent_or_down_delays_nothing_of_the_other(
    tmp_path: Path, fail: str
) -> None:
    log, blog = tmp_path / "access.log", tmp_path / "blog.log"
    second_source = f'[[source]]\nname = "blog"\npaths = ["{blog}"]\nsite = "https://b.example"\n'
    more = second_source + 'start_at = "beginning"\nmax_event_age = "0"\n'
    with two_endpoints(tmp_path, "--fail", fail) as (first, second), daemon(tmp_path) as hooktail:
        hooktail.configure(
            first.template,
            str(log),
            source=BOTH,
            more=more + other(second.template),
            delivery="queue_events = 100\ndrain_timeout_s = 1",
        )
        # Far more than the queue of the one that is shut, and one read, may hold.
        write(log, range(4000))
        write(blog, range(5000, 5300))
        began = time.monotonic()
        hooktail.start()
        wait_for(lambda: len(first.accepted()) == 4300, "all that the healthy one is to get")
        took_s = time.monotonic() - began

        assert took_s < 15
        wait_for(lambda: delivered(hooktail, "shop") == 4000, "its books")
        assert not second.accepted()
        behind = hooktail.assert_balanced("shop>other")
        assert 0 < behind["pending"] <= behind["read"] < 4000
        assert hooktail.stop() == 0
    # Mended while it was stopped: it goes on from where it was, and the other gets nothing again.
    with (
        endpoint(tmp_path, name="a.ndjson", port=first.port),
        endpoint(tmp_path, name="c.ndjson", port=second.port) as mended,
    ):
        hooktail.start()
        wait_for(lambda: delivered(hooktail, "shop>other") == 4000, "what the other one missed")
        assert hooktail.stop() == 0
        assert ids(mended).keys() == {
            request["body"]["event_id"]
            for request in first.accepted()
            if request["body"]["url"].startswith("https://shop")
        }
        assert set(ids(first).values()) == {1}


@pytest.mark.timeout(300)
def test_killed_again_and_again_neither_loses_anything_nor_gets_what_it_has(
    tmp_path: Path,
) -> None:
    kill_again_and_again(tmp_path, seed=20_251_101, for_s=12)


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_killed_for_as_long_as_told_both_get_everything(tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    print("seed", seed)
    kill_again_and_again(tmp_path, seed=seed, for_s=float(os.environ["SOAK_S"]))


def kill_again_and_again(tmp_path: Path, *, seed: int, for_s: float) -> None:
    """One endpoint is hostile; the other one holds us for most of the time."""
    rng = random.Random(seed)
    log = tmp_path / "access.log"
    log.touch()
    writer = Writer(log, seed=7, lines_per_s=LINES_PER_S // 4)
    kills: list[float] = []
    with (
        endpoint(tmp_path, "--fail", HOSTILE, "--seed", "3", name="a.ndjson") as hostile,
        endpoint(tmp_path, "--fail", f"403@0-{for_s * 0.7}", name="b.ndjson") as held,
        daemon(tmp_path) as hooktail,
    ):
        hooktail.configure(
            hostile.template,
            f"{log}*",
            source=BOTH,
            more=other(held.template),
            delivery=f"{QUICK}\nqueue_events = 300",
        )
        hooktail.start()
        writer.start()
        ends_at = time.monotonic() + for_s
        while time.monotonic() < ends_at:
            time.sleep(rng.uniform(0.3, 1.5))
            hooktail.kill()
            kills.append(time.time())
            hooktail.assert_balanced("shop")
            hooktail.assert_balanced("shop>other")
            hooktail.start(wait=rng.random() < 0.8)
        writer.finish()
        written = writer.page_views()
        for place in ("shop", "shop>other"):
            wait_for(lambda p=place: delivered(hooktail, p) == len(written), place, 120)  # type: ignore[misc]  # bound now
        assert hooktail.stop() == 0
        for pixel, place in ((hostile, "shop"), (held, "shop>other")):
            assert paths_of(pixel.accepted()) == written
            assert hooktail.assert_balanced(place)["read"] == len(writer.lines)
            assert_repeats_were_in_flight(pixel, kills)


def test_a_destination_is_added_renamed_taken_out_and_back(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    with (
        two_endpoints(tmp_path) as (first, second),
        endpoint(tmp_path, name="c.ndjson") as third,
        daemon(tmp_path) as hooktail,
    ):

        def configure(names: str, *tables: str) -> None:
            source = f"destination = {names}"
            hooktail.configure(first.template, str(log), source=source, more="".join(tables))

        def reload(times: int) -> None:
            hooktail.hang_up()
            wait_for(lambda: len(hooktail.logged("reloaded")) == times, "the reload")

        b, c = other(second.template, "b"), other(third.template, "c")
        configure('"default"')
        write(log, range(10))
        hooktail.start()
        wait_for(lambda: delivered(hooktail, "shop") == 10, "the first")

        configure('["default", "b"]', b)  # b is new: it begins as a new source does
        reload(1)
        assert hooktail.logged("reloaded")[0]["untouched"] == ["default"]
        wait_for(lambda: len(second.accepted()) == 10, "the file from its beginning")
        write(log, range(10, 20))
        wait_for(lambda: len(second.accepted()) == len(first.accepted()) == 20, "both")

        configure('["default", "c"]', c)  # renamed: c goes on where b was
        reload(2)
        write(log, range(20, 30))
        wait_for(lambda: len(third.accepted()) == 10, "the new ones")
        wait_for(lambda: len(first.accepted()) == 30, "the same")

        configure('"c"', c)  # taken out
        reload(3)
        write(log, range(30, 40))
        wait_for(lambda: len(third.accepted()) == 20, "c alone")

        configure('["c", "default"]', c)  # and back: it gets what it missed
        reload(4)
        wait_for(lambda: len(first.accepted()) == 40, "what it missed")
        assert hooktail.stop() == 0

        for pixel in (first, second, third):
            assert set(ids(pixel).values()) == {1}
        assert paths_of(third.accepted()) == {f"/p/{number}" for number in range(20, 40)}
        assert hooktail.assert_balanced("shop") == {"read": 40, "pending": 0, "delivered": 40}
        assert hooktail.assert_balanced("shop>b") == {"read": 40, "pending": 0, "delivered": 40}
