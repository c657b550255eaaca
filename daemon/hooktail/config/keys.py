"""Every section and key of the configuration: its kind, its default's place, and one sentence.

From these tables come the checks, the JSON Schema, `config show`, and the test that keeps
docs/reference/configuration.md complete. Defaults stand in `sections` and are looked up there.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from hooktail import endpoints
from hooktail.config import account, addresses, proxies
from hooktail.config.kinds import (
    COOKIE_NAME,
    NAME,
    PRINTABLE,
    Choice,
    Choices,
    Condition,
    ConsentRule,
    Constant,
    EventName,
    Flag,
    Kind,
    OneOrMore,
    Seconds,
    Share,
    Text,
    Texts,
    Whole,
    Wholes,
    absolute_path,
    written,
)
from hooktail.config.sections import (
    DAY_S,
    DEFAULT_STATE_DIR,
    Config,
    DeliverySection,
    DestinationSection,
    FieldSection,
    LogSection,
    MultilineSection,
    PageviewSection,
    PrivacySection,
    RuleSection,
    SessionSection,
    SourceSection,
    StatusSection,
    VisitorSection,
)

RESERVED_FIELDS = (
    "event_name",
    "event_id",
    "timestamp",
    "visitor_id",
    "persistent_anonymous_user_id",
    "session_id",
    "url",
    "referrer",
    "user_agent",
    "ip_address",
    "event_payload",
)
"""Keys of the event body that no field of a rule may bear."""

FIELD_TYPES = ("string", "number", "integer", "boolean", "list", "json", "timestamp")
TRANSFORMS = (
    "trim",
    "lower",
    "upper",
    "urldecode",
    "cents_to_units",
    "split",
    "hash_email",
    "hash_phone",
    "sha256",
)
"""What `extract.casts` and `extract.transforms` know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One key; `attr` is its name in the section's class where that differs."""

    name: str
    kind: Kind
    about: str
    attr: str = ""
    required: bool = False

    @property
    def attribute(self) -> str:
        """The name in the section's class."""
        return self.attr or self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One table of the file; `tables` names the tables that may stand inside it."""

    title: str
    about: str
    keys: tuple[Key, ...]
    cls: type | None = None
    tables: tuple[str, ...] = ()

    @property
    def known(self) -> tuple[str, ...]:
        """The names that may stand in the table."""
        return (*(key.name for key in self.keys), *self.tables)

    def default(self, key: Key) -> object:
        """Returns the key's default as one would write it, or None if it has none."""
        if self is ROOT and key.name == "state_dir":
            return DEFAULT_STATE_DIR
        for field in dataclasses.fields(self.cls) if self.cls else ():
            if field.name == key.attribute and field.default is not dataclasses.MISSING:
                return written(key.kind, field.default)
        return None


NAME_TEXT = Text(
    allowed="1 to 64 characters of A-Z a-z 0-9 . _ -, the first a letter or digit",
    pattern=NAME,
    max_length=64,
    wrong="not an allowed name",
)
FIELD_NAME = Text(allowed="1 to 128 printable characters", max_length=128)
_ABSOLUTE_GLOB = Text(
    allowed="an absolute path, with * ? [...] and ** if need be, or - for standard input",
    pattern=r"/[^\x00-\x1f\x7f]*|-",
    wrong="not an absolute path",
)
_PATTERN = Text(allowed="non-empty text")
_DEFINITION = Text(allowed="non-empty text", pattern=r"[^\x00]+", max_length=65_536)
"""Definitions of lines may hold tabs and newlines."""
_NETWORK = Text(allowed="an address, a network, a file of networks, or a name such as private")
_HEADER_NAME = Text(
    allowed="a header's name", pattern=r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", max_length=128
)
_WAIT = Seconds(high_s=3600.0)

