"""Senders on the lane of the test (fixture `lane`), and scripts of endpoints that hang up."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from component.endpoint import Endpoint, Request, Script
from component.workers import sender_on

from hooktail.config.sections import DestinationSection, Secret
from hooktail.delivery.outcome import Outcome
from hooktail.delivery.sender import LANE_VARIABLE, Sender

ACCOUNT = "acct-7f3a"
BODY = b'{"event_name":"pageview"}'


def make_sender(
    port: int,
    *,
    scheme: str = "http",
    host: str = "127.0.0.1",
    timeout_s: float = 10.0,
    connect_timeout_s: float = 10.0,
    ca_file: Path | None = None,
    concurrency: int = 4,
    proxy: str | None = None,
) -> Sender:
    section = DestinationSection(
        name="default",
        account_id=Secret(ACCOUNT),
        endpoint=f"{scheme}://{host}:{port}/{{account_id}}/pixel.png",
        timeout_s=timeout_s,
        connect_timeout_s=connect_timeout_s,
        ca_file=ca_file,
        proxy=None if proxy is None else Secret(proxy),
    )
    lane = os.environ[LANE_VARIABLE]
    return sender_on(lane, section, workers=1, concurrency=concurrency)


async def send_once(script: Script, timeout_s: float = 10.0) -> Outcome:
    async with (
        Endpoint(script) as endpoint,
        make_sender(endpoint.port, timeout_s=timeout_s) as sender,
    ):
        return await sender.send(BODY)


@contextlib.asynccontextmanager
async def between(script: Script, **options: Any) -> AsyncIterator[tuple[Endpoint, Sender]]:
    """An endpoint and a sender with `options` that is pointed at it."""
    async with Endpoint(script) as endpoint, make_sender(endpoint.port, **options) as sender:
        yield endpoint, sender


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def hang_up(request: Request) -> None:
    request.hang_up()


async def reset(request: Request) -> None:
    request.reset()
