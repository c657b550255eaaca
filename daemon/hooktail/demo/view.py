"""The story as lines of text: calm, whatever the rate; colours only where they are wanted.

Page views are thinned out to a few lines a second, and each line says how many went unshown.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

    from hooktail.collector import Received

PAGEVIEW_EVERY_S = 0.4
PURCHASE_EVERY_S = 0.1
FAILED_EVERY_S = 1.0
_SHORT_ID = 8
_MOST_CHARS = 200


class Colours(NamedTuple):
    """What to write before and after; all empty without colours."""

    dim: str = ""
    green: str = ""
    yellow: str = ""
    red: str = ""
    bold: str = ""
    plain: str = ""


ANSI = Colours("\x1b[2m", "\x1b[32m", "\x1b[33m", "\x1b[31m", "\x1b[1m", "\x1b[0m")


class View:
    """Tells the story; a `play.Show`.

    Args:
        say: writes one line.
        width: columns of the terminal; None does not cut lines.
        colours: `ANSI`, or none.
    """

    def __init__(
        self,
        say: Callable[[str], None],
        *,
        intro: Callable[[str, str], None],
        width: int | None,
        colours: Colours,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._say = say
        self._intro = intro
        self._width = width
        self._colours = colours
        self._clock = clock
        self._shown_at: dict[str, float] = {}
        self._unshown: dict[str, int] = {}

    # -- what happens

    def opens(self, address: str, config: str) -> None:
        """Explains what is about to be seen."""
        self._intro(address, config)

    def daemon_started(self) -> None:
        """Tells it."""
        self._tell("hooktail", "has started and follows the log")

    def renamed(self, number: int) -> None:
        """Tells it."""
        if number == 1:
            how = "is renamed to access.log.1, as logrotate does"
        else:
            how = f"is renamed again, and the old access.log.1 to .{number}"
        self._tell("rotation", f"access.log {how}")

    def reopened(self, lines: int) -> None:
        """Tells it."""
        self._tell(
            "rotation",
            f"a new access.log begins; {_number(lines, 'more line')} went into the old one",
        )

    def outage_begins(self, seconds: float) -> None:
        """Tells it."""
        self._tell(
            "outage", f"the endpoint answers 503 for {seconds:g} s; watch that nothing is lost"
        )

    def outage_ends(self, failed: int, lines: int) -> None:
        """Tells it."""
        self._tell_unshown("failed")
        self._tell(
            "outage",
            f"is over: {_number(lines, 'line')} meanwhile, "
            f"{_number(failed, 'request')} answered 503",
        )

    def traffic_ends(self, lines: int, *, early: bool) -> None:
        """Tells it."""
        if early:
            self._tell("shop", "stops as you asked; Ctrl-C again leaves at once")
        self._tell("shop", f"{_number(lines, 'line')} written in all; hooktail sends what is left")

    def drained(self) -> None:
        """Tells it."""
        for kind in ("pageview", "purchase"):
            self._tell_unshown(kind)
        self._tell("hooktail", "has dealt with every line, and is told to stop (SIGTERM)")

    # -- events

    def event(self, received: Received) -> None:
        """Shows an event, or counts it for the next line of its kind."""
        event = received.json if isinstance(received.json, dict) else {}
        name = str(event.get("event_name", "?"))
        kind = "purchase" if name == "purchase" else "pageview"
        if not received.accepted:
            kind = "failed"
        now, every_s = self._clock(), _EVERY_S[kind]
        if now - self._shown_at.get(kind, -every_s) < every_s:
            self._unshown[kind] = self._unshown.get(kind, 0) + 1
            return
        self._shown_at[kind] = now
        unshown = self._unshown.pop(kind, 0)
        visitor = str(event.get("visitor_id", "?"))[:_SHORT_ID]
        url = urlsplit(str(event.get("url", "")))
        where = unquote(url.path)
        if kind == "failed":
            where += f"  {received.answer}, to be sent again"
        elif kind == "purchase":
            where += f"  {_money(event.get('value'))} {event.get('currency')}"
            where += f"  order {event.get('order_id')}"
        elif url.query:
            where += unquote(f"?{url.query}")
        what = f"{visitor}  {where}"
        paint = {"purchase": self._colours.green, "failed": self._colours.red}.get(kind, "")
        more = f"  (+{unshown} more)" if unshown else ""
        self._line(name, what, more, paint)

    # -- lines

    def _tell(self, who: str, what: str) -> None:
        self._line(who, what, "", self._colours.yellow)

    def _tell_unshown(self, kind: str) -> None:
        unshown = self._unshown.pop(kind, 0)
        if unshown:
            self._line("failed" if kind == "failed" else kind, f"(+{unshown} more)", "", "")

    def _line(self, who: str, what: str, more: str, paint: str) -> None:
        colours = self._colours
        clock = time.strftime("%H:%M:%S")
        text = "".join(letter if letter.isprintable() else "?" for letter in f"{who:<9} {what}")
        room = (_MOST_CHARS if self._width is None else self._width) - len(clock) - 2 - len(more)
        if len(text) > room > 3:
            text = text[: room - 3] + "..."
        plain = colours.plain if paint else ""
        dim_plain = colours.plain if more else ""
        dim = colours.dim if more else ""
        self._say(
            f"{colours.dim}{clock}{colours.plain}  {paint}{text}{plain}{dim}{more}{dim_plain}"
        )


_EVERY_S = {"pageview": PAGEVIEW_EVERY_S, "purchase": PURCHASE_EVERY_S, "failed": FAILED_EVERY_S}


def _number(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _money(value: object) -> str:
    return f"{value:,.2f}" if isinstance(value, int | float) else "?"