ROOT = Section(
    title="top level",
    about="What stands before the first table.",
    cls=Config,
    keys=(
        Key(
            name="state_dir",
            kind=absolute_path(),
            about="Directory of checkpoint, dead letters and lock; without it $HOOKTAIL_STATE_DIR, "
            "then systemd's $STATE_DIRECTORY, then the default.",
        ),
        Key(
            name="on_checkpoint_error",
            kind=Choice(("previous", "fail", "end", "beginning")),
            about="What to do at the start with a damaged checkpoint: go back to the newest state "
            "that can be proved, do not start, skip to the ends of the files, or send everything "
            "again.",
        ),
        Key(
            name="visitor_secret_file",
            kind=absolute_path(),
            about="File that holds the secret from which visitor ids derive, where several hosts "
            "should agree; without it the credential visitor_secret, then one made at the first "
            "start.",
        ),
    ),
    tables=("destination", "delivery", "source", "status", "log"),
)

DESTINATION = Section(
    title="[destination.NAME]",
    about="One endpoint with one account; a source picks one by name.",
    cls=DestinationSection,
    keys=(
        Key(
            name="account_id",
            kind=Text(
                allowed=account.ALLOWED,
                pattern=account.PATTERN,
                max_length=128,
                wrong="not an account id",
            ),
            about="The Audiohook account id; not beside account_id_file.",
        ),
        Key(
            name="account_id_file",
            kind=absolute_path(),
            about="File that holds the account id and nothing else, writable by its owner alone.",
        ),
        Key(
            name="endpoint",
            kind=Text(
                allowed="an https URL (http to loopback only), with {account_id} if need be",
                max_length=2048,
                rule=addresses.endpoint,
                shown=endpoints.shown,
            ),
            about="Address to post to; {account_id} stands for the account id.",
        ),
        Key(
            name="payload",
            kind=Choice(("flat", "nested", "both")),
            about="Where an event's own fields go: beside the others, under event_payload, "
            "or both.",
        ),
        Key(
            name="timeout_s",
            kind=_WAIT,
            about="Longest time for one request, from writing to the whole answer.",
        ),
        Key(
            name="connect_timeout_s",
            kind=_WAIT,
            about="Longest time for opening a connection, TLS included.",
        ),
        Key(
            name="ca_file",
            kind=absolute_path(),
            about="Certificates (PEM) to trust in place of the system's.",
        ),
        Key(
            name="proxy",
            kind=Text(
                allowed=proxies.ALLOWED, max_length=2048, rule=addresses.proxy, wrong="not a URL"
            ),
            about="HTTP proxy to send through; https goes through a tunnel (CONNECT). Without one "
            "of these keys no proxy is used, whatever the environment says.",
        ),
        Key(
            name="proxy_file",
            kind=absolute_path(),
            about="File that holds such a URL and nothing else, writable by its owner alone.",
        ),
        Key(
            name="proxy_env",
            kind=Text(
                allowed="the name of an environment variable",
                pattern=r"[A-Za-z_][A-Za-z0-9_]*",
                max_length=128,
                wrong="not such a name",
            ),
            about="Name of an environment variable that holds such a URL.",
        ),
    ),
)

DELIVERY = Section(
    title="[delivery]",
    about="How hard and how patiently to send, for every destination.",
    cls=DeliverySection,
    keys=(
        Key(
            name="concurrency",
            kind=Whole(low=1, high=10_000),
            about="Ceiling of requests in flight per destination; adapts below it.",
        ),
        Key(
            name="drain_timeout_s",
            kind=_WAIT,
            about="Longest time at a stop for requests in flight to end.",
        ),
        Key(
            name="queue_events",
            kind=Whole(low=1, high=1_000_000),
            about="Events waiting per destination before reading waits, at most: while the "
            "endpoint takes them, no more wait than it takes in a tenth of a second.",
        ),
        Key(
            name="retry_initial_s",
            kind=_WAIT,
            about="Upper bound of the wait before the first retry; doubles from try to try.",
        ),
        Key(
            name="retry_max_s",
            kind=Seconds(high_s=DAY_S),
            about="Upper bound of the wait before any retry; not below retry_initial_s.",
        ),
        Key(
            name="rate_limit",
            kind=Whole(low=0, high=1_000_000),
            about="Events per second and destination at most; 0 for no limit.",
        ),
        Key(
            name="poison_tries",
            kind=Whole(low=3, high=10_000),
            about="Failures after which an event becomes a dead letter, counted only while its "
            "neighbours pass.",
        ),
        Key(
            name="workers",
            kind=Whole(low=1, high=64),
            about="Processes that send: 1 is the daemon itself; with more, so many workers send "
            "for it.",
        ),
    ),
)

