"""The sender against real servers on loopback, most of them ill-behaved."""

from __future__ import annotations

import asyncio
import logging
import socket

import pytest
from component.endpoint import OK, Endpoint, Request, Script, answering, raw_server, status
from component.senders import (
    ACCOUNT,
    BODY,
    between,
    hang_up,
    make_sender,
    reset,
    send_once,
    unused_port,
)
from component.workers import set_moment

from hooktail.delivery.outcome import Delivered, Misconfigured, Outcome, Rejected, Retry

pytestmark = pytest.mark.usefixtures("lane")


# -- what goes out


async def test_an_event_is_one_post_of_exactly_its_bytes() -> None:
    async with between(answering(OK)) as (endpoint, sender):
        assert await sender.send(BODY) == Delivered()

    (request,) = endpoint.requests
    first, *headers = request.head.decode().lower().splitlines()
    assert first == f"post /{ACCOUNT}/pixel.png http/1.1"
    assert "content-type: application/json" in headers
    assert any(line.startswith("user-agent: hooktail/") for line in headers)
    assert request.body == BODY


async def test_cookies_are_neither_kept_nor_sent() -> None:
    answer = status(200, b"", "Set-Cookie: a=b; Path=/")
    async with between(answering(answer)) as (endpoint, sender):
        await sender.send(BODY)
        await sender.send(BODY)

    assert b"cookie" not in endpoint.requests[1].head.lower()


async def test_proxies_of_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{unused_port()}")

    assert await send_once(answering(OK)) == Delivered()


# -- what comes back


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        (200, Delivered()),
        (204, Delivered()),
        (400, Rejected("http_400", 400, "why")),
        (403, Misconfigured("http_403", 403, "why")),
        (404, Misconfigured("http_404", 404, "why")),
        (429, Retry("http_429")),
        (500, Retry("http_500")),
        (503, Retry("http_503")),
        (999, Retry("http_999")),
    ],
)
async def test_a_status_is_judged_and_the_connection_kept(code: int, outcome: Outcome) -> None:
    body = b"" if code == 204 else b"why"
    async with between(answering(status(code, body))) as (endpoint, sender):
        assert await sender.send(BODY) == outcome
        assert await sender.send(BODY) == outcome

    assert endpoint.connections == 1


async def test_retry_after_comes_through() -> None:
    answer = status(503, b"", "retry-after: 17")

    assert await send_once(answering(answer)) == Retry("http_503", 17.0)


async def test_a_redirect_is_not_followed() -> None:
    async with Endpoint(answering(OK)) as elsewhere:
        location = f"Location: http://127.0.0.1:{elsewhere.port}/{ACCOUNT}/pixel.png"
        outcome = await send_once(answering(status(302, b"", location)))

    expected = f"http://127.0.0.1:{elsewhere.port}/***/pixel.png"
    assert outcome == Misconfigured("http_302", 302, expected)
    assert elsewhere.requests == []


async def test_an_answer_that_repeats_the_account_id_has_it_masked() -> None:
    answer = status(404, f"Cannot POST /{ACCOUNT}/pixel.png".encode())

    outcome = await send_once(answering(answer))

    assert outcome == Misconfigured("http_404", 404, "Cannot POST /***/pixel.png")


async def test_interim_answers_are_skipped() -> None:
    assert await send_once(answering(b"HTTP/1.1 103 Early Hints\r\n\r\n" + OK)) == Delivered()


async def test_a_change_of_protocol_is_no_delivery() -> None:
    answer = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"

    assert await send_once(answering(answer)) == Retry("http_101")


async def test_only_the_beginning_of_a_huge_answer_is_read() -> None:
    written = 0

    async def flood(request: Request) -> None:
        nonlocal written
        await request.answer(b"HTTP/1.1 500 X\r\nContent-Length: 1000000000\r\n\r\n")
        while True:
            await request.answer(b"x" * 65_536)
            written += 65_536

    async with between(flood) as (endpoint, sender):
        assert await sender.send(BODY) == Retry("http_500")
        assert await sender.send(BODY) == Retry("http_500")

    assert endpoint.connections == 2
    assert written < 50_000_000


