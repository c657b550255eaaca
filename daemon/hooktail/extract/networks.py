"""The networks that a configuration names: as they are, by a well-known name, or by a file.

A file is read when the source is built, so a reload reads it again.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from hooktail.extract.cdn_ranges import NETWORKS
from hooktail.extract.ranges import Network, Ranges, network, networks_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hooktail.extract.complaints import Complaints

UNIX = "unix"
"""Among trusted proxies: peers that a log has no address of."""
MOST_BYTES = 4 << 20
_WIDEST = {4: 8, 6: 7}
"""Prefixes of the largest networks that belong to somebody: 10.0.0.0/8 and fc00::/7."""
_ALLOWED = "an address, a network such as 10.0.0.0/8, a file's absolute path, or one of "


def named_ranges(entries: Sequence[str], complaints: Complaints, *words: str) -> Ranges:
    """Returns the networks of all entries; `words` are entries that mean none.

    What is wrong with an entry becomes a complaint about it.
    """
    found: list[Network] = []
    for number, entry in enumerate(entries):
        if entry not in words:
            found += _networks(entry, complaints.item(number), words)
    return Ranges(found)


def is_almost_all(entry: str) -> bool:
    """Whether an entry, of those that are no file, is a network that hardly leaves anybody out."""
    try:
        named = network(entry)
    except ValueError:
        return False
    return named.prefixlen < _WIDEST[named.version]


def vendor_ranges() -> dict[str, Ranges]:
    """Returns the networks of the proxies that are known by name, without the private ones."""
    return {
        name: Ranges(map(network, texts)) for name, texts in NETWORKS.items() if name != "private"
    }


def _networks(entry: str, complaints: Complaints, words: Sequence[str]) -> list[Network]:
    if entry in NETWORKS:
        return [network(text) for text in NETWORKS[entry]]
    if entry.startswith("/"):
        try:
            return networks_of(_content(entry))
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            complaints.add(f"the file cannot be used: {reason}", entry)
            return []
    try:
        return [network(entry)]
    except ValueError as error:
        known = (*NETWORKS, *words)
        if entry[:1].isalpha() and ":" not in entry and "." not in entry:
            complaints.unknown(entry, known, "network")
        else:
            complaints.add(str(error), entry, allowed=_ALLOWED + ", ".join(known))
        return []


def _content(path: str) -> str:
    """Reads a file that decides whom to believe: nobody but its owner may write it."""
    # Not blocking: a pipe in the file's place must not hold up the start.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise ValueError("is not a regular file")
        if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise ValueError("others may write it; run `chmod go-w` on it")
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise ValueError(f"is longer than {MOST_BYTES} bytes")
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise ValueError("is not text") from None
