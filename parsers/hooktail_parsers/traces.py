"""Lines that continue what a program wrote before: stack traces and indented text."""

from __future__ import annotations

import re

_CONTINUES = re.compile(
    rb"[ \t]++\S"
    # Java and Node, where something took the indentation away
    rb"|(?:Caused by|Suppressed): |\.\.\. [0-9]++ (?:more|common frames)|at [^\s(]{1,500}+ ?+\("
    # Python
    rb"|Traceback \(most recent call last\):"
    rb"|During handling of the above exception, another|The above exception was the direct cause"
    # PHP and Laravel
    rb"|(?:PHP )?Stack trace:|\[(?:previous )?(?:stacktrace|exception)\]|#[0-9]++ "
    # Ruby, Go
    rb"|(?:from )?[^\s:]++:[0-9]++:in |goroutine [0-9]++ \["
    # The name of an exception, alone or before its text; the last line of Python's traces
    rb"|[A-Za-z_$][\w$.]*+"
    rb"(?:(?<=Error)|(?<=Exception)|(?<=Warning)|(?<=Throwable)|(?<=Interrupt)|(?<=Exit))"
    rb"(?::|\s*+\Z)"
    # What closes a bracket
    rb'|["\']?[}\])][}\]),;"\']*+\s*+\Z'
).match


def continues(line: bytes) -> bool:
    """Tells whether a line goes on with what stands before it; a blank line does not."""
    return _CONTINUES(line) is not None
