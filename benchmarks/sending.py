"""What a request costs in the sender alone: each lane, on each event loop, plain and over TLS.

Ready-made bodies, no logs and no books; the endpoint (`answering.py`) is another process. Beside
the lanes stands aiohttp's `ClientSession` as people use it.
"""

from __future__ import annotations

import asyncio
import json
import resource
import ssl
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.measure import Table

    from hooktail.delivery.outcome import Outcome

BODY = b'{"event_name":"pageview","padding":"%s"}' % (b"x" * 500)
WARM = 0.1
"""Share of the requests before the measuring begins."""
WHO = (
    ("ClientSession", "asyncio"),
    ("ClientSession", "uvloop"),
    ("plain", "asyncio"),
    ("fast", "asyncio"),
    ("fast", "uvloop"),
)
"""Clients and event loops."""


class Setting(NamedTuple):
    scheme: str
    answer_ms: int
    concurrency: int
    requests: int


@dataclass(frozen=True, slots=True)
class Size:
    settings: tuple[Setting, ...]
    rounds: int


SIZES = {
    "full": Size(
        (
            Setting("http", 0, 64, 20_000),
            Setting("http", 50, 1000, 20_000),
            Setting("https", 0, 64, 20_000),
            Setting("https", 50, 1000, 20_000),
        ),
        3,
    ),
    "quick": Size((Setting("http", 0, 64, 20_000), Setting("https", 0, 64, 20_000)), 1),
    "tiny": Size((Setting("http", 0, 8, 200),), 1),
}


def run(size: str, directory: Path) -> Table:
    """Measures every client, in turn, at each setting."""
    from benchmarks.measure import Table  # noqa: PLC0415 - the child does without it

    wanted = SIZES[size]
    who = [each for each in WHO if each[1] == "asyncio" or find_spec("uvloop")]
    certificate = make_certificate(directory)
    rows = []
    for setting in wanted.settings:
        seen: dict[tuple[str, str], list[dict[str, float]]] = {each: [] for each in who}
        for _ in range(wanted.rounds):
            for client, loop in who:
                seen[client, loop].append(_measure(client, loop, setting, certificate))
        scheme, answer_ms, concurrency, _ = setting
        bare_us = median(turn["cpu_us"] for turn in seen["ClientSession", "asyncio"])
        for (client, loop), turns in seen.items():
            cpu_us = median(turn["cpu_us"] for turn in turns)
            name = "`ClientSession`" if client == "ClientSession" else f"the {client} lane"
            rows.append(
                (
                    f"{scheme}, {answer_ms} ms, {concurrency} at a time: {name}, {loop}",
                    f"{median(turn['rate'] for turn in turns):,.0f}",
                    f"{cpu_us:.1f}",
                    f"{cpu_us / bare_us:.2f}",
                    f"{median(turn['peak_mib'] for turn in turns):.0f}",
                )
            )
    note = (
        f"Each the median of {wanted.rounds} turns; bodies of {len(BODY)} bytes. At 0 ms the "
        "endpoint, in Python too, may be what limits the rate."
    )
    headers = ("how", "requests/s", "CPU µs a request", "to `ClientSession`", "peak RSS, MiB")
    return Table(headers, rows, note)


def make_certificate(directory: Path) -> tuple[Path, Path]:
    """Makes a certificate for 127.0.0.1 that signs itself, and its key."""
    certificate, key = directory / "endpoint.pem", directory / "endpoint.key"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-nodes", "-days", "2"),
            *("-pkeyopt", "ec_paramgen_curve:prime256v1", "-subj", "/CN=benchmark"),
            *("-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate),
        ],
        check=True,
        capture_output=True,
    )
    return certificate, key


def _measure(
    client: str, loop: str, setting: Setting, certificate: tuple[Path, Path]
) -> dict[str, float]:
    tls = certificate if setting.scheme == "https" else ()
    with _endpoint(setting.answer_ms, *tls) as port:
        said = subprocess.run(
            [
                *(sys.executable, __file__, client, loop, setting.scheme, str(port)),
                *(str(setting.concurrency), str(setting.requests), str(certificate[0])),
            ],
            check=True,
            capture_output=True,
        )
    measured: dict[str, float] = json.loads(said.stdout)
    return measured


@contextmanager
def _endpoint(answer_ms: int, *certificate: Path) -> Iterator[int]:
    script = Path(__file__).with_name("answering.py")
    process = subprocess.Popen(
        [sys.executable, str(script), str(answer_ms), *map(str, certificate)],
        stdout=subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.wait()


# -- the child: one client


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
