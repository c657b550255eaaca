"""Which visitors are looked at where only a share of the page views is sent.

A visitor is in or out with all page views, so that sessions stay whole, and who is in at a small
share is in at every larger one. Hosts that agree on visitor ids agree on this too.
"""

from __future__ import annotations

from hashlib import blake2b

from hooktail.extract.cache import Cache

SAMPLED = "filtered.sampled"

_ALL = 1 << 64


class Sample:
    """The visitors of one share, from 0 (nobody) to 1 (everybody)."""

    def __init__(self, share: float) -> None:
        self.is_everybody = share >= 1
        self._below = int(share * _ALL)
        self._known: Cache[bool] = Cache(self._draw)

    def has(self, visitor_id: str) -> bool:
        """Whether this visitor's page views are sent."""
        return self.is_everybody or self._known[visitor_id]

    def _draw(self, visitor_id: str) -> bool:
        text = visitor_id.encode("utf-8", "replace")
        digest = blake2b(text, digest_size=8, person=b"hooktail-sample").digest()
        return int.from_bytes(digest, "big") < self._below
