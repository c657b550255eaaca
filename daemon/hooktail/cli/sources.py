"""What the commands share that look at one configured source without running it."""

from __future__ import annotations

import os
import secrets
import sys
import time
from typing import TYPE_CHECKING

from hooktail import checked, visitor_secret
from hooktail.errors import PermissionDeniedError, UsageError
from hooktail.extract import build_extractor
from hooktail.extract.once import OnceBook

if TYPE_CHECKING:
    from hooktail.config import Config, SourceSection
    from hooktail.extract import Extractor


def pick(path: str, name: str | None) -> tuple[Config, SourceSection]:
    """Loads the configuration and finds a source in it, without a name the first.

    Raises UsageError for a name that no source has, ConfigError for whatever cannot work.
    """
    loaded = checked.load(path, os.environ)
    names = [source.name for source in loaded.sources]
    if name is not None and name not in names:
        raise UsageError(f"--source: found {name!r}; allowed: {', '.join(names)}")
    return loaded, loaded.sources[0 if name is None else names.index(name)]


def secret_of(loaded: Config) -> bytes:
    """Returns the daemon's visitor secret; without it one for this time only, and says so."""
    try:
        known = visitor_secret.read(loaded.state_dir, os.environ, loaded.visitor_secret_file)
        why = "there is none yet"
    except PermissionDeniedError:
        known, why = None, "it may not be read"
    if known is None:
        sys.stderr.write(
            f"hooktail: visitor ids will differ from the daemon's: {why} "
            f"({loaded.state_dir / visitor_secret.NAME})\n"
        )
        known = secrets.token_bytes(visitor_secret.LENGTH)
    return known


def extractor_for(
    loaded: Config, source: SourceSection, secret: bytes, *, limit_age: bool
) -> Extractor:
    """Builds what the daemon would build for the source; nothing it claims is kept."""
    return build_extractor(
        source,
        payload=loaded.destinations[source.destinations[0]].payload,
        visitor_secret=secret,
        once=OnceBook(),
        now_ms=lambda: time.time_ns() // 1_000_000,
        limit_age=limit_age,
    )
