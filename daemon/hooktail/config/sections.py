"""The configuration as frozen sections: what the rest of the daemon is given.

Values are checked and in their units; defaults stand here and nowhere else. Nothing here reads a
file (`config.load` does).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

DEFAULT_PATH = "/etc/hooktail/hooktail.toml"
DEFAULT_STATE_DIR = "/var/lib/hooktail"
DEFAULT_ENDPOINT = "https://listen.audiohook.com/{account_id}/pixel.png"
DEFAULT_MAX_LINE_BYTES = 262_144
DAY_S = 86_400.0

Payload = Literal["flat", "nested", "both"]
StartAt = Literal["end", "beginning"]
OnCheckpointError = Literal["previous", "fail", "end", "beginning"]
Rotation = Literal["never", "daily", "weekly", "monthly"]


class Secret:
    """A text that shows itself to nobody by accident: `reveal()` is the only way to it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Returns the secret text. Never log or print it."""
        return self._text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __repr__(self) -> str:
        return "Secret('***')"

    __str__ = __repr__


@dataclass(frozen=True, slots=True, kw_only=True)
class DestinationSection:
    """`[destination.NAME]`: one endpoint with one account."""

    name: str
    account_id: Secret
    endpoint: str = DEFAULT_ENDPOINT
    """Template; `{account_id}` stands for the account id. https, or http to loopback."""
    payload: Payload = "flat"
    timeout_s: float = 30.0
    """For one request, from writing to the whole answer."""
    connect_timeout_s: float = 10.0
    ca_file: Path | None = None
    proxy: Secret | None = None
    """URL of an HTTP proxy; secret because it may hold a password."""
    account_file: Path | None = None
    """The file that the account id was read from, for reading it again."""

    def url(self) -> Secret:
        """The address to post to; secret because the account id is part of it."""
        return Secret(self.endpoint.replace("{account_id}", self.account_id.reveal()))


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverySection:
    """`[delivery]`: how hard and how patiently to send, for every destination."""

    concurrency: int = 64
    """Ceiling of requests in flight per destination."""
    drain_timeout_s: float = 20.0
    queue_events: int = 4096
    """Events waiting per destination before reading waits."""
    retry_initial_s: float = 0.5
    retry_max_s: float = 60.0
    rate_limit: int = 0
    """Events per second and destination at most; 0 for no limit."""
    poison_tries: int = 20
    """An event that failed so often while its neighbours pass becomes a dead letter."""
    workers: int = 1
    """Processes that send; 1 is the daemon itself."""


@dataclass(frozen=True, slots=True)
class From:
    """`{ from = "fields.event" }`: a value that each line gives."""

    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldSection:
    """`[source.event.fields]`: one field of an event.

    One of `constant`, `source` and `template` is set; `source` is what the file calls `from`
    (`query.order`, `group.x`, `fields.a.b`, `cookie.x`, `header.x`).
    """

    name: str
    constant: str | int | float | bool | None = None
    source: str | None = None
    template: str | None = None
    """Text with places in braces."""
    type: str = "string"
    transform: tuple[str, ...] = ()
    """Steps before the type, in order."""
    separator: str = ","
    """What `split` splits at."""
    phone_plus: bool = False
    """Whether `hash_phone` hashes the number with its `+`."""
    phone_region: str | None = None
    """Country of numbers without a country code."""
    decimal: Literal["point", "comma"] | None = None
    """How numbers are written, with marks between thousands; None for plain ones."""
    required: bool = False
    default: str | int | float | bool | None = None
    max_length: int = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSection:
    """`[[source.event]]`: one rule, first match wins."""

    name: str | From | None = None
    """Text, also with places in braces; only a rule that drops may have none."""
    when: Mapping[str, object]
    """Conditions as in the file, compiled in `extract.conditions`."""
    fields: tuple[FieldSection, ...] = ()
    once_per: str | None = None
    """Name of a field of this event."""
    once_for_s: float = 30 * DAY_S
    """How long, in the log's own time, a value of it is taken."""
    drop: bool = False
    """Whether the lines make no event at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageviewSection:
    """`[source.pageview]`: the built-in page view, which comes after all rules."""

    enabled: bool = True
    name: str = "pageview"
    sample: float = 1.0
    """Share of the visitors whose page views are sent."""
    methods: tuple[str, ...] = ("GET",)
    statuses: tuple[int, ...] = (200, 304)
    content_types: tuple[str, ...] = ("text/html", "application/xhtml+xml")
    """What an answer may be, where the log has it."""
    prefetch: Literal["drop", "send"] = "drop"
    """What becomes of pages that a browser fetched in advance."""
    subrequests: Literal["drop", "send"] = "drop"
    """What becomes of what a page or a script asked for, where the log tells."""
    exclude_paths: tuple[str, ...] = ()
    """Globs, beside the built-in ones."""
    include_paths: tuple[str, ...] = ()
    """Globs that the built-in ones do not exclude."""
    include_extensions: tuple[str, ...] = ()
    """Beside the built-in ones, with or without a dot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MultilineSection:
    """`[source.multiline]`: which lines are one record, where the format does not know itself."""

    start: str | None = None
    """Expression for a line that begins a record."""
    end: str | None = None
    """Expression for a line that ends one."""
    indented: bool = False
    json: bool = False
    hold_s: float = 5.0
    max_lines: int = 500
    max_bytes: int = 262_144


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitorSection:
    """`[source.visitor]`: who an event is about."""

    cookie: str | None = None
    """Name of the cookie that holds the id."""
    field: str | None = None
    """Place in the record that holds it, where the cookie does not."""
    rotate: Rotation = "never"
    """How long a derived id lasts."""
    visitor_fields: tuple[str, ...] = ("visitor_id", "persistent_anonymous_user_id")
    """Keys of the body that get the id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSection:
    """`[source.session]`: which events of a visitor are one visit."""

    enabled: bool = True
    cookie: str | None = None
    """Name of the cookie that holds the id."""
    field: str | None = None
    """Place in the record that holds it, where the cookie does not."""
    idle_s: float = 1800.0
    max_length_s: float = DAY_S
    lateness_s: float = 300.0
    """How late lines may come: so much longer than `idle_s` a session is remembered."""
    max_sessions: int = 500_000
    """Most that are remembered at a time."""


@dataclass(frozen=True, slots=True)
class ConsentCookie:
    """`require_consent`: the cookie without which there is no event."""

    cookie: str
    matches: str | None = None
    """What its value must be: text, `prefix:`, `glob:` or `regex:`; None for any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivacySection:
    """`[source.privacy]`: whom not to speak of, and what not to say of the others."""

    parameters: Literal["remove", "hash"] = "remove"
    """What becomes of parameters that name a person; secrets always go."""
    allow_parameters: tuple[str, ...] | None = None
    """The only parameters that stay, beside campaigns, click ids and those of rules."""
    remove_parameters: tuple[str, ...] = ()
    keep_parameters: tuple[str, ...] = ()
    """Stay whatever they hold."""
    fields: Literal["hash", "drop", "send"] = "hash"
    """What becomes of e-mail addresses and phone numbers in the fields of rules."""
    gpc: bool = True
    dnt: bool = False
    require_consent: ConsentCookie | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSection:
    """`[[source]]`: a set of files with one format, and what to make of their lines."""

    name: str
    paths: tuple[str, ...]
    exclude: tuple[str, ...] = ()
    format: str = "combined"
    format_options: Mapping[str, str] = field(default_factory=dict)
    """`timezone`, `encoding` and the other options of `hooktail parse --set`."""
    parser_file: Path | None = None
    """Python file that defines the format."""
    site: str | None = None
    """Scheme and host (and port) where the log has none: `https://shop.example`."""
    start_at: StartAt = "end"
    destinations: tuple[str, ...] = ("default",)
    """Each gets all of the source's events."""
    max_event_age_s: float | None = 7 * DAY_S
    """Older events expire; None is no limit."""
    max_event_ahead_s: float = 300.0
    """How far ahead of this host's clock a line may be."""
    max_line_bytes: int = DEFAULT_MAX_LINE_BYTES
    ignore_older_than_s: float | None = None
    """New files that were written to longer ago are left alone until they grow."""
    held_deleted_limit_bytes: int = 1 << 30
    """Most that deleted files may hold of the disk by being read to their end; 0 is no limit."""
    window_bytes: int = 256 << 20
    """Most between a line that waits and the read offset of its file; 0 is no limit."""
    multiline: MultilineSection | None = None
    rules: tuple[RuleSection, ...] = ()
    pageview: PageviewSection = PageviewSection()
    visitor: VisitorSection = VisitorSection()
    session: SessionSection = SessionSection()
    privacy: PrivacySection = PrivacySection()
    send_event_id: bool = True
    max_url_length: int = 2048
    """Of `url` and `referrer`, in characters."""
    max_user_agent_length: int = 1024
    max_body_bytes: int = 32 * 1024
    trusted_proxies: tuple[str, ...] = ()
    """Networks, names of networks, files of networks, or `unix`."""
    client_ip_headers: tuple[str, ...] = (
        "X-Forwarded-For",
        "Forwarded",
        "CF-Connecting-IP",
        "True-Client-IP",
        "X-Real-IP",
    )
    """In this order; the first that the line has decides."""
    exclude_cidrs: tuple[str, ...] = ()
    private_ips: Literal["drop", "send"] = "drop"
    ip_anonymization: bool = False
    """Whether the body has the address cut to its /24 or /48."""
    bots: Literal["drop", "tag", "send"] = "drop"
    bot_patterns_add: tuple[str, ...] = ()
    bot_patterns_remove: tuple[str, ...] = ()
    """Names of the built-in list."""
    bot_cidrs: tuple[str, ...] = ()
    user_agent_default: str | None = None
    """Stands for a missing user agent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusSection:
    """`[status]`: where the status page, metrics and health are served."""

    listen: str = "127.0.0.1:9178"
    """`host:port`, `unix:/path`, or `""` for off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSection:
    """`[log]`: what the daemon says about itself on stderr."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "json", "console"] = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The whole configuration, checked."""

    file: str
    state_dir: Path
    on_checkpoint_error: OnCheckpointError = "previous"
    """What to do at the start with a checkpoint that is damaged."""
    visitor_secret_file: Path | None = None
    """File that holds the secret for visitor ids, where several hosts should agree."""
    destinations: Mapping[str, DestinationSection]
    delivery: DeliverySection = DeliverySection()
    sources: tuple[SourceSection, ...] = ()
    status: StatusSection = StatusSection()
    log: LogSection = LogSection()
