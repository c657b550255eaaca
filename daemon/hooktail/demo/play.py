"""The plot: the shop writes, the log rotates, the endpoint fails, and nothing is lost.

One loop in one task plays it, tick by tick: it writes the lines that are due, raises the curtain
on what the plot has for this moment, and shows what has arrived. The daemon and the collector are
on their own all the while.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from hooktail.checkpoint.store import read_state
from hooktail.collector import Collector, Plan, parse_plan
from hooktail.demo.access_log import AccessLog
from hooktail.demo.balance import READ, Balance, Taken, Written
from hooktail.demo.child import Daemon
from hooktail.demo.setup import CONFIG_NAME, LOG_NAME, SOURCE, STATE_NAME, config_text
from hooktail.demo.traffic import Traffic
from hooktail.errors import CheckpointError, HooktailError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from hooktail.checkpoint.state import State
    from hooktail.collector import Received
    from hooktail.demo.script import Script

TICK_S = 0.05
LOOK_S = 0.1
"""Between two looks at the daemon's checkpoint."""
START_DEADLINE_S = 30.0
DRAIN_DEADLINE_S = 45.0
STOP_DEADLINE_S = 30.0
DAEMON_LOG_NAME = "hooktail.log"
_MOST_LINES_A_TICK = 5_000
_REOPEN_AFTER_S = 0.15
_HEAD_START_S = 0.5
"""So much traffic stands in the log before the daemon starts."""


class Show(Protocol):
    """Who tells the story. Each method is called on the loop, between two ticks."""

    def opens(self, address: str, config: str) -> None:
        """The stage is set: the collector listens, nothing has been written yet."""

    def daemon_started(self) -> None:
        """The daemon follows the log."""

    def event(self, received: Received) -> None:
        """The endpoint has got a POST, and has answered it."""

    def renamed(self, number: int) -> None:
        """The log was renamed, for the first, second, ... time."""

    def reopened(self, lines: int) -> None:
        """The shop opened a new log; so many lines still went into the renamed one."""

    def outage_begins(self, seconds: float) -> None:
        """The endpoint answers 503 from now on, for so long."""

    def outage_ends(self, failed: int, lines: int) -> None:
        """It is well again: so many tries were answered 503, so many lines were written."""

    def traffic_ends(self, lines: int, *, early: bool) -> None:
        """The shop has written its last line; `early` if it was told to stop."""

    def drained(self) -> None:
        """Every line is settled."""


async def play(script: Script, directory: Path, show: Show, stop: asyncio.Event) -> Balance:
    """Plays it in `directory`; when `stop` is set, comes to an orderly end at once.

    Nothing is left running, however it ends. Raises HooktailError if the daemon cannot start or
    ends by itself, or if nothing can be written.
    """
    async with contextlib.AsyncExitStack() as stack:
        stage = Stage(script, directory, show, stop)
        stack.callback(stage.log.close)
        stack.push_async_callback(stage.collector.stop)
        await stage.set_up()
        stage.daemon = await Daemon.start(directory / CONFIG_NAME, directory / DAEMON_LOG_NAME)
        stack.push_async_callback(stage.daemon.kill)
        await stage.until_started(stage.daemon)
        await stage.act(stage.daemon)
        return await stage.settle_up(stage.daemon)


