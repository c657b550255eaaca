"""What the fast lane does beyond what both lanes do: many at once, handed over and handed back.

That both mean the same is shown by `test_sender`, which runs over both.
"""

from __future__ import annotations

import asyncio
import socket
from importlib.util import find_spec
from typing import Any

import aiohttp
import aiohttp.http_parser
import pytest
from aiohttp.client_proto import ResponseHandler
from component.desk import Parcel, lane_to, parcels, section_for
from component.endpoint import OK, Endpoint, Request, answering, raw_server, status

from hooktail.delivery import fast_lane, target
from hooktail.delivery.outcome import Delivered, Outcome, Rejected, Retry
from hooktail.delivery.sender import LANE_VARIABLE, Sender, lane_of
from hooktail.errors import ConfigError

# -- what goes out


async def test_both_lanes_send_the_same_head(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Endpoint(answering(OK)) as endpoint:
        for lane in ("plain", "fast"):
            monkeypatch.setenv(LANE_VARIABLE, lane)
            async with Sender(section_for(endpoint.port), concurrency=1) as sender:
                assert sender.lane == lane
                await sender.send(b"{}")

    plain, fast = ({*request.head.splitlines()} for request in endpoint.requests)
    assert fast == plain


# -- many at once


async def test_outcomes_come_in_batches_and_no_task_waits_for_them() -> None:
    async def together(request: Request) -> None:
        await everything.wait()
        await request.answer(OK)

    everything = asyncio.Event()
    async with Endpoint(together) as endpoint, lane_to(endpoint.port, limit=50) as desk:
        before = len(asyncio.all_tasks())
        desk.lane.start(parcels(50))
        async with asyncio.timeout(30):
            while len(endpoint.requests) < 50:  # noqa: ASYNC110 - the endpoint rings no bell
                await asyncio.sleep(0.01)
        # The endpoint has a task for each connection, the lane has none.
        assert len(asyncio.all_tasks()) == before + 50
        everything.set()
        outcomes = await desk.wait_for(50)

    assert set(outcomes.values()) == {Delivered()}
    assert len(desk.batches) < 25


async def test_the_limit_may_change_while_it_runs() -> None:
    async def slow(request: Request) -> None:
        await asyncio.sleep(0.01)
        await request.answer(OK)

    async with Endpoint(slow) as endpoint, lane_to(endpoint.port, limit=10) as desk:
        desk.lane.start(parcels(40))
        await desk.wait_for(40)
        assert len(desk.lane._connections) == 10

        desk.lane.limit = 2
        desk.lane.start(parcels(40, 40))
        await desk.wait_for(80)
        assert len(desk.lane._connections) == 2

        desk.lane.limit = 6
        desk.lane.start(parcels(40, 80))
        await desk.wait_for(120)
        assert len(desk.lane._connections) == 6

    assert set(desk.outcomes.values()) == {Delivered()}


async def test_all_connections_lost_at_once_cost_one_more_try_each() -> None:
    """A server that restarts: each of its connections is closed at the same moment."""
    lost = False

    async def script(request: Request) -> None:
        if lost and request.number_on_connection > 1:
            request.hang_up()
        else:
            await asyncio.sleep(0.02)
            await request.answer(OK)

    async with Endpoint(script) as endpoint, lane_to(endpoint.port, limit=20) as desk:
        desk.lane.start(parcels(20))
        await desk.wait_for(20)
        lost = True
        desk.lane.limit = 5  # even if there is no room for them
        desk.lane.start(parcels(20, 20))
        outcomes = await desk.wait_for(40)

    assert set(outcomes.values()) == {Delivered()}
    assert desk.lane.silent_retries == 20


# -- handed back


async def test_what_is_stopped_before_its_connection_stands_is_handed_back() -> None:
    async with Endpoint(answering(OK)) as endpoint, lane_to(endpoint.port) as desk:
        sent = parcels(5)
        desk.lane.start(sent)
        assert desk.lane.stop() == sent

    assert endpoint.requests == []


async def test_an_outcome_that_is_known_at_the_stop_is_handed_over() -> None:
    async with Endpoint(answering(OK)) as endpoint, lane_to(endpoint.port) as desk:
        (parcel,) = parcels(1)
        desk.lane._fail(parcel, Retry("connect"))

        assert desk.lane.stop() == []
        assert desk.outcomes == {0: Retry("connect")}
        await asyncio.sleep(0)

    assert len(desk.batches) == 1


# -- connections


async def test_an_idle_connection_is_closed_before_the_server_does_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(target, "KEEPALIVE_S", 0.05)
    monkeypatch.setattr(fast_lane, "_MOST_SWEEP_S", 0.02)
    async with Endpoint(answering(OK)) as endpoint, lane_to(endpoint.port) as desk:
        desk.lane.start(parcels(3))
        await desk.wait_for(3)
        await asyncio.sleep(0.3)

        assert not desk.lane._connections
        assert desk.lane._sweeper is None  # nothing is left to look after
        desk.lane.start(parcels(1, 3))
        assert await desk.wait_for(4)
        assert desk.lane.silent_retries == 0


async def test_a_server_that_does_not_let_go_keeps_no_descriptor(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It reads nothing: what we still have to say would wait for ever."""
    monkeypatch.setattr(fast_lane, "CLOSE_S", 0.1)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        async with lane_to(listening.getsockname()[1], timeout_s=0.2) as desk:
            desk.lane.start([Parcel(1, padding=20_000_000)])
            assert await desk.wait_for(1) == {1: Retry("timeout")}
            await asyncio.sleep(0.3)

            assert not desk.lane._connections
            assert not desk.lane._closing


async def test_an_answer_before_the_request_is_read_ends_the_connection() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(status(413, b"too much"))
        await asyncio.sleep(10)

    async with raw_server(serve) as port, lane_to(port) as desk:
        desk.lane.start([Parcel(1, padding=20_000_000)])
        assert await desk.wait_for(1) == {1: Rejected("http_413", 413, "too much")}
        assert not desk.lane._connections


async def test_reading_costs_one_buffer_for_all_connections() -> None:
    async with Endpoint(answering(OK)) as endpoint, lane_to(endpoint.port, limit=10) as desk:
        desk.lane.start(parcels(10))
        await desk.wait_for(10)

        assert {id(each.get_buffer(-1)) for each in desk.lane._connections} == {
            id(desk.lane.buffer)
        }


# -- any event loop


without_uvloop = pytest.mark.skipif(not find_spec("uvloop"), reason="uvloop is not installed")
LOOPS = ["asyncio", pytest.param("uvloop", marks=without_uvloop)]


@pytest.mark.parametrize("loop", LOOPS)
def test_it_works_on_each_event_loop(loop: str) -> None:
    async def second_hangs_up(request: Request) -> None:
        if request.number_on_connection == 2:
            request.hang_up()
        elif int(request.body) == 7:
            await asyncio.sleep(10)
        else:
            await request.answer(status(400 if int(request.body) == 5 else 200))

    async def main() -> dict[int, Outcome]:
        async with (
            Endpoint(second_hangs_up) as endpoint,
            lane_to(endpoint.port, limit=3, timeout_s=0.5) as desk,
        ):
            desk.lane.start(parcels(30))
            return await desk.wait_for(30)

    factory: Any = None
    if loop == "uvloop":
        factory = __import__("uvloop").new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        outcomes = runner.run(main())

    assert outcomes.pop(5) == Rejected("http_400", 400, "")
    assert outcomes.pop(7) == Retry("timeout")
    assert set(outcomes.values()) == {Delivered()}


# -- the lane that is chosen


async def test_everything_that_it_leans_on_is_there() -> None:
    assert fast_lane.missing(asyncio.get_running_loop()) == ""


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (aiohttp.http_parser, "HttpResponseParserC"),
        (aiohttp.connector.Connection, "transport"),
        (ResponseHandler, "should_close"),
    ],
)
async def test_the_plain_lane_takes_over_where_something_is_missing(
    monkeypatch: pytest.MonkeyPatch, owner: Any, name: str
) -> None:
    with monkeypatch.context() as patch:
        patch.delattr(owner, name)
        assert fast_lane.missing(asyncio.get_running_loop())
    monkeypatch.setattr(fast_lane, "missing", lambda _loop: "something")
    async with (
        Endpoint(answering(OK)) as endpoint,
        Sender(section_for(endpoint.port), concurrency=1, lane="fast") as sender,
    ):
        assert sender.lane == "plain"
        assert await sender.send(b"{}") == Delivered()


def test_a_lane_that_there_is_not_is_refused() -> None:
    assert lane_of({}) == "fast"
    assert lane_of({LANE_VARIABLE: "plain"}) == "plain"
    with pytest.raises(ConfigError, match=LANE_VARIABLE):
        lane_of({LANE_VARIABLE: "bus"})
