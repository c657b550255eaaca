"""A wrong account holds the destination; put right on disk, it goes on, reloaded or not."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from support.lines import page_view
from support.processes import Daemon, Endpoint, daemon, endpoint, wait_for

from hooktail.delivery.sender import LANE_VARIABLE

WRONG, RIGHT = "acct-wrong-1", "acct-right-1"
all_lanes = pytest.mark.parametrize("lane", ["plain", "fast", "workers"])


def write_lines(hooktail: Daemon, number: int) -> Path:
    log = hooktail.directory / "access.log"
    log.write_text("".join(page_view(n) for n in range(number)))
    return log


def hold(hooktail: Daemon, pixel: Endpoint, account: str, lane: str = "fast") -> None:
    """Starts with a wrong account and waits until the endpoint has said so."""
    log = write_lines(hooktail, 50)
    delivery = "workers = 2" if lane == "workers" else ""
    hooktail.configure(pixel.template, str(log), delivery=delivery)
    text = hooktail.config.read_text()
    hooktail.config.write_text(text.replace('account_id = "acct-1"', account))
    hooktail.start()
    wait_for(lambda: hooktail.logged("destination_held"), "the hold")


def assert_all_is_delivered_and_nothing_told(hooktail: Daemon, pixel: Endpoint) -> None:
    wait_for(lambda: hooktail.books().get("delivered") == 50, "everything")
    assert hooktail.stop() == 0
    assert hooktail.assert_balanced() == {"read": 50, "pending": 0, "delivered": 50}
    assert {request["path"] for request in pixel.accepted()} == {f"/{RIGHT}/pixel.png"}
    assert len(pixel.accepted()) == 50
    for secret in (WRONG, RIGHT):
        assert secret not in hooktail.log_text()


@all_lanes
@pytest.mark.parametrize("where", ["file", "credential"])
def test_an_account_that_is_put_right_on_disk_is_taken_up_without_a_reload(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lane: str, where: str
) -> None:
    monkeypatch.setenv(LANE_VARIABLE, "plain" if lane == "plain" else "fast")
    folder = tmp_path / "credentials"
    folder.mkdir()
    file = folder / "account_id"
    file.write_text(WRONG)
    if where == "credential":
        monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))
    key = f'account_id_file = "{file}"' if where == "file" else ""
    with endpoint(tmp_path, "--account", RIGHT) as pixel, daemon(tmp_path) as hooktail:
        hold(hooktail, pixel, key, lane)
        file.write_text("")  # half of an editor's work is no account
        probes = len(pixel.requests())
        wait_for(lambda: len(pixel.requests()) > probes, "one more probe", 30)
        assert not hooktail.logged("account_taken_up")
        file.write_text(f"{RIGHT}\n")

        assert_all_is_delivered_and_nothing_told(hooktail, pixel)
        assert len(hooktail.logged("account_taken_up")) == 1


@all_lanes
@pytest.mark.parametrize("where", ["file", "inline"])
def test_an_account_that_is_put_right_is_taken_up_by_a_reload(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lane: str, where: str
) -> None:
    monkeypatch.setenv(LANE_VARIABLE, "plain" if lane == "plain" else "fast")
    file = tmp_path / "account_id"
    file.write_text(WRONG)
    key = f'account_id_file = "{file}"' if where == "file" else f'account_id = "{WRONG}"'
    with endpoint(tmp_path, "--account", RIGHT) as pixel, daemon(tmp_path) as hooktail:
        hold(hooktail, pixel, key, lane)
        mended = hooktail.config if where == "inline" else file
        mended.write_text(mended.read_text().replace(WRONG, RIGHT))
        hooktail.hang_up()

        assert_all_is_delivered_and_nothing_told(hooktail, pixel)


def test_a_reload_asks_at_once_when_it_was_mended_over_there(tmp_path: Path) -> None:
    """Nothing has changed here; but whoever reloads does not want to wait for the next probe."""
    with (
        endpoint(tmp_path, "--account", RIGHT, name="wrong.ndjson") as pixel,
        daemon(tmp_path) as hooktail,
    ):
        hold(hooktail, pixel, f'account_id = "{WRONG}"')
        wait_for(lambda: len(pixel.requests()) >= 4, "the probes to get rare", 60)
        pixel.process.terminate()
        pixel.process.wait(10)
        with endpoint(tmp_path, "--account", WRONG, port=pixel.port) as opened:
            hooktail.hang_up()

            wait_for(lambda: hooktail.books().get("delivered") == 50, "everything", 3)
            assert hooktail.stop() == 0
            assert len(opened.accepted()) == 50


def test_a_reload_asks_a_held_destination_again_and_says_so(tmp_path: Path) -> None:
    """Nothing had changed, it was not among the untouched, and its hold seemed to begin anew."""
    file = tmp_path / "account_id"
    file.write_text(WRONG)
    with endpoint(tmp_path, "--account", RIGHT) as pixel, daemon(tmp_path) as hooktail:
        hold(hooktail, pixel, f'account_id_file = "{file}"')
        (held,) = hooktail.logged("destination_held")
        assert "`endpoint` or `account_id`" in held["hint"]
        probes = len(pixel.requests())
        wait_for(lambda: len(pixel.requests()) > probes, "a probe")
        probes = len(pixel.requests())
        hooktail.hang_up()
        (said,) = wait_for(lambda: hooktail.logged("reloaded"), "the reload")
        assert said["untouched"] == []
        assert said["asked_again"] == ["default"]
        assert hooktail.logged("drained")[0]["events_left"] == 50
        wait_for(lambda: len(pixel.requests()) > probes, "a probe after the reload")

        file.write_text(f"{RIGHT}\n")
        assert_all_is_delivered_and_nothing_told(hooktail, pixel)
        (opened,) = hooktail.logged("destination_open")
        began, ended = (datetime.fromisoformat(each["timestamp"]) for each in (held, opened))
        assert opened["shut_s"] == pytest.approx((ended - began).total_seconds(), abs=0.3)