STATUS = Section(
    title="[status]",
    about="Where the status page, /metrics and /healthz will be served; this version serves none.",
    cls=StatusSection,
    keys=(
        Key(
            name="listen",
            kind=Text(
                allowed='"host:port", "[v6]:port", "unix:/path", or "" for off',
                pattern=r"[^\x00-\x1f\x7f]*",
                max_length=512,
                rule=addresses.listen,
            ),
            about='Address to listen on; "" turns the page off.',
        ),
    ),
)

LOG = Section(
    title="[log]",
    about="What the daemon says about itself on stderr.",
    cls=LogSection,
    keys=(
        Key(
            name="level",
            kind=Choice(("debug", "info", "warning", "error")),
            about="The least serious messages that are written.",
        ),
        Key(
            name="format",
            kind=Choice(("auto", "json", "console")),
            about="One JSON object a line, or text for people; auto looks where stderr goes.",
        ),
    ),
)

OPTION_KEYS = (
    Key(
        name="timezone",
        kind=_DEFINITION,
        about="Zone of a log whose times have none: Europe/Berlin, UTC, +02:00.",
    ),
    Key(
        name="encoding", kind=_DEFINITION, about="Character encoding of the log; UTF-8 without it."
    ),
    Key(
        name="year",
        kind=Whole(low=1970, high=9999),
        about="Year in which each file begins whose times have none.",
    ),
    Key(
        name="log_format",
        kind=_DEFINITION,
        about="Definition of the lines, for formats that take one.",
    ),
    Key(name="date_format", kind=_DEFINITION, about="How the log writes its times."),
    Key(name="fields", kind=_DEFINITION, about="Names of the columns where the log has no header."),
    Key(
        name="request_captures",
        kind=_DEFINITION,
        about="Names of captured request headers, in the order of the log.",
    ),
    Key(
        name="session_cookie",
        kind=_DEFINITION,
        about="Name of the cookie that holds the session id.",
    ),
)
"""Options of a format, as `hooktail parse --set` takes them; the format checks the values."""

