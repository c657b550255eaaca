"""SIGKILL at random moments, under load, against an endpoint that misbehaves."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from support.kills import Way, killed_again_and_again, paths_of, until_told
from support.lines import mixed
from support.processes import Daemon, daemon, endpoint, wait_for

KILLS = 24


def kill(hooktail: Daemon, _rng: random.Random) -> None:
    hooktail.kill()


def start_again(hooktail: Daemon, rng: random.Random) -> None:
    hooktail.assert_balanced()
    hooktail.start(wait=rng.random() < 0.8)  # or it is killed while it starts


WAYS = [Way(kill, start_again)]


@pytest.mark.timeout(300)
def test_killed_again_and_again_it_loses_nothing_and_repeats_only_what_was_in_flight(
    tmp_path: Path,
) -> None:
    killed_again_and_again(tmp_path, WAYS, go_on=lambda kills: kills < KILLS)


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_killed_for_as_long_as_told_it_loses_nothing(tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    print("seed", seed)
    killed_again_and_again(tmp_path, WAYS, go_on=until_told(float(os.environ["SOAK_S"])), seed=seed)


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
