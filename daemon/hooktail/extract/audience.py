"""Whom an event may be about, and when: the filters that page views and rules share."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from hooktail.errors import ConfigError
from hooktail.extract import bots
from hooktail.extract.address_watch import AddressWatch
from hooktail.extract.addresses import address_kind
from hooktail.extract.bots import BotList
from hooktail.extract.cache import Cache
from hooktail.extract.client_ip import ClientIps
from hooktail.extract.complaints import Complaints
from hooktail.extract.consent import Consent
from hooktail.extract.future_watch import FutureWatch
from hooktail.extract.networks import UNIX, is_almost_all, named_ranges
from hooktail.extract.text import stated
from hooktail.extract.validation import MAX_USER_AGENT

if TYPE_CHECKING:
    from hooktail.config.sections import SourceSection
    from hooktail.errors import Problem
    from hooktail.extract.address_watch import AddressAdvice
    from hooktail.extract.future_watch import FutureAdvice
    from hooktail.extract.ranges import Ranges
    from hooktail_parsers import Record


class Audience:
    """Filters by time, consent, address and user agent; remembers its verdicts by value.

    Before it is asked, `identify` has to say whom the record is about, if `identifies`.
    Raises ConfigError if the source's networks or patterns are wrong.
    """

    def __init__(self, source: SourceSection, *, limit_age: bool) -> None:
        age_s = source.max_event_age_s if limit_age else None
        self._max_age_ms = None if age_s is None else int(age_s * 1000)
        self._max_ahead_ms = int(source.max_event_ahead_s * 1000)
        self._addresses: Cache[str | None] = Cache(self.refuses_address)
        self._agents: Cache[str | None] = Cache(self._refuse_agent)
        self._send_private = source.private_ips == "send"
        self._drop_bots = source.bots == "drop"
        compiled, problems = _compile(source, "")
        if problems:
            raise ConfigError(problems)
        self.client_ips = compiled.client_ips
        self._own = compiled.own
        self._machines = compiled.machines
        self._has_own = bool(compiled.own)
        self._drops_machines = self._drop_bots and bool(compiled.machines)
        self._bots = compiled.bots
        self._consent = compiled.consent
        self._default_agent = source.user_agent_default
        self.identifies = self.client_ips is not None or self._default_agent is not None
        """Whether `identify` has anything to do."""
        self.tags_bots = source.bots == "tag"
        """Whether events of bots are to say so (`is_bot`)."""
        self._bot_agents: Cache[bool] = Cache(self._is_bot_agent)
        self._bot_addresses: Cache[bool] = Cache(self._machines.__contains__)
        self._watch: AddressWatch | None = AddressWatch()
        self.advice: AddressAdvice | None = None
        """What the addresses of the first events look like, if they do not look like visitors'."""
        self._future = FutureWatch()
        self.future: FutureAdvice | None = None
        """How far the log is ahead of the clock, once there are enough lines that are."""

    def identify(self, record: Record) -> None:
        """Puts the client's address, and the agent that stands for none, into the record."""
        if self.client_ips is not None:
            record.ip = self.client_ips.client_of(record)
        if self._default_agent is not None and stated(record.user_agent) is None:
            record.user_agent = self._default_agent

    @property
    def judges_by_value(self) -> bool:
        """Whether a record without headers is judged by its time, address and agent alone."""
        return not (self.identifies or self.tags_bots or self._consent.wants_cookie)

    @property
    def is_watching(self) -> bool:
        """Whether the first events' addresses are still being looked at."""
        return self._watch is not None

    def span_ms(self, now_ms: int) -> tuple[int, int]:
        """Returns the earliest and the latest time of which nothing is said against an event."""
        oldest_ms = 0 if self._max_age_ms is None else max(0, now_ms - self._max_age_ms)
        return oldest_ms, now_ms + self._max_ahead_ms

    def refuses_address(self, ip: str) -> str | None:
        """Returns the counter key of what is against an address, or None; it remembers nothing."""
        kind = address_kind(ip)
        if kind == "invalid":
            return "filtered.no_ip"
        if self._has_own and ip in self._own:
            return "filtered.own_traffic"
        if self._drops_machines and ip in self._machines:
            return "filtered.bot"
        return "filtered.private_ip" if kind == "private" and not self._send_private else None

    def refuses_agent(self, user_agent: str) -> str | None:
        """Returns the counter key of what is against a user agent, or None."""
        return self._agents[user_agent]

    def is_bot(self, record: Record) -> bool:
        """Whether a record that was not refused is a machine's, by its agent or its address."""
        return self._bot_agents[record.user_agent or ""] or self.is_machine(record.ip)

    def refuses(self, record: Record, now_ms: int) -> str | None:
        """Returns the counter key of the first reason against an event, or None.

        After None the record has a time since 1970, an address and a user agent.
        """
        time_ms = record.time_ms
        if time_ms is None or time_ms < 0:
            return "filtered.no_time"
        if time_ms > now_ms + self._max_ahead_ms:
            self.future = self._future.seen(time_ms - now_ms) or self.future
            return "filtered.future"
        if self._max_age_ms is not None and time_ms < now_ms - self._max_age_ms:
            return "expired.age"
        if self._consent.is_missing(record):
            return "filtered.no_consent"
        if record.user_agent is None:
            return "filtered.no_user_agent"
        if record.ip is None:
            return "filtered.no_ip"
        refused = self._addresses[record.ip] or self._agents[record.user_agent]
        if self._watch is not None and (refused is None or refused == "filtered.private_ip"):
            self._look_at(record.ip, self._watch)
        return refused

    def is_machine(self, ip: str | None) -> bool:
        """Whether the address is one of `bot_cidrs`."""
        return self._bot_addresses[ip or ""]

    def bot_sign(self, record: Record) -> str:
        """Returns the name, for `bot_patterns_remove`, of what makes the agent a machine's."""
        return self._bots.sign((stated(record.user_agent) or "")[:MAX_USER_AGENT])

    def consent_sign(self, record: Record) -> str:
        """Names the header or the cookie that is against an event."""
        return self._consent.sign(record)

    def consent_found(self, record: Record) -> str | None:
        """Returns what the cookie of `require_consent` says; None if it is not there."""
        return self._consent.found(record)

    def _look_at(self, ip: str, watch: AddressWatch) -> None:
        self.advice = watch.seen(ip)
        if watch.done:
            self._watch = None

    def _refuse_agent(self, user_agent: str) -> str | None:
        agent = stated(user_agent)
        if agent is None:
            return "filtered.no_user_agent"
        return "filtered.bot" if self._drop_bots and self._is_bot_agent(user_agent) else None

    def _is_bot_agent(self, user_agent: str) -> bool:
        # What is longer makes no event anyway, and some patterns are slow on what is very long.
        return self._bots.has((stated(user_agent) or "")[:MAX_USER_AGENT])


