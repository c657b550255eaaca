"""The sender through a proxy."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from component.endpoint import OK, Endpoint, answering, raw_server
from component.senders import ACCOUNT, BODY, make_sender, unused_port
from support.certificates import server_tls
from support.connect_proxy import ConnectProxy

from hooktail.delivery.outcome import Delivered, Misconfigured, Outcome, Retry
from hooktail.delivery.sender import Sender

pytestmark = pytest.mark.usefixtures("lane")
LOGIN = "user:s3cret"


@contextlib.asynccontextmanager
async def through(
    proxy: ConnectProxy, certificates: Path, login: str = "", **options: Any
) -> AsyncIterator[tuple[Endpoint, Sender]]:
    """An endpoint with TLS, and a sender that reaches it through the proxy."""
    async with (
        proxy,
        Endpoint(answering(OK), server_tls(certificates, "good")) as endpoint,
        make_sender(
            endpoint.port,
            scheme="https",
            ca_file=certificates / "ca.pem",
            proxy=proxy.url(login),
            **options,
        ) as sender,
    ):
        yield endpoint, sender


async def test_a_proxy_tunnels_to_a_secure_endpoint(certificates: Path, lane: str) -> None:
    proxy = ConnectProxy(login=LOGIN)
    async with through(proxy, certificates, LOGIN) as (endpoint, sender):
        assert await sender.send(BODY) == Delivered()
        assert await sender.send(BODY) == Delivered()
        assert sender.lane == ("plain" if lane == "plain" else "fast")

    (head,) = proxy.asked  # the tunnel is used again
    assert head.startswith(b"CONNECT 127.0.0.1:")
    assert ACCOUNT.encode() not in head
    assert len(endpoint.requests) == 2
    for request in endpoint.requests:  # nobody behind the proxy gets to see the password
        assert b"proxy" not in request.head.lower()
        assert request.head.startswith(b"POST /")


async def test_each_tunnel_of_many_says_the_password(certificates: Path) -> None:
    proxy = ConnectProxy(login=LOGIN)
    async with through(proxy, certificates, LOGIN, concurrency=8) as (endpoint, sender):
        outcomes = await asyncio.gather(*(sender.send(BODY) for _ in range(8)))

    assert outcomes == [Delivered()] * 8
    assert len(endpoint.requests) == 8
    assert 1 < len(proxy.asked) <= 8


async def test_a_password_with_signs_in_it_is_said_as_it_is_meant(certificates: Path) -> None:
    proxy = ConnectProxy(login="us er:p@ss/:#word")
    async with through(proxy, certificates, "us%20er:p%40ss%2F%3A%23word") as (_, sender):
        assert await sender.send(BODY) == Delivered()


@pytest.mark.parametrize(
    ("login", "refuse", "outcome"),
    [
        ("", "", Misconfigured("proxy", 407, "407 Proxy Authentication Required")),
        ("user:wrong", "", Misconfigured("proxy", 407, "407 Proxy Authentication Required")),
        (LOGIN, "403 Not to there", Misconfigured("proxy", 403, "403 Not to there")),
        (LOGIN, "302 Elsewhere", Misconfigured("proxy", 302, "302 Elsewhere")),
        (LOGIN, "429 Later", Retry("proxy_429")),
        (LOGIN, "502 Bad gateway", Retry("proxy_502")),
        (LOGIN, "503 Busy", Retry("proxy_503")),
    ],
)
async def test_what_a_proxy_refuses_is_ours_to_mend_or_theirs_to_get_well(
    certificates: Path, login: str, refuse: str, outcome: Outcome
) -> None:
    async with through(ConnectProxy(login=LOGIN, refuse=refuse), certificates, login) as (
        endpoint,
        sender,
    ):
        assert await sender.send(BODY) == outcome

    assert endpoint.requests == []


async def test_a_proxy_that_is_not_there_is_tried_again() -> None:
    async with make_sender(
        443, scheme="https", proxy=f"http://127.0.0.1:{unused_port()}"
    ) as sender:
        assert await sender.send(BODY) == Retry("proxy_connect")


async def test_a_wrong_certificate_behind_a_proxy_is_a_misconfiguration(
    certificates: Path,
) -> None:
    async with (
        ConnectProxy() as proxy,
        Endpoint(answering(OK), server_tls(certificates, "other")) as endpoint,
        make_sender(
            endpoint.port, scheme="https", ca_file=certificates / "ca.pem", proxy=proxy.url()
        ) as sender,
    ):
        outcome = await sender.send(BODY)

    assert isinstance(outcome, Misconfigured)
    assert outcome.reason == "tls"


async def test_a_proxy_that_never_answers_times_out(certificates: Path) -> None:
    async def silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with (
        raw_server(silent) as port,
        make_sender(
            443,
            scheme="https",
            proxy=f"http://127.0.0.1:{port}",
            timeout_s=0.2,
            connect_timeout_s=0.2,
        ) as sender,
    ):
        outcome = await sender.send(BODY)

    assert isinstance(outcome, Retry)
    assert "timeout" in outcome.reason


async def test_without_tls_a_proxy_is_asked_for_the_whole_address() -> None:
    async with Endpoint(answering(OK)) as proxy:
        address = f"http://127.0.0.1:{proxy.port}"
        async with make_sender(80, host="pixel.example", proxy=address) as sender:
            assert await sender.send(BODY) == Delivered()
            assert sender.lane == "plain"

    (request,) = proxy.requests
    assert request.head.startswith(b"POST http://pixel.example/")
