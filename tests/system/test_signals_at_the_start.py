"""Signals that come before the daemon runs, at whatever instant of its start."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path

import pytest
from support.lines import page_view
from support.processes import daemon, endpoint, wait_for

from hooktail import __main__


def _is_ready_for(pid: int, number: int) -> bool:
    fields = dict(
        line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines()
    )
    mask = int(fields["SigBlk"], 16) | int(fields["SigCgt"], 16)
    return bool(mask >> (number - 1) & 1)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("delay_s", [0.0, 0.1, 0.2, 0.4])
def test_a_stop_during_the_start_ends_it_without_a_word_of_python(
    tmp_path: Path, number: signal.Signals, delay_s: float
) -> None:
    log = tmp_path / "access.log"
    log.write_text(page_view(1))
    with endpoint(tmp_path) as pixel, daemon(tmp_path) as hooktail:
        hooktail.configure(pixel.template, str(log))
        hooktail.start(wait=False)
        pid = hooktail.running.pid
        wait_for(lambda: _is_ready_for(pid, signal.SIGHUP), "the handlers")
        time.sleep(delay_s)  # any instant will do: that is the claim
        hooktail.running.send_signal(number)

        assert hooktail.running.wait(20) == 0
        assert "Traceback" not in hooktail.log_text()


@pytest.mark.parametrize("delay_s", [0.0, 0.1, 0.2, 0.4])
def test_a_hangup_during_the_start_is_no_end(tmp_path: Path, delay_s: float) -> None:
    log = tmp_path / "access.log"
    log.write_text(page_view(1))
    with endpoint(tmp_path) as pixel, daemon(tmp_path) as hooktail:
        hooktail.configure(pixel.template, str(log))
        hooktail.start(wait=False)
        pid = hooktail.running.pid
        wait_for(lambda: _is_ready_for(pid, signal.SIGHUP), "the handlers")
        time.sleep(delay_s)  # any instant will do: that is the claim
        hooktail.hang_up()

        wait_for(pixel.accepted, "the event")
        wait_for(lambda: hooktail.logged("started"), "the start")
        assert hooktail.stop() == 0


def test_an_interrupt_while_a_command_is_being_imported_is_no_traceback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Interrupted:
        @staticmethod
        def find_spec(name: str, *_: object) -> None:
            if name == "hooktail.cli.main":
                raise KeyboardInterrupt

    monkeypatch.setattr(sys, "argv", ["hooktail", "parse", "--config", "run"])
    monkeypatch.setattr(sys, "meta_path", [Interrupted, *sys.meta_path])
    monkeypatch.delitem(sys.modules, "hooktail.cli.main", raising=False)

    with pytest.raises(SystemExit) as ended:
        __main__.main()

    assert ended.value.code == 130
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
