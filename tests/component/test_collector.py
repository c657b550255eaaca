"""The stand-in endpoint over real sockets, seen by a raw client."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from hooktail.collector import Collector, Received, parse_plan
from hooktail.collector.answer import PIXEL
from hooktail.errors import CannotWriteError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

PATIENCE_S = 10.0


def event(number: int = 1) -> bytes:
    return orjson.dumps(
        {
            "event_name": "pageview",
            "event_id": f"event-{number}",
            "user_agent": "Mozilla/5.0",
            "ip_address": "203.0.113.1",
        }
    )


def post(
    body: bytes,
    *,
    path: str = "/id/pixel.png",
    method: str = "POST",
    content_type: str = "application/json",
    extra: str = "",
) -> bytes:
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {content_type}\r\n"
        f"Content-Length: {len(body)}\r\n{extra}\r\n"
    )
    return head.encode() + body


class Client:
    """Speaks bytes, and reads one answer at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, text: bytes) -> None:
        self.writer.write(text)

    async def answer(self) -> tuple[int, str, bytes]:
        async with asyncio.timeout(PATIENCE_S):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            length = re.search(r"Content-Length: (\d+)", head)
            body = await self.reader.readexactly(int(length[1])) if length else b""
        return int(head.split()[1]), head, body

    async def status(self) -> int:
        return (await self.answer())[0]

    async def rest(self) -> bytes:
        async with asyncio.timeout(PATIENCE_S):
            return await self.reader.read()


@asynccontextmanager
async def serving(collector: Collector) -> AsyncIterator[Callable[[], Any]]:
    """Runs a collector and yields a function that connects a `Client`."""
    host, port = await collector.start()
    writers = []

    async def connect() -> Client:
        reader, writer = await asyncio.open_connection(host, port)
        writers.append(writer)
        return Client(reader, writer)

    try:
        yield connect
    finally:
        for writer in writers:
            writer.close()
        await asyncio.gather(*(w.wait_closed() for w in writers), return_exceptions=True)
        await collector.stop()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110  # what is waited for has no event of its own
            await asyncio.sleep(0.001)


def misbehaving(spec: str, **options: Any) -> Collector:
    return Collector(keep=True, plan=parse_plan(spec, seed=1), **options)


async def test_a_good_event_gets_the_pixel_and_the_connection_stays() -> None:
    collector = Collector(keep=True)
    async with serving(collector) as connect:
        client = await connect()
        for number in (1, 2):
            client.send(post(event(number)))
            status, head, body = await client.answer()

            assert (status, body) == (200, PIXEL)
            assert "Content-Type: image/png" in head

    assert [received.body for received in collector.received] == [event(1), event(2)]
    assert collector.counts.accepted == 2
    assert collector.counts.connections == 1


async def test_two_thousand_pipelined_requests_are_recorded_and_answered_in_order(
    tmp_path: Path,
) -> None:
    path = tmp_path / "received.ndjson"
    async with serving(Collector(record=path)) as connect:
        client = await connect()
        client.send(b"".join(post(event(number)) for number in range(2_000)))
        for _ in range(2_000):
            assert await client.status() == 200

        lines = [orjson.loads(line) for line in path.read_bytes().splitlines()]

    assert [line["body"]["event_id"] for line in lines] == [f"event-{n}" for n in range(2_000)]
    assert [line["n"] for line in lines] == list(range(1, 2_001))


async def test_a_pipelining_client_that_reads_late_gets_every_answer() -> None:
    """Answers wait for the client without piling up, and none is lost."""
    collector = Collector()
    number = 40_000
    async with serving(collector) as connect:
        client = await connect()
        client.writer.transport.pause_reading()
        client.send(post(event()) * number)
        await until(lambda: any(served._write_blocked for served in collector._connections))
        client.writer.transport.resume_reading()
        client.writer.write_eof()
        text = await client.rest()

    assert text.count(b"HTTP/1.1 200 OK") == number
    assert collector.counts.accepted == number