SOURCE = Section(
    title="[[source]]",
    about="A set of files with one format, and what to make of their lines.",
    cls=SourceSection,
    tables=("map", "multiline", "visitor", "session", "privacy", "pageview", "event"),
    keys=(
        Key(
            name="name",
            kind=NAME_TEXT,
            about="Name in counters, checkpoint and messages; unique.",
            required=True,
        ),
        Key(
            name="paths",
            kind=Texts(item=_ABSOLUTE_GLOB, at_least=1),
            about="Files to read, rotated and compressed ones too.",
            required=True,
        ),
        Key(
            name="exclude",
            kind=Texts(item=_PATTERN),
            about="Globs of files to leave out; * matches / too.",
        ),
        Key(
            name="format",
            kind=_DEFINITION,
            about="Format of the lines: a name from hooktail formats, a builder such as nginx: "
            "with a definition, or auto.",
        ),
        Key(
            name="parser_file",
            kind=absolute_path(),
            about="Python file that defines the format; only root or hooktail's user may be able "
            "to write it.",
        ),
        Key(
            name="site",
            kind=Text(
                allowed="http:// or https://, a host, and a port if need be",
                max_length=512,
                rule=addresses.site,
            ),
            about="Scheme and host of the URLs where the log has none.",
        ),
        Key(
            name="start_at",
            kind=Choice(("end", "beginning")),
            about="Where to begin in files that exist at the very first start.",
        ),
        Key(
            name="destination",
            attr="destinations",
            kind=OneOrMore(item=NAME_TEXT),
            about="The destination that gets the events; of several, each gets all of them.",
        ),
        Key(
            name="max_event_age",
            attr="max_event_age_s",
            kind=Seconds(low_s=1.0, high_s=36_500 * DAY_S, zero_is_none=True),
            about="Older events expire unsent; preview and backfill ignore it.",
        ),
        Key(
            name="max_event_ahead",
            attr="max_event_ahead_s",
            kind=Seconds(low_s=1.0, high_s=DAY_S),
            about="How far a line's time may be ahead of this host's clock.",
        ),
        Key(
            name="max_line_bytes",
            kind=Whole(low=1024, high=16 * 1024 * 1024),
            about="Longest line that is parsed; longer ones are unparsable.",
        ),
        Key(
            name="ignore_older_than",
            attr="ignore_older_than_s",
            kind=Seconds(low_s=1.0, high_s=36_500 * DAY_S, zero_is_none=True),
            about="Files that nobody has written to for longer are left alone until they grow.",
        ),
        Key(
            name="held_deleted_limit_bytes",
            kind=Whole(low=0, high=1 << 50),
            about="Most disk space that deleted files may hold while they are read to their end; "
            "0 is no limit.",
        ),
        Key(
            name="window_bytes",
            kind=Whole(low=0, high=1 << 50),
            about="How far a file is read on behind a line that still waits: so much is read again "
            "after a restart; 0 is no limit.",
        ),
        *OPTION_KEYS,
        Key(
            name="send_event_id",
            kind=Flag(),
            about="Whether the body has event_id, the same whenever the line is sent again.",
        ),
        Key(
            name="max_url_length",
            kind=Whole(low=64, high=2048),
            about="Longest url and referrer in characters; over it there is no event, or no "
            "referrer.",
        ),
        Key(
            name="max_user_agent_length",
            kind=Whole(low=64, high=1024),
            about="Longest user agent in characters; over it there is no event.",
        ),
        Key(
            name="max_body_bytes",
            kind=Whole(low=1024, high=32_768),
            about="Largest body of an event; over it there is none.",
        ),
        Key(
            name="trusted_proxies",
            kind=Texts(item=_NETWORK),
            about="Whose forwarded headers are believed.",
        ),
        Key(
            name="client_ip_headers",
            kind=Texts(item=_HEADER_NAME, at_least=1),
            about="Headers in which trusted proxies name the client; the first that the line has "
            "decides.",
        ),
        Key(
            name="exclude_cidrs",
            kind=Texts(item=_NETWORK),
            about="Networks of your own, whose visitors make no events.",
        ),
        Key(
            name="private_ips",
            kind=Choice(("drop", "send")),
            about="What to do with visitors at private and reserved addresses.",
        ),
        Key(
            name="ip_anonymization",
            kind=Flag(),
            about="Whether ip_address is sent without its end: IPv4 as /24, IPv6 as /48.",
        ),
        Key(
            name="bots",
            kind=Choice(("drop", "tag", "send")),
            about="What to do with crawlers and monitors: no event, an event with bot = true, or "
            "an event as any other.",
        ),
        Key(
            name="bot_patterns_add",
            kind=Texts(item=_DEFINITION),
            about="Regular expressions that find more machines in user agents.",
        ),
        Key(
            name="bot_patterns_remove",
            kind=Texts(item=_PATTERN),
            about="Names of built-in machines that are none here, such as okhttp.",
        ),
        Key(
            name="bot_cidrs",
            kind=Texts(item=_NETWORK),
            about="Networks of machines, whatever their user agents say.",
        ),
        Key(
            name="user_agent_default",
            kind=Text(allowed="1 to 1024 printable characters", max_length=1024),
            about="User agent of lines that have none; without it they make no event.",
        ),
    ),
)

MULTILINE = Section(
    title="[source.multiline]",
    about="Which lines are one record, where the format does not know itself.",
    cls=MultilineSection,
    keys=(
        Key(
            name="start",
            kind=_DEFINITION,
            about="Regular expression; a line in which it is found begins a record.",
        ),
        Key(
            name="end",
            kind=_DEFINITION,
            about="Regular expression; a line in which it is found ends one.",
        ),
        Key(
            name="indented",
            kind=Flag(),
            about="Whether lines that begin with a blank, and the usual lines of stack traces, "
            "belong to the record before them.",
        ),
        Key(
            name="json",
            kind=Flag(),
            about="Whether a JSON object may span lines.",
        ),
        Key(
            name="hold_s",
            kind=_WAIT,
            about="Longest wait for a record's next line.",
        ),
        Key(
            name="max_lines",
            kind=Whole(low=2, high=100_000),
            about="Most lines of one record.",
        ),
        Key(
            name="max_bytes",
            kind=Whole(low=1024, high=16 * 1024 * 1024),
            about="Most bytes of one record.",
        ),
    ),
)