def check_audience(source: SourceSection, file: str) -> list[Problem]:
    """Returns what is wrong with a source's networks and patterns; `file` is named in each."""
    return _compile(source, file)[1]


def audience_warnings(source: SourceSection, file: str) -> list[Problem]:
    """Returns what works, but hardly as it was meant."""
    complaints = Complaints(file, f"source[{source.name}]")
    for number, entry in enumerate(source.trusted_proxies):
        if is_almost_all(entry):
            complaints.at("trusted_proxies").item(number).warn(
                "takes almost any visitor for a proxy: each can send the address to be believed",
                entry,
                hint="name the networks of your own proxies",
            )
    return complaints.warnings


class _Compiled(NamedTuple):
    client_ips: ClientIps | None
    own: Ranges
    machines: Ranges
    bots: BotList
    consent: Consent


def _compile(source: SourceSection, file: str) -> tuple[_Compiled, list[Problem]]:
    complaints = Complaints(file, f"source[{source.name}]")
    trusted = named_ranges(source.trusted_proxies, complaints.at("trusted_proxies"), UNIX)
    own = named_ranges(source.exclude_cidrs, complaints.at("exclude_cidrs"))
    machines = named_ranges(source.bot_cidrs, complaints.at("bot_cidrs"))
    client_ips = None
    if source.trusted_proxies:
        client_ips = ClientIps(
            trusted,
            headers=source.client_ip_headers,
            trust_nameless=UNIX in source.trusted_proxies,
        )
    consent = Consent(source.privacy, complaints.at("privacy.require_consent"))
    compiled = _Compiled(client_ips, own, machines, _bot_list(source, complaints), consent)
    _check_default_agent(source, compiled.bots, complaints.at("user_agent_default"))
    return compiled, complaints.problems


def _bot_list(source: SourceSection, complaints: Complaints) -> BotList:
    removed = source.bot_patterns_remove
    unknown = [name for name in removed if name.lower() not in bots.names()] if removed else []
    for number, name in enumerate(removed):
        if name in unknown:
            here = complaints.at("bot_patterns_remove").item(number)
            here.add("no machine of the built-in list", name, hint=bots.near(name))
    added = []
    for number, pattern in enumerate(source.bot_patterns_add):
        try:
            BotList(add=[pattern])
        except ValueError as error:
            complaints.at("bot_patterns_add").item(number).add(str(error), pattern)
        else:
            added.append(pattern)
    return BotList(add=added, remove=[name for name in removed if name not in unknown])


def _check_default_agent(source: SourceSection, known: BotList, complaints: Complaints) -> None:
    agent = source.user_agent_default
    if agent is None:
        return
    if stated(agent) is None:
        complaints.add("says nothing", agent)
    elif len(agent) > source.max_user_agent_length:
        complaints.add("is longer than max_user_agent_length", agent)
    elif source.bots == "drop" and known.has(agent):
        complaints.add('is a machine\'s, whose events bots = "drop" drops', agent)