async def test_what_a_client_was_told_is_in_the_record(tmp_path: Path) -> None:
    path = tmp_path / "received.ndjson"
    async with serving(Collector(record=path)) as connect:
        client = await connect()
        for number in range(1, 20):
            client.send(post(event(number)))
            await client.answer()

            assert len(path.read_bytes().splitlines()) == number


@pytest.mark.parametrize(
    ("text", "status"),
    [
        (post(b"{}"), 400),
        (post(b"no json"), 400),
        (post(event(), path="/pixel.png"), 404),
        (post(event(), path="//pixel.png"), 404),
        (post(event(), path="/id/other"), 404),
        (post(event(), method="PUT"), 405),
        (post(b"", method="GET"), 405),
        (post(event(), content_type="text/plain"), 415),
    ],
)
async def test_what_breaks_the_contract_is_refused_and_the_connection_stays(
    text: bytes, status: int
) -> None:
    collector = Collector()
    async with serving(collector) as connect:
        client = await connect()
        client.send(text)
        found, _, body = await client.answer()
        client.send(post(event()))

        assert found == status
        assert orjson.loads(body)["error"]
        assert await client.status() == 200

    assert (collector.counts.refused, collector.counts.accepted) == (1, 1)


async def test_a_head_request_gets_no_body() -> None:
    async with serving(Collector()) as connect:
        client = await connect()
        client.send(post(b"", method="HEAD", extra="Connection: close\r\n"))

        assert (await client.rest()).endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    ("text", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (post(b"").replace(b"Content-Length: 0", b"Content-Length: 65537"), 413),
        (b"GET /" + b"a" * 20_000, 431),
        (post(b"x").replace(b"Content-Length: 1", b"Transfer-Encoding: chunked"), 400),
    ],
)
async def test_what_cannot_be_framed_is_answered_and_the_connection_ends(
    text: bytes, status: int
) -> None:
    collector = Collector()
    async with serving(collector) as connect:
        client = await connect()
        client.send(text)
        client.send(b"x" * 200_000)  # unread bytes must not destroy the answer

        assert await client.status() == status
        assert await client.rest() == b""

    assert (collector.counts.requests, collector.counts.refused) == (1, 1)


async def test_expecting_to_continue_is_answered_before_the_body() -> None:
    async with serving(Collector()) as connect:
        client = await connect()
        head, body = post(event(), extra="Expect: 100-continue\r\n").split(b"\r\n\r\n")
        client.send(head + b"\r\n\r\n")

        assert await client.status() == 100
        client.send(body)
        assert await client.status() == 200


async def test_the_last_request_may_announce_the_end() -> None:
    async with serving(Collector()) as connect:
        client = await connect()
        client.send(post(event(), extra="Connection: close\r\n"))
        status, head, _ = await client.answer()

        assert status == 200
        assert "Connection: close" in head
        assert await client.rest() == b""


@pytest.mark.parametrize("spec", ["", "delay=20ms", "drip=0ms"])
async def test_a_client_that_ends_its_side_still_gets_its_answers(spec: str) -> None:
    async with serving(misbehaving(spec)) as connect:
        client = await connect()
        client.send(post(event(1)) + post(event(2)))
        client.writer.write_eof()

        assert (await client.rest()).count(b"HTTP/1.1 200 OK") == 2


async def test_stats_are_the_counts_and_never_misbehave() -> None:
    collector = misbehaving("503")
    async with serving(collector) as connect:
        client = await connect()
        client.send(post(event()) + post(b"", path="/stats", method="GET"))
        await client.answer()
        status, _, body = await client.answer()

        assert status == 200
        assert orjson.loads(body) == asdict(collector.counts)
        assert orjson.loads(body)["failed"] == {"503": 1}


