"""What a log does not say although the events need it, and whether its clock can be right. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hooktail.checkup.finding import Finding, Level
from hooktail.extract.future_watch import hint_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hooktail.checkup.reading import Reading
    from hooktail.checkup.sample import Sample
    from hooktail.config.sections import SourceSection

FUTURE_S = 300.0
"""Lines that are further ahead of the clock are refused by the daemon."""
_QUARTER_S = 900
_SLACK_S = 60
"""Between a request and its line in the log."""
_FARTHEST_S = 26 * 3600
_LEAST_BEHIND_S = 1800
_NGINX_APACHE = "log {0} (nginx: {1}; Apache: {2})"


def columns(source: SourceSection, reading: Reading) -> Iterator[Finding]:
    """Says what no record of a sample states."""

    def lacking(name: str) -> bool:
        return not reading.stated[name]

    if lacking("user_agent") and source.user_agent_default is None:
        hint = _NGINX_APACHE.format("it", '"$http_user_agent"', '"%{User-Agent}i"')
        yield _lack(source, "no_user_agent", "no line states the user agent: no events", hint)
    if lacking("ip"):
        hint = _NGINX_APACHE.format("it", "$remote_addr", "%h")
        yield _lack(source, "no_client", "no line states the client address: no events", hint)
    if lacking("time_ms"):
        hint = _NGINX_APACHE.format("it", "[$time_local]", "%t")
        yield _lack(source, "no_time", "no line states its time: no events", hint)
    if lacking("host") and source.site is None:
        hint = "set `site`, or " + _NGINX_APACHE.format("it", "$host", "%{Host}i")
        yield _lack(source, "no_host", "no line states the host: events have no url", hint)
    cookies = {
        "source.privacy.require_consent": source.privacy.require_consent is not None,
        "source.visitor.cookie": source.visitor.cookie is not None,
        "source.session.cookie": source.session.cookie is not None,
    }
    wanting = [key for key, wanted in cookies.items() if wanted]
    if wanting and lacking("cookies") and lacking("headers"):
        hint = _NGINX_APACHE.format("them", '"$http_cookie"', '"%{Cookie}i"')
        message = f"no line states cookies, which {' and '.join(wanting)} would look at"
        yield _lack(source, "no_cookies", message, hint)


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
