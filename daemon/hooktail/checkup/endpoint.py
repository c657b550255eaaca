"""The way to an endpoint, a step at a time: its name, its port, its certificate. Sends nothing.

With a proxy, name and port are the proxy's, and the certificate is seen through a tunnel. What it
says never has the account id in it: the endpoint is named by its template.
"""

from __future__ import annotations

import asyncio
import os
import re
import socket
import ssl
import time
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from hooktail.checkup.finding import ENDPOINT, Finding, Level
from hooktail.checkup.proxied import Proxy, TunnelError, way_out
from hooktail.delivery.target import Target
from hooktail.endpoints import MASK

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from hooktail.config.sections import DestinationSection

MOST_ADDRESSES = 8
DAY_S = 86_400
SOON_DAYS = 14
"""A certificate that ends within so many days is worth a warning."""
_PORTS = {"https": 443, "http": 80}


class _Address(NamedTuple):
    host: str
    family: socket.AddressFamily


async def look(section: DestinationSection) -> AsyncIterator[Finding]:
    """Goes the way until a step fails. Each step is bounded by `connect_timeout_s`."""
    way = _Way(section)
    addresses = await way.resolve()
    if addresses and await way.connect(addresses) and way.secure:
        await way.shake_hands()
    for finding in way.findings:
        yield finding


class _Way:
    def __init__(self, section: DestinationSection) -> None:
        self.findings: list[Finding] = []
        self._section = section
        url = urlsplit(section.url().reveal())
        self.secure = url.scheme == "https"
        self._host = url.hostname or ""
        self._port = url.port or _PORTS[url.scheme]
        named = re.split("[/?]", section.endpoint.partition("://")[2], maxsplit=1)[0]
        self.shown = named if ":" in named.rpartition("]")[2] else f"{named}:{self._port}"
        self._proxy = None if section.proxy is None else Proxy(section.proxy)
        self._first_hop = (self._host, self._port)
        self._on_the_way = ""
        if self._proxy is not None:
            self._first_hop = self._proxy.host, self._proxy.port
            self._on_the_way = f"the proxy {self._proxy.shown} "
        self._open: _Address | None = None

    async def resolve(self) -> list[_Address]:
        """Asks for the addresses of the host, or of the proxy: that one looks up the host."""
        loop = asyncio.get_running_loop()
        host, port = self._first_hop
        try:
            async with asyncio.timeout(self._section.connect_timeout_s):
                found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except TimeoutError:
            self._fail("dns", "no answer from the name service", self._look_at_dns())
            return []
        except (OSError, UnicodeError) as error:
            reason = getattr(error, "strerror", None) or "not a name"
            name = f"the name of the proxy {self._proxy.shown}" if self._proxy else "the name"
            self._fail("dns", f"{name} cannot be resolved: {reason}", self._look_at_dns())
            return []
        unique = dict.fromkeys(_Address(str(each[4][0]), each[0]) for each in found)
        addresses = [*unique][:MOST_ADDRESSES]
        found_at = ", ".join(each.host for each in addresses)
        self._ok("dns", f"{self._on_the_way}resolves to {found_at}")
        return addresses

    def _look_at_dns(self) -> str:
        if self._proxy is not None:
            return "correct the address of the proxy, or look at /etc/resolv.conf"
        return f"correct `endpoint`, or look at /etc/resolv.conf; {self._way_out()}"

    def _way_out(self) -> str:
        return way_out(os.environ, self._section.name, secure=self.secure)

    async def connect(self, addresses: list[_Address]) -> bool:
        """Opens a connection to each address; one that answers is enough."""
        answers = await asyncio.gather(*map(self._connect, addresses))
        good = [each for each, error in zip(addresses, answers, strict=True) if not error]
        if not good:
            told = "; ".join(dict.fromkeys(answers))
            hint = "is a firewall in the way, or nothing listening?"
            hint += "" if self._proxy else f" {self._way_out()}"
            through = f" to {self._on_the_way.strip()}" if self._proxy else ""
            self._fail("connect", f"no connection{through}: {told}", hint)
            return False
        self._open = good[0]
        told = f"{self._on_the_way}takes connections"
        if len(good) < len(addresses):
            told += f" on {len(good)} of {len(addresses)} addresses"
        self._ok("connect", told)
        return True

    async def _connect(self, address: _Address) -> str:
        try:
            async with asyncio.timeout(self._section.connect_timeout_s):
                _, writer = await asyncio.open_connection(
                    address.host, self._first_hop[1], family=address.family
                )
        except TimeoutError:
            return f"no answer within {self._section.connect_timeout_s:g} s"
        except OSError as error:
            return _reason(error)
        writer.transport.abort()
        return ""

    async def shake_hands(self) -> None:
        """Has the certificate shown and checks it, as the sender does."""
        assert self._open is not None  # noqa: S101 - `connect` found it
        target = Target(self._section, user_agent="")
        assert target.tls is not None  # noqa: S101 - only a way with TLS comes here
        writer: asyncio.StreamWriter | None = None
        try:
            async with asyncio.timeout(self._section.connect_timeout_s):
                reader, writer = await asyncio.open_connection(
                    self._open.host, self._first_hop[1], family=self._open.family
                )
                if self._proxy is not None:
                    host = f"[{self._host}]" if ":" in self._host else self._host
                    await self._proxy.tunnel(reader, writer, f"{host}:{self._port}")
                await writer.start_tls(target.tls, server_hostname=self._host)
        except TunnelError as error:
            self._fail("tls", f"{self._on_the_way}{error}", error.hint)
        except TimeoutError:
            told = f"no TLS handshake within {self._section.connect_timeout_s:g} s"
            self._fail("tls", told, "does the port speak TLS?")
        except ssl.SSLCertVerificationError as error:
            told = f"the certificate is not valid: {error.verify_message}"
            hint = "set ca_file for an authority of your own; is this host's clock right?"
            self._fail("tls", told, f"{hint} The daemon would hold the destination")
        except (OSError, ssl.SSLError) as error:
            told = getattr(error, "reason", None) or _reason(error)
            self._fail("tls", f"the TLS handshake fails: {told}", "does the port speak TLS?")
        else:
            tls = writer.get_extra_info("ssl_object")
            self._tell_certificate(tls.version(), tls.getpeercert())
        finally:
            if writer is not None:
                writer.transport.abort()

    def _tell_certificate(self, version: str, certificate: dict[str, object]) -> None:
        ends_s = ssl.cert_time_to_seconds(str(certificate["notAfter"]))
        days = int((ends_s - time.time()) // DAY_S)
        told = f"{version}, and its certificate is valid for {days:,} more days"
        if days < SOON_DAYS:
            hint = "have it renewed: without, the daemon would hold the destination"
            self._add("endpoint_tls", Level.WARN, told, hint)
        else:
            self._ok("tls", told)

    def _ok(self, step: str, message: str) -> None:
        self._add(f"endpoint_{step}", Level.OK, message)

    def _fail(self, step: str, message: str, hint: str) -> None:
        self._add(f"endpoint_{step}", Level.FAIL, message, hint, ENDPOINT)

    def _add(self, name: str, level: Level, message: str, hint: str = "", code: int = 0) -> None:
        account_id = self._section.account_id.reveal()
        self.findings.append(
            Finding(
                name=name,
                area="destination",
                of=self._section.name,
                level=level,
                message=f"{self.shown}: {message}".replace(account_id, MASK),
                hint=hint,
                code=code,
            )
        )


def _reason(error: OSError) -> str:
    """Returns the system's words: asyncio puts the address into its own."""
    return os.strerror(error.errno) if error.errno else str(error)