class Stage:
    """Everything the plot moves."""

    def __init__(self, script: Script, directory: Path, show: Show, stop: asyncio.Event) -> None:
        self.log = AccessLog(directory / LOG_NAME)
        self.collector = Collector(on_event=self._on_event)
        self.daemon: Daemon | None = None
        self._script = script
        self._directory = directory
        self._show = show
        self._stop = stop
        self._traffic = Traffic(script.seed)
        self._written = Written()
        self._taken = Taken()
        self._arrived: deque[Received] = deque()
        self._renamings = 0
        self._lines_before_outage = 0

    # -- the acts

    async def set_up(self) -> None:
        """Starts the collector, writes the configuration and the first lines."""
        host, port = await self.collector.start()
        config = config_text(self._directory, host, port)
        (self._directory / CONFIG_NAME).write_text(config, encoding="utf-8")
        self._show.opens(f"{host}:{port}", config)
        self._write(max(1, int(_HEAD_START_S * self._script.rate)))

    async def until_started(self, daemon: Daemon) -> None:
        """Waits until the daemon follows the log."""
        if not await self._wait_for(
            lambda state: SOURCE in state.started, daemon, START_DEADLINE_S
        ):
            raise HooktailError(
                f"the daemon did not start within {START_DEADLINE_S:.0f} s; the end of its log:\n"
                f"{daemon.last_words()}"
            )
        self._show.daemon_started()

    async def act(self, daemon: Daemon) -> None:
        """Writes at the rate of the script until its end, and plays what happens on the way."""
        clock = asyncio.get_running_loop().time
        plot = self._plot()
        began, due = clock(), 0
        while not self._stop.is_set() and (elapsed_s := clock() - began) < self._script.duration_s:
            while plot and plot[0][0] <= elapsed_s:
                plot.popleft()[1]()
            wanted = int(elapsed_s * self._script.rate)
            self._write(min(wanted - due, _MOST_LINES_A_TICK))
            due = wanted
            self._show_arrived()
            daemon.check()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), TICK_S)
        self._show.traffic_ends(self._written.lines, early=self._stop.is_set())
        self._end_outage()

    async def settle_up(self, daemon: Daemon) -> Balance:
        """Has everything drained, stops the daemon and takes the three counts."""
        lines = self._written.lines
        if await self._wait_for(lambda state: _is_settled(state, lines), daemon, DRAIN_DEADLINE_S):
            self._show_arrived()
            self._show.drained()
        exit_code = await daemon.stop(STOP_DEADLINE_S)
        self._show_arrived()
        return Balance(
            written=self._written,
            lines_in_files=self.log.count_lines(),
            books=_books(read_state(self._directory / STATE_NAME)),
            taken=self._taken,
            exit_code=exit_code,
        )

    # -- the plot

    def _plot(self) -> deque[tuple[float, Callable[[], None]]]:
        """What happens, by seconds from the beginning."""
        script = self._script
        scenes: list[tuple[float, Callable[[], None]]] = [
            (script.outage_at_s, self._begin_outage),
            (script.outage_at_s + script.outage_s, self._end_outage),
        ]
        for renamed_at_s in script.rotations_at_s:
            scenes += [(renamed_at_s, self._rename), (renamed_at_s + _REOPEN_AFTER_S, self._reopen)]
        return deque(sorted(scenes, key=lambda scene: scene[0]))

    def _rename(self) -> None:
        self.log.rename()
        self._renamings += 1
        self._show.renamed(self._renamings)

    def _reopen(self) -> None:
        self.log.reopen()
        self._show.reopened(self.log.since_rename)

    def _begin_outage(self) -> None:
        self.collector.plan = parse_plan("503")
        self._lines_before_outage = self._written.lines
        self._show.outage_begins(self._script.outage_s)

    def _end_outage(self) -> None:
        if not self.collector.plan.faults:
            return
        self.collector.plan = Plan()
        self._show_arrived()
        lines = self._written.lines - self._lines_before_outage
        self._show.outage_ends(self._taken.failed, lines)

    # -- small moves

    def _write(self, number: int) -> None:
        now = datetime.now().astimezone()
        lines = [self._traffic.next(now) for _ in range(number)]
        self.log.write(lines)
        self._written.add(lines)

    def _on_event(self, received: Received) -> None:
        self._taken.add(received)
        self._arrived.append(received)

    def _show_arrived(self) -> None:
        while self._arrived:
            self._show.event(self._arrived.popleft())

    async def _wait_for(
        self, holds: Callable[[State], bool], daemon: Daemon, deadline_s: float
    ) -> bool:
        """Waits until something holds of the checkpoint; False after the deadline."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(deadline_s):
                while True:
                    # Not there yet, or between two generations: the next look knows more.
                    with contextlib.suppress(OSError, CheckpointError):
                        if holds(read_state(self._directory / STATE_NAME)):
                            return True
                    self._show_arrived()
                    daemon.check()
                    await asyncio.sleep(LOOK_S)
        return False


def _books(state: State) -> Mapping[str, int]:
    return state.books.get(SOURCE, {})


def _is_settled(state: State, lines: int) -> bool:
    books = _books(state)
    return books.get(READ, 0) >= lines and sum(books.values()) >= 2 * lines
