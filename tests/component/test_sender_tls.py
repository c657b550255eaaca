"""The sender over TLS: whom it trusts, and what it says of the others."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import warnings
from pathlib import Path

import pytest
from component.endpoint import OK, Endpoint, answering
from component.senders import ACCOUNT, BODY, make_sender
from support.certificates import server_tls

from hooktail.delivery.outcome import Delivered, Misconfigured, Outcome, Retry
from hooktail.errors import ConfigError

pytestmark = pytest.mark.usefixtures("lane")


async def send_tls(certificates: Path, name: str, *, trusted: bool = True) -> Outcome:
    async with Endpoint(answering(OK), server_tls(certificates, name)) as endpoint:
        ca_file = certificates / "ca.pem" if trusted else None
        async with make_sender(endpoint.port, scheme="https", ca_file=ca_file) as sender:
            return await sender.send(BODY)


async def test_tls_with_a_certificate_of_our_own_authority_works(certificates: Path) -> None:
    assert await send_tls(certificates, "good") == Delivered()


async def test_a_tls_connection_is_used_again(certificates: Path) -> None:
    async with (
        Endpoint(answering(OK), server_tls(certificates, "good")) as endpoint,
        make_sender(endpoint.port, scheme="https", ca_file=certificates / "ca.pem") as sender,
    ):
        for _ in range(5):
            assert await sender.send(BODY) == Delivered()

    assert endpoint.connections == 1


@pytest.mark.parametrize("name", ["other", "expired"])
async def test_a_wrong_certificate_is_a_misconfiguration(certificates: Path, name: str) -> None:
    outcome = await send_tls(certificates, name)

    assert isinstance(outcome, Misconfigured)
    assert (outcome.reason, outcome.status) == ("tls", None)
    assert {"other": "mismatch", "expired": "expired"}[name] in outcome.answer


async def test_an_unknown_authority_is_a_misconfiguration(certificates: Path) -> None:
    outcome = await send_tls(certificates, "good", trusted=False)

    assert isinstance(outcome, Misconfigured)
    assert outcome.reason == "tls"
    assert "issuer" in outcome.answer


async def test_a_plain_server_at_an_https_address_is_a_misconfiguration() -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(plain, "127.0.0.1", 0)
    async with server, make_sender(server.sockets[0].getsockname()[1], scheme="https") as sender:
        assert await sender.send(BODY) == Misconfigured("tls", None, "WRONG_VERSION_NUMBER")


async def test_tls_before_1_2_is_refused(certificates: Path) -> None:
    old = server_tls(certificates, "good")
    old.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # so old are they
        old.minimum_version = ssl.TLSVersion.TLSv1
        old.maximum_version = ssl.TLSVersion.TLSv1_1

    def serve(listening: socket.socket) -> None:
        # Not asyncio's server, which hangs up without the alert that others send.
        connection, _ = listening.accept()
        with connection, contextlib.suppress(OSError):
            old.wrap_socket(connection, server_side=True).recv(100)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        serving = asyncio.create_task(asyncio.to_thread(serve, listening))
        port = listening.getsockname()[1]
        async with make_sender(port, scheme="https", ca_file=certificates / "ca.pem") as sender:
            outcome = await sender.send(BODY)
        await serving

    assert isinstance(outcome, Misconfigured)
    assert outcome.reason == "tls"
    assert "PROTOCOL" in outcome.answer


async def test_hanging_up_in_the_handshake_is_their_trouble_not_ours() -> None:
    async def rude(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.close()

    server = await asyncio.start_server(rude, "127.0.0.1", 0)
    async with server, make_sender(server.sockets[0].getsockname()[1], scheme="https") as sender:
        assert await sender.send(BODY) == Retry("connect")


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_ca_file_that_cannot_be_used_is_named(tmp_path: Path, content: str | None) -> None:
    ca_file = tmp_path / "ca.pem"
    if content is not None:
        ca_file.write_text(content)

    with pytest.raises(ConfigError) as error:
        make_sender(443, scheme="https", ca_file=ca_file)

    assert "destination.default.ca_file" in str(error.value)
    assert str(ca_file) in str(error.value)
    assert ACCOUNT not in str(error.value)