_PLACE = Text(
    allowed="fields.NAME, cookie.NAME, header.NAME, query.NAME, user, session, request_id or xff",
    pattern=r"(?:fields|cookies?|headers?|query)\.[^\x00-\x1f\x7f]+|user|session|request_id|xff",
    max_length=256,
    wrong="not a place in a record",
)

VISITOR = Section(
    title="[source.visitor]",
    about="Who an event is about: what the log states, else an id made of address and user agent.",
    cls=VisitorSection,
    keys=(
        Key(
            name="cookie",
            kind=COOKIE_NAME,
            about="Cookie that holds the visitor id, such as _ga.",
        ),
        Key(
            name="field",
            kind=_PLACE,
            about="Place in the record that holds it, where the cookie does not.",
        ),
        Key(
            name="rotate",
            kind=Choice(("never", "daily", "weekly", "monthly")),
            about="How long an id made of address and user agent lasts, in UTC and event time.",
        ),
        Key(
            name="visitor_fields",
            kind=Texts(
                item=Text(
                    allowed='"visitor_id" or "persistent_anonymous_user_id"',
                    pattern="visitor_id|persistent_anonymous_user_id",
                    wrong="not one of the two",
                ),
                at_least=1,
            ),
            about="Keys of the event body that get the visitor id.",
        ),
    ),
)

SESSION = Section(
    title="[source.session]",
    about="Which events of a visitor are one visit: what the log states, else by the time between "
    "them.",
    cls=SessionSection,
    keys=(
        Key(name="enabled", kind=Flag(), about="Whether events have a session_id."),
        Key(
            name="cookie",
            kind=COOKIE_NAME,
            about="Cookie that holds the session id.",
        ),
        Key(
            name="field",
            kind=_PLACE,
            about="Place in the record that holds it, where the cookie does not.",
        ),
        Key(
            name="idle",
            attr="idle_s",
            kind=Seconds(low_s=1.0, high_s=DAY_S),
            about="Time without an event after which the next one begins a session.",
        ),
        Key(
            name="max_length",
            attr="max_length_s",
            kind=Seconds(low_s=60.0, high_s=7 * DAY_S),
            about="Longest session.",
        ),
        Key(
            name="lateness",
            attr="lateness_s",
            kind=Seconds(low_s=0.0, high_s=DAY_S),
            about="How much later than others a line may come and still find its session.",
        ),
        Key(
            name="max_sessions",
            kind=Whole(low=1000, high=10_000_000),
            about="Most sessions that are remembered; over it those seen longest ago go.",
        ),
    ),
)

_PARAMETER = Text(allowed="the name of a parameter", max_length=256)

PRIVACY = Section(
    title="[source.privacy]",
    about="Whom not to speak of, and what not to say of the others.",
    cls=PrivacySection,
    keys=(
        Key(
            name="parameters",
            kind=Choice(("remove", "hash")),
            about="What becomes of parameters of URLs that name a person; those that hold a secret "
            "are always removed.",
        ),
        Key(
            name="allow_parameters",
            kind=Texts(item=_PARAMETER),
            about="The only parameters that stay, beside utm_*, click ids and those of rules.",
        ),
        Key(
            name="remove_parameters",
            kind=Texts(item=_PARAMETER),
            about="More parameters that are removed.",
        ),
        Key(
            name="keep_parameters",
            kind=Texts(item=_PARAMETER),
            about="Parameters that stay, whatever they are called and hold.",
        ),
        Key(
            name="fields",
            kind=Choice(("hash", "drop", "send")),
            about="What becomes of e-mail addresses and phone numbers in the fields of rules.",
        ),
        Key(
            name="gpc",
            kind=Flag(),
            about="Whether Sec-GPC: 1 means that there is no event.",
        ),
        Key(
            name="dnt",
            kind=Flag(),
            about="Whether DNT: 1 means that there is no event.",
        ),
        Key(
            name="require_consent",
            kind=ConsentRule(),
            about="The cookie without which there is no event.",
        ),
    ),
)

