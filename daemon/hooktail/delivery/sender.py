"""The way to one endpoint: bytes out, an `Outcome` back, and no exception of a library.

There are two lanes with one meaning. The fast one is ours on top of aiohttp's connector and parser,
the plain one is aiohttp's own client. `HOOKTAIL_LANE` chooses; where the fast one cannot work, the
plain one takes over. With workers either runs in them, and a third lane leads there.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

import structlog

from hooktail import __version__, telemetry
from hooktail.config import account
from hooktail.delivery.plain_lane import PlainLane
from hooktail.delivery.target import Target
from hooktail.delivery.task_lane import TaskLane
from hooktail.delivery.worker_lane import WorkerLane
from hooktail.errors import ConfigError, Problem

try:
    from hooktail.delivery import fast_lane
except ImportError:  # an aiohttp whose inner modules have moved
    fast_lane = None  # type: ignore[assignment]  # mypy knows a module here

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from hooktail.config.sections import DestinationSection
    from hooktail.delivery.fast_lane import FastLane
    from hooktail.delivery.lane import Lane, OnOutcomes, P
    from hooktail.delivery.outcome import Outcome
    from hooktail.delivery.worker_pool import WorkerPool

LANES = ("fast", "plain")
LANE_VARIABLE = "HOOKTAIL_LANE"

log = structlog.get_logger()


def _future() -> asyncio.Future[Outcome]:
    return asyncio.get_running_loop().create_future()


@dataclass(eq=False, slots=True)
class _Single:
    """A parcel that somebody waits for."""

    body: bytes
    outcome: asyncio.Future[Outcome] = field(default_factory=_future)


class Sender:
    """Sends events to one destination. An async context; `send` may run in many tasks.

    At most `concurrency` at once: waiting for a connection would count as the endpoint's time.
    With `workers`, which must outlast it, those send. Raises ConfigError if `ca_file` cannot be
    used.
    """

    def __init__(
        self,
        section: DestinationSection,
        *,
        concurrency: int,
        user_agent: str = f"hooktail/{__version__}",
        lane: str | None = None,
        workers: WorkerPool | None = None,
    ) -> None:
        self._section = section
        self._concurrency = concurrency
        self._target = Target(section, user_agent=user_agent)
        self._workers = workers
        self.lane = lane_of(os.environ) if lane is None else lane
        """The lane that sends, `fast` or `plain`: inside the context, the one that can."""
        self._plain: PlainLane | None = None
        self._opened: list[FastLane[Any] | WorkerLane[Any]] = []
        self._single: Lane[_Single] | None = None

    @property
    def silent_retries(self) -> int:
        """Events sent again at once after a used connection turned out to be closed."""
        plain = 0 if self._plain is None else self._plain.silent_retries
        return plain + sum(each.silent_retries for each in self._opened)

    async def __aenter__(self) -> Self:
        if self.lane == "fast" and not self._fast_can():
            self.lane = "plain"
        if self.lane == "plain" and self._workers is None:
            self._plain = PlainLane(self._target, connections=self._concurrency)
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        await asyncio.gather(*(each.aclose() for each in self._opened))
        self._opened.clear()
        self._single = None
        if self._plain is not None:
            await self._plain.aclose()

    def open_lane(self, on_outcomes: OnOutcomes[P], *, limit: int) -> Lane[P]:
        """Returns a lane that hands outcomes to `on_outcomes`. Only inside the context."""
        if self._plain is not None:
            return TaskLane(self._plain.send, on_outcomes, limit=limit, name=self._section.name)
        lane: FastLane[P] | WorkerLane[P]
        if self._workers is not None:
            lane = WorkerLane(self._workers, self._target, on_outcomes, limit=limit, kind=self.lane)
        else:
            lane = fast_lane.FastLane(self._target, on_outcomes, limit=limit)
        self._opened.append(lane)
        return lane

    def look_again(self) -> None:
        """Takes up another account id if its file says so now. Reads a few bytes, and may log.

        Only while nothing is in flight.
        """
        file = self._section.account_file
        found = None if file is None else account.read_again(file)
        if found is None or found == self._section.account_id:
            return
        telemetry.mask(found.reveal())
        self._section = replace(self._section, account_id=found)
        self._target = self._target.with_account(self._section)
        if self._plain is not None:
            self._plain.retarget(self._target)
        for lane in self._opened:
            lane.retarget(self._target)
        log.info("account_taken_up", destination=self._section.name, file=str(file))

    async def send(self, body: bytes) -> Outcome:
        """Posts `body` and judges the answer. Raises nothing but CancelledError (and our bugs)."""
        if self._plain is not None:
            return await self._plain.send(body)
        if self._single is None:
            self._single = self.open_lane(_tell, limit=self._concurrency)
        parcel = _Single(body)
        self._single.start([parcel])
        return await parcel.outcome

    def _fast_can(self) -> bool:
        if fast_lane is None:
            lacking = "inner modules"
        else:
            lacking = fast_lane.missing(asyncio.get_running_loop())
        if lacking:
            log.warning("fast_lane_unavailable", destination=self._section.name, missing=lacking)
        # Without TLS a proxy wants another first line than the endpoint does.
        return not lacking and (self._target.proxy is None or self._target.secure)


def lane_of(environ: Mapping[str, str]) -> str:
    """Reads which lane is wanted; raises ConfigError if there is no such lane."""
    lane = environ.get(LANE_VARIABLE) or LANES[0]
    if lane not in LANES:
        problem = Problem(
            file="environment",
            key=LANE_VARIABLE,
            message=f"is {lane!r}",
            allowed=" or ".join(LANES),
        )
        raise ConfigError([problem])
    return lane


def _tell(outcomes: list[tuple[_Single, Outcome]]) -> None:
    for parcel, outcome in outcomes:
        if not parcel.outcome.done():
            parcel.outcome.set_result(outcome)
