"""What a log call was given, as JSON has it: masked, bounded, encodable.

An exception becomes a few words: what it is, where it was raised, what led to it.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from itertools import islice
from traceback import walk_tb
from typing import TYPE_CHECKING, cast

from hooktail.telemetry.secrets import MASK, hide, keeps_a_secret
from hooktail.telemetry.text import bounded, encodable, text_of

if TYPE_CHECKING:
    from collections.abc import Iterable, MutableMapping

    from structlog.typing import EventDict, ExcInfo

_MOST_ITEMS = 64
_MOST_DEPTH = 10
_MOST_FRAMES = 12
_MOST_CAUSES = 3  # in a row; a group's members count as one, and take two levels of depth
_MOST_MEMBERS = 5  # of an exception group


def make_plain(_logger: object, _name: str, event: EventDict) -> MutableMapping[str, object]:
    """Orders the keys; turns each value into what JSON has, masked, bounded and encodable."""
    first = {key: event.pop(key) for key in ("timestamp", "level", "event") if key in event}
    return cast("dict[str, object]", _plain({**first, **event}, 0))


def _plain(value: object, depth: int) -> object:
    if keeps_a_secret(value):
        return MASK
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        shown = hide(str(value))
        fits = math.isfinite(value) and -(2**63) <= value < 2**64
        return value if fits and MASK not in shown else bounded(shown)
    if isinstance(value, Mapping) and depth < _MOST_DEPTH:
        items = islice(value.items(), _MOST_ITEMS)
        return {_shown(key): _plain(member, depth + 1) for key, member in items}
    if isinstance(value, list | tuple | set | frozenset) and depth < _MOST_DEPTH:
        members = islice(cast("Iterable[object]", value), _MOST_ITEMS)
        return [_plain(member, depth + 1) for member in members]
    return _shown(value)


def _shown(value: object) -> str:
    # Masked before it is shortened, so that no half of a secret is left at the cut.
    return bounded(encodable(hide(MASK if keeps_a_secret(value) else text_of(value))))


def exception_field(exc_info: ExcInfo) -> dict[str, object]:
    """Returns what takes the place of `exc_info` in an event."""
    return _exception(exc_info[1], 0)


def _exception(error: BaseException, depth: int) -> dict[str, object]:
    """Tells an exception in a few words: type, message, innermost frames, what led to it."""
    frames: deque[str] = deque(maxlen=_MOST_FRAMES)
    for frame, line in walk_tb(error.__traceback__):
        path = "/".join(frame.f_code.co_filename.rsplit("/", 2)[-2:])
        frames.append(f"{path}:{line} in {frame.f_code.co_name}")
    field: dict[str, object] = {"type": type(error).__qualname__, "message": text_of(error)}
    if frames:
        field["stack"] = list(frames)
    if depth < _MOST_CAUSES:
        former = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        if former is not None:
            field["cause"] = _exception(former, depth + 1)
        if isinstance(error, BaseExceptionGroup):
            inner = cast("tuple[BaseException, ...]", error.exceptions)
            field["exceptions"] = [_exception(one, depth + 1) for one in inner[:_MOST_MEMBERS]]
    return field
