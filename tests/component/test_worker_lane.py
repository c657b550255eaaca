"""What is true of workers beyond what all lanes do: shared work, lives and deaths, secrets.

That they mean the same is shown by `test_sender`, `test_destination` and `test_delivery_policies`.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from random import Random

import pytest
from component.desk import ACCOUNT, Desk, Parcel, parcels, section_for, until, workers_to
from component.endpoint import OK, Endpoint, Request, answering
from support.processes import is_alive

from hooktail.delivery import worker, worker_frames, worker_process
from hooktail.delivery.outcome import Delivered, Misconfigured, Retry
from hooktail.delivery.target import Target
from hooktail.delivery.worker_lane import WorkerLane
from hooktail.delivery.worker_pool import WorkerPool
from hooktail.delivery.worker_process import WorkerProcess


class Gate:
    """A script that answers nothing before it is opened, and counts what is inside."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.inside = 0
        self.most_inside = 0

    async def script(self, request: Request) -> None:
        self.inside += 1
        self.most_inside = max(self.most_inside, self.inside)
        await self.open.wait()
        await asyncio.sleep(0.002)
        self.inside -= 1
        await request.answer(OK)


# -- shared work


@pytest.mark.parametrize("kind", ["fast", "plain"])
async def test_the_limit_is_shared_out_and_may_change_while_they_run(kind: str) -> None:
    gate = Gate()
    async with Endpoint(gate.script) as endpoint, workers_to(endpoint.port, kind=kind) as desk:
        desk.lane.start(parcels(30))
        await until(lambda: gate.inside == 8)
        assert [len(part.sent) for part in desk.lane._parts] == [4, 4]
        gate.open.set()
        await desk.wait_for(30)

        desk.lane.limit = 3
        gate.most_inside = 0
        desk.lane.start(parcels(30, 30))
        await desk.wait_for(60)
        assert gate.most_inside == 3
        assert sorted(part.share for part in desk.lane._parts) == [1, 2]

        desk.lane.limit = 6
        gate.most_inside = 0
        desk.lane.start(parcels(30, 60))
        await desk.wait_for(90)
        assert gate.most_inside == 6

    assert set(desk.outcomes.values()) == {Delivered()}


async def test_no_worker_is_handed_more_than_may_be_in_flight_in_it() -> None:
    gate = Gate()
    async with Endpoint(gate.script) as endpoint, workers_to(endpoint.port, limit=6) as desk:
        left = iter(parcels(500, 20))

        def more(count: int) -> Sequence[Parcel]:
            assert all(len(part.sent) <= part.share for part in desk.lane._parts)
            return [*islice(left, count)]

        desk.more = more
        desk.lane.start(parcels(20))
        await until(lambda: gate.inside == 6)
        gate.open.set()
        await desk.wait_for(520)

        assert gate.most_inside == 6


async def test_one_event_at_a_time_uses_one_connection() -> None:
    async with Endpoint(answering(OK)) as endpoint, workers_to(endpoint.port) as desk:
        for number in range(10):
            desk.lane.start(parcels(1, number))
            await desk.wait_for(number + 1)

        assert endpoint.connections == 1


async def test_outcomes_come_in_batches() -> None:
    gate = Gate()
    async with Endpoint(gate.script) as endpoint, workers_to(endpoint.port, limit=50) as desk:
        desk.lane.start(parcels(50))
        await until(lambda: gate.inside == 50)
        before = len(asyncio.all_tasks())
        gate.open.set()
        await desk.wait_for(50)

        # Those of the endpoint's connections and the two keepers, and none for a parcel.
        assert before <= 50 + 2 * 2 + 2
        assert len(desk.batches) < 40


# -- deaths


async def test_what_was_in_flight_in_a_worker_that_was_killed_is_sent_again() -> None:
    gate = Gate()
    async with Endpoint(gate.script) as endpoint, workers_to(endpoint.port) as desk:
        desk.lane.start(parcels(20))
        await until(lambda: gate.inside == 8)
        victim = desk.lane._parts[0]
        lost = {parcel.body for parcel in victim.sent.values()}
        os.kill(victim.worker.pid, signal.SIGKILL)
        await until(lambda: desk.said("worker_died"))
        gate.open.set()
        outcomes = await desk.wait_for(20)
        await until(lambda: len(desk.pool.pids) == 2)

        assert set(outcomes.values()) == {Delivered()}
        times = Counter(request.body for request in endpoint.requests)
        assert {body for body, count in times.items() if count > 1} == lost
        assert len(lost) == 4
        (died,) = desk.said("worker_died")
        assert (died["reason"], died["status"], died["in_flight"]) == ("SIGKILL", -9, 4)
        assert died["pid"] == victim.worker.pid


