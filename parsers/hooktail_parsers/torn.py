"""What shows that a line is two: one that a crash cut short, and the next one glued to it.

The client would be that of one request, and the path or the agent that of another. Such a line is
no record: a client may write the like into a header, but no browser does.
"""

from __future__ import annotations

import re

begins_within = re.compile(
    # A request behind a time or a client, as consoles and Envoy write it too.
    rb'(?:[0-9TZ]\]|:[0-9]++ -|:) "[A-Z]++ /'
).search
"""Finds the beginning of a line within a text in which its writer escapes no quotes."""


def is_glued_user(user: bytes) -> bool:
    """Tells whether a user's name holds ` - `, which stands between columns."""
    return b" - " in b" %b " % user and user != b"-"
