"""What the columns of a layout look like, whoever writes them."""

from __future__ import annotations

from dataclasses import dataclass

SPACES = b" \t\r\n\v\f"


@dataclass(frozen=True, slots=True)
class Shape:
    """What a variable's text looks like."""

    exact: bytes = b""
    """An expression that takes the whole text by itself, if there is one. It must be linear, and
    take no more than the text whatever follows: what it took first is final."""
    chars: bytes = b""
    """What `exact` can hold; empty if it always ends by itself (a time stamp)."""
    bounded: bool = True
    """Whether there is a limit to what `exact` can take."""
    spaced: bool | None = None
    """Whether the text holds spaces: often, never (False), or None: seldom."""
    never: bytes = b""
    """What the text never holds besides."""
    begins: bytes = b""
    """What the text begins with, if that is known: a target's `/`. At a line's end it has no
    spaces."""
    closing: bytes = b""
    """An expression that the text ends with, for where nothing else tells its end."""
    listed: bool = False
    """Whether the text comes from a client, and may be a list."""
    spaced_behind_lists: bool = True
    """Whether the text holds spaces where a list without quotes stands before it."""

    @property
    def is_stamp(self) -> bool:
        """Whether nothing else looks like it: a time."""
        return bool(self.exact) and self.bounded and not self.chars


TEXT = Shape(spaced=True)
"""Text that holds spaces: a user agent, a request line."""
REQUEST = Shape(spaced=True, closing=rb" HTTP/[0-9.]{1,4}+")
"""A request line."""
WORD = Shape()
"""Text of an unknown kind: ends at a space if a space follows."""
TOKEN = Shape(spaced=False)
"""Text without spaces."""
USER = Shape(spaced=True, spaced_behind_lists=False)
"""The name of a user, which seldom has spaces."""
# A repeated group costs more than the class, and hardly any name has a space or an escape.
USER_BEFORE_TIME = (
    rb'(?>""|[^ "\\\[]*+(?>\\.[^ "\\\[]*+(?:\\.[^ "\\\[]*+)*|)'
    rb'(?> (?!- )(?>(?:[^ "\\\[]++|\\.)+)(?: (?!- )(?>(?:[^ "\\\[]++|\\.)+))*|))'
)
"""The name of a user up to a time. No name has ` - ` in it: that is the line behind a torn one."""
HEADER = Shape(listed=True)
"""A header of a client's own, of an unknown kind."""
SEPARATORS = (b"|", b"\x01", b"\x1f", b"\x1e", b"\t")
AROUND_COMMAS = rb" {0,8}+, {0,8}+"
WORDS = rb"(?>(?:[^ ,]++|" + AROUND_COMMAS + rb")*)"
"""Up to a space that is beside no comma."""
LIST = Shape(
    rb"(?:[^\s,]++|" + AROUND_COMMAS + rb")*",
    chars=bytes(set(range(256)) - set(SPACES)),
    bounded=False,
    listed=True,
)
"""What is between commas has no spaces: addresses, as proxies forward them."""
