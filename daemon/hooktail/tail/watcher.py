"""The one door to watchdog. It rings a bell; the truth is asked of stat and fstat.

A directory is watched for topology (created, moved, deleted), and for modification only while all
of its files are idle, because a wake-up costs a hundred times an fstat and active files are
followed by fstat anyway.
"""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

import structlog
from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from watchdog.observers.api import BaseObserver, ObservedWatch

_TOPOLOGY: list[type[FileSystemEvent]] = [
    FileCreatedEvent,
    FileMovedEvent,
    FileDeletedEvent,
    DirCreatedEvent,
    DirMovedEvent,
    DirDeletedEvent,
]
_IDLE: list[type[FileSystemEvent]] = [*_TOPOLOGY, FileModifiedEvent]

log = structlog.get_logger()


class Watcher(FileSystemEventHandler):
    """Watches directories and rings `on_bell(topology_changed, modified)` on the loop thread.

    `modified` holds the paths of idle files that were written to. Each ring stands for everything
    since the last one. A directory that cannot be watched (limits, a file system without inotify)
    is left to polling; `watched` tells which are.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, on_bell: Callable[[bool, set[str]], None]
    ) -> None:
        self._loop = loop
        self._on_bell = on_bell
        self._lock = threading.Lock()
        self._topology = False
        self._modified: set[str] = set()
        self._deleted: set[str] = set()
        self._rung = False
        self._observer: BaseObserver = Observer()
        self._watches: dict[str, tuple[ObservedWatch, bool]] = {}
        self._complained = False

    def start(self) -> None:
        """Starts watchdog's thread."""
        self._observer.start()

    def stop(self) -> None:
        """Stops watchdog's thread and waits for it: call it off the loop."""
        self._observer.stop()
        self._observer.join()

    @property
    def alive(self) -> bool:
        """False once watchdog's thread has died, which it does without a word."""
        return self._observer.is_alive()

    @property
    def watched(self) -> frozenset[str]:
        """The directories whose topology is watched."""
        return frozenset(self._watches)

    def watch(self, directories: set[str], awake: set[str]) -> None:
        """Makes the watched directories these; in those not `awake` a modification rings too."""
        for gone in self._watches.keys() - directories:
            self._unwatch(gone)
        for directory in directories:
            idle = directory not in awake
            known = self._watches.get(directory)
            if known is None or known[1] is not idle:
                self._watch(directory, idle=idle)

    def _watch(self, directory: str, *, idle: bool) -> None:
        """Watches a directory; one watched otherwise changes over without a gap.

        The kernel keeps one mask for a directory, that of the last call: the new watch comes first,
        and replaces it as a whole; taking the old watch away leaves it as it is.
        """
        try:
            watch = self._observer.schedule(
                self, directory, recursive=False, event_filter=_IDLE if idle else _TOPOLOGY
            )
        except FileNotFoundError:
            return  # gone again; the next scan knows
        except OSError as error:
            if not self._complained:
                self._complained = True
                log.warning(
                    "inotify_unavailable",
                    directory=directory,
                    reason=error.strerror or str(error),
                    hint="falling back to polling; raise fs.inotify.max_user_watches "
                    "and fs.inotify.max_user_instances with sysctl",
                )
            return
        if directory in self._watches:
            self._unwatch(directory)
        self._watches[directory] = watch, idle

    def _unwatch(self, directory: str) -> None:
        watch, _ = self._watches.pop(directory)
        with contextlib.suppress(KeyError, OSError):  # it may have vanished with its directory
            self._observer.unschedule(watch)

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Runs on watchdog's thread, and must never raise there: that would end the thread."""
        with self._lock:
            if isinstance(event, FileModifiedEvent):
                self._modified.add(str(event.src_path))
            else:
                self._topology = True
                if isinstance(event, DirDeletedEvent):
                    self._deleted.add(str(event.src_path))
            if self._rung:
                return
            self._rung = True
        with contextlib.suppress(RuntimeError):  # the loop is closed: we are stopping
            self._loop.call_soon_threadsafe(self._ring)

    def _ring(self) -> None:
        with self._lock:
            topology, self._topology = self._topology, False
            modified, self._modified = self._modified, set()
            deleted, self._deleted = self._deleted, set()
            self._rung = False
        for directory in deleted & self._watches.keys():
            self._unwatch(directory)  # so that its return is watched
        self._on_bell(topology, modified)
