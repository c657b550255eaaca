"""Whom events are about: `[source.visitor]`, `[source.session]` and `[source.privacy]`."""

from __future__ import annotations

from hooktail.config.keys.words import Key, Section, duration
from hooktail.config.kinds import (
    COOKIE_NAME,
    Choice,
    ConsentRule,
    Flag,
    Seconds,
    Text,
    Texts,
    Whole,
)
from hooktail.config.sections import DAY_S, PrivacySection, SessionSection, VisitorSection

_PLACE = Text(
    allowed="fields.NAME, cookie.NAME, header.NAME, query.NAME, user, session, request_id or xff",
    pattern=r"(?:fields|cookies?|headers?|query)\.[^\x00-\x1f\x7f]+|user|session|request_id|xff",
    max_length=256,
    wrong="not a place in a record",
)
_PARAMETERS = Texts(item=Text(allowed="the name of a parameter", max_length=256))

VISITOR = Section(
    title="[source.visitor]",
    about="Who an event is about: what the log states, else an id made of address and user agent.",
    cls=VisitorSection,
    keys=(
        Key("cookie", COOKIE_NAME, "Cookie that holds the visitor id, such as _ga."),
        Key("field", _PLACE, "Place in the record that holds it, where the cookie does not."),
        Key(
            "rotate",
            Choice(("never", "daily", "weekly", "monthly")),
            "How long an id made of address and user agent lasts, in UTC and event time.",
        ),
        Key(
            "visitor_fields",
            Texts(
                item=Text(
                    allowed='"visitor_id" or "persistent_anonymous_user_id"',
                    pattern="visitor_id|persistent_anonymous_user_id",
                    wrong="not one of the two",
                ),
                at_least=1,
            ),
            "Keys of the event body that get the visitor id.",
        ),
    ),
)

SESSION = Section(
    title="[source.session]",
    about="Which events of a visitor are one visit: what the log states, else by the time between "
    "them.",
    cls=SessionSection,
    keys=(
        Key("enabled", Flag(), "Whether events have a session_id."),
        Key("cookie", COOKIE_NAME, "Cookie that holds the session id."),
        Key("field", _PLACE, "Place in the record that holds it, where the cookie does not."),
        duration(
            "idle",
            Seconds(low_s=1.0, high_s=DAY_S),
            "Time without an event after which the next one begins a session.",
        ),
        duration("max_length", Seconds(low_s=60.0, high_s=7 * DAY_S), "Longest session."),
        duration(
            "lateness",
            Seconds(low_s=0.0, high_s=DAY_S),
            "How much later than others a line may come and still find its session.",
        ),
        Key(
            "max_sessions",
            Whole(low=1000, high=10_000_000),
            "Most sessions that are remembered; over it those seen longest ago go.",
        ),
    ),
)

PRIVACY = Section(
    title="[source.privacy]",
    about="Whom not to speak of, and what not to say of the others.",
    cls=PrivacySection,
    keys=(
        Key(
            "parameters",
            Choice(("remove", "hash")),
            "What becomes of parameters of URLs that name a person; those that hold a secret "
            "are always removed.",
        ),
        Key(
            "allow_parameters",
            _PARAMETERS,
            "The only parameters that stay, beside utm_*, click ids and those of rules.",
        ),
        Key("remove_parameters", _PARAMETERS, "More parameters that are removed."),
        Key(
            "keep_parameters",
            _PARAMETERS,
            "Parameters that stay, whatever they are called and hold.",
        ),
        Key(
            "fields",
            Choice(("hash", "drop", "send")),
            "What becomes of e-mail addresses and phone numbers in the fields of rules.",
        ),
        Key("gpc", Flag(), "Whether Sec-GPC: 1 means that there is no event."),
        Key("dnt", Flag(), "Whether DNT: 1 means that there is no event."),
        Key("require_consent", ConsentRule(), "The cookie without which there is no event."),
    ),
)
