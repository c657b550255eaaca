"""From lines to events: parsing, choosing, filtering, building. No clock, socket or file.

extractor   lines in, events and counters out      explain    the same for one line, told
registry    which formats there are                rules      which lines become which event
pageview    the built-in event                     audience   the filters all events share
drafting    the event of one record                event      the body
identity    ids that a second reading repeats
"""

from __future__ import annotations

from hooktail.extract.checks import check_source, warnings_of
from hooktail.extract.extractor import Extractor, build_extractor

__all__ = ["Extractor", "build_extractor", "check_source", "warnings_of"]
