"""What the watcher does where the kernel gives it less than it asks for."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from hooktail.tail import watcher as module
from hooktail.tail.watcher import SPARE_WATCHES, Watcher


class FakeObserver:
    """Watches as many directories as there are `allowed`, then fails."""

    allowed = 0
    error: Exception = OSError(errno.ENOSPC, "inotify watch limit reached")

    def __init__(self) -> None:
        self.watched: list[str] = []

    def start(self) -> None:
        pass

    def stop(self) -> None:
        pass

    def join(self) -> None:
        pass

    def is_alive(self) -> bool:
        return True

    def schedule(self, handler: object, path: str, **_: object) -> str:
        if len(self.watched) >= self.allowed:
            raise self.error
        self.watched.append(path)
        return path

    def unschedule(self, watch: str) -> None:
        self.watched.remove(watch)


@pytest.fixture
def directories(tmp_path: Path) -> set[str]:
    places = [tmp_path / f"{number:02}" for number in range(30)]
    for place in places:
        place.mkdir()
    return {str(place) for place in places}


async def watcher_on(monkeypatch: pytest.MonkeyPatch, allowed: int, error: Exception) -> Watcher:
    monkeypatch.setattr(FakeObserver, "allowed", allowed)
    monkeypatch.setattr(FakeObserver, "error", error)
    monkeypatch.setattr(module, "Observer", FakeObserver)
    return Watcher(asyncio.get_running_loop(), lambda _topology, _modified: None)


def hints(logs: Sequence[Mapping[str, object]]) -> list[str]:
    return [str(each["hint"]) for each in logs if each["event"] == "inotify_unavailable"]


async def test_at_the_limit_of_watches_the_rest_is_polled_and_the_sysctl_named_once(
    monkeypatch: pytest.MonkeyPatch, directories: set[str]
) -> None:
    error = OSError(errno.ENOSPC, "inotify watch limit reached")
    watcher = await watcher_on(monkeypatch, 10, error)
    with capture_logs() as logs:
        watcher.watch(directories, set())
        watcher.watch(directories, set())

    assert watcher.watched == set(sorted(directories)[:10])
    (hint,) = hints(logs)
    assert "fs.inotify.max_user_watches" in hint


async def test_without_an_inotify_instance_everything_is_polled(
    monkeypatch: pytest.MonkeyPatch, directories: set[str]
) -> None:
    def refused() -> None:
        raise OSError(errno.EMFILE, "inotify instance limit reached")

    monkeypatch.setattr(module, "Observer", refused)
    with capture_logs() as logs:
        watcher = Watcher(asyncio.get_running_loop(), lambda _topology, _modified: None)
        watcher.start()
        watcher.watch(directories, set())

    assert watcher.watched == frozenset()
    assert watcher.alive  # there is nothing that could have died
    (hint,) = hints(logs)
    assert "fs.inotify.max_user_instances" in hint
    watcher.stop()


async def test_without_threads_for_more_directories_some_are_left_to_others(
    monkeypatch: pytest.MonkeyPatch, directories: set[str]
) -> None:
    watcher = await watcher_on(monkeypatch, 20, RuntimeError("can't start new thread"))
    with capture_logs() as logs:
        watcher.watch(directories, set())
        watcher.watch(directories, set())

    assert len(watcher.watched) == 20 - SPARE_WATCHES
    (hint,) = hints(logs)
    assert "TasksMax" in hint


async def test_no_more_directories_are_watched_than_there_may_be_threads(
    monkeypatch: pytest.MonkeyPatch, directories: set[str]
) -> None:
    monkeypatch.setattr(module, "MAX_WATCHES", 5)
    watcher = await watcher_on(monkeypatch, 100, RuntimeError())
    with capture_logs() as logs:
        watcher.watch(directories, set())

    assert watcher.watched == set(sorted(directories)[:5])
    assert len(hints(logs)) == 1


async def test_another_directory_in_the_place_of_a_watched_one_is_watched_anew(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    watcher = await watcher_on(monkeypatch, 100, RuntimeError())
    place = tmp_path / "logs"
    place.mkdir()
    watcher.watch({str(place)}, set())
    before = watcher._watches[str(place)]
    place.rename(tmp_path / "away")
    watcher.watch({str(place)}, set())
    assert watcher.watched == frozenset()

    place.mkdir()
    watcher.watch({str(place)}, set())
    assert watcher._watches[str(place)].identity != before.identity
