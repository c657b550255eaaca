"""Which lines are read, and how: `[[source]]`, `[source.map]` and `[source.multiline]`."""

from __future__ import annotations

from hooktail.config import addresses
from hooktail.config.keys.words import ANY_TEXT, DEFINITION, NAME_TEXT, WAIT, Key, Section, duration
from hooktail.config.kinds import (
    PRINTABLE,
    Choice,
    Flag,
    OneOrMore,
    Seconds,
    Text,
    Texts,
    Whole,
    absolute_path,
)
from hooktail.config.sections import DAY_S, MultilineSection, SourceSection

_ABSOLUTE_GLOB = Text(
    allowed="an absolute path, with * ? [...] and ** if need be, or - for standard input",
    pattern=r"/[^\x00-\x1f\x7f]*|-",
    wrong="not an absolute path",
)
_NETWORKS = Texts(
    item=Text(allowed="an address, a network, a file of networks, or a name such as private")
)
_HEADER_NAME = Text(
    allowed="a header's name", pattern=r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", max_length=128
)

_AGE = Seconds(low_s=1.0, high_s=36_500 * DAY_S, zero_is_none=True)
_LENGTH = Whole(low=1024, high=16 * 1024 * 1024)
"""Of a line or a record, in bytes."""
_ROOM = Whole(low=0, high=1 << 50)
"""In bytes; 0 is no limit."""

OPTION_KEYS = (
    Key("timezone", DEFINITION, "Zone of a log whose times have none: Europe/Berlin, UTC, +02:00."),
    Key("encoding", DEFINITION, "Character encoding of the log; UTF-8 without it."),
    Key(
        "year", Whole(low=1970, high=9999), "Year in which each file begins whose times have none."
    ),
    Key("log_format", DEFINITION, "Definition of the lines, for formats that take one."),
    Key("date_format", DEFINITION, "How the log writes its times."),
    Key("fields", DEFINITION, "Names of the columns where the log has no header."),
    Key(
        "request_captures",
        DEFINITION,
        "Names of captured request headers, in the order of the log.",
    ),
    Key("session_cookie", DEFINITION, "Name of the cookie that holds the session id."),
)
"""Options of a format, as `hooktail parse --set` takes them; the format checks the values."""

