"""The daemon as systemd and the operator know it: start, signals, configurations, stop.

Which configuration is in force is decided here; what runs under it is `work`. SIGHUP has it follow
a new one, SIGTERM ends it.
"""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

import structlog

from hooktail import checked, descriptors, visitor_secret
from hooktail.checkpoint.lock import StateLock, prepare_state_dir
from hooktail.checkpoint.places import Places
from hooktail.checkpoint.store import Store
from hooktail.errors import CannotWriteError, ConfigError, HooktailError, Problem
from hooktail.systemd import Notifier
from hooktail.work import Work

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from hooktail.config import Config

log = structlog.get_logger()


class Service:
    """The daemon. `run` returns when it was told to stop and has stopped."""

    def __init__(self, path: str | Path, config: Config, environ: Mapping[str, str]) -> None:
        self.config = config
        self._path = path
        self._environ = environ
        self._notifier = Notifier(environ)
        self._stop = asyncio.Event()
        self._stop_now = asyncio.Event()
        self._reload = asyncio.Event()

    async def run(self) -> None:
        """Runs until SIGTERM or SIGINT. Raises HooktailError for what the operator must mend."""
        self._handle_signals()  # first of all: what comes while the checkpoint is read is kept
        state_dir = self.config.state_dir
        prepare_state_dir(state_dir)
        with StateLock(state_dir) as lock:
            descriptors.raise_limit()
            store = Store.open(
                state_dir,
                on_error=self.config.on_checkpoint_error,
                sources=_first_places(self.config),
            )
            secret = self._visitor_secret(self.config)
            self._next = (self.config, secret)
            work = Work(self.config, store, lock, self._stop, self._stop_now)
            await work.run(self._notifier, self._lead(work))
            try:
                store.close()
            except OSError:
                work.saved = False
            if not work.saved:
                raise CannotWriteError(
                    f"{state_dir}: the checkpoint could not be saved before the stop; what was "
                    "answered since is sent again after the next start, with the same event ids"
                )
        log.info("stopped")

    async def _lead(self, work: Work) -> None:
        """Follows one configuration after the other, until told to stop or all input has ended."""
        await self._follow(work)
        while True:
            await _first_of(self._stop, self._reload, work.input_ended)
            if self._stop.is_set() or work.input_ended.is_set():
                return
            self._reload.clear()
            before = set(work.branches)
            if (replaced := await self._follow(work)) is not None:
                log.info(
                    "reloaded",
                    file=self.config.file,
                    untouched=sorted(before - replaced),
                    asked_again=work.asked_again,
                )

    async def _follow(self, work: Work) -> set[str] | None:
        """Brings what runs in line with the configuration that was read last.

        Returns the destinations that were touched; None if a stop came in between.
        """
        self.config, secret = self._next
        replaced = await work.follow(self.config, secret)
        if self._stop.is_set():
            return None
        log.info(
            "started",
            file=self.config.file,
            sources=[feed.name for feed in work.feeds],
            destinations=list(work.branches),
        )
        for each in checked.warnings(self.config):
            log.warning(
                "config_warning",
                key=each.key,
                reason=each.message,
                found=each.found,
                hint=each.hint,
            )
        self._notifier.ready()
        return replaced

    def _visitor_secret(self, config: Config) -> bytes:
        return visitor_secret.read_or_make(
            config.state_dir, self._environ, config.visitor_secret_file
        )

    def _handle_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop, signal.Signals(number).name)
        loop.add_signal_handler(signal.SIGHUP, self._on_hangup)
        # Held back since the start (`__main__`).
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})

    def stop(self, reason: str = "asked") -> None:
        """Stops: the first time gently, the second time at once."""
        if self._stop.is_set():
            self._stop_now.set()
        else:
            log.info("stopping", reason=reason)
            self._notifier.stopping()
            self._stop.set()

    def _on_hangup(self) -> None:
        """Refuses a bad file here and now, while everything goes on."""
        if self._stop.is_set():
            return
        self._notifier.reloading()
        try:
            config = checked.load(self._path, self._environ)
            if config.state_dir != self.config.state_dir:
                raise ConfigError([_state_dir_problem(config, self.config)])
            secret = self._visitor_secret(config)
        except HooktailError as error:
            for line in str(error).splitlines():
                # The operator's mistake, not ours: its words are enough, no traceback.
                log.error("reload_refused", problem=line, hint="the old configuration stays")  # noqa: TRY400
            self._notifier.ready()
            return
        self._next = (config, secret)
        self._reload.set()


async def _first_of(*events: asyncio.Event) -> None:
    waiting = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()


def _first_places(config: Config) -> list[str]:
    """What the sources are called in a checkpoint that knows nothing yet."""
    places = [Places().name(source.name, source.destinations) for source in config.sources]
    return [place for each in places for place in each.at.values()]


def _state_dir_problem(found: Config, running: Config) -> Problem:
    return Problem(
        file=found.file,
        key="state_dir",
        message="cannot change while running",
        found=str(found.state_dir),
        allowed=str(running.state_dir),
        hint="restart the service instead",
    )