async def test_an_accepted_event_stays_accepted_though_the_rest_of_the_answer_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The status is the answer; sending again because of a lost page would count twice."""
    set_moment(monkeypatch, "ANSWER_S", 0.05)

    async def broken_off(request: Request) -> None:
        await request.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        request.hang_up()

    async def dripping(request: Request) -> None:
        await request.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while True:
            await request.answer(b"x")
            await asyncio.sleep(0.02)

    assert await send_once(broken_off) == Delivered()
    assert await send_once(dripping) == Delivered()


# -- answers of unusual shape


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.0 200 OK\r\n\r\nto the end",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nto the end",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
    ],
)
async def test_an_answer_that_ends_with_its_connection_is_an_answer(answer: bytes) -> None:
    async def script(request: Request) -> None:
        await request.answer(answer)
        request.hang_up()

    async with between(script) as (endpoint, sender):
        for _ in range(3):
            assert await sender.send(BODY) == Delivered()
        assert sender.silent_retries == 0

    assert [request.connection for request in endpoint.requests] == [1, 2, 3]


async def test_an_answer_in_chunks_leaves_the_connection_usable() -> None:
    answer = b"HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nwho\r\n1\r\n?\r\n0\r\n\r\n"

    async def byte_by_byte(request: Request) -> None:
        for byte in answer:
            await request.answer(bytes([byte]))
            await asyncio.sleep(0)

    async with between(byte_by_byte) as (endpoint, sender):
        for _ in range(2):
            assert await sender.send(BODY) == Misconfigured("http_404", 404, "who?")

    assert endpoint.connections == 1


async def test_an_answer_that_nobody_asked_for_is_no_answer_to_the_next_event() -> None:
    async def script(request: Request) -> None:
        if request.body == b"1":
            await request.answer(status(400, b"bad") + OK)
        else:
            await request.answer(status(503))

    async with between(script) as (endpoint, sender):
        assert await sender.send(b"1") == Rejected("http_400", 400, "bad")
        assert await sender.send(b"2") == Retry("http_503")

    assert endpoint.connections == 2


async def test_what_a_server_says_to_an_idle_connection_is_no_answer() -> None:
    async def script(request: Request) -> None:
        await request.answer(OK)
        if request.body == b"1":
            await asyncio.sleep(0.05)
            await request.answer(status(408))

    async with between(script) as (endpoint, sender):
        assert await sender.send(b"1") == Delivered()
        await asyncio.sleep(0.15)
        assert await sender.send(b"2") == Delivered()

    assert [request.connection for request in endpoint.requests] == [1, 2]


async def test_answers_that_look_alike_are_told_apart() -> None:
    """One that accepted an event is remembered; what differs from it is read."""
    codes = [200, 200, 503, 200, 400, 200]
    answers = iter(codes)

    async def script(request: Request) -> None:
        await request.answer(status(next(answers)))

    async with between(script) as (endpoint, sender):
        outcomes = [await sender.send(BODY) for _ in codes]

    rejected = Rejected("http_400", 400, "")
    well = Delivered()
    assert outcomes == [well, well, Retry("http_503"), well, rejected, well]
    assert endpoint.connections == 1


async def test_the_beginning_of_a_remembered_answer_is_not_the_answer() -> None:
    async def script(request: Request) -> None:
        await request.answer(OK)

    async def longer(request: Request) -> None:
        await request.answer(OK[:-2])
        await asyncio.sleep(0.02)
        await request.answer(b"A: b\r\n\r\n")

    async with between(script) as (endpoint, sender):
        for endpoint.script in (script, longer, script, longer):
            assert await sender.send(BODY) == Delivered()

    assert endpoint.connections == 1


async def test_interim_answers_without_end_are_given_up() -> None:
    async def script(request: Request) -> None:
        while True:
            await request.answer(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 1000)
            await asyncio.sleep(0)

    async with between(script, timeout_s=1.0, connect_timeout_s=0.1) as (_, sender):
        assert isinstance(await sender.send(BODY), Retry)


async def test_an_answer_to_half_a_request_is_an_answer() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(status(413, b"too much"))
        await asyncio.sleep(10)

    async with raw_server(serve) as port, make_sender(port) as sender:
        assert await sender.send(b"x" * 1_000_000) == Rejected("http_413", 413, "too much")


# -- trouble on the way


async def test_nobody_listening_is_tried_again() -> None:
    async with make_sender(unused_port()) as sender:
        assert await sender.send(BODY) == Retry("connect")


async def test_a_name_that_does_not_resolve_is_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def getaddrinfo(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
    async with make_sender(80, host="pixel.example") as sender:
        assert await sender.send(BODY) == Retry("dns")


async def test_a_name_that_is_none_is_a_misconfiguration() -> None:
    async with make_sender(80, host="a" * 70 + ".example") as sender:
        assert await sender.send(BODY) == Misconfigured("url", None, "")


async def test_a_connection_that_never_stands_times_out() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        # Fills the backlog: the kernel leaves further attempts without an answer.
        clients = [socket.socket() for _ in range(4)]
        for client in clients:
            client.setblocking(False)
            client.connect_ex(("127.0.0.1", port))
        async with make_sender(port, connect_timeout_s=0.2) as sender:
            assert await sender.send(BODY) == Retry("connect_timeout")
        for client in clients:
            client.close()


async def test_an_endpoint_that_never_answers_times_out() -> None:
    async def stall(_request: Request) -> None:
        await asyncio.Event().wait()

    assert await send_once(stall, timeout_s=0.2) == Retry("timeout")


async def test_an_endpoint_that_drips_its_head_times_out() -> None:
    """Each byte in time, the whole too late."""

    async def drip(request: Request) -> None:
        await request.answer(b"HTTP/1.1 200 OK\r\n")
        while True:
            await request.answer(b"X-A: 1\r\n")
            await asyncio.sleep(0.05)

    async with between(drip, timeout_s=0.3, connect_timeout_s=0.1) as (_, sender):
        assert await sender.send(BODY) == Retry("timeout")


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01 what is this",
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: " + b"x" * 100_000 + b"\r\n\r\n",
    ],
)
async def test_what_is_no_http_is_tried_again(garbage: bytes) -> None:
    assert await send_once(answering(garbage)) == Retry("protocol")


@pytest.mark.parametrize("script", [hang_up, reset])
async def test_a_fresh_connection_lost_is_tried_again_but_not_silently(script: Script) -> None:
    async with between(script) as (endpoint, sender):
        assert await sender.send(BODY) == Retry("disconnected")
        assert sender.silent_retries == 0

    assert len(endpoint.requests) == 1


# -- connections that were used before


@pytest.mark.parametrize("lose", [hang_up, reset])
async def test_a_used_connection_lost_before_any_answer_is_retried_once_in_silence(
    lose: Script,
) -> None:
    async def script(request: Request) -> None:
        if request.number_on_connection == 1:
            await request.answer(OK)
        else:
            await lose(request)

    async with between(script) as (endpoint, sender):
        assert await sender.send(b"1") == Delivered()
        assert await sender.send(b"2") == Delivered()
        assert sender.silent_retries == 1

    told = [(request.connection, request.body) for request in endpoint.requests]
    assert told == [(1, b"1"), (1, b"2"), (2, b"2")]


async def test_the_silent_retry_happens_once_only() -> None:
    async def script(request: Request) -> None:
        if request.body == b"1":
            await request.answer(OK)
        else:
            request.hang_up()

    async with between(script) as (endpoint, sender):
        await sender.send(b"1")
        assert await sender.send(b"2") == Retry("disconnected")

    assert [request.body for request in endpoint.requests] == [b"1", b"2", b"2"]


@pytest.mark.parametrize("part", [b"H", b"HTTP/1.1 200 O", b"HTTP/1.1 200 OK\r\nA: b\r\n"])
async def test_a_used_connection_lost_amid_the_answer_is_not_retried_in_silence(
    part: bytes,
) -> None:
    async def script(request: Request) -> None:
        if request.number_on_connection == 1:
            await request.answer(OK)
        else:
            await request.answer(part)
            request.hang_up()

    async with between(script) as (endpoint, sender):
        await sender.send(b"1")
        outcome = await sender.send(b"2")

    assert isinstance(outcome, Retry)
    assert len(endpoint.requests) == 2


async def test_a_server_that_closes_after_each_answer_costs_nothing_but_connections() -> None:
    async def script(request: Request) -> None:
        await request.answer(OK)
        request.hang_up()

    async with between(script) as (endpoint, sender):
        for number in range(100):
            assert await sender.send(b"%d" % number) == Delivered()

    assert {request.body for request in endpoint.requests} == {b"%d" % n for n in range(100)}


async def test_a_timeout_on_a_used_connection_is_not_retried_in_silence() -> None:
    async def script(request: Request) -> None:
        if request.number_on_connection == 1:
            await request.answer(OK)
        else:
            await asyncio.Event().wait()

    async with Endpoint(script) as endpoint, make_sender(endpoint.port, timeout_s=0.2) as sender:
        await sender.send(b"1")
        assert await sender.send(b"2") == Retry("timeout")

    assert len(endpoint.requests) == 2


async def test_connections_are_retired_when_old(monkeypatch: pytest.MonkeyPatch) -> None:
    set_moment(monkeypatch, "MAX_CONNECTION_AGE_S", 1.0)
    async with between(answering(OK)) as (endpoint, sender):
        await sender.send(BODY)
        await sender.send(BODY)
        assert endpoint.connections == 1

        await asyncio.sleep(1.2)
        assert await sender.send(BODY) == Delivered()  # the last on the old one
        assert await sender.send(BODY) == Delivered()

    assert [request.connection for request in endpoint.requests] == [1, 1, 1, 2]
    assert sender.silent_retries == 0


async def test_many_at_once_use_no_more_connections_than_allowed() -> None:
    async with between(answering(OK), concurrency=4) as (endpoint, sender):

        async def worker() -> None:
            for _ in range(50):
                assert await sender.send(BODY) == Delivered()

        await asyncio.gather(*(worker() for _ in range(4)))

    assert len(endpoint.requests) == 200
    assert endpoint.connections <= 4


# -- cancelled


async def test_a_cancelled_request_raises_and_its_connection_is_not_used_again() -> None:
    arrived = asyncio.Event()

    async def script(request: Request) -> None:
        if request.body == b"slow":
            arrived.set()
            await asyncio.Event().wait()
        await request.answer(OK)

    async with between(script) as (endpoint, sender):
        sending = asyncio.create_task(sender.send(b"slow"))
        await arrived.wait()
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending

        assert await sender.send(b"next") == Delivered()

    assert endpoint.requests[-1].connection == 2


# -- secrets


async def test_the_account_id_is_in_no_log_line_whatever_happens(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    scripts = [hang_up, reset, answering(b"garbage\r\n\r\n"), answering(status(404, b"no"))]

    for script in scripts:
        outcome = await send_once(script)
        assert ACCOUNT not in repr(outcome)
    async with make_sender(unused_port()) as sender:
        assert ACCOUNT not in repr(await sender.send(BODY))
        assert ACCOUNT not in repr(sender)

    assert ACCOUNT not in caplog.text
    assert ACCOUNT not in "".join(capfd.readouterr())
