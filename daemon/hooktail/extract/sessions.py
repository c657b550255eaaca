"""Sessions in event time: which visit of a visitor a line belongs to.

A session ends with `idle` seconds without an event of its visitor, and `max_length` seconds after
its start at the latest. Its id derives from the visitor and the second in which it began, so that
whoever knows that second can write the id again: the checkpoint keeps it with every line that
waits for its answer.

The book has two places a visitor. `key` holds the newest session; `key | 1`, one that began
before it, for lines that come late or from a file that is read behind another. A place is one
integer: the start in seconds since 1970, shifted, and how many seconds later the last event was.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple

from hooktail.extract.cache import Cache
from hooktail.extract.identity import pack, uuid_text
from hooktail.extract.text import stated
from hooktail.extract.visitor import MAX_ID, id_reader

if TYPE_CHECKING:
    from hooktail.config.sections import SessionSection
    from hooktail.extract.visitor import Visitor
    from hooktail_parsers import Record

_BITS = 20
_LENGTH = (1 << _BITS) - 1
WINDOW = 32_768
"""Events over which the oldest time is looked for: more than a round over many files brings."""
_DAY_S = 86_400
_NEVER_S = 1 << 62
_SWEPT_AFTER, _SWEPT_FOR_EACH = 16, 4
"""After so many new places, so many are looked at for each."""
_ASKED_IF_FULL = 16


class Place(NamedTuple):
    """Where an event belongs: the start of its session, and how the book changes by it."""

    start_s: int
    changes: tuple[tuple[int, int], ...] = ()


class SessionBook:
    """The sessions of one source.

    `places` is the checkpoint's own mapping: what is kept here is in the next snapshot. Whoever
    keeps a place also hands its changes to the journal. Sessions that no line within the lateness
    can belong to any more are taken out, a few whenever one is added.
    """

    def __init__(self, section: SessionSection, places: dict[int, int] | None = None) -> None:
        self._places: dict[int, int] = {} if places is None else places
        self._idle_s = int(section.idle_s)
        self._longest_s = int(section.max_length_s)
        self._kept_s = self._idle_s + int(section.lateness_s)
        self._most = section.max_sessions
        self._round: list[int] = []
        self._seen = 0
        self._oldest_s = _NEVER_S
        self._unswept = 0
        self._oldest_before_s: int | None = None
        self.dropped = 0
        """Sessions taken out because there were too many; who says so sets it back."""
        self._forget_long_past()

    def __len__(self) -> int:
        return len(self._places)

    def enter(self, key: int, time_s: int, changes: dict[int, int]) -> int:
        """Finds the place of a visitor's event and has it taken, as `find` and `keep` would.

        Returns when its session began, and adds to `changes` how the book changed by it.
        """
        newest = self._places.get(key)
        if newest is None:
            self._saw(time_s)
            self._put(key, time_s << _BITS)
            changes[key] = time_s << _BITS
            return time_s
        start_s, length_s = newest >> _BITS, newest & _LENGTH
        age_s = time_s - start_s
        if 0 <= age_s <= self._longest_s and age_s - length_s <= self._idle_s:
            # The session goes on: nearly all events of a known visitor, so without a Place.
            self._saw(time_s)
            if age_s > length_s:
                self._places[key] = changes[key] = newest - length_s + age_s
            return start_s
        place = self.find(key, time_s)
        self.keep(place, time_s)
        changes.update(place.changes)
        return place.start_s

    def find(self, key: int, time_s: int) -> Place:
        """Finds the session of a visitor's event, or where one begins. Changes nothing."""
        newest = self._places.get(key)
        if newest is None:
            return Place(time_s, ((key, time_s << _BITS),))
        start_s, length_s = newest >> _BITS, newest & _LENGTH
        age_s = time_s - start_s
        if age_s >= 0:
            if age_s <= length_s:
                return Place(start_s)
            if age_s - length_s <= self._idle_s and age_s <= self._longest_s:
                return Place(start_s, ((key, newest - length_s + age_s),))
            return Place(time_s, ((key | 1, newest), (key, time_s << _BITS)))
        return self._find_before(key | 1, time_s, start_s)

    def _find_before(self, key: int, time_s: int, newest_s: int) -> Place:
        """Finds the session of an event from before the newest session."""
        earlier = self._places.get(key)
        if earlier is not None:
            start_s, length_s = earlier >> _BITS, earlier & _LENGTH
            age_s = time_s - start_s
            if -self._idle_s <= age_s <= length_s:
                return Place(start_s)
            if 0 <= age_s - length_s <= self._idle_s and age_s <= self._longest_s:
                return Place(start_s, ((key, earlier - length_s + age_s),))
        if newest_s - time_s <= self._idle_s:
            return Place(newest_s)  # not moved back: events with its id are on their way
        return Place(time_s, ((key, time_s << _BITS),))

    def keep(self, place: Place, time_s: int) -> None:
        """Has an event take its place."""
        self._saw(time_s)
        for key, value in place.changes:
            self._put(key, value)

    def _saw(self, time_s: int) -> None:
        if time_s < self._oldest_s:
            self._oldest_s = time_s
        self._seen += 1
        if self._seen == WINDOW:
            self._oldest_before_s, self._oldest_s, self._seen = self._oldest_s, _NEVER_S, 0

    def _put(self, key: int, value: int) -> None:
        places = self._places
        if key not in places:
            self._unswept += 1
            if self._unswept == _SWEPT_AFTER or len(places) >= self._most:
                self._sweep()
        places[key] = value

    def _sweep(self) -> None:
        """Looks at a few places, in turn: long past ones go, and the oldest if all are taken."""
        places = self._places
        full = len(places) >= self._most
        self._round = self._round or list(reversed(places))
        asked = _ASKED_IF_FULL if full else _SWEPT_FOR_EACH * self._unswept
        self._unswept = 0
        before_s = self._past_s()
        if before_s is None and not full:
            return
        # What began later cannot be long past; of an integer that is seen at once.
        began_before = 0 if before_s is None else before_s << _BITS
        keys = self._round[-asked:]
        del self._round[-asked:]
        kept = []
        for key in reversed(keys):
            value = places.get(key)
            if value is None or (value >= began_before and not full):
                continue
            last_s = (value >> _BITS) + (value & _LENGTH)
            if before_s is not None and last_s < before_s:
                del places[key]
            elif full:
                kept.append((last_s, key))
        if kept and len(places) >= self._most:
            del places[min(kept)[1]]
            self.dropped += 1

    def _past_s(self) -> int | None:
        """Before it no session is asked for any more, as far as the latest events tell.

        The oldest of the latest events counts, not the newest: files of one source are read side
        by side, and one may be hours behind another.
        """
        if self._oldest_before_s is None:
            return None
        return min(self._oldest_before_s, self._oldest_s) - self._kept_s

    def _forget_long_past(self) -> None:
        """Takes out what nothing can belong to, and what is too much, at the start."""
        places = self._places
        if not places:
            return
        last = {key: (value >> _BITS) + (value & _LENGTH) for key, value in places.items()}
        before_s = max(last.values()) - self._kept_s - _DAY_S
        for key, last_s in last.items():
            if last_s < before_s:
                del places[key]
        over = len(places) - self._most
        if over > 0:
            for key in sorted(places, key=last.__getitem__)[:over]:
                del places[key]
            self.dropped += over


