"""What somebody else's code raised, in a line for people: the exception, and where it was raised.

The place is in the code of whoever wrote it, not in what that called: not in Python's own library,
nor in ours.
"""

from __future__ import annotations

import os
import sysconfig
import traceback

import hooktail
import hooktail_parsers

_LONGEST = 200
_OURS = tuple(
    f"{folder}{os.sep}" for package in (hooktail, hooktail_parsers) for folder in package.__path__
)
_PYTHONS = f"{sysconfig.get_path('stdlib')}{os.sep}"
_INSTALLED = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")


def blame(error: BaseException) -> str:
    """Says what was raised and where: `ValueError: no time (ours.py, line 12)`."""
    what = _plain(str(error)) or "no reason given"
    place = "" if isinstance(error, SyntaxError) else _place(error)  # that names its own
    return f"{type(error).__name__}: {what}{place}"


def _place(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [frame for frame in frames if _is_theirs(frame.filename)]
    if not theirs:
        return ""
    last = theirs[-1]
    return f" ({_plain(os.path.basename(last.filename))}, line {last.lineno})"


def _is_theirs(path: str) -> bool:
    if path.startswith((*_OURS, "<")):
        return False
    return not path.startswith(_PYTHONS) or any(folder in path for folder in _INSTALLED)


def _plain(text: str) -> str:
    """Leaves nothing that a terminal would obey, nor what floods it: it may hold parts of a log."""
    text = text.partition("\n")[0]
    text = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
    return "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text
    )