@pytest.mark.parametrize(
    ("spec", "status", "header"),
    [
        ("503", 503, ""),
        ("401", 401, ""),
        ("429=retry-after-2", 429, "Retry-After: 2\r\n"),
        ("503=retry-after-date-2", 503, " GMT\r\n"),
        ("redirect", 302, "Location: /"),
        ("308", 308, "Location: /"),
        ("304", 304, ""),
        ("499", 499, ""),
    ],
)
async def test_a_status_on_request(spec: str, status: int, header: str) -> None:
    collector = misbehaving(spec)
    async with serving(collector) as connect:
        client = await connect()
        client.send(post(event()))
        found, head, _ = await client.answer()
        client.send(post(event()))

        assert found == status
        assert header in head
        assert await client.status() == status

    assert not collector.received[0].accepted
    assert collector.received[0].answer == status
    assert collector.counts.accepted == collector.counts.refused == 0


async def test_a_delay_holds_back_what_is_behind_it_too() -> None:
    collector = misbehaving("delay=100ms")
    async with serving(collector) as connect:
        client = await connect()
        started_s = asyncio.get_running_loop().time()
        client.send(post(event(1)) + post(event(2)))

        assert await client.status() == 200
        assert await client.status() == 200
        assert asyncio.get_running_loop().time() - started_s >= 0.2

    assert collector.counts.accepted == 2
    assert [received.answer for received in collector.received] == [200, 200]


async def test_much_behind_a_delay_waits_in_the_socket_and_not_in_memory() -> None:
    collector = misbehaving("delay=100ms@0-0.01")
    async with serving(collector) as connect:
        client = await connect()
        client.send(post(event()) * 5_000)
        await until(lambda: any(served._read_paused for served in collector._connections))
        (served,) = collector._connections
        assert served._reader.pending_bytes < 400_000
        for _ in range(5_000):
            assert await client.status() == 200


async def test_a_stall_reads_and_never_answers() -> None:
    collector = misbehaving("stall")
    async with serving(collector) as connect:
        client = await connect()
        client.send(post(event()))
        await until(lambda: len(collector.received) == 1)

        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.reader.read(1), 0.05)

    assert collector.received[0].answer == "stall"
    assert not collector.received[0].accepted


async def test_a_stalled_event_is_on_disk_though_nothing_was_sent(tmp_path: Path) -> None:
    path = tmp_path / "received.ndjson"
    async with serving(misbehaving("stall", record=path)) as connect:
        client = await connect()
        client.send(post(event()))

        await until(lambda: path.exists() and path.read_bytes().endswith(b"\n"))
        (received,) = map(orjson.loads, path.read_bytes().splitlines())

    assert received["answer"] == "stall"
    assert received["accepted"] is False


async def test_a_drip_comes_byte_by_byte_and_whole() -> None:
    collector = misbehaving("drip=1ms")
    async with serving(collector) as connect:
        client = await connect()
        started_s = asyncio.get_running_loop().time()
        client.send(post(event(1)) + post(event(2)))

        for _ in range(2):
            assert (await client.answer())[2] == PIXEL
        assert asyncio.get_running_loop().time() - started_s >= 0.2

    assert collector.counts.accepted == 2


async def test_a_reset_before_the_body_takes_nothing() -> None:
    collector = misbehaving("reset-before")
    async with serving(collector) as connect:
        client = await connect()
        client.send(post(event()).partition(b"{")[0])

        with pytest.raises(ConnectionResetError):
            await client.rest()

    assert collector.received == []
    assert collector.counts.accepted == 0
    assert collector.counts.failed == {"reset-before": 1}


async def test_a_reset_after_the_body_has_taken_the_event(tmp_path: Path) -> None:
    path = tmp_path / "received.ndjson"
    collector = misbehaving("reset-after", record=path)
    async with serving(collector) as connect:
        client = await connect()
        client.send(post(event()))

        with pytest.raises(ConnectionResetError):
            await client.rest()
        assert orjson.loads(path.read_bytes())["accepted"]

    assert collector.received[0].answer == "reset-after"
    assert collector.counts.accepted == 1


async def test_a_close_comes_unannounced_behind_a_good_answer() -> None:
    collector = misbehaving("close")
    async with serving(collector) as connect:
        client = await connect()
        client.send(post(event()))
        status, head, _ = await client.answer()

        assert status == 200
        assert "Connection: close" not in head
        assert await client.rest() == b""

    assert collector.counts.accepted == 1


