"""Host names whose addresses a test decides, here and in workers that it starts."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiohttp.resolver import ThreadedResolver

if TYPE_CHECKING:
    import pytest

VARIABLE = "TEST_ADDRESSES"


class Names:
    """Names in a file that whoever resolves one reads anew."""

    def __init__(self, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._file = file
        monkeypatch.setenv(VARIABLE, str(file))
        monkeypatch.setattr(ThreadedResolver, "resolve", resolve)

    def point(self, host: str, *addresses: str) -> None:
        """Gives a host its addresses, in this order."""
        beside = self._file.with_suffix(".new")
        beside.write_text(json.dumps({host: addresses}))
        beside.replace(self._file)


async def resolve(
    _self: ThreadedResolver, host: str, port: int = 0, family: int = 0
) -> list[dict[str, Any]]:
    """Stands for `ThreadedResolver.resolve`."""
    del family
    known = _known()
    return [
        {
            "hostname": host,
            "host": address,
            "port": port,
            "family": socket.AF_INET6 if ":" in address else socket.AF_INET,
            "proto": 0,
            "flags": socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
        }
        for address in known[host]
    ]


def _known() -> dict[str, list[str]]:
    known: dict[str, list[str]] = json.loads(Path(os.environ[VARIABLE]).read_text())
    return known


def install() -> None:
    """Has this process ask the test, if that wants to be asked."""
    if VARIABLE in os.environ:
        ThreadedResolver.resolve = resolve  # type: ignore[method-assign, assignment]
