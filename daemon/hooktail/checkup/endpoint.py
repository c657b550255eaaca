"""The way to an endpoint, a step at a time: its name, its port, its certificate. Sends nothing.

What it says never has the account id in it: the endpoint is named by its template.
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
from hooktail.config.findings import MASK
from hooktail.delivery.target import Target

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
        self._open: _Address | None = None

    async def resolve(self) -> list[_Address]:
        """Asks for the addresses of the host."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._section.connect_timeout_s):
                found = await loop.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        except TimeoutError:
            self._fail("dns", "no answer from the name service", _LOOK_AT_DNS)
            return []
        except (OSError, UnicodeError) as error:
            reason = getattr(error, "strerror", None) or "not a name"
            self._fail("dns", f"the name cannot be resolved: {reason}", _LOOK_AT_DNS)
            return []
        unique = dict.fromkeys(_Address(str(each[4][0]), each[0]) for each in found)
        addresses = [*unique][:MOST_ADDRESSES]
        self._ok("dns", f"resolves to {', '.join(each.host for each in addresses)}")
        return addresses

    async def connect(self, addresses: list[_Address]) -> bool:
        """Opens a connection to each address; one that answers is enough."""
        answers = await asyncio.gather(*map(self._connect, addresses))
        good = [each for each, error in zip(addresses, answers, strict=True) if not error]
        if not good:
            told = "; ".join(dict.fromkeys(answers))
            hint = "is a firewall in the way, or nothing listening? hooktail uses no proxy"
            self._fail("connect", f"no connection: {told}", hint)
            return False
        self._open = good[0]
        told = "takes connections"
        if len(good) < len(addresses):
            told += f" on {len(good)} of {len(addresses)} addresses"
        self._ok("connect", told)
        return True

    async def _connect(self, address: _Address) -> str:
        try:
            async with asyncio.timeout(self._section.connect_timeout_s):
                _, writer = await asyncio.open_connection(
                    address.host, self._port, family=address.family
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
        try:
            async with asyncio.timeout(self._section.connect_timeout_s):
                _, writer = await asyncio.open_connection(
                    self._open.host,
                    self._port,
                    family=self._open.family,
                    ssl=target.tls,
                    server_hostname=self._host,
                )
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


_LOOK_AT_DNS = "correct `endpoint`, or look at /etc/resolv.conf"


def _reason(error: OSError) -> str:
    """Returns the system's words: asyncio puts the address into its own."""
    return os.strerror(error.errno) if error.errno else str(error)
