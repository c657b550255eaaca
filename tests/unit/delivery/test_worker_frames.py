"""What daemon and workers say to each other, whole and in any pieces."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hooktail.delivery.frame_stream import FIRST_BYTES, FrameStream
from hooktail.delivery.outcome import (
    DELIVERED,
    MAX_RETRY_AFTER_S,
    Delivered,
    Misconfigured,
    Outcome,
    Rejected,
    Retry,
    classify,
)
from hooktail.delivery.worker_frames import (
    HEADER,
    outcomes_payload,
    parcels_payload,
    read_outcomes,
    read_parcels,
)

TEXT = st.text(max_size=300)
STATUS = st.none() | st.integers(0, 999)
OUTCOME: st.SearchStrategy[Outcome] = st.one_of(
    st.builds(Delivered),
    st.builds(Rejected, TEXT, STATUS, TEXT),
    st.builds(Misconfigured, TEXT, STATUS, TEXT),
    st.builds(Retry, TEXT, st.none() | st.floats(0, MAX_RETRY_AFTER_S)),
)
NUMBER = st.integers(0, 2**64 - 1)


@given(NUMBER, st.lists(st.binary(max_size=2000)))
def test_parcels_arrive_as_they_were(first: int, bodies: list[bytes]) -> None:
    assert read_parcels(parcels_payload(first, bodies)) == (first, bodies)


@given(st.integers(0, 1000), st.lists(st.tuples(NUMBER, OUTCOME)))
def test_outcomes_arrive_as_they_were_and_in_their_order(
    retries: int, told: list[tuple[int, Outcome]]
) -> None:
    assert read_outcomes(outcomes_payload(retries, told)) == (retries, told)


def test_every_answer_means_the_same_on_the_other_side() -> None:
    headers = {"Retry-After": "17", "Location": "https://elsewhere.example/"}
    answers = [
        (status, classify(status, headers, "wörds of\x00 it".encode(), 0.0))
        for status in range(100, 1000)
    ]

    assert read_outcomes(outcomes_payload(0, answers)).told == answers


def test_delivered_stays_the_only_one_there_is() -> None:
    (told,) = read_outcomes(outcomes_payload(0, [(5, Delivered())])).told

    assert told[1] is DELIVERED


def test_a_text_beyond_reason_is_cut_and_the_rest_arrives() -> None:
    told: list[tuple[int, Outcome]] = [(1, Rejected("http_400", 400, "é" * 40_000)), (2, DELIVERED)]

    first, second = read_outcomes(outcomes_payload(0, told)).told

    assert isinstance(first[1], Rejected)
    assert first[1].answer == "é" * 32_767
    assert second == (2, DELIVERED)


@given(st.lists(st.binary(max_size=300)), st.data())
def test_frames_in_any_pieces_are_the_same_frames(payloads: list[bytes], data: Any) -> None:
    said: list[tuple[int, int, bytes]] = []

    async def main() -> None:
        stream = FrameStream(lambda *frame: said.append(frame), lambda: None)
        stream._buffer = bytearray(16)
        left = b"".join(
            HEADER.pack(len(payload), 3, n) + payload for n, payload in enumerate(payloads)
        )
        while left:
            room = stream.get_buffer(-1)
            assert len(room)
            taken = data.draw(st.integers(1, min(len(room), len(left))))
            room[:taken] = left[:taken]
            left = left[taken:]
            stream.buffer_updated(taken)

    asyncio.run(main())

    assert said == [(3, n, payload) for n, payload in enumerate(payloads)]


async def test_a_large_frame_and_small_ones_come_through_a_real_socket() -> None:
    here, there = socket.socketpair()
    said: list[bytes] = []
    ended = asyncio.Event()
    speaker = FrameStream(lambda *_: None, lambda: None)
    listener = FrameStream(lambda _kind, _lane, payload: said.append(payload), ended.set)
    await speaker.connect(here)
    await listener.connect(there)
    payloads = [b"a", b"b" * 20 * FIRST_BYTES, b"", b"c"]

    for payload in payloads:
        speaker.send(1, 0, payload)
    await asyncio.sleep(0)
    speaker.close()
    await asyncio.wait_for(ended.wait(), 10)

    assert said == payloads
    speaker.send(1, 0, b"to nobody")
    await asyncio.sleep(0)
    listener.close()
