"""`once_per` as promised: exact over kills, rotation and second readings, alike on two hosts."""

from __future__ import annotations

import gzip
import random
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.lines import page_view
from support.processes import HOOKTAIL, Daemon, Endpoint, daemon, endpoint, wait_for

pytestmark = pytest.mark.system

RULE = """
[[source.event]]
name = "purchase"
when = { path = "/thanks" }
once_per = "order"
[source.event.fields]
order = { from = "query.order", required = true }
page = { from = "query.page" }
"""
ORDERS, RELOADS = 60, 5
LINES = ORDERS * RELOADS


def log_of_orders(seed: int = 1) -> str:
    """Each order's page is loaded five times; `page` tells the lines of one order apart."""
    loads = [(order, page) for order in range(ORDERS) for page in range(RELOADS)]
    random.Random(seed).shuffle(loads)
    return "".join(page_view(0, path=f"/thanks?order={order}&page={page}") for order, page in loads)


def first_loads(log: str) -> dict[str, str]:
    """By order, the page of its first line."""
    first: dict[str, str] = {}
    for line in log.splitlines():
        order, page = line.split()[6].removeprefix("/thanks?order=").split("&page=")
        first.setdefault(order, page)
    return first


def bodies(pixel: Endpoint) -> list[dict[str, Any]]:
    return [request["body"] for request in pixel.accepted()]


def choice(sent: list[dict[str, Any]]) -> dict[str, str]:
    return {body["order"]: body["page"] for body in sent}


def ids(sent: list[dict[str, Any]]) -> dict[str, str]:
    return {body["order"]: body["event_id"] for body in sent}


def settled(hooktail: Daemon, lines: int) -> Callable[[], bool]:
    def all_are() -> bool:
        books = hooktail.books()
        return books.get("delivered", 0) + books.get("filtered.once_per", 0) >= lines

    return all_are


def run_to_the_end(hooktail: Daemon, lines: int = LINES) -> None:
    hooktail.start()
    wait_for(settled(hooktail, lines), "every line to be settled")
    assert hooktail.stop() == 0
    hooktail.assert_balanced()


def rewind(hooktail: Daemon, *where: str) -> None:
    command = [*HOOKTAIL, "checkpoint", "rewind", "--source", "shop", *where]
    subprocess.run([*command, "--config", str(hooktail.config)], check=True, capture_output=True)


def host(directory: Path, name: str) -> Path:
    place = directory / name
    place.mkdir()
    return place


def test_two_hosts_with_the_same_lines_choose_alike(tmp_path: Path) -> None:
    """With state directories, file names, secrets and one packed file of their own."""
    log = log_of_orders()
    here, there = host(tmp_path, "here"), host(tmp_path, "there")
    (here / "access.log").write_text(log)
    (there / "shop-20240115.gz").write_bytes(gzip.compress(log.encode()))
    sent: list[list[dict[str, Any]]] = []
    for place, names in ((here, "access.log*"), (there, "shop-*")):
        with endpoint(place) as pixel, daemon(place) as hooktail:
            hooktail.configure(pixel.template, f"{place}/{names}", more=RULE)
            run_to_the_end(hooktail)
            sent.append(bodies(pixel))

    mine, other = sent
    assert len(mine) == len(other) == ORDERS
    assert choice(mine) == choice(other) == first_loads(log)
    assert ids(mine) == ids(other)
    assert len(set(ids(mine).values())) == ORDERS


def test_two_hosts_that_see_an_order_once_each_send_one_id(tmp_path: Path) -> None:
    """A balancer sends the reload to the other host: the endpoint can tell that it is the same."""
    sent: list[list[dict[str, Any]]] = []
    for number in range(2):
        place = host(tmp_path, f"host-{number}")
        (place / "access.log").write_text(log_of_orders(seed=number))
        with endpoint(place) as pixel, daemon(place) as hooktail:
            hooktail.configure(pixel.template, f"{place}/access.log", more=RULE)
            run_to_the_end(hooktail)
            sent.append(bodies(pixel))

    assert choice(sent[0]) != choice(sent[1])
    assert ids(sent[0]) == ids(sent[1])


def test_what_is_read_again_after_a_rewind_is_the_same_and_nothing_else(tmp_path: Path) -> None:
    log = log_of_orders()
    path = tmp_path / "access.log"
    path.write_text(log)
    with endpoint(tmp_path) as pixel, daemon(tmp_path) as hooktail:
        hooktail.configure(pixel.template, str(path), more=RULE)
        run_to_the_end(hooktail)
        first = bodies(pixel)

        # To the beginning, then into the middle, where most orders were claimed before.
        rewind(hooktail, "--file", str(path), "--to-offset", "0")
        run_to_the_end(hooktail, 2 * LINES)  # what is read again is counted again
        again = bodies(pixel)[len(first) :]
        lines = log.encode().splitlines(keepends=True)
        middle = sum(map(len, lines[: LINES // 2]))
        rewind(hooktail, "--file", str(path), "--to-offset", str(middle))
        run_to_the_end(hooktail, 2 * LINES + LINES // 2)
        from_the_middle = bodies(pixel)[len(first) + len(again) :]

    def key(body: dict[str, Any]) -> str:
        return str(body["order"])

    assert sorted(again, key=key) == sorted(first, key=key)
    behind = b"".join(lines[LINES // 2 :]).decode()
    late = first_loads(log).items() & first_loads(behind).items()
    assert choice(from_the_middle) == dict(late)
    assert len(from_the_middle) == len(late)
    assert all(body in first for body in from_the_middle)


def test_killed_and_rotated_in_between_it_sends_one_line_of_each_order(tmp_path: Path) -> None:
    """The first that is read: of two files that both wait after a kill, it may be in either."""
    log = log_of_orders()
    lines = log.splitlines(keepends=True)
    path = tmp_path / "access.log"
    rng = random.Random(3)
    with (
        endpoint(
            tmp_path, "--fail", "503:0.2,reset-after:0.1,delay=20ms:0.5", "--seed", "5"
        ) as pixel,
        daemon(tmp_path) as hooktail,
    ):
        hooktail.configure(
            pixel.template,
            f"{path}*",
            more=RULE,
            delivery="concurrency = 4\nretry_initial_s = 0.02\nretry_max_s = 0.1",
        )
        path.touch()
        written = 0
        for part in range(6):
            hooktail.start()
            chunk = lines[written : written + LINES // 6]
            with path.open("a") as file:
                file.writelines(chunk)
            written += len(chunk)
            # Some have nothing to send any more, and are killed as soon as they read.
            seen = len(pixel.requests()) + (rng.randrange(1, 9) if part < 3 else 0)
            wait_for(lambda most=seen: len(pixel.requests()) >= most, "requests")  # type: ignore[misc]  # bound now
            hooktail.kill()
            if part % 2:
                path.rename(f"{path}.{part}")
                path.touch()
        run_to_the_end(hooktail)
        sent = bodies(pixel)

    assert written == LINES
    assert choice(sent).keys() == first_loads(log).keys()
    by_id = Counter(body["event_id"] for body in sent)
    assert len(by_id) == ORDERS
    assert len({str(body) for body in sent}) == ORDERS  # what was sent twice is the same