PAGEVIEW = Section(
    title="[source.pageview]",
    about="The built-in page view, which comes after all rules.",
    cls=PageviewSection,
    keys=(
        Key(name="enabled", kind=Flag(), about="Whether page views are sent."),
        Key(
            name="name",
            kind=Text(
                allowed="1 to 128 printable characters",
                pattern=rf"(?!\s*-?\s*$){PRINTABLE}",
                max_length=128,
            ),
            about="The event_name that is sent.",
        ),
        Key(
            name="sample",
            kind=Share(),
            about="Share of the visitors whose page views are sent; the events of rules always "
            "are.",
        ),
        Key(
            name="methods",
            kind=Texts(
                item=Text(
                    allowed="a method in upper case",
                    pattern="[A-Z]+",
                    max_length=32,
                    wrong="not a method",
                ),
                at_least=1,
            ),
            about="Methods of requests that are page views.",
        ),
        Key(
            name="statuses",
            kind=Wholes(item=Whole(low=100, high=599)),
            about="Statuses of answers that are page views.",
        ),
        Key(
            name="content_types",
            kind=Texts(
                item=Text(
                    allowed="a media type without parameters",
                    pattern=r"[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+",
                    max_length=128,
                    wrong="not a media type",
                ),
                at_least=1,
            ),
            about="Media types of answers that are page views, where the log has the type.",
        ),
        Key(
            name="prefetch",
            kind=Choice(("drop", "send")),
            about="What becomes of pages that the browser only fetched in advance, where the log "
            "has Sec-Purpose, Purpose or X-Moz.",
        ),
        Key(
            name="subrequests",
            kind=Choice(("drop", "send")),
            about="What becomes of requests of a page or a script, where the log has "
            "Sec-Fetch-Dest or X-Requested-With.",
        ),
        Key(
            name="exclude_paths",
            kind=Texts(item=_PATTERN),
            about="Globs of URL paths that are no page views, beside the built-in ones.",
        ),
        Key(
            name="include_paths",
            kind=Texts(item=_PATTERN),
            about="Globs of URL paths that are page views though a built-in one excludes them.",
        ),
        Key(
            name="include_extensions",
            kind=Texts(
                item=Text(
                    allowed="1 to 10 letters or digits, with a dot before them or without",
                    pattern=r"\.?[A-Za-z0-9]{1,10}",
                    wrong="not an extension",
                )
            ),
            about="Extensions of paths that are pages, beside the built-in ones.",
        ),
    ),
)

EVENT = Section(
    title="[[source.event]]",
    about="One rule: the first that matches a line makes its event.",
    cls=RuleSection,
    tables=("when", "fields"),
    keys=(
        Key(
            name="name",
            kind=EventName(),
            about="The event_name that is sent; only a rule with drop may have none.",
        ),
        Key(
            name="once_per",
            kind=FIELD_NAME,
            about="A field of this rule: one event for each of its values.",
        ),
        Key(
            name="once_for",
            attr="once_for_s",
            kind=Seconds(low_s=60.0, high_s=3660 * DAY_S),
            about="How long a value of once_per counts as sent, in the log's own time.",
        ),
        Key(
            name="drop",
            kind=Flag(),
            about="Whether the lines make no event, neither of this rule nor of a later one.",
        ),
    ),
)

