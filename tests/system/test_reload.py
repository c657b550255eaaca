"""SIGHUP: a new configuration on the same checkpoint and the same open files."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from support.lines import page_view
from support.processes import daemon, endpoint, wait_for


def test_a_bad_configuration_is_refused_and_the_old_one_stays(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.touch()
    with endpoint(tmp_path) as pixel, daemon(tmp_path) as hooktail:
        hooktail.configure(pixel.template, f"{log}*")
        hooktail.start()
        good = hooktail.config.read_text()
        hooktail.config.write_text(good.replace("start_at", "strat_at"))

        hooktail.hang_up()
        refused = wait_for(lambda: hooktail.logged("reload_refused"), "the refusal")
        assert "strat_at" in refused[0]["problem"]
        assert "start_at" in refused[0]["problem"]

        with log.open("a") as file:
            file.write(page_view(1))
        wait_for(lambda: hooktail.books().get("delivered") == 1, "the old configuration at work")
        assert hooktail.stop() == 0


def test_a_reload_under_load_loses_nothing_repeats_nothing_and_keeps_deleted_files(
    tmp_path: Path,
) -> None:
    log = tmp_path / "access.log"
    lines = [page_view(number) for number in range(6000)]
    log.write_text("".join(lines[:5000]))
    with endpoint(tmp_path, "--fail", "delay=20ms") as pixel, daemon(tmp_path) as hooktail:
        hooktail.configure(pixel.template, f"{log}*", delivery="queue_events = 200")
        hooktail.start()
        wait_for(lambda: len(pixel.accepted()) > 100, "some deliveries")
        log.unlink()  # with most of it unread
        log.write_text("".join(lines[5000:]))

        good = hooktail.config.read_text()
        hooktail.config.write_text(good.replace("queue_events = 200", "queue_events = 400"))
        hooktail.hang_up()
        wait_for(lambda: hooktail.logged("reloaded"), "the reload")

        wait_for(lambda: hooktail.books().get("delivered") == 6000, "everything", 60)
        assert hooktail.stop() == 0
        count = Counter(request["body"]["url"] for request in pixel.accepted())
        assert set(count.values()) == {1}
        assert len(count) == 6000
        assert hooktail.assert_balanced()["read"] == 6000


def test_a_new_source_begins_at_its_own_first_start(tmp_path: Path) -> None:
    log, other = tmp_path / "access.log", tmp_path / "other.log"
    log.touch()
    other.write_text(page_view(1))
    with endpoint(tmp_path) as pixel, daemon(tmp_path) as hooktail:
        hooktail.configure(pixel.template, f"{log}*")
        hooktail.start()
        with hooktail.config.open("a") as file:
            file.write(
                f'[[source]]\nname = "blog"\npaths = ["{other}"]\nsite = "https://b.example"\n'
            )
        hooktail.hang_up()
        wait_for(lambda: hooktail.logged("reloaded"), "the reload")
        wait_for(
            lambda: [e for e in hooktail.logged("file_started") if e["source"] == "blog"],
            "the new source",
        )
        with other.open("a") as file:
            file.write(page_view(2))

        wait_for(lambda: hooktail.books("blog").get("delivered") == 1, "the new line")
        assert hooktail.stop() == 0
        assert [r["body"]["url"] for r in pixel.accepted()] == ["https://b.example/p/2"]
