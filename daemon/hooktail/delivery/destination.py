"""One destination: a bounded queue, a fixed number of workers, and patience.

An event ends delivered or dead-lettered, or it stays unsettled and a restart reads its line again.
Nothing here gives up for a number of tries, unless told to: see `poison_tries`.

An idle worker waits on a future of its own and is handed a delivery together with the right to
send it, so no wake-up is ever in vain. One timer stands for the next moment at which time alone
can make something possible; without work there is none.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import random
import time
from typing import TYPE_CHECKING, Protocol, assert_never

import structlog

from hooktail.delivery.backoff import full_jitter_s
from hooktail.delivery.deadletter import Letter
from hooktail.delivery.gate import Gate
from hooktail.delivery.outcome import Delivered, Misconfigured, Rejected, Retry
from hooktail.delivery.poison import PoisonTest
from hooktail.delivery.queue import Delivery, Queue
from hooktail.delivery.snapshot import DestinationSnapshot
from hooktail.delivery.telling import Teller
from hooktail.model import State

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

    from hooktail.config.sections import DeliverySection
    from hooktail.delivery.outcome import Outcome
    from hooktail.delivery.telling import Log
    from hooktail.model import Event, Settler

_LEAST_WAIT_S = 0.001  # a timer for less could fire before the clock has moved at all


class EventSender(Protocol):
    """What sends one event."""

    async def send(self, body: bytes) -> Outcome:
        """Sends `body` once; an exception other than CancelledError is a bug."""


class LetterBox(Protocol):
    """What keeps refused events."""

    async def append(self, letters: Sequence[Letter]) -> None:
        """Keeps them durably, or raises OSError."""


class Destination:
    """Takes events and settles each exactly once. All methods run on the loop thread.

    `poison_tries` is how often an event may fail amid neighbours that pass (`poison`) before it
    becomes a dead letter of that reason; None is for ever.
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
    ) -> None:
        self.name = name
        self._sender = sender
        self._section = section
        self._dead_letters = dead_letters
        self._clock = clock
        self._rng = random.Random() if rng is None else rng
        self._log: Log = structlog.get_logger() if log is None else log
        self._poison = PoisonTest(poison_tries)
        self._gate = Gate(
            concurrency=section.concurrency,
            rng=self._rng,
            now=clock(),
            down_probe_max_s=section.retry_max_s,
        )
        self._teller = Teller(name, self._log, clock, self._gate.state)
        self._queue = Queue()
        self._idle: list[asyncio.Future[Delivery]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._room = asyncio.Event()
        self._room.set()
        self._nothing_outstanding = asyncio.Event()
        self._nothing_outstanding.set()
        self._nothing_in_flight = asyncio.Event()
        self._nothing_in_flight.set()
        self._quiet = False
        self._paused = ""
        self.outstanding = 0
        """Events submitted and not settled: queued, waiting to be retried, in flight."""
        self.in_flight = 0
        """Events in a worker's hands."""
        self.delivered = 0
        self.dead_lettered = 0
        self.retried = 0
        self.last_error = ""

    # -- what a reader sees

    @property
    def has_room(self) -> bool:
        """Tells whether fewer than `queue_events` events are outstanding."""
        return self.outstanding < self._section.queue_events

    async def room(self) -> None:
        """Waits until fewer than `queue_events` events are outstanding."""
        while not self.has_room:
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
            async with asyncio.TaskGroup() as tasks:
                for number in range(self._section.concurrency):
                    tasks.create_task(self._work(), name=f"deliver:{self.name}:{number}")
        finally:
            self._stop_timer()

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

    # -- handing deliveries to workers

    def _take(self) -> Delivery | None:
        """Takes the next delivery together with the right to send it now."""
        if self._quiet or self._paused:
            return None
        now = self._clock()
        self._queue.wake(now)
        if not self._queue.ready or not self._gate.may_send(now):
            return None
        self._gate.started()
        self.in_flight += 1
        self._nothing_in_flight.clear()
        return self._queue.pop()

    def _hand_over(self) -> None:
        """Gives idle workers what may be sent now, and sets the timer for the rest."""
        while self._idle:
            delivery = self._take()
            if delivery is None:
                break
            worker = self._idle.pop()
            while worker.done():  # cancelled, and not yet told
                if not self._idle:
                    self._abandon(delivery)
                    return
                worker = self._idle.pop()
            worker.set_result(delivery)
        self._set_timer()

    async def _next(self) -> Delivery:
        delivery = self._take()
        if delivery is not None:
            if self._idle and len(self._queue):
                self._hand_over()
            return delivery
        worker: asyncio.Future[Delivery] = asyncio.get_running_loop().create_future()
        self._idle.append(worker)
        self._set_timer()
        try:
            return await worker
        except asyncio.CancelledError:
            if worker.done() and not worker.cancelled():
                self._abandon(worker.result())
            else:
                with contextlib.suppress(ValueError):
                    self._idle.remove(worker)
            raise

    def _set_timer(self) -> None:
        if self._quiet or self._paused or not self._idle:
            return  # nobody could be woken; a worker looks for itself when it is done
        now = self._clock()
        wait_s = self._gate.wait_s(now) if self._queue.ready else self._queue.next_due - now
        if wait_s == math.inf:
            return
        loop = asyncio.get_running_loop()
        at = loop.time() + max(wait_s, _LEAST_WAIT_S)
        if self._timer is not None:
            if self._timer.when() <= at:
                return  # rings too early at worst, and is set again then
            self._timer.cancel()
        self._timer = loop.call_at(at, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self._hand_over()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # -- one worker

    async def _work(self) -> None:
        while True:
            delivery = await self._next()
            try:
                outcome = await self._sender.send(delivery.event.body)
            except BaseException:
                self._abandon(delivery)
                raise
            delivery.tries += 1
            self._gate.on_outcome(self._clock(), outcome)
            match outcome:
                case Delivered():
                    self._poison.passed()
                    self.delivered += 1
                    self._tell_state()
                    self._end(delivery, State.DELIVERED)
                case Rejected(reason=reason, status=status, answer=answer):
                    self._tell_failure(reason)
                    self._teller.trouble("delivery_rejected", reason, answer=answer)
                    await self._bury(delivery, reason, status, answer)
                case Retry(reason=reason):
                    self._tell_failure(reason)
                    self._teller.trouble("delivery_retry", reason)
                    if self._poison.failed(delivery):
                        await self._bury(delivery, "poison", None, reason)
                    else:
                        self._retry_later(delivery)
                case Misconfigured(reason=reason, status=status, answer=answer):
                    self._tell_failure(reason)
                    if self._poison.failed(delivery):
                        await self._bury(delivery, "poison", status, answer or reason)
                    else:
                        self._hold(delivery)
                case unknown:
                    assert_never(unknown)

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
        if self.has_room:
            self._room.set()
        if not self.outstanding:
            self._nothing_outstanding.set()

    async def _bury(self, delivery: Delivery, reason: str, status: int | None, answer: str) -> None:
        """Keeps the event as a dead letter, then settles it; in this order, whatever happens."""
        self._hand_over()  # this worker is busy for a while
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
        try:
            await self._dead_letters.append([letter])
        except OSError as error:
            self.last_error = "dead_letter_not_written"
            self._teller.trouble("dead_letter_not_written", error.strerror or "unknown")
            self._retry_later(delivery)
        except BaseException:
            self._put_down()
            self._queue.put_back(delivery)
            raise
        else:
            self.dead_lettered += 1
            self._end(delivery, State.DEAD_LETTERED, reason)

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
