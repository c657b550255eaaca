"""What a destination says of itself in the log: changes of state once, trouble once a minute."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, Protocol

from hooktail.delivery.gate import Mode
from hooktail.telemetry import OncePer

if TYPE_CHECKING:
    from collections.abc import Callable

    from hooktail.delivery.gate import GateState

REPEAT_S = 60.0
"""Between two lines that say the same trouble."""
STATE_REPEAT_S = 10.0
"""Between two lines that say the same change of state."""
REMIND_S = 300.0
"""Between two lines about a bad state that lasts."""


_HINTS = {
    Mode.DOWN: "nothing is lost; it is tried again until it answers",
    Mode.PAUSED: "the endpoint asked for it (Retry-After)",
}

_NO_WAY = "`hooktail check` goes the way step by step; if only a proxy leads out, set `proxy`"
_UNWELL = "the endpoint is unwell: nothing to do here, it is tried again until it answers"
_RETRY_HINTS = {
    "dns": f"the endpoint's name is not found; {_NO_WAY}",
    "connect": f"nothing answers at the endpoint's port, or a firewall is in the way; {_NO_WAY}",
    "connect_timeout": f"a firewall may be in the way; {_NO_WAY}",
    "timeout": "no answer within timeout_s: it is tried again until there is one",
    "proxy_connect": "the proxy does not answer: is it running, and `proxy` right?",
}


_HELD = "nothing is lost or sent meanwhile; "
_ACCOUNT = "the endpoint refuses the account: check account_id"
_PROXY = "the proxy refuses us: check `proxy`, above all its user and password, and what it allows"
_HELD_HINTS = {
    "http_401": _ACCOUNT,
    "http_403": f"{_ACCOUNT}, and whether this host may send there",
    "http_404": "nothing is at that address: check `endpoint` or `account_id`, which is part of it",
    "http_405": "the address takes no POST: check the path of `endpoint`",
    "http_407": _PROXY,
    "http_410": "the address is there no more: check the path of `endpoint`",
    "proxy": _PROXY,
    "tls": "the certificate is not trusted, or TLS is refused: `hooktail check` says more; check "
    "the host in `endpoint`, this host's clock, and `ca_file` if the endpoint, or a proxy that "
    "reads along, has an authority of its own",
    "url": "`endpoint` is no address that can be used: check its host",
}


def held_hint(reason: str) -> str:
    """Says what to mend where a destination is held."""
    if reason.startswith("http_3"):
        return f"{_HELD}the endpoint has moved, and redirects are not followed: correct `endpoint`"
    return _HELD + _HELD_HINTS.get(reason, "ask the endpoint's operator what the answer means")


def retry_hint(reason: str) -> str:
    """Says what to do about a request that failed and is tried again."""
    if reason in _RETRY_HINTS:
        return _RETRY_HINTS[reason]
    return "the proxy answers so: ask who runs it" if reason.startswith("proxy_") else _UNWELL


class Log(Protocol):
    """The part of a structlog logger that is used here."""

    def info(self, event: str, /, **fields: object) -> object:
        """Says what changed."""

    def warning(self, event: str, /, **fields: object) -> object:
        """Says what is wrong."""

    def error(self, event: str, /, **fields: object) -> object:
        """Says what is wrong and will not mend itself."""


class Shut(NamedTuple):
    """A bad state that was said and has not ended: a reload hands it over."""

    name: Mode
    reason: str
    since: float
    """By the clock, less what it was open in between."""


class Teller:
    """Says what is news. A destination that flaps is bounded, and its last state is always said.

    `before` is what the teller of the destination before a reload has said last.
    """

    def __init__(
        self,
        destination: str,
        log: Log,
        clock: Callable[[], float],
        state: GateState,
        before: Shut | None = None,
    ) -> None:
        self._destination = destination
        self._log = log
        self._clock = clock
        self._once = OncePer(REPEAT_S, clock)
        if before is not None:
            state = replace(state, name=before.name, reason=before.reason, since=before.since)
        self._state = state
        self._told = (state.name, state.reason)
        self._told_at: dict[tuple[Mode, str], float] = {}
        # Since the last line about a state:
        self._changes = 0
        self._failures = 0
        self._shut_s = 0.0

    @property
    def shut(self) -> Shut | None:
        """What a successor has to know."""
        name, reason = self._told
        if name is Mode.OPEN:
            return None
        now, state = self._clock(), self._state
        lasts_s = 0.0 if state.name is Mode.OPEN else now - state.since
        return Shut(name, reason, now - self._shut_s - lasts_s)

    def trouble(self, event: str, reason: str, **fields: object) -> None:
        """Says that something went wrong with one event; `repeated` counts what was kept silent."""
        if (unsaid := self._once.allow((event, reason))) is not None:
            self._log.warning(
                event, destination=self._destination, reason=reason, repeated=unsaid, **fields
            )

    def failure(self) -> None:
        """Counts an outcome that was no success."""
        self._failures += 1

    def state(self, state: GateState, outstanding: int) -> None:
        """Is told of the state after each outcome, and passes on what is news."""
        before, self._state = self._state, state
        key = (state.name, state.reason)
        if state is before and key == self._told:
            return
        now = self._clock()
        if state.name is not before.name:
            self._changes += 1
            if before.name is not Mode.OPEN:
                self._shut_s += now - before.since
        elif state.name is not Mode.OPEN and state.since != before.since:  # a reload in between
            self._shut_s += state.since - before.since
        if key == self._told and state.name is Mode.OPEN:
            return
        quiet_s = REMIND_S if key == self._told else STATE_REPEAT_S
        if now - self._told_at.get(key, -math.inf) < quiet_s:
            return
        self._told = key
        self._told_at[key] = now
        self._say(state, now, outstanding)

    def _say(self, state: GateState, now: float, outstanding: int) -> None:
        counts = {
            "outstanding": outstanding,
            "failures": self._failures,
            "changes": self._changes,
        }
        self._failures = self._changes = 0
        event = f"destination_{state.name.value}"
        if state.name is Mode.OPEN:
            shut_s, self._shut_s = round(self._shut_s, 1), 0.0
            self._log.info(event, destination=self._destination, shut_s=shut_s, **counts)
        else:
            say = self._log.error if state.name is Mode.HELD else self._log.warning
            say(
                event,
                destination=self._destination,
                reason=state.reason,
                answer=state.answer,
                next_try_s=round(max(state.until - now, 0.0), 1),
                hint=held_hint(state.reason) if state.name is Mode.HELD else _HINTS[state.name],
                **counts,
            )
