"""The configured proxy, for `endpoint`: where it is, and how a tunnel through it is asked for.

What it says never has a user or a password in it.
"""

from __future__ import annotations

import asyncio
import base64
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hooktail.config.sections import Secret

_LONGEST_ANSWER = 16_384
_WANTS_A_LOGIN = 407


class TunnelError(Exception):
    """The proxy opens no tunnel; the text is its answer, `hint` what to do."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


class Proxy:
    """An HTTP proxy by its URL."""

    def __init__(self, url: Secret) -> None:
        parts = urlsplit(url.reveal())
        self.host = parts.hostname or ""
        self.port = parts.port or 80
        self._login = ""
        if parts.username is not None:
            login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            self._login = base64.b64encode(login.encode("latin-1", "replace")).decode("ascii")

    @property
    def shown(self) -> str:
        """Host and port, as people are told."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    async def tunnel(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, endpoint: str
    ) -> None:
        """Asks for a tunnel to `endpoint`, a host and a port; raises TunnelError, OSError."""
        lines = [f"CONNECT {endpoint} HTTP/1.1", f"Host: {endpoint}"]
        if self._login:
            lines.append(f"Proxy-Authorization: Basic {self._login}")
        writer.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError as error:
            raise TunnelError("hangs up instead of an answer", _IS_IT_A_PROXY) from error
        except asyncio.LimitOverrunError as error:
            raise TunnelError("answers at endless length", _IS_IT_A_PROXY) from error
        version, _, rest = head[:_LONGEST_ANSWER].partition(b"\r\n")[0].partition(b" ")
        status = rest[:3]
        if not version.startswith(b"HTTP/") or not status.isdigit():
            raise TunnelError("answers something else than HTTP", _IS_IT_A_PROXY)
        if int(status) == _WANTS_A_LOGIN:
            hint = "put user:password@ before its host, or correct them"
            raise TunnelError("wants a user and a password (407)", hint)
        if not status.startswith(b"2"):
            hint = f"have it let {endpoint} through"
            raise TunnelError(f"opens no tunnel ({int(status)})", hint)


_IS_IT_A_PROXY = "is that an HTTP proxy?"


def way_out(environ: Mapping[str, str], destination: str, *, secure: bool) -> str:
    """Says what to do about a proxy that hooktail may need and does not use."""
    names = ("https_proxy", "HTTPS_PROXY") if secure else ("http_proxy",)
    named = next((name for name in (*names, "all_proxy", "ALL_PROXY") if environ.get(name)), None)
    section = f"[destination.{destination}]"
    if named is None:
        return f"if only a proxy leads out, set `proxy` in {section}"
    return (
        f"{named} is set here, and hooktail uses no proxy but one that {section} names: "
        f'set `proxy`, or proxy_env = "{named}" and give the service that variable'
    )