SOURCE = Section(
    title="[[source]]",
    about="A set of files with one format, and what to make of their lines.",
    cls=SourceSection,
    tables=("map", "multiline", "visitor", "session", "privacy", "pageview", "event"),
    keys=(
        Key("name", NAME_TEXT, "Name in counters, checkpoint and messages; unique.", required=True),
        Key(
            "paths",
            Texts(item=_ABSOLUTE_GLOB, at_least=1),
            "Files to read, rotated and compressed ones too.",
            required=True,
        ),
        Key("exclude", Texts(item=ANY_TEXT), "Globs of files to leave out; * matches / too."),
        Key(
            "format",
            DEFINITION,
            "Format of the lines: a name from hooktail formats, a builder such as nginx: "
            "with a definition, or auto.",
        ),
        Key(
            "parser_file",
            absolute_path(),
            "Python file that defines the format; only root or hooktail's user may be able "
            "to write it.",
        ),
        Key(
            "site",
            Text(
                allowed="http:// or https://, a host, and a port if need be",
                max_length=512,
                rule=addresses.site,
            ),
            "Scheme and host of the URLs where the log has none.",
        ),
        Key(
            "start_at",
            Choice(("end", "beginning")),
            "Where to begin in files that exist at the very first start.",
        ),
        Key(
            "destination",
            OneOrMore(item=NAME_TEXT),
            "The destination that gets the events; of several, each gets all of them.",
            attr="destinations",
        ),
        duration(
            "max_event_age", _AGE, "Older events expire unsent; preview and backfill ignore it."
        ),
        duration(
            "max_event_ahead",
            Seconds(low_s=1.0, high_s=DAY_S),
            "How far a line's time may be ahead of this host's clock.",
        ),
        Key("max_line_bytes", _LENGTH, "Longest line that is parsed; longer ones are unparsable."),
        duration(
            "ignore_older_than",
            _AGE,
            "Files that nobody has written to for longer are left alone until they grow.",
        ),
        Key(
            "held_deleted_limit_bytes",
            _ROOM,
            "Most disk space that deleted files may hold while they are read to their end; "
            "0 is no limit.",
        ),
        Key(
            "window_bytes",
            _ROOM,
            "How far a file is read on behind a line that still waits: so much is read again "
            "after a restart; 0 is no limit.",
        ),
        *OPTION_KEYS,
        Key(
            "send_event_id",
            Flag(),
            "Whether the body has event_id, the same whenever the line is sent again.",
        ),
        Key(
            "max_url_length",
            Whole(low=64, high=2048),
            "Longest url and referrer in characters; over it there is no event, or no referrer.",
        ),
        Key(
            "max_user_agent_length",
            Whole(low=64, high=1024),
            "Longest user agent in characters; over it there is no event.",
        ),
        Key(
            "max_body_bytes",
            Whole(low=1024, high=32_768),
            "Largest body of an event; over it there is none.",
        ),
        Key("trusted_proxies", _NETWORKS, "Whose forwarded headers are believed."),
        Key(
            "client_ip_headers",
            Texts(item=_HEADER_NAME, at_least=1),
            "Headers in which trusted proxies name the client; the first that the line has "
            "decides.",
        ),
        Key("exclude_cidrs", _NETWORKS, "Networks of your own, whose visitors make no events."),
        Key(
            "private_ips",
            Choice(("drop", "send")),
            "What to do with visitors at private and reserved addresses.",
        ),
        Key(
            "ip_anonymization",
            Flag(),
            "Whether ip_address is sent without its end: IPv4 as /24, IPv6 as /48.",
        ),
        Key(
            "bots",
            Choice(("drop", "tag", "send")),
            "What to do with crawlers and monitors: no event, an event with bot = true, or "
            "an event as any other.",
        ),
        Key(
            "bot_patterns_add",
            Texts(item=DEFINITION),
            "Regular expressions that find more machines in user agents.",
        ),
        Key(
            "bot_patterns_remove",
            Texts(item=ANY_TEXT),
            "Names of built-in machines that are none here, such as okhttp.",
        ),
        Key("bot_cidrs", _NETWORKS, "Networks of machines, whatever their user agents say."),
        Key(
            "user_agent_default",
            Text(allowed="1 to 1024 printable characters", max_length=1024),
            "User agent of lines that have none; without it they make no event.",
        ),
    ),
)

MAP = Section(
    title="[source.map]",
    about="For JSON, logfmt, Laravel, Spring, W3C and CloudFront logs: record key = key or column "
    "in the log, both text; as parse --set map.KEY=VALUE. json_wrapped takes message alone.",
    keys=(),
)
MAP_NAME = Text(allowed="a record key such as ip, path or user_agent", pattern=PRINTABLE)
MAP_VALUE = DEFINITION

MULTILINE = Section(
    title="[source.multiline]",
    about="Which lines are one record, where the format does not know itself.",
    cls=MultilineSection,
    keys=(
        Key(
            "start", DEFINITION, "Regular expression; a line in which it is found begins a record."
        ),
        Key("end", DEFINITION, "Regular expression; a line in which it is found ends one."),
        Key(
            "indented",
            Flag(),
            "Whether lines that begin with a blank, and the usual lines of stack traces, "
            "belong to the record before them.",
        ),
        Key("json", Flag(), "Whether a JSON object may span lines."),
        Key("hold_s", WAIT, "Longest wait for a record's next line."),
        Key("max_lines", Whole(low=2, high=100_000), "Most lines of one record."),
        Key("max_bytes", _LENGTH, "Most bytes of one record."),
    ),
)
