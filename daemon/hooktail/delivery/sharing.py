"""How requests are shared out among workers. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def shares(limit: int, workers: int) -> list[int]:
    """Divides a limit; the first have one more where it does not divide evenly."""
    share, more = divmod(limit, workers)
    return [share + 1] * more + [share] * (workers - more)


def deal(count: int, rooms: Sequence[int]) -> list[int]:
    """Says how many of `count` each gets, at most its room.

    The rooms that are left are as even as can be. Of equals the first gets more: where there is
    little to send, one worker sends it and the connections of the others may rest.
    """
    left = sum(rooms) - count
    if left <= 0:
        return [*rooms]
    given = [0] * len(rooms)
    # From the least room on: who has less than an even part keeps what he has.
    order = sorted(range(len(rooms)), key=lambda place: (rooms[place], -place))
    for behind, place in zip(range(len(rooms), 0, -1), order, strict=True):
        kept = min(rooms[place], -(-left // behind))
        given[place] = rooms[place] - kept
        left -= kept
    return given
