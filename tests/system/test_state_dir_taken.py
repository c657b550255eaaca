"""The state directory of the real daemon is taken away, and another has it by then."""

from __future__ import annotations

from pathlib import Path

from support.lines import page_view
from support.processes import daemon, endpoint, wait_for

from hooktail.checkpoint.lock import StateLock


def test_a_daemon_whose_state_directory_another_has_taken_ends_with_one_clear_line(
    tmp_path: Path,
) -> None:
    log = tmp_path / "access.log"
    log.write_text(page_view(1))
    taken = tmp_path / "taken"
    taken.mkdir()
    with endpoint(tmp_path) as pixel, daemon(tmp_path) as hooktail, StateLock(taken):
        hooktail.configure(pixel.template, str(log))
        hooktail.start()
        wait_for(lambda: len(pixel.accepted()) == 1, "the first event")

        hooktail.state_dir.rename(tmp_path / "away")
        taken.rename(hooktail.state_dir)

        assert hooktail.running.wait(20) == 73
        plain = [line for line in hooktail.log_text().splitlines() if not line.startswith("{")]
        assert len(plain) == 1
        assert f"{hooktail.state_dir}/lock: in use by hooktail with process id" in plain[0]
        assert "Traceback" not in hooktail.log_text()
        assert [path.name for path in hooktail.state_dir.iterdir()] == ["lock"]
