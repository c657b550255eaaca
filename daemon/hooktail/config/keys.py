"""Every section and key of the configuration: its kind, its default's place, and one sentence.

From these tables come the checks, the JSON Schema, `config show`, and the test that keeps
docs/reference/configuration.md complete. Defaults stand in `sections` and are looked up there.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from hooktail.config import account, addresses
from hooktail.config.kinds import (
    NAME,
    PRINTABLE,
    Choice,
    Condition,
    Constant,
    Flag,
    Kind,
    Seconds,
    Text,
    Texts,
    Whole,
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
    RuleSection,
    SourceSection,
    StatusSection,
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
            about="Events waiting per destination before reading waits.",
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
            name="poison_tries",
            kind=Whole(low=3, high=10_000),
            about="Failures after which an event becomes a dead letter, counted only while its "
            "neighbours pass.",
        ),
        Key(
            name="workers",
            kind=Whole(low=1, high=1, outside="this version runs in one process"),
            about="Processes; this version allows 1 alone.",
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
        about="Year of a log whose times have none.",
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
    tables=("map", "multiline", "pageview", "event"),
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
        Key(name="destination", kind=NAME_TEXT, about="The destination that gets the events."),
        Key(
            name="max_event_age",
            attr="max_event_age_s",
            kind=Seconds(low_s=1.0, high_s=36_500 * DAY_S, zero_is_none=True),
            about="Older events expire unsent; preview and backfill ignore it.",
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
        *OPTION_KEYS,
        Key(
            name="send_event_id",
            kind=Flag(),
            about="Whether the body has event_id, the same whenever the line is sent again.",
        ),
        Key(
            name="private_ips",
            kind=Choice(("drop", "send")),
            about="What to do with visitors at private and reserved addresses.",
        ),
        Key(
            name="bots",
            kind=Choice(("drop", "send")),
            about="What to do with crawlers and monitors.",
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

PAGEVIEW = Section(
    title="[source.pageview]",
    about="The built-in page view, which comes after all rules.",
    cls=PageviewSection,
    keys=(
        Key(name="enabled", kind=Flag(), about="Whether page views are sent."),
        Key(
            name="exclude_paths",
            kind=Texts(item=_PATTERN),
            about="Globs of URL paths that are no page views, beside the built-in ones.",
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
            kind=Text(allowed="1 to 128 printable characters", max_length=128),
            about="The event_name that is sent.",
            required=True,
        ),
        Key(
            name="once_per",
            kind=FIELD_NAME,
            about="A field of this rule: one event for each of its values.",
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
            about="Host of the request.",
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
            "header.x.",
            required=True,
        ),
        Key(
            name="type",
            kind=Choice(("string", "number", "integer", "boolean")),
            about="What the value is cast to.",
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