async def test_if_all_die_events_wait_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate()
    async with Endpoint(gate.script) as endpoint, workers_to(endpoint.port) as desk:
        desk.lane.start(parcels(20))
        await until(lambda: gate.inside == 8)
        before = desk.pool.pids
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        await until(lambda: len(desk.said("worker_died")) == 2)
        desk.lane.start(parcels(5, 20))
        gate.open.set()
        outcomes = await desk.wait_for(25)

        assert set(outcomes.values()) == {Delivered()}
        assert not set(desk.pool.pids) & set(before)


async def test_killed_again_and_again_under_load_every_parcel_has_one_outcome() -> None:
    rng = Random(3)

    async def script(request: Request) -> None:
        await asyncio.sleep(rng.uniform(0, 0.01))
        await request.answer(OK)

    async with Endpoint(script) as endpoint, workers_to(endpoint.port, limit=16) as desk:
        numbers = iter(range(10**9))
        enough = False

        def has_died(times: int) -> bool:
            return len(desk.said("worker_died")) == times

        desk.more = lambda count: [] if enough else [Parcel(next(numbers)) for _ in range(count)]
        desk.lane.start(desk.more(16))
        for deaths in range(1, 6):
            await until(lambda: len(desk.pool.pids) == 2)
            await asyncio.sleep(rng.uniform(0, 0.05))
            os.kill(rng.choice(desk.pool.pids), signal.SIGKILL)
            await until(partial(has_died, deaths))
        enough = True
        sent = next(numbers)
        outcomes = await desk.wait_for(sent)

        assert set(outcomes) == set(range(sent))
        assert set(outcomes.values()) == {Delivered()}
        times = Counter(request.body for request in endpoint.requests)
        repeated = sum(count - 1 for count in times.values())
        assert repeated <= sum(died["in_flight"] for died in desk.said("worker_died"))
        waits = [died["next_start_s"] for died in desk.said("worker_died")]
        assert max(waits) > min(waits)


async def test_one_that_hangs_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate()
    async with Endpoint(gate.script) as endpoint, workers_to(endpoint.port) as desk:
        await until(lambda: len(desk.pool.pids) == 2)
        monkeypatch.setattr(worker_process, "PING_S", 0.5)  # from the next ping on
        desk.lane.start(parcels(8))
        await until(lambda: gate.inside == 8)
        os.kill(desk.lane._parts[1].worker.pid, signal.SIGSTOP)
        await until(lambda: desk.said("worker_died"))
        gate.open.set()
        outcomes = await desk.wait_for(8)

        assert set(outcomes.values()) == {Delivered()}
        assert desk.said("worker_died")[0]["reason"] == "hung"


async def test_a_bug_in_a_worker_is_said_and_ends_it() -> None:
    async with Endpoint(answering(OK)) as endpoint, workers_to(endpoint.port) as desk:
        desk.lane._parts[0].worker.send(worker_frames.LIMIT, 999, b"1")
        await until(lambda: desk.said("worker_died"))
        desk.lane.start(parcels(5))
        await desk.wait_for(5)

        (said,) = desk.said("worker_said")
        assert "KeyError: 999" in said["text"]
        assert desk.said("worker_died")[0]["status"] == worker.BROKEN


