"""Changes of a checkpoint by somebody's word, as journal records that keep the books true. Pure.

A line that waits for its outcome and is taken out of the checkpoint was counted as read and never
got a state: it is *un-read*, that is, taken off `read` again. So `read = sum of the states +
pending` holds before and after, and when the line is read again it is counted like any other. A
line that was settled and is read again is counted twice, in `read` and in its state: the books
count readings, and there were two.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from hooktail.checkpoint.state import State, Where


def forget(state: State, keys: Iterable[int]) -> dict[str, Any]:
    """Forgets files: what is found of them later is new. Raises KeyError for an unknown key."""
    chosen = sorted(keys)
    unread: Counter[str] = Counter()
    for key in chosen:
        unread[state.files[key].source] += len(state.files[key].pending)
    return {"forget": chosen, "books": _taken_off(unread)}


def forget_sources(state: State, sources: Collection[str]) -> dict[str, Any]:
    """Forgets sources: their next look is their first, and their own `start_at` decides."""
    keys = [key for key, entry in state.files.items() if entry.source in sources]
    return {**forget(state, keys), "begin": dict.fromkeys(sources)}


def rewind(state: State, key: int, to: int) -> dict[str, Any]:
    """Has a file read again from `to`, the start of a line at or before its read offset."""
    entry = state.files[key]
    above = sorted(start for start in entry.pending if start >= to)
    unread = Counter({entry.source: len(above)})
    # The bytes before the new offset are not known here: "" is known to be unknown.
    carried = [each for each in entry.carried if each[0] < to]
    change = {"r": to, "s": above, "b": "", "c": carried, "z": 0}  # no archive is done any more
    return {"file": {str(key): change}, "books": _taken_off(unread)}


def begin_again(state: State, sources: Iterable[str]) -> dict[str, Any]:
    """Has every file of every source read from its beginning."""
    named = {*sources, *state.started, *(entry.source for entry in state.files.values())}
    return {**forget(state, state.files), "begin": _begin(named, "beginning")}


def skip(
    state: State, ends: Mapping[int, int | None], sources: Iterable[str]
) -> list[dict[str, Any]]:
    """Has files go on at their ends; None for a file that is not there, which is forgotten.

    What waits in the others still waits. Files that the state does not know begin at their ends.
    """
    named = {*sources, *state.started, *(entry.source for entry in state.files.values())}
    moved = {str(key): {"r": end, "b": "", "c": []} for key, end in ends.items() if end is not None}
    gone = [key for key, end in ends.items() if end is None]
    return [{"file": moved, "begin": _begin(named, "end")}, forget(state, gone)]


def _begin(sources: Iterable[str], where: Where) -> dict[str, Where]:
    return dict.fromkeys(sorted(sources), where)


def _taken_off(unread: Counter[str]) -> dict[str, dict[str, int]]:
    return {source: {"read": -lines} for source, lines in unread.items() if lines}
