"""The visitor id: stable for a browser on a site, and nobody's address."""

from __future__ import annotations

import hmac

from hooktail.extract.addresses import visitor_network
from hooktail.extract.cache import Cache
from hooktail.extract.identity import uuid_text


def derive(secret: bytes, site: str, ip: str, user_agent: str) -> str:
    """Derives the id from what the log knows; without the secret it says nothing about the ip.

    HMAC-SHA-256 over site, address (IPv6 cut to its /64, which is a household's) and user agent,
    in the form of a UUID.
    """
    network = visitor_network(ip)
    # The lengths keep the parts apart, so that no two visitors give the same message.
    message = f"{len(site)} {len(network)} {site}{network}{user_agent}"
    return uuid_text(hmac.digest(secret, message.encode("utf-8", "replace"), "sha256")[:16])


class Visitors:
    """Derives visitor ids for one site, remembering those of late."""

    def __init__(self, secret: bytes, site: str) -> None:
        self._secret = secret
        self._site = site
        self._ids: Cache[str] = Cache(self._derive, 16_384)

    def id_of(self, ip: str, user_agent: str) -> str:
        """Returns the visitor id for an address and a user agent."""
        return self._ids[f"{ip} {user_agent}"]

    def _derive(self, key: str) -> str:
        ip, _, user_agent = key.partition(" ")  # an address holds no blank
        return derive(self._secret, self._site, ip, user_agent)
