"""One event that says of itself that it is a test, sent as the daemon sends, and what came back.

The endpoint cannot tell it from a visitor's: there it counts as an event of the account.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, assert_never

import orjson

from hooktail import __version__
from hooktail.checkup.finding import ENDPOINT, Finding, Level
from hooktail.delivery.outcome import Delivered, Misconfigured, Outcome, Rejected, Retry
from hooktail.delivery.sender import Sender

if TYPE_CHECKING:
    from hooktail.config.sections import DestinationSection

NAME = "hooktail_test"
ADDRESS = "192.0.2.1"
"""Of the range for documentation (RFC 5737): nobody has it."""
USER_AGENT = f"hooktail/{__version__} (hooktail check --send-test)"

_ADVICE = {
    401: "is the account id right?",
    403: "is the account id right, and may this host send?",
    404: "are the account id and the path of `endpoint` right?",
    405: "is the path of `endpoint` right?",
    410: "is the path of `endpoint` right?",
}


def body(event_id: str, now: datetime) -> bytes:
    """Returns the body: what every event has, an id and a time, and nobody's page or visit."""
    stamp = now.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return orjson.dumps(
        {
            "event_name": NAME,
            "event_id": event_id,
            "timestamp": stamp,
            "user_agent": USER_AGENT,
            "ip_address": ADDRESS,
        }
    )


async def send(section: DestinationSection) -> Finding:
    """Sends one event to a destination, once, and says what its answer would mean."""
    event_id = str(uuid.uuid4())
    async with Sender(section, concurrency=1) as sender:
        outcome = await sender.send(body(event_id, datetime.now(UTC)))
    return judge(section.name, event_id, outcome)


def not_sent(section: DestinationSection) -> Finding:
    """Says that there is no way to the destination."""
    return Finding(
        name="test_event",
        area="destination",
        of=section.name,
        level=Level.WARN,
        message="the test event was not sent",
        hint="mend the way to the endpoint first",
    )


def judge(destination: str, event_id: str, outcome: Outcome) -> Finding:
    """Says what an outcome means for the daemon's events."""
    event = f"the test event {event_id}"
    match outcome:
        case Delivered():
            return Finding(
                name="test_event",
                area="destination",
                of=destination,
                message=f"{event} was accepted; it counts there as an event named {NAME}",
            )
        case Rejected(reason=reason, answer=answer):
            meaning = "refused as a bad event; events like it would become dead letters"
            hint = "the endpoint is asked for other fields than hooktail sends: ask its operator"
        case Misconfigured(reason=reason, status=status, answer=answer):
            meaning = "refused, and not for what it says: the daemon would hold the destination"
            moved = "the endpoint has moved: correct `endpoint`, redirects are not followed"
            hint = _ADVICE.get(status or 0, "correct the destination")
            hint = moved if status is not None and 300 <= status <= 399 else hint
        case Retry(reason=reason, after_s=after_s):
            meaning = "not taken; the daemon would send it again until it is"
            answer = "" if after_s is None else f"asks to wait {after_s:g} s"
            hint = "try again later, or ask the endpoint's operator"
        case unknown:
            assert_never(unknown)
    told = f" ({reason}{f': {answer}' if answer else ''})"
    return Finding(
        name="test_event",
        area="destination",
        of=destination,
        level=Level.FAIL,
        message=f"{event} was {meaning}{told}",
        hint=hint,
        code=ENDPOINT,
    )