async def test_workers_that_cannot_be_started_are_tried_again_ever_more_slowly(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    right = worker_process.COMMAND
    monkeypatch.setattr(worker_process, "COMMAND", (str(tmp_path / "no-such-program"),))
    async with Endpoint(answering(OK)) as endpoint, workers_to(endpoint.port, workers=1) as desk:
        desk.lane.start(parcels(3))
        await until(lambda: len(desk.said("worker_died")) == 2)
        monkeypatch.setattr(
            worker_process, "COMMAND", (sys.executable, "-c", "raise SystemExit(3)")
        )
        await until(lambda: len(desk.said("worker_died")) == 4)
        monkeypatch.setattr(worker_process, "COMMAND", right)
        assert set((await desk.wait_for(3)).values()) == {Delivered()}

        died = desk.said("worker_died")
        assert died[0]["reason"] == "No such file or directory"
        assert died[3]["reason"] == "exit 3"
        assert [each["next_start_s"] for each in died] == [0.2, 0.4, 0.8, 1.6]


async def test_a_ca_file_that_is_gone_when_a_worker_starts_holds_and_heals(tmp_path: Path) -> None:
    """The daemon read it at its start, and so did the workers of then."""
    ca_file = tmp_path / "ca.pem"
    openssl = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=x")
    subprocess.run(  # noqa: ASYNC221 - nothing else runs
        [*openssl, "-keyout", tmp_path / "key", "-out", ca_file], check=True, capture_output=True
    )
    section = section_for(1, ca_file=ca_file)
    object.__setattr__(section, "endpoint", "https://127.0.0.1:1/{account_id}")
    target = Target(section, user_agent="test")
    desk = Desk()
    async with WorkerPool(1) as pool:
        lane = WorkerLane(pool, target, desk.take, limit=8, kind="fast")
        ca_file.rename(tmp_path / "away.pem")
        lane.start(parcels(1))
        outcome = (await desk.wait_for(1))[0]
        (tmp_path / "away.pem").rename(ca_file)
        lane.start(parcels(1, 1))
        healed = (await desk.wait_for(2))[1]
        await lane.aclose()

    assert outcome == Misconfigured(
        "tls", None, "ca_file cannot be used: No such file or directory"
    )
    assert healed == Retry("connect")


# -- the daemon's end


async def test_what_stands_in_the_socket_when_the_daemon_is_gone_is_not_sent() -> None:
    async with Endpoint(answering(OK)) as endpoint, workers_to(endpoint.port, workers=1) as desk:
        desk.lane.start(parcels(1))
        await desk.wait_for(1)
        (pid,) = desk.pool.pids
        os.kill(pid, signal.SIGSTOP)
        desk.lane.start(parcels(4, 1))
        await asyncio.sleep(0)
        process = desk.lane._parts[0].worker
        link = process._stream._transport
        assert link is not None
        await until(lambda: link.get_write_buffer_size() == 0)
        link.abort()
        await process.lost.wait()
        os.kill(pid, signal.SIGCONT)
        await until(lambda: not is_alive(pid))
        await until(lambda: desk.said("worker_died"))
        asked = [request.body for request in endpoint.requests]
        await desk.wait_for(5)

    assert asked == [b"0"]
    assert desk.said("worker_died")[0]["status"] == worker.ENDED


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_a_signal_to_the_whole_group_is_the_daemons_to_obey(number: signal.Signals) -> None:
    async with Endpoint(answering(OK)) as endpoint, workers_to(endpoint.port) as desk:
        for pid in desk.pool.pids:
            os.kill(pid, number)
        desk.lane.start(parcels(20))
        await desk.wait_for(20)

        assert desk.said("worker_died") == []
        assert not signal.pthread_sigmask(signal.SIG_BLOCK, ()) & {number}


async def test_all_are_gone_after_the_end() -> None:
    gate = Gate()
    async with Endpoint(gate.script) as endpoint:
        async with workers_to(endpoint.port) as desk:
            desk.lane.start(parcels(8))
            await until(lambda: gate.inside == 8)
            pids = desk.pool.pids

        assert not any(is_alive(pid) for pid in pids)
        assert desk.said("worker_died") == []


# -- what they know


async def test_they_inherit_no_file_and_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOKTAIL_ACCOUNT_ID", ACCOUNT)
    monkeypatch.setenv("NOTIFY_SOCKET", "/nowhere")
    journal = tmp_path / "journal"
    with journal.open("w"):
        async with Endpoint(answering(OK)) as endpoint, workers_to(endpoint.port) as desk:
            desk.lane.start(parcels(8))
            await desk.wait_for(8)
            for pid in desk.pool.pids:
                process = Path(f"/proc/{pid}")
                opened = [os.readlink(each) for each in (process / "fd").iterdir()]
                assert str(journal) not in opened
                # To the daemon, to the endpoint (four), and the event loop's own.
                assert sum(each.startswith("socket:") for each in opened) <= 1 + 4 + 2
                assert ACCOUNT.encode() not in (process / "cmdline").read_bytes()
                environment = (process / "environ").read_bytes()
                assert ACCOUNT.encode() not in environment
                assert b"NOTIFY_SOCKET" not in environment


def test_they_import_only_what_sending_needs() -> None:
    code = "import sys, hooktail.delivery.worker; print(*sys.modules, sep='\\n')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    imported = {name.partition(".")[0] for name in done.stdout.split()}
    ours = {name for name in done.stdout.split() if name.startswith("hooktail.")}

    assert not imported & {
        "watchdog",
        "structlog",
        "orjson",
        "hooktail_parsers",
        "crawleruseragents",
    }
    assert not [name for name in ours if name.startswith(("hooktail.config", "hooktail.telemetry"))]


def test_by_hand_it_says_who_starts_it() -> None:
    done = subprocess.run([*worker_process.COMMAND], capture_output=True, text=True, check=False)

    assert done.returncode == worker.USAGE
    assert "hooktail run" in done.stderr
    assert len(done.stderr.splitlines()) == 1


async def test_a_worker_that_cannot_be_made_leaves_no_descriptor(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(worker_process, "COMMAND", ("/no/such/program",))
    before = os.listdir("/proc/self/fd")
    with pytest.raises(FileNotFoundError):
        WorkerProcess(1, lambda *_: None)

    assert os.listdir("/proc/self/fd") == before


def test_what_libraries_log_in_a_worker_is_said() -> None:
    said: list[str] = []
    logger = logging.getLogger("some.library")
    speaker = worker._Speaker(said.append)
    logger.addHandler(speaker)
    try:
        logger.warning("it is %s", "odd")
        logger.info("nobody cares")
    finally:
        logger.removeHandler(speaker)

    assert said == ["some.library: it is odd"]
