"""Where the sender finds an endpoint: names, and addresses that refuse, are silent or move."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from component.endpoint import OK, Endpoint, answering
from component.senders import BODY, between, make_sender
from component.workers import set_moment
from support.names import Names

from hooktail.delivery.outcome import Delivered

pytestmark = pytest.mark.usefixtures("lane")
HAS_IPV6 = socket.has_ipv6 and Path("/proc/net/if_inet6").exists()
needs_ipv6 = pytest.mark.skipif(not HAS_IPV6, reason="no IPv6 on this machine")


@pytest.fixture
def names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Names:
    set_moment(monkeypatch, "DNS_CACHE_S", 0)
    return Names(tmp_path / "names.json", monkeypatch)


@needs_ipv6
async def test_an_endpoint_may_be_an_ipv6_address() -> None:
    async with (
        Endpoint(answering(OK), host="::1") as endpoint,
        make_sender(endpoint.port, host="[::1]") as sender,
    ):
        assert await sender.send(BODY) == Delivered()
    assert f"host: [::1]:{endpoint.port}" in endpoint.requests[0].head.decode().lower()


@needs_ipv6
async def test_an_address_that_refuses_is_followed_by_the_next(names: Names) -> None:
    names.point("pixel.test", "::1", "127.0.0.3", "127.0.0.1")
    async with between(answering(OK), host="pixel.test") as (_, sender):
        assert await sender.send(BODY) == Delivered()


@needs_ipv6
async def test_an_address_that_is_silent_does_not_hold_up_the_next(names: Names) -> None:
    """Happy eyeballs (RFC 8305): the other family is tried a moment later, not at the time-out."""
    names.point("pixel.test", "::1", "127.0.0.1")
    async with Endpoint(answering(OK)) as endpoint:
        sender = make_sender(endpoint.port, host="pixel.test", connect_timeout_s=30)
        with silent("::1", endpoint.port):
            async with sender, asyncio.timeout(10):
                assert await sender.send(BODY) == Delivered()


async def test_a_host_that_moves_is_followed(names: Names, monkeypatch: pytest.MonkeyPatch) -> None:
    set_moment(monkeypatch, "MAX_CONNECTION_AGE_S", 0.0)
    names.point("pixel.test", "127.0.0.1")
    async with (
        Endpoint(answering(OK)) as old,
        Endpoint(answering(OK), host="127.0.0.2", port=old.port) as new,
        make_sender(old.port, host="pixel.test") as sender,
    ):
        assert await sender.send(BODY) == Delivered()
        names.point("pixel.test", "127.0.0.2")
        assert await sender.send(BODY) == Delivered()  # perhaps the last on the old connection
        assert await sender.send(BODY) == Delivered()
        assert len(old.requests) + len(new.requests) == 3
        assert new.requests


@contextlib.contextmanager
def silent(host: str, port: int) -> Iterator[None]:
    """An address that answers no attempt to connect: its queue is full, and nobody accepts."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket(socket.AF_INET6))
        listener.bind((host, port))
        listener.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket(socket.AF_INET6))
            waiting.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                waiting.connect((host, port))
        yield
