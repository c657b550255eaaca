"""What a log does not say although the events need it, and whether its clock can be right. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hooktail.checkup.finding import INPUT, Finding, Level
from hooktail.checkup.remedies import how_to_log
from hooktail.extract.future_watch import hint_for

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hooktail.checkup.reading import Reading
    from hooktail.checkup.sample import Sample
    from hooktail.config.sections import SourceSection
    from hooktail_parsers import Format

FUTURE_S = 300.0
"""Lines that are further ahead of the clock are refused by the daemon."""
_QUARTER_S = 900
_SLACK_S = 60
"""Between a request and its line in the log."""
_FARTHEST_S = 26 * 3600
_LEAST_BEHIND_S = 1800


def columns(
    source: SourceSection, reading: Reading, formats: Sequence[Format]
) -> Iterator[Finding]:
    """Says what no record of a sample states; `formats` are those that the files were read in.

    What the endpoint requires and no such format can ever state is a failure: no event would come.
    """

    def lacking(name: str) -> bool:
        return not reading.stated[name]

    def required(key: str, what: str, name: str) -> Finding:
        never = all(key not in each.fields for each in formats)
        hint = how_to_log(formats[0], key)
        if key == "user_agent":
            hint += "; user_agent_default stands for it"
        message = f"no line states {what}: no events"
        if not never:
            return _lack(source, name, message, hint)
        told = " or ".join(each.name for each in formats)
        message = f"{message} can come of the format {told}, which never does"
        return replace(_lack(source, name, message, hint), level=Level.FAIL, code=INPUT)

    if lacking("user_agent") and source.user_agent_default is None:
        yield required("user_agent", "the user agent", "no_user_agent")
    if lacking("ip"):
        yield required("ip", "the client address", "no_client")
    if lacking("time_ms"):
        yield required("time", "its time", "no_time")
    if lacking("host") and source.site is None:
        hint = f"set `site`, or {how_to_log(formats[0], 'host')}"
        yield _lack(source, "no_host", "no line states the host: events have no url", hint)
    cookies = {
        "source.privacy.require_consent": source.privacy.require_consent is not None,
        "source.visitor.cookie": source.visitor.cookie is not None,
        "source.session.cookie": source.session.cookie is not None,
    }
    wanting = [key for key, wanted in cookies.items() if wanted]
    if wanting and lacking("cookies") and lacking("headers"):
        message = f"no line states cookies, which {' and '.join(wanting)} would look at"
        yield _lack(source, "no_cookies", message, how_to_log(formats[0], "cookies"))


def _lack(source: SourceSection, name: str, message: str, hint: str) -> Finding:
    return Finding(
        name=name, area="source", of=source.name, level=Level.WARN, message=message, hint=hint
    )


def clock(
    source: SourceSection,
    newest_ms: int | None,
    live: tuple[Sample, Reading] | None,
    *,
    now_s: float,
) -> Iterator[Finding]:
    """Compares the newest record with the clock, and that of the live file with the file's time.

    A zone that is read wrongly puts every line off by the same whole quarters of an hour.
    """
    ahead_s = 0.0 if newest_ms is None else newest_ms / 1000 - now_s
    if ahead_s > FUTURE_S:
        message = f"the newest line is {_span(ahead_s)} in the future: such lines make no events"
        yield _lack(source, "log_is_ahead", message, hint_for(round(ahead_s * 1000)))
        return
    if live is None or live[1].newest_ms is None:
        return
    behind_s = live[0].modified_s - live[1].newest_ms / 1000
    off_s = abs(behind_s - round(behind_s / _QUARTER_S) * _QUARTER_S)
    if _LEAST_BEHIND_S < behind_s < _FARTHEST_S and off_s < _SLACK_S:
        message = f"the newest line is {_span(behind_s)} older than the last write to its file"
        hint = "are its times of another zone than they are read in? set timezone"
        yield _lack(source, "log_is_behind", message, hint)


def _span(seconds: float) -> str:
    minutes = round(seconds / 60)
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest} min" if hours else f"{rest} min"
