"""google-re2 as a test wants it: there or missing, whatever is installed."""

from __future__ import annotations

import importlib
import re
from typing import TYPE_CHECKING, Any

from hooktail_parsers import regexes

if TYPE_CHECKING:
    import pytest


class StandIn:
    """What `regexes` asks of google-re2, answered by `re`, which is as right and not as quick."""

    error = re.error

    class Options:
        """Takes what is set."""

        class Encoding:
            """The one encoding that is asked for."""

            LATIN1 = "latin1"

        log_errors = True
        encoding = ""

    @staticmethod
    def compile(pattern: bytes, _: Options) -> re.Pattern[bytes]:
        """Compiles by `re`."""
        return re.compile(pattern)


def with_re2(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets expressions find google-re2: the real one if it is installed, else a stand-in."""
    try:
        found: Any = importlib.import_module("re2")
    except ImportError:
        found = StandIn()
    monkeypatch.setattr(regexes, "_re2", lambda: found)


def without_re2(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets expressions find no google-re2."""
    monkeypatch.setattr(regexes, "_re2", lambda: None)