async def test_garbage_is_no_http() -> None:
    collector = misbehaving("garbage")
    async with serving(collector) as connect:
        client = await connect()
        client.send(post(event()))

        assert not (await client.rest()).startswith(b"HTTP")

    assert collector.counts.accepted == 0


async def test_the_plan_can_be_changed_while_running() -> None:
    collector = Collector()
    async with serving(collector) as connect:
        client = await connect()
        client.send(post(event()))
        assert await client.status() == 200

        collector.plan = parse_plan("503")
        client.send(post(event()))
        assert await client.status() == 503


async def test_an_invalid_event_is_refused_even_when_late() -> None:
    collector = misbehaving("delay=1ms")
    async with serving(collector) as connect:
        client = await connect()
        client.send(post(b"{}"))

        assert await client.status() == 400

    assert (collector.counts.accepted, collector.counts.refused) == (0, 1)


async def test_an_idle_connection_is_closed_and_a_stalled_one_is_not() -> None:
    collector = misbehaving("", idle_close_s=0.05)
    async with serving(collector) as connect:
        idle, stalled = await connect(), await connect()
        idle.send(post(event()))
        assert await idle.status() == 200
        collector.plan = parse_plan("stall")
        stalled.send(post(event()))

        assert await idle.rest() == b""
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(stalled.reader.read(1), 0.1)


async def test_every_event_is_told_before_its_answer() -> None:
    told: list[Received] = []
    async with serving(Collector(on_event=told.append)) as connect:
        client = await connect()
        client.send(post(event(7)))
        await client.answer()

        assert [received.body for received in told] == [event(7)]


async def test_stopping_ends_stalled_and_busy_connections_and_may_be_repeated() -> None:
    collector = misbehaving("stall:0.5,delay=1m")
    host, port = await collector.start()
    clients = [await asyncio.open_connection(host, port) for _ in range(20)]
    for _, writer in clients:
        writer.write(post(event()))
    await until(lambda: len(collector.received) == 20)

    await collector.stop()
    await collector.stop()

    for reader, writer in clients:
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await reader.readexactly(1)
        writer.close()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(host, port)


async def test_what_cannot_be_recorded_is_not_answered() -> None:
    collector = Collector(record=Path("/dev/full"))
    async with serving(collector) as connect:
        client = await connect()
        client.send(post(event()))

        with pytest.raises(CannotWriteError, match="/dev/full"):
            async with asyncio.timeout(PATIENCE_S):
                await collector.run()
        assert await client.rest() == b""


async def test_an_address_in_use_is_named() -> None:
    collector, second = Collector(), Collector()
    _, port = await collector.start()

    with pytest.raises(CannotWriteError, match=f"port {port}: Address already in use$"):
        await second.start(port=port)

    await collector.stop()


START = """
import argparse
from hooktail.cli import collector
parser = argparse.ArgumentParser()
collector.register(parser.add_subparsers())
args = parser.parse_args()
raise SystemExit(args.run(args))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_says_where_it_listens_records_to_stdout_and_sums_up(
    number: signal.Signals,
) -> None:
    words = ("collector", "--listen", "127.0.0.1:0", "--record", "-")
    with subprocess.Popen(
        [sys.executable, "-c", START, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        line = process.stderr.readline().decode()
        found = re.search(r'endpoint = "http://127.0.0.1:(\d+)/\{account_id\}/pixel.png"', line)
        assert found is not None

        async def send() -> int:
            reader, writer = await asyncio.open_connection("127.0.0.1", int(found[1]))
            client = Client(reader, writer)
            client.send(post(event(5)))
            status = await client.status()
            writer.close()
            await writer.wait_closed()
            return status

        assert asyncio.run(send()) == 200
        assert orjson.loads(process.stdout.readline())["body"]["event_id"] == "event-5"
        os.kill(process.pid, number)
        _, said = process.communicate(timeout=PATIENCE_S)

    assert process.returncode == 0
    assert b"1 accepted, 0 refused" in said
    assert b"Traceback" not in said
