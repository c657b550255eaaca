"""The one door to watchdog. It rings a bell; the truth is asked of stat and fstat.

A directory is watched for topology (created, moved, deleted), and for modification only while all
of its files are idle, because a wake-up costs a hundred times an fstat and active files are
followed by fstat anyway.

Each watched directory costs a thread of watchdog's and an entry of the kernel's, and both are
limited. What cannot be watched is polled; it is said once, with the limit to raise.
"""

from __future__ import annotations

import contextlib
import errno
import os
import threading
from typing import TYPE_CHECKING, NamedTuple

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

MAX_WATCHES = 1000
SPARE_WATCHES = 16
"""So many are given up where no thread can be had: others need threads too, as to ask names of."""
_WATCHES_HINT = "polled instead; raise fs.inotify.max_user_watches with sysctl"
_INSTANCES_HINT = (
    "polled instead; raise fs.inotify.max_user_instances with sysctl, "
    "or the limit of open files (LimitNOFILE)"
)
_THREADS_HINT = "polled instead; raise the limit of tasks (TasksMax): each directory needs a thread"

log = structlog.get_logger()


class _Watched(NamedTuple):
    watch: ObservedWatch
    idle: bool
    identity: tuple[int, int]
    """Device and inode: another directory may take the path, or a file system be mounted on it."""


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
        self._watches: dict[str, _Watched] = {}
        self._max_watches = MAX_WATCHES
        self._complained = False
        self._observer: BaseObserver | None = None
        try:
            self._observer = Observer()
        except OSError as error:
            self._complain("", error.strerror or str(error), _hint(error))

    def start(self) -> None:
        """Starts watchdog's thread, if there can be one."""
        if self._observer is None:
            return
        try:
            self._observer.start()
        except RuntimeError as error:
            self._complain("", str(error), _THREADS_HINT)
            self._observer = None

    def stop(self) -> None:
        """Stops watchdog's thread and waits for it: call it off the loop."""
        if self._observer is not None:
            self._observer.stop()
            self._observer.join()

    @property
    def alive(self) -> bool:
        """False once watchdog's thread has died, which it does without a word."""
        return self._observer is None or self._observer.is_alive()

    @property
    def watched(self) -> frozenset[str]:
        """The directories whose topology is watched."""
        return frozenset(self._watches)

    def watch(self, directories: set[str], awake: set[str]) -> None:
        """Makes the watched directories these; in those not `awake` a modification rings too."""
        if self._observer is None:
            return
        for gone in self._watches.keys() - directories:
            self._unwatch(self._observer, gone)
        # Sorted, so that where not all can be watched it is always the same ones that are not.
        for directory in sorted(directories):
            idle = directory not in awake
            known = self._watches.get(directory)
            identity = _identity(directory)
            if known is not None and known.identity != identity:
                # The watch went away with what stood here before: it is not a watch of this.
                self._unwatch(self._observer, directory)
                known = None
            if identity is None or (known is not None and known.idle is idle):
                continue
            if known is None and len(self._watches) >= self._max_watches:
                self._complain(directory, f"more than {self._max_watches} directories", "polled")
                break
            self._watch(self._observer, directory, identity, idle=idle)

    def _watch(
        self, observer: BaseObserver, directory: str, identity: tuple[int, int], *, idle: bool
    ) -> None:
        """Watches a directory; one watched otherwise changes over without a gap.

        The kernel keeps one mask for a directory, that of the last call: the new watch comes first,
        and replaces it as a whole; taking the old watch away leaves it as it is.
        """
        try:
            watch = observer.schedule(
                self, directory, recursive=False, event_filter=_IDLE if idle else _TOPOLOGY
            )
        except FileNotFoundError:
            return  # gone again; the next scan knows
        except OSError as error:
            self._complain(directory, error.strerror or str(error), _hint(error))
            return
        except RuntimeError as error:  # no more threads
            self._complain(directory, str(error), _THREADS_HINT)
            self._max_watches = max(len(self._watches) - SPARE_WATCHES, 0)
            for spared in list(self._watches)[self._max_watches :]:
                self._unwatch(observer, spared)
            return
        if directory in self._watches:
            self._unwatch(observer, directory)
        self._watches[directory] = _Watched(watch, idle, identity)

    def _unwatch(self, observer: BaseObserver, directory: str) -> None:
        watch = self._watches.pop(directory).watch
        with contextlib.suppress(KeyError, OSError):  # it may have vanished with its directory
            observer.unschedule(watch)

    def _complain(self, directory: str, reason: str, hint: str) -> None:
        if not self._complained:
            self._complained = True
            log.warning("inotify_unavailable", directory=directory, reason=reason, hint=hint)

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
            if self._observer is not None:
                self._unwatch(self._observer, directory)  # so that its return is watched
        self._on_bell(topology, modified)


def _identity(directory: str) -> tuple[int, int] | None:
    try:
        status = os.stat(directory)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _hint(error: OSError) -> str:
    return _INSTANCES_HINT if error.errno in (errno.EMFILE, errno.ENFILE) else _WATCHES_HINT
