"""Application logs in which no line is a request (yet): which format knows their lines, for `auto`.

Such lines are no misfits: nothing need be mended, nor kept. Only formats whose lines show what they
are can say so of lines that are no requests; a line that merely begins with a time shows nothing.
The format is not pinned: the first requests in the file decide what it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from hooktail_parsers._api import Skip
from hooktail_parsers.assembly import Assembler
from hooktail_parsers.trials import MOST, fresh

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hooktail_parsers._api import Parsed
    from hooktail_parsers.assembly import Assembled
    from hooktail_parsers.trials import Candidate

_SIGNS: dict[str, bytes] = {
    "laravel_app": b"[",
    "spring_app": b"",
    "logfmt_app": b"=",
    "ecs_json": b'"ecs',
    "json_app": b"{",
}
"""The formats in the order in which they are asked, each with what its lines hold."""
_SURE_WRAPPERS = ("docker_json+", "cri+", "docker_compose+", "journald_json+")
"""What these find themselves in is of no other format."""
_NO_REQUEST = frozenset(("no_request", "not_finished"))


class Known(NamedTuple):
    """What a format makes of lines of which none is a request."""

    spec: str
    assembled: list[Assembled[int]]
    """By the lines' numbers in the sample."""
    opening: bytes | None
    """The line with which a record began that may go on behind the sample."""


def who_knows(candidates: Iterable[Candidate], sample: Sequence[bytes]) -> Known | None:
    """Finds the format that knows most lines of a sample; None if none knows hardly all of them."""
    asked = list(candidates)
    # The JSON of a wrapper says nothing of the lines inside it.
    wrapped = [each for each in asked if each.spec.startswith(_SURE_WRAPPERS)]
    by_name: dict[str, list[Candidate]] = {}
    for candidate in wrapped or asked:
        by_name.setdefault(candidate.spec.rpartition("+")[2], []).append(candidate)
    for name, sign in _SIGNS.items():
        if sum(sign in line for line in sample) == 0:
            continue
        for candidate in by_name.get(name, ()):
            known = _known(candidate, sample)
            if known is not None:
                return known
    return None


def _known(candidate: Candidate, sample: Sequence[bytes]) -> Known | None:
    try:
        parser = fresh(candidate.make())
        results = parser.parse_batch(sample)
    except Exception:  # noqa: BLE001  # an option that it does not take, or a plugin's edge
        return None
    assembler: Assembler[int] = Assembler(parser)
    done = [each for at, result in enumerate(results) for each in assembler.take(at, result)]
    still_open = [keys[0] for keys in assembler.open.values()]
    done += assembler.give_up_all()
    knows = sum(len(each.keys) for each in done if _is_known(each.parsed))
    others = sum(len(each.keys) for each in done if not isinstance(each.parsed, Skip))
    if not knows or knows < MOST * (knows + others):
        return None
    return Known(candidate.spec, done, sample[still_open[-1]] if still_open else None)


def _is_known(parsed: Parsed) -> bool:
    return isinstance(parsed, Skip) and parsed.reason in _NO_REQUEST