class Session(NamedTuple):
    """The session of an event."""

    id: str
    age_s: int | None = None
    """Seconds from its start to the event; None if the log states the id."""
    place: Place | None = None
    """What to keep in the book if the event is made; None if it is kept already."""


class Sessions:
    """Tells the sessions of one source's events: as the line states them, else from the book."""

    def __init__(
        self,
        section: SessionSection,
        source: str,
        places: dict[int, int] | None,
        *,
        named: bool = False,
    ) -> None:
        """Prepares the ids; `named` is whether somebody said which cookie is the session."""
        self._named = named
        self.enabled = section.enabled
        self._read = id_reader(section.cookie, section.field)
        self.book = SessionBook(section, places)
        self._fed = blake2b(pack(source.encode()), digest_size=16, person=b"hooktail-session")
        self._logged_ids: Cache[str] = Cache(lambda logged: self._derive(f"logged {logged}"))

    def of(self, record: Record, visitor: Visitor, age_s: int | None = None) -> Session | None:
        """Returns the session of an event, or None if it has none. Changes nothing.

        `age_s` is what the checkpoint knows of a line that is read again.
        """
        if not self.enabled:
            return None
        if self._read is not None and (told := self._read(record)) is not None:
            return Session(told)
        if record.session is not None:
            logged = stated(record.session)
            if logged is not None and len(logged) <= MAX_ID:
                # What a format only calls so may open an account: its digest is sent.
                return Session(logged if self._named else self._logged_ids[logged])
        time_s = (record.time_ms or 0) // 1000
        if age_s is not None:
            return Session(self.id_of(time_s - age_s, visitor.id))
        place = self.book.find(visitor.key, time_s)
        start_s = place.start_s
        return Session(self.id_of(start_s, visitor.id), time_s - start_s, place)

    def id_of(self, start_s: int, visitor_id: str) -> str:
        """Returns the id of the session that a visitor began in that second."""
        return self._derive(f"{start_s} {visitor_id}")

    @property
    def states_ids(self) -> bool:
        """Whether a place is configured where lines may state the session."""
        return self._read is not None

    def _derive(self, key: str) -> str:
        digest = self._fed.copy()
        digest.update(key.encode("utf-8", "replace"))
        return uuid_text(digest.digest())
