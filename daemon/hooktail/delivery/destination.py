"""One destination: a bounded queue, a lane to the endpoint, and patience.

An event ends delivered or dead-lettered, or it stays unsettled and a restart reads its line again.
Nothing here gives up for a number of tries, unless told to: see `poison_tries`.

The lane is handed as many deliveries as the gate allows, and their outcomes come back in batches:
no task waits for an event. One timer stands for the next moment at which time alone can make
something possible; without work there is none.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
from typing import TYPE_CHECKING, Protocol, assert_never

import structlog

from hooktail.delivery.backoff import full_jitter_s
from hooktail.delivery.deadletter import Letter
from hooktail.delivery.echo import without_echo
from hooktail.delivery.gate import Gate, Mode
from hooktail.delivery.outcome import Delivered, Misconfigured, Rejected, Retry
from hooktail.delivery.poison import PoisonTest
from hooktail.delivery.queue import Delivery, Queue
from hooktail.delivery.snapshot import DestinationSnapshot
from hooktail.delivery.telling import Teller, retry_hint
from hooktail.model import State

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

    from hooktail.config.sections import DeliverySection
    from hooktail.delivery.lane import Lane, OnOutcomes
    from hooktail.delivery.outcome import Outcome
    from hooktail.delivery.telling import Log, Shut
    from hooktail.model import Event, Settler

AHEAD_S = 0.1
"""For so long it may take to send what waits in the queue of a destination that is open."""
LEAST_AHEAD = 8
"""Events that may wait however slow the endpoint is."""
_PACE_S = 0.05
"""Over so long at least the pace is measured."""
_LEAST_WAIT_S = 0.001  # a timer for less could fire before the clock has moved at all


class EventSender(Protocol):
    """What sends events."""

    def open_lane(self, on_outcomes: OnOutcomes[Delivery], *, limit: int) -> Lane[Delivery]:
        """Gives a lane; called when the destination starts to run."""


class LetterBox(Protocol):
    """What keeps refused events."""

    async def append(self, letters: Sequence[Letter]) -> None:
        """Keeps them durably, or raises OSError."""


class Destination:
    """Takes events and settles each exactly once. All methods run on the loop thread.

    `poison_tries` is how often an event may fail amid neighbours that pass (`poison`) before it
    becomes a dead letter of that reason; None is for ever. `before_probe` is called when a held
    destination is about to be asked again, with nothing in flight. `shut` is that of the
    destination before a reload.
    """

    def __init__(
        self,
        name: str,
        sender: EventSender,
        *,
        section: DeliverySection,
        dead_letters: LetterBox,
        clock: Callable[[], float] = time.monotonic,
        rng: Random | None = None,
        log: Log | None = None,
        poison_tries: int | None = None,
        before_probe: Callable[[], None] = lambda: None,
        shut: Shut | None = None,
    ) -> None:
        self.name = name
        self._sender = sender
        self._section = section
        self._dead_letters = dead_letters
        self._clock = clock
        self._rng = random.Random() if rng is None else rng
        self._log: Log = structlog.get_logger() if log is None else log
        self._before_probe = before_probe
        self._poison = PoisonTest(poison_tries)
        self._gate = Gate(
            concurrency=section.concurrency,
            rng=self._rng,
            now=clock(),
            down_probe_max_s=section.retry_max_s,
            rate_limit=section.rate_limit,
        )
        self._teller = Teller(name, self._log, clock, self._gate.state, shut)
        self._queue = Queue()
        self._lane: Lane[Delivery] | None = None
        self._tasks: asyncio.TaskGroup | None = None
        self._burying: set[Delivery] = set()
        self._timer: asyncio.Handle | None = None
        self._timer_at = 0.0
        self._room = asyncio.Event()
        self._room.set()
        self._nothing_outstanding = asyncio.Event()
        self._nothing_outstanding.set()
        self._nothing_in_flight = asyncio.Event()
        self._nothing_in_flight.set()
        self._quiet = False
        self._paused = ""
        self._most = min(section.queue_events, section.concurrency + LEAST_AHEAD)
        self._refill_below = self._most
        self._ended = 0
        self._pace_from = clock()
        self.outstanding = 0
        """Events submitted and not settled: queued, waiting to be retried, in flight."""
        self.in_flight = 0
        """Events in the lane's hands, or on their way to become dead letters."""
        self.delivered = 0
        self.dead_lettered = 0
        self.retried = 0
        self.last_error = ""

    # -- what a reader sees

    @property
    def has_room(self) -> bool:
        """Tells whether more may be read: never if `queue_events` events are outstanding.

        While the endpoint takes events, no more wait than it takes in a moment: a line that is
        written now is not to stand behind thousands out of a backlog.
        """
        return self.outstanding < self._most

    @property
    def room_events(self) -> int:
        """How many events more would just fit; none if there is no room."""
        return max(self._most - self.outstanding, 0)

    async def room(self) -> None:
        """Waits until more may be read, and so much that it is worth a turn."""
        while not self.has_room:
            self._room.clear()  # there may have been room until the endpoint slowed down
            await self._room.wait()

    def submit(self, events: Sequence[Event], settler: Settler, *, source: str = "") -> None:
        """Takes events, in order. Never waits: ask `room` before reading more."""
        self._queue.extend([Delivery(event, settler, source) for event in events])
        self.outstanding += len(events)
        if self.outstanding:
            self._nothing_outstanding.clear()
        if not self.has_room:
            self._room.clear()
        self._hand_over()

    # -- what the service sees

    async def run(self) -> None:
        """Sends until cancelled. What is in flight then stays unsettled."""
        try:
            async with asyncio.TaskGroup() as self._tasks:
                lane = self._sender.open_lane(self._on_outcomes, limit=self._section.concurrency)
                self._lane = lane
                try:
                    self._hand_over()
                    await lane.run()
                finally:
                    self._lane = None
                    self._stop_timer()
                    for delivery in reversed(lane.stop()):
                        self._abandon(delivery)
        finally:
            for delivery in self._burying:
                self._put_down()
                self._queue.put_back(delivery)
            self._burying.clear()

    async def drain(self) -> None:
        """Waits until nothing is outstanding; that may be never, so bound it."""
        await self._nothing_outstanding.wait()

    async def quiesce(self) -> None:
        """Starts nothing new, for good, and returns when nothing is in flight.

        Events may still be submitted; they stay unsettled.
        """
        self._quiet = True
        self._stop_timer()
        await self._nothing_in_flight.wait()

    def pause(self, reason: str) -> None:
        """Starts nothing new until `resume`, because answers could not be recorded."""
        if not self._paused:
            self._log.warning("delivery_paused", destination=self.name, reason=reason)
        self._paused = reason
        self._stop_timer()

    def resume(self) -> None:
        """Ends a `pause`; has no effect on `quiesce`."""
        if self._paused:
            self._log.info("delivery_resumed", destination=self.name, reason=self._paused)
        self._paused = ""
        self._hand_over()

    @property
    def shut(self) -> Shut | None:
        """What was said of it last, if that is not that it is open."""
        return self._teller.shut

    def snapshot(self) -> DestinationSnapshot:
        """Returns the state and the counters as they are now."""
        now = self._clock()
        self._gate.may_send(now)  # a pause that is over ends here
        state = self._gate.state
        return DestinationSnapshot(
            name=self.name,
            state=state.name.value,
            since_s=max(now - state.since, 0.0),
            next_try_s=max(state.until - now, 0.0),
            reason=state.reason,
            answer=state.answer,
            local_pause=self._paused,
            queued=len(self._queue),
            retrying=self._queue.later,
            in_flight=self.in_flight,
            allowance=self._gate.allowance,
            delivered=self.delivered,
            dead_lettered=self.dead_lettered,
            retried=self.retried,
            last_error=self.last_error,
        )

    # -- handing deliveries to the lane

    def _hand_over(self) -> None:
        """Gives the lane what may be sent now, and sets the timer for the rest."""
        lane = self._lane
        if lane is None or self._quiet or self._paused:
            return
        now = self._clock()
        self._queue.wake(now)
        # A dead letter in the making takes a place too: so they are no more than the requests.
        places = min(self._section.concurrency - self.in_flight, self._queue.ready)
        room = min(self._gate.room(now), places) if places > 0 else 0
        if room > 0:
            deliveries = []
            for _ in range(room):
                self._gate.started()
                delivery = self._queue.pop()
                delivery.sent_at = now
                deliveries.append(delivery)
            self.in_flight += room
            self._nothing_in_flight.clear()
            lane.start(deliveries)
        self._set_timer()

    def _set_timer(self) -> None:
        now = self._clock()
        wait_s = self._gate.wait_s(now) if self._queue.ready else self._queue.next_due - now
        if wait_s == math.inf:
            return
        loop = asyncio.get_running_loop()
        at = loop.time() + max(wait_s, _LEAST_WAIT_S)
        if self._timer is not None:
            if self._timer_at <= at:
                return  # rings too early at worst, and is set again then
            self._timer.cancel()
        # Kept by ourselves: for what is less than its clock's step, uvloop gives a plain handle,
        # which does not know when.
        self._timer_at = at
        self._timer = loop.call_at(at, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        if self._gate.state.name is Mode.HELD and self._gate.may_send(self._clock()):
            self._before_probe()
        self._hand_over()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # -- what became of them

    def _on_outcomes(self, outcomes: list[tuple[Delivery, Outcome]]) -> None:
        now = self._clock()
        for delivery, answered in outcomes:
            outcome = without_echo(answered, delivery.event.body)
            delivery.tries += 1
            self._gate.on_outcome(now, outcome, now - delivery.sent_at)
            match outcome:
                case Delivered():
                    self._poison.passed()
                    self.delivered += 1
                    self._tell_state()
                    self._end(delivery, State.DELIVERED)
                case Rejected(reason=reason, status=status, answer=answer):
                    self._tell_failure(reason)
                    self._teller.trouble("delivery_rejected", reason, answer=answer)
                    self._bury(delivery, reason, status, answer)
                case Retry(reason=reason):
                    self._tell_failure(reason)
                    self._teller.trouble("delivery_retry", reason, hint=retry_hint(reason))
                    if self._poison.failed(delivery):
                        self._bury(delivery, "poison", None, reason)
                    else:
                        self._retry_later(delivery)
                case Misconfigured(reason=reason, status=status, answer=answer):
                    self._tell_failure(reason)
                    if self._poison.failed(delivery):
                        self._bury(delivery, "poison", status, answer or reason)
                    else:
                        self._hold(delivery)
                case unknown:
                    assert_never(unknown)
        self._measure(now, len(outcomes))
        self._hand_over()

    def _measure(self, now: float, ended: int) -> None:
        """Finds how much may be outstanding at the pace of these moments."""
        self._ended += ended
        elapsed_s = now - self._pace_from
        most = self._section.queue_events
        waiting = 0
        if self._gate.state.name is Mode.OPEN:
            if elapsed_s < _PACE_S:
                return
            waiting = max(int(self._ended / elapsed_s * AHEAD_S), LEAST_AHEAD)
            most = min(most, self._gate.allowance + waiting)
        self._ended, self._pace_from, self._most = 0, now, most
        self._refill_below = most - min(waiting, most) // 2
        if self.outstanding < self._refill_below:
            self._room.set()

    def _tell_failure(self, reason: str) -> None:
        self.last_error = reason
        self._teller.failure()
        self._tell_state()

    def _tell_state(self) -> None:
        self._teller.state(self._gate.state, self.outstanding)

    def _end(self, delivery: Delivery, state: State, reason: str = "") -> None:
        self._put_down()
        self.outstanding -= 1
        delivery.settler.settle(delivery.event, state, reason)
        if self.outstanding < self._refill_below:
            self._room.set()
        if not self.outstanding:
            self._nothing_outstanding.set()

    def _bury(self, delivery: Delivery, reason: str, status: int | None, answer: str) -> None:
        """Keeps the event as a dead letter, then settles it; in this order, whatever happens."""
        event = delivery.event
        letter = Letter(
            destination=self.name,
            source=delivery.source,
            event_id=event.event_id,
            event_name=event.name,
            reason=reason,
            status=status,
            answer=answer,
            tries=delivery.tries,
            body=event.body,
        )
        self._burying.add(delivery)
        if self._lane is not None and self._tasks is not None:  # else the next start asks again
            self._tasks.create_task(self._keep(delivery, letter), name=f"dead-letter:{self.name}")

    async def _keep(self, delivery: Delivery, letter: Letter) -> None:
        try:
            await self._dead_letters.append([letter])
        except OSError as error:
            self.last_error = "dead_letter_not_written"
            self._teller.trouble(
                "dead_letter_not_written",
                error.strerror or "unknown",
                path=str(error.filename or "deadletter"),
                hint="nothing is lost, its event is tried again; mend what the reason says: make "
                "room on the disk, or let the service user write there",
            )
            self._retry_later(delivery)
        else:
            self.dead_lettered += 1
            self._end(delivery, State.DEAD_LETTERED, letter.reason)
        self._burying.discard(delivery)
        self._hand_over()

    def _retry_later(self, delivery: Delivery) -> None:
        self._put_down()
        self.retried += 1
        wait_s = full_jitter_s(
            delivery.tries,
            initial_s=self._section.retry_initial_s,
            max_s=self._section.retry_max_s,
            rng=self._rng,
        )
        self._queue.put_later(delivery, self._clock() + wait_s)

    def _hold(self, delivery: Delivery) -> None:
        """Puts it back to the front, or lets others go first if it is not its first failure.

        So the order stays, but one event that a firewall refuses is not every probe there is.
        """
        if delivery.tries > 1:
            self._retry_later(delivery)
            return
        self._put_down()
        self._queue.put_back(delivery)

    def _abandon(self, delivery: Delivery) -> None:
        self._gate.abandoned()
        self._put_down()
        self._queue.put_back(delivery)

    def _put_down(self) -> None:
        self.in_flight -= 1
        if not self.in_flight:
            self._nothing_in_flight.set()