WHEN = Section(
    title="[source.event.when]",
    about="The conditions of a rule: all must hold; a rule without any matches every line.",
    keys=(
        Key(
            name="method",
            kind=Condition("text or a list of texts"),
            about="Method of the request.",
        ),
        Key(
            name="path",
            kind=Condition("text or a list of texts, plain or with prefix:, glob: or regex:"),
            about="Path of the URL; named groups of a regex are fields' group.x.",
        ),
        Key(
            name="host",
            kind=Condition("a glob or a list of globs"),
            about="Host of the request; of `site` where the line has none.",
        ),
        Key(
            name="status",
            kind=Condition('a number, "2xx", "200-299", or a list of these'),
            about="Status of the response.",
        ),
        Key(
            name="query",
            kind=Condition("a table: name of the parameter = value"),
            about="Parameters of the URL.",
        ),
        Key(
            name="field",
            kind=Condition("a table: place = value"),
            about="Anything the record has: fields.x, header.x, cookie.x, user, referrer, ...",
        ),
        Key(
            name="referrer_host",
            kind=Condition("a glob or a list of globs"),
            about="Host of the page that the visitor came from.",
        ),
        Key(
            name="content_type",
            kind=Condition("a glob or a list of globs"),
            about="Media type of the response, where the log has it.",
        ),
        Key(
            name="duration_s",
            kind=Condition('">1.5", "<=100", "10-20", { min = 10, max = 20 }, or a number'),
            about="Seconds that the request took.",
        ),
        Key(
            name="bytes_sent",
            kind=Condition('">1.5", "<=100", "10-20", { min = 10, max = 20 }, or a number'),
            about="Bytes of the response.",
        ),
        Key(
            name="not",
            kind=Condition("a table of conditions, or a list of them"),
            about="Conditions that may not all hold; of a list, no table may.",
        ),
        Key(
            name="any",
            kind=Condition("a table of conditions, or a list of them"),
            about="Tables of which one must hold.",
        ),
        Key(
            name="all",
            kind=Condition("a table of conditions, or a list of them"),
            about="Tables that must all hold.",
        ),
    ),
)

FIELD = Section(
    title="[source.event.fields]",
    about="The fields of an event, by name: a constant, or a table with these keys.",
    cls=FieldSection,
    keys=(
        Key(
            name="from",
            attr="source",
            kind=_PATTERN,
            about="Where the value is taken from: query.x, group.x, fields.a.b, cookie.x, "
            "header.x, or a key of the record; this or template is required.",
        ),
        Key(
            name="template",
            kind=_PATTERN,
            about="Text with places in braces: {query.x}-{group.y}.",
        ),
        Key(
            name="type",
            kind=Choice(FIELD_TYPES),
            about="What the value is cast to.",
        ),
        Key(
            name="transform",
            kind=Choices(TRANSFORMS),
            about="What is done to the value before, step by step.",
        ),
        Key(
            name="separator",
            kind=Text(allowed="1 to 16 characters", pattern=r"[^\x00]+", max_length=16),
            about="What split splits at.",
        ),
        Key(
            name="phone_plus",
            kind=Flag(),
            about="Whether hash_phone hashes the number with a + before its digits.",
        ),
        Key(
            name="phone_region",
            kind=Text(
                allowed='a country in two letters, "DE"',
                pattern=r"[A-Z]{2}",
                wrong="not two upper-case letters",
            ),
            about="Country of the numbers that hash_phone finds without a country code; needs the "
            "package phonenumbers.",
        ),
        Key(
            name="decimal",
            kind=Choice(("point", "comma")),
            about="How numbers are written that have marks between thousands, or a comma; "
            "without it only plain ones are numbers.",
        ),
        Key(
            name="required",
            kind=Flag(),
            about="Whether a line without the value makes no event.",
        ),
        Key(name="default", kind=Constant(), about="The value where there is none; of the type."),
        Key(
            name="max_length",
            kind=Whole(low=1, high=32_768),
            about="Longest text in characters.",
        ),
    ),
)

MAP = Section(
    title="[source.map]",
    about="For JSON logs: record key = key in the log, both text; as parse --set map.KEY=VALUE.",
    keys=(),
)
MAP_NAME = Text(allowed="a record key such as ip, path or user_agent", pattern=PRINTABLE)
MAP_VALUE = _DEFINITION

SECTIONS = (
    ROOT,
    DESTINATION,
    DELIVERY,
    STATUS,
    LOG,
    SOURCE,
    MAP,
    MULTILINE,
    VISITOR,
    SESSION,
    PRIVACY,
    PAGEVIEW,
    EVENT,
    WHEN,
    FIELD,
)


def homes(*, beside: Section) -> dict[str, str]:
    """Returns, for keys of a single other section, where they belong."""
    found: dict[str, list[str]] = {}
    # The keys of a field (`from`, `type`, `default`) are words too common to point anywhere.
    for section in SECTIONS[:-1]:
        for name in section.known:
            found.setdefault(name, []).append(section.title)
    return {
        name: titles[0]
        for name, titles in found.items()
        if len(titles) == 1 and name not in beside.known
    }
