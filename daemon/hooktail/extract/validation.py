"""The limits of an event body; a source's configuration may set lower ones for url, agent and body.

`hooktail/event.schema.json` states them, with all that a body is. A body needs no check against the
schema for each line: its parts are made so that they fit, and what cannot be made to fit, because
cut it would be something else, is too large for an event.
"""

from __future__ import annotations

MAX_NAME = 128
MAX_ID = 256
"""Of a visitor or a session, as a log states it."""
MAX_URL = 2048
MAX_USER_AGENT = 1024
MAX_STRING = 1024
"""Of a field, unless it has a `max_length` of its own."""
MAX_BODY_BYTES = 32 * 1024


class TooLarge(Exception):  # noqa: N818  # a finding about a line, counted; not an error of ours
    """Something in the line is over the limit for an event."""


def check_length(text: str, limit: int) -> str:
    """Returns the text; raises TooLarge if it has more than `limit` characters."""
    if len(text) > limit:
        raise TooLarge
    return text
