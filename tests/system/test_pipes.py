"""Standard input and FIFOs, with the real daemon at their reading end."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from support.lines import asset, page_view
from support.processes import HOOKTAIL, daemon, endpoint, wait_for


def test_what_is_piped_in_is_sent_and_the_end_of_input_stops_the_daemon(tmp_path: Path) -> None:
    lines = [page_view(number) for number in range(500)] + [asset(1)] * 20
    with endpoint(tmp_path) as pixel, daemon(tmp_path) as hooktail:
        hooktail.configure(pixel.template, "-")

        ran = subprocess.run(
            [*HOOKTAIL, "run", "--config", str(hooktail.config)],
            input="".join(lines).rstrip("\n").encode(),
            capture_output=True,
            timeout=60,
            check=False,
        )

        assert ran.returncode == 0, ran.stderr.decode()
        assert len(pixel.accepted()) == 500
        books = hooktail.assert_balanced()
        assert books["read"] == 520
        assert books["delivered"] == 500
        assert books["pending"] == 0


def test_writers_of_a_fifo_come_and_go(tmp_path: Path) -> None:
    fifo = tmp_path / "access.fifo"
    os.mkfifo(fifo)
    with endpoint(tmp_path) as pixel, daemon(tmp_path) as hooktail:
        hooktail.configure(pixel.template, str(fifo))
        hooktail.start()
        for number in range(3):
            with fifo.open("w") as writer:
                writer.write(page_view(number))
            wait_for(lambda: len(pixel.accepted()) > number, "the event")  # noqa: B023  # at once

        assert hooktail.stop() == 0
        assert hooktail.assert_balanced()["delivered"] == 3


def test_lines_read_from_a_pipe_and_not_delivered_at_a_kill_are_counted_as_lost(
    tmp_path: Path,
) -> None:
    fifo = tmp_path / "access.fifo"
    os.mkfifo(fifo)
    with endpoint(tmp_path, "--fail", "503") as pixel, daemon(tmp_path) as hooktail:
        hooktail.configure(pixel.template, str(fifo))
        hooktail.start()
        with fifo.open("w") as writer:
            writer.writelines(page_view(number) for number in range(40))
            writer.flush()
            wait_for(lambda: hooktail.books().get("read") == 40, "the lines to be read")
            hooktail.kill()

    with endpoint(tmp_path, name="second.ndjson") as pixel, daemon(tmp_path) as hooktail:
        hooktail.configure(pixel.template, str(fifo))
        hooktail.start()
        with fifo.open("w") as writer:
            writer.write(page_view(99))
        wait_for(lambda: len(pixel.accepted()) == 1, "the new event")
        assert hooktail.stop() == 0

        books = hooktail.assert_balanced()
        assert books["expired.lost_with_its_pipe"] == 40
        assert books["pending"] == 0
        assert hooktail.logged("pipe_lines_lost")[0]["lines"] == 40


def test_a_reload_keeps_the_pipe_and_its_half_line(tmp_path: Path) -> None:
    fifo = tmp_path / "access.fifo"
    os.mkfifo(fifo)
    line = page_view(1)
    with endpoint(tmp_path) as pixel, daemon(tmp_path) as hooktail:
        hooktail.configure(pixel.template, str(fifo))
        hooktail.start()
        with fifo.open("w") as writer:
            writer.write(page_view(0) + line[:40])
            writer.flush()
            wait_for(lambda: len(pixel.accepted()) == 1, "the first event")
            hooktail.hang_up()
            wait_for(lambda: hooktail.logged("reloaded"), "the reload")
            writer.write(line[40:])
        wait_for(lambda: len(pixel.accepted()) == 2, "the line over a reload")

        assert hooktail.stop() == 0
        assert hooktail.assert_balanced()["delivered"] == 2
