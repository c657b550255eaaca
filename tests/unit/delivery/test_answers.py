"""Reading answers: any bytes, cut anywhere."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from aiohttp.client_proto import ResponseHandler
from hypothesis import given, settings
from hypothesis import strategies as st

from hooktail.config.sections import DestinationSection, Secret
from hooktail.delivery.answers import MAX_ANSWER_BYTES, AnswerReader, NoHttpError
from hooktail.delivery.outcome import Delivered, Misconfigured, Outcome, Rejected, Retry
from hooktail.delivery.target import Target

TARGET = Target(
    DestinationSection(
        name="default",
        account_id=Secret("acct-7f3a"),
        endpoint="http://127.0.0.1/{account_id}/pixel.png",
    ),
    user_agent="test",
)

WHOLE: list[tuple[bytes, Outcome]] = [
    (b"HTTP/1.1 204 No Content\r\n\r\n", Delivered()),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", Delivered()),
    (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", Delivered()),
    (b"HTTP/1.1 400 Bad\r\nContent-Length: 3\r\n\r\nwhy", Rejected("http_400", 400, "why")),
    (
        b"HTTP/1.1 503 Busy\r\nretry-after: 7\r\nContent-Length: 0\r\n\r\n",
        Retry("http_503", 7.0),
    ),
    (
        b"HTTP/1.1 302 Moved\r\nLocation: /acct-7f3a/x\r\nContent-Length: 0\r\n\r\n",
        Misconfigured("http_302", 302, "/***/x"),
    ),
    (
        b"HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nwho\r\n1\r\n?\r\n0\r\n\r\n",
        Misconfigured("http_404", 404, "who?"),
    ),
]


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


def reader_on(loop: asyncio.AbstractEventLoop) -> AnswerReader:
    return AnswerReader(ResponseHandler(loop), loop)


@settings(max_examples=60, deadline=None)
@given(
    answers=st.lists(st.sampled_from(WHOLE), min_size=1, max_size=4),
    cuts=st.lists(st.integers(1, 40), min_size=1),
)
def test_wherever_an_answer_is_cut_it_means_the_same(
    loop: asyncio.AbstractEventLoop,
    answers: list[tuple[bytes, Outcome]],
    cuts: list[int],
) -> None:
    reader = reader_on(loop)
    for answer, outcome in answers:
        at = turn = 0
        while at < len(answer):
            assert not reader.complete
            step = cuts[turn % len(cuts)]
            reader.feed(answer[at : at + step])
            at, turn = at + step, turn + 1

        assert reader.complete
        assert reader.reusable
        assert reader.judge(TARGET) == outcome
        reader.restart()


LONGER = [
    (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nok", Delivered()),
    (b"HTTP/1.1 204 No Content\r\n\r\nok", Delivered()),
    (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nok", Delivered()),
    (b"HTTP/1.1 400 Bad\r\nContent-Length: 3\r\n\r\nwhy not", Rejected("http_400", 400, "why")),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnonsense", Delivered()),
]


@pytest.mark.parametrize(("answer", "outcome"), LONGER)
def test_a_status_judges_though_its_body_is_longer_than_announced(
    loop: asyncio.AbstractEventLoop, answer: bytes, outcome: Outcome
) -> None:
    """The head was whole, and the event must not be sent again; the connection is not used again.

    Wherever the answer is cut: what comes behind its announced end is seen with it or too late.
    """
    for cut in range(1, len(answer) + 1):
        reader = reader_on(loop)
        reader.feed(answer[:cut])
        if not reader.complete:
            reader.feed(answer[cut:])
            assert not reader.reusable
        assert reader.judge(TARGET) == outcome


pieces = st.lists(
    st.one_of(
        st.binary(max_size=40),
        st.sampled_from([whole for whole, _ in WHOLE]),
        st.sampled_from([whole[:20] for whole, _ in WHOLE]),
        st.sampled_from(
            [b"\r\n", b"HTTP/1.1 200 OK\r\n", b"Content-Length: 9\r\n", b"0\r\n\r\n", b"\xff" * 9]
        ),
    ),
    max_size=12,
)


@settings(max_examples=150, deadline=None)
@given(pieces=pieces)
def test_whatever_bytes_come_nothing_is_raised_but_that_they_are_no_answer(
    loop: asyncio.AbstractEventLoop, pieces: list[bytes]
) -> None:
    reader = reader_on(loop)
    for piece in pieces:
        if reader.complete:
            break
        try:
            reader.feed(piece)
        except NoHttpError:
            return
        if reader.answered:
            reader.judge(TARGET)


@pytest.mark.parametrize(
    "endless",
    [
        b"HTTP/1.1 103 Early Hints\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n",
    ],
)
def test_interim_answers_without_end_are_no_answer(
    loop: asyncio.AbstractEventLoop, endless: bytes
) -> None:
    reader = reader_on(loop)

    def feed_on() -> None:
        for _ in range(MAX_ANSWER_BYTES // len(endless) + 2):
            reader.feed(endless)

    with pytest.raises(NoHttpError):
        feed_on()


def test_of_an_endless_body_a_little_is_read_and_the_connection_given_up(
    loop: asyncio.AbstractEventLoop,
) -> None:
    reader = reader_on(loop)
    reader.feed(b"HTTP/1.1 500 No\r\nContent-Length: 1000000000\r\n\r\n")
    fed = 0
    while not reader.complete:
        reader.feed(b"x" * 10_000)
        fed += 10_000

    assert fed <= MAX_ANSWER_BYTES + 10_000
    assert not reader.reusable
    assert reader.judge(TARGET) == Retry("http_500")
