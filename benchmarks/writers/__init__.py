"""What each server writes of one request: realistic lines of every format that hooktail ships."""

from __future__ import annotations

from benchmarks.writers import apps, clouds, consoles, ncsa, proxies, servers, w3c
from benchmarks.writers.composed import COMPOSED
from benchmarks.writers.hit import Hit, Written, hits

__all__ = ["COMPOSED", "FORMATS", "Hit", "Written", "hits"]

FORMATS: tuple[Written, ...] = (
    *ncsa.FORMATS,
    *servers.FORMATS,
    *clouds.FORMATS,
    *w3c.FORMATS,
    *proxies.FORMATS,
    *consoles.FORMATS,
    *apps.FORMATS,
)
