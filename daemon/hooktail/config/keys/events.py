"""What becomes an event: `[[source.event]]` with its conditions and fields, `[source.pageview]`."""

from __future__ import annotations

from hooktail.config.keys.words import ANY_TEXT, Key, Section, duration
from hooktail.config.kinds import (
    PRINTABLE,
    Choice,
    Choices,
    Condition,
    Constant,
    EventName,
    Flag,
    Seconds,
    Share,
    Text,
    Texts,
    Whole,
    Wholes,
)
from hooktail.config.sections import DAY_S, FieldSection, PageviewSection, RuleSection

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

FIELD_NAME = Text(allowed="1 to 128 printable characters", max_length=128)

PAGEVIEW = Section(
    title="[source.pageview]",
    about="The built-in page view, which comes after all rules.",
    cls=PageviewSection,
    keys=(
        Key("enabled", Flag(), "Whether page views are sent."),
        Key(
            "name",
            Text(
                allowed="1 to 128 printable characters",
                pattern=rf"(?!\s*-?\s*$){PRINTABLE}",
                max_length=128,
            ),
            "The event_name that is sent.",
        ),
        Key(
            "sample",
            Share(),
            "Share of the visitors whose page views are sent; the events of rules always are.",
        ),
        Key(
            "methods",
            Texts(
                item=Text(
                    allowed="a method in upper case",
                    pattern="[A-Z]+",
                    max_length=32,
                    wrong="not a method",
                ),
                at_least=1,
            ),
            "Methods of requests that are page views.",
        ),
        Key(
            "statuses",
            Wholes(item=Whole(low=100, high=599)),
            "Statuses of answers that are page views.",
        ),
        Key(
            "content_types",
            Texts(
                item=Text(
                    allowed="a media type without parameters",
                    pattern=r"[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+",
                    max_length=128,
                    wrong="not a media type",
                ),
                at_least=1,
            ),
            "Media types of answers that are page views, where the log has the type.",
        ),
        Key(
            "prefetch",
            Choice(("drop", "send")),
            "What becomes of pages that the browser only fetched in advance, where the log "
            "has Sec-Purpose, Purpose or X-Moz.",
        ),
        Key(
            "subrequests",
            Choice(("drop", "send")),
            "What becomes of requests of a page or a script, where the log has "
            "Sec-Fetch-Dest or X-Requested-With.",
        ),
        Key(
            "exclude_paths",
            Texts(item=ANY_TEXT),
            "Globs of URL paths that are no page views, beside the built-in ones.",
        ),
        Key(
            "include_paths",
            Texts(item=ANY_TEXT),
            "Globs of URL paths that are page views though a built-in one excludes them.",
        ),
        Key(
            "include_extensions",
            Texts(
                item=Text(
                    allowed="1 to 10 letters or digits, with a dot before them or without",
                    pattern=r"\.?[A-Za-z0-9]{1,10}",
                    wrong="not an extension",
                )
            ),
            "Extensions of paths that are pages, beside the built-in ones.",
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
            "name", EventName(), "The event_name that is sent; only a rule with drop may have none."
        ),
        Key("once_per", FIELD_NAME, "A field of this rule: one event for each of its values."),
        duration(
            "once_for",
            Seconds(low_s=60.0, high_s=3660 * DAY_S),
            "How long a value of once_per counts as sent, in the log's own time.",
        ),
        Key(
            "drop",
            Flag(),
            "Whether the lines make no event, neither of this rule nor of a later one.",
        ),
    ),
)

_GLOBS = Condition("a glob or a list of globs")
_RANGE = Condition('">1.5", "<=100", "10-20", { min = 10, max = 20 }, or a number')
_CONDITIONS = Condition("a table of conditions, or a list of them")

WHEN = Section(
    title="[source.event.when]",
    about="The conditions of a rule: all must hold; a rule without any matches every line.",
    keys=(
        Key("method", Condition("text or a list of texts"), "Method of the request."),
        Key(
            "path",
            Condition("text or a list of texts, plain or with prefix:, glob: or regex:"),
            "Path of the URL; named groups of a regex are fields' group.x.",
        ),
        Key("host", _GLOBS, "Host of the request; of `site` where the line has none."),
        Key(
            "status",
            Condition('a number, "2xx", "200-299", or a list of these'),
            "Status of the response.",
        ),
        Key("query", Condition("a table: name of the parameter = value"), "Parameters of the URL."),
        Key(
            "field",
            Condition("a table: place = value"),
            "Anything the record has: fields.x, header.x, cookie.x, user, referrer, ...",
        ),
        Key("referrer_host", _GLOBS, "Host of the page that the visitor came from."),
        Key("content_type", _GLOBS, "Media type of the response, where the log has it."),
        Key("duration_s", _RANGE, "Seconds that the request took."),
        Key("bytes_sent", _RANGE, "Bytes of the response."),
        Key("not", _CONDITIONS, "Conditions that may not all hold; of a list, no table may."),
        Key("any", _CONDITIONS, "Tables of which one must hold."),
        Key("all", _CONDITIONS, "Tables that must all hold."),
    ),
)

FIELD = Section(
    title="[source.event.fields]",
    about="The fields of an event, by name: a constant, or a table with these keys.",
    cls=FieldSection,
    keys=(
        Key(
            "from",
            ANY_TEXT,
            "Where the value is taken from: query.x, group.x, fields.a.b, cookie.x, "
            "header.x, or a key of the record; this or template is required.",
            attr="source",
        ),
        Key("template", ANY_TEXT, "Text with places in braces: {query.x}-{group.y}."),
        Key("type", Choice(FIELD_TYPES), "What the value is cast to."),
        Key("transform", Choices(TRANSFORMS), "What is done to the value before, step by step."),
        Key(
            "separator",
            Text(allowed="1 to 16 characters", pattern=r"[^\x00]+", max_length=16),
            "What split splits at.",
        ),
        Key(
            "phone_plus", Flag(), "Whether hash_phone hashes the number with a + before its digits."
        ),
        Key(
            "phone_region",
            Text(
                allowed='a country in two letters, "DE"',
                pattern=r"[A-Z]{2}",
                wrong="not two upper-case letters",
            ),
            "Country of the numbers that hash_phone finds without a country code; needs the "
            "package phonenumbers.",
        ),
        Key(
            "decimal",
            Choice(("point", "comma")),
            "How numbers are written that have marks between thousands, or a comma; "
            "without it only plain ones are numbers.",
        ),
        Key("required", Flag(), "Whether a line without the value makes no event."),
        Key("default", Constant(), "The value where there is none; of the type."),
        Key("max_length", Whole(low=1, high=32_768), "Longest text in characters."),
    ),
)
