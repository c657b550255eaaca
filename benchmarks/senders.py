"""A client that sends the same body again and again: `ClientSession`, or one of the lanes.

    python benchmarks/senders.py CLIENT LOOP SCHEME PORT CONCURRENCY REQUESTS CA_FILE

Prints what it measured of itself as JSON. It is a process of its own, and imports nothing else.
"""

from __future__ import annotations

import asyncio
import json
import resource
import ssl
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hooktail.delivery.outcome import Outcome

BODY = b'{"event_name":"pageview","padding":"%s"}' % (b"x" * 500)
WARM = 0.1
"""Share of the requests before the measuring begins."""


class Course:
    """Counts requests, and the time and CPU from the warm moment to the last answer."""

    def __init__(self, requests: int) -> None:
        self.left = requests
        self._answered = 0
        self._warm = int(requests * WARM)
        self._requests = requests
        self.done = asyncio.Event()

    def answered(self, count: int) -> None:
        was, self._answered = self._answered, self._answered + count
        if was < self._warm <= self._answered:
            self._began = self._answered, time.perf_counter(), time.process_time()
        if self._answered >= self._requests:
            began, wall_s, cpu_s = self._began
            count = self._answered - began
            self.measured = {
                "rate": count / (time.perf_counter() - wall_s),
                "cpu_us": (time.process_time() - cpu_s) / count * 1e6,
                "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            }
            self.done.set()

    def take(self, count: int) -> int:
        taken = min(count, self.left)
        self.left -= taken
        return taken


class Parcel:
    """The same body every time."""

    body = BODY


async def with_session(course: Course, url: str, concurrency: int, ca_file: str) -> None:
    """Posts as the documentation of aiohttp says, a task for each request in flight."""
    import aiohttp  # noqa: PLC0415 - the lanes bring it themselves

    tls = ssl.create_default_context(cafile=ca_file)
    headers = {"Content-Type": "application/json"}
    async with (
        aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=concurrency, ssl=tls), headers=headers
        ) as session,
        asyncio.TaskGroup() as tasks,
    ):

        async def work() -> None:
            while course.take(1):
                async with session.post(url, data=BODY, allow_redirects=False) as response:
                    await response.read()
                    response.raise_for_status()
                course.answered(1)

        for _ in range(concurrency):
            tasks.create_task(work())


async def with_lane(course: Course, url: str, concurrency: int, ca_file: str, which: str) -> None:
    """Posts through a lane as a destination does."""
    from hooktail.config.sections import DestinationSection, Secret  # noqa: PLC0415 - see above
    from hooktail.delivery.outcome import Delivered  # noqa: PLC0415 - see above
    from hooktail.delivery.sender import Sender  # noqa: PLC0415 - see above

    section = DestinationSection(
        name="benchmark", account_id=Secret("x"), endpoint=url, ca_file=Path(ca_file)
    )
    parcel = Parcel()

    def on_outcomes(outcomes: Sequence[tuple[Any, Outcome]]) -> None:
        for _, outcome in outcomes:
            if type(outcome) is not Delivered:
                raise RuntimeError(f"not every answer was 200: {outcome}")
        course.answered(len(outcomes))
        if more := course.take(len(outcomes)):
            lane.start([parcel] * more)

    async with Sender(section, concurrency=concurrency, lane=which) as sender:
        if sender.lane != which:
            raise RuntimeError(f"the {which} lane cannot work here")
        lane = sender.open_lane(on_outcomes, limit=concurrency)
        lane.start([parcel] * course.take(concurrency))
        running = asyncio.create_task(lane.run())
        done = asyncio.create_task(course.done.wait())
        await asyncio.wait([running, done], return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            await running
        lane.stop()
        running.cancel()


def child(arguments: list[str]) -> None:
    client, loop, scheme, port, concurrency, requests, ca_file = arguments
    url = f"{scheme}://127.0.0.1:{port}/benchmark/pixel.png"
    factory = None
    if loop == "uvloop":
        import uvloop  # noqa: PLC0415 - may be missing

        factory = uvloop.new_event_loop
    course = Course(int(requests))
    with asyncio.Runner(loop_factory=factory) as runner:
        if client == "ClientSession":
            runner.run(with_session(course, url, int(concurrency), ca_file))
        else:
            runner.run(with_lane(course, url, int(concurrency), ca_file, client))
    sys.stdout.write(json.dumps(course.measured))


if __name__ == "__main__":
    child(sys.argv[1:])
