"""What becomes of parcels in a fast lane, whether it stands alone or in workers."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from itertools import islice
from random import Random
from typing import Any

import pytest
from component.desk import PATIENCE_S, Parcel, desk_at, parcels, until
from component.endpoint import OK, Endpoint, Request, answering, status

from hooktail.delivery.outcome import Delivered, Rejected, Retry

everywhere = pytest.mark.parametrize("where", ["alone", "workers"])


class BadNetwork:
    """A script that answers as it likes, or not, and knows which codes it gave to whom."""

    def __init__(self) -> None:
        self.said: dict[int, list[int]] = {}
        self._rng = Random(7)

    async def script(self, request: Request) -> None:
        chance = self._rng.random()
        if chance < 0.05:
            request.reset()
        elif chance < 0.1:
            request.hang_up()
        elif chance < 0.15:
            await request.answer(OK[:10])
            request.hang_up()
        elif chance < 0.2:
            await request.answer(b"nonsense\r\n\r\n")
        elif chance < 0.21:
            await asyncio.sleep(10)
        else:
            code = self._rng.choice([200, 204, 400, 503])
            self.said.setdefault(int(request.body), []).append(code)
            close = ["Connection: close"] if chance < 0.3 else []
            await request.answer(status(code, b"" if code == 204 else b"words", *close))
            if close:
                request.hang_up()


@everywhere
async def test_over_a_bad_network_every_parcel_has_one_outcome_and_the_right_one(
    where: str,
) -> None:
    network = BadNetwork()
    expected = {200: Delivered(), 204: Delivered(), 400: Rejected("http_400", 400, "words")}
    async with (
        Endpoint(network.script) as endpoint,
        desk_at(where, endpoint.port, limit=16, timeout_s=0.5) as desk,
    ):
        left = iter(parcels(2000))
        desk.more = lambda count: [*islice(left, count)]
        desk.lane.start(desk.more(16))
        outcomes = await desk.wait_for(2000)

        assert Counter(type(outcome) for outcome in outcomes.values())[Delivered] > 500
        for number, outcome in outcomes.items():
            codes = network.said.get(number, [])
            assert len(codes) <= 1
            if codes:
                assert outcome == expected.get(codes[0], Retry(f"http_{codes[0]}"))
            else:
                assert isinstance(outcome, Retry)
        assert desk.lane.stop() == []


@everywhere
async def test_what_has_no_outcome_is_handed_back_and_never_heard_of_again(where: str) -> None:
    async def script(request: Request) -> None:
        if int(request.body) < 4:
            await request.answer(OK)
        else:
            await asyncio.Event().wait()

    async with Endpoint(script) as endpoint, desk_at(where, endpoint.port, limit=6) as desk:
        desk.lane.start(parcels(20))
        await desk.wait_for(4)
        await until(lambda: len(endpoint.requests) == 10)
        back = desk.lane.stop()
        known = desk.outcomes

        assert sorted(parcel.number for parcel in back) == [*range(4, 20)]
        assert {*known} == {0, 1, 2, 3}
        # The requests are cut short, not only forgotten.
        await until(lambda: sum(r.writer._reader.at_eof() for r in endpoint.requests) >= 6)  # type: ignore[attr-defined]  # asyncio's own
        assert desk.outcomes == known
        assert len(endpoint.requests) == 10


@everywhere
async def test_a_bug_in_whoever_takes_outcomes_comes_out_of_run(where: str) -> None:
    reported: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))

    def broken(_: int) -> Sequence[Parcel]:
        raise ZeroDivisionError

    async with Endpoint(answering(OK)) as endpoint, desk_at(where, endpoint.port) as desk:
        desk.more = broken
        desk.lane.start(parcels(1))
        with pytest.raises(ZeroDivisionError):
            await asyncio.wait_for(desk.lane.run(), PATIENCE_S)

    assert reported
