"""What people are told about a counter of lines: why a line came to it, and what would change that.

`docs/reference/event.md` lists the counters; `explain` says these words of one line.
"""

from __future__ import annotations

REASONS = {
    "filtered.no_rule": "no rule matches, and page views are turned off",
    "filtered.dropped_by_rule": "a rule with drop takes it",
    "filtered.no_event_name": "the line does not say what the event is called",
    "filtered.sampled": "the visitor is not of the sample",
    "filtered.method": "the method is not one that page views have",
    "filtered.status": "the status is not one that page views have",
    "filtered.no_path": "the line names no path",
    "filtered.static_file": "the path's extension is none that serves pages",
    "filtered.excluded_path": "the path is excluded",
    "filtered.prefetch": "the browser only fetched it in advance",
    "filtered.not_a_document": "the browser wanted no document",
    "filtered.script_request": "a script asked for it, not a person",
    "filtered.content_type": "the answer is no HTML",
    "filtered.no_time": "the line has no time",
    "filtered.future": "it is further in the future than max_event_ahead",
    "expired.age": "it is older than max_event_age",
    "filtered.no_consent": "the visitor does not want to be tracked, or has not said yes",
    "filtered.no_user_agent": "there is no user agent, and the endpoint requires one",
    "filtered.no_ip": "there is no client address, and the endpoint requires one",
    "filtered.private_ip": "the address is private, reserved or for documentation",
    "filtered.own_traffic": "the address is one of your own",
    "filtered.bot": "it is a bot or a monitor",
    "filtered.required_field_missing": "a required field is missing",
    "filtered.once_per": "another line has sent this event with the same once_per key",
    "filtered.blank": "it is empty",
    "filtered.directive": "it is a comment or a header: it begins with #",
    "filtered.no_request": "it states no request",
    "filtered.not_finished": "the request had only started",
    "filtered.part_of_record": "it is told with another line",
    "filtered.message_repeated": 'it only says "last message repeated"',
    "unparsable.syntax": "it does not have the form of the format",
    "unparsable.bad_time": "there is no such time",
    "unparsable.not_a_request": "what stands for the request is none: no method, or no "
    "legal target",
    "unparsable.line_too_long": "it is longer than max_line_bytes, or than the expression is "
    "quick on",
    "unparsable.column_count": "it has more or fewer values than the header has columns",
    "unparsable.no_fields_yet": "no header before it names its columns",
    "unparsable.bad_fields": "the header cannot be used",
    "unparsable.several_requests": "the object states several requests",
    "unparsable.no_message": "the wrapper's object has no line inside",
    "unparsable.unfinished": "the rest of the record did not come",
    "unparsable.unfinished_record": "the rest of the record did not come",
    "unparsable.too_long": "the record goes beyond its limits",
    "unparsable.no_format_fits": "auto finds no format that reads it",
    "unparsable.parser_failed": "its parser failed on it",
    "unparsable.too_large": "something in it is over its limit: url (max_url_length), "
    "user agent (max_user_agent_length), a text (max_length), the body (max_body_bytes)",
    "unparsable.internal_error": "hooktail has a bug, which this line shows",
}

_A_RULE = "a rule with {when} makes an event of it"

_SUBREQUESTS = '; subrequests = "send" in [source.pageview] takes all such'

ADVICE = {
    "filtered.no_rule": "write a rule that matches, or set enabled = true in [source.pageview]",
    "filtered.dropped_by_rule": "put your rule before the one that drops, or give that one more "
    "conditions",
    "filtered.no_event_name": "give the rule a constant name, or see that lines have what its name "
    "is made of",
    "filtered.sampled": "sample = 1 in [source.pageview] sends the page views of all visitors",
    "filtered.method": _A_RULE,
    "filtered.status": _A_RULE + "; statuses in [source.pageview] makes page views of all such",
    "filtered.no_path": "only a rule without a condition on the path can take it",
    "filtered.static_file": _A_RULE + "; "
    "include_extensions in [source.pageview] makes pages of all such files",
    "filtered.excluded_path": _A_RULE + "; "
    "include_paths in [source.pageview] makes a page view of it, unless exclude_paths names it",
    "filtered.prefetch": _A_RULE + '; prefetch = "send" in [source.pageview] takes all such',
    "filtered.not_a_document": _A_RULE + _SUBREQUESTS,
    "filtered.script_request": _A_RULE + _SUBREQUESTS,
    "filtered.content_type": _A_RULE + "; content_types in [source.pageview] takes all such",
    "filtered.no_time": 'have the server log the time, or map it: [source.map] time = "..."',
    "filtered.future": "look at the source's timezone, if the log's times name no zone; else at "
    "the clocks",
    "expired.age": 'a larger max_event_age, or "0" for no limit; preview and backfill have none',
    "filtered.no_user_agent": "have the server log it, or set user_agent_default",
    "filtered.no_ip": "have the server log the client's address",
    "filtered.private_ip": "behind a proxy, have the server log X-Forwarded-For and set "
    'trusted_proxies; private_ips = "send" sends such visitors',
    "filtered.own_traffic": "take the address out of exclude_cidrs",
    "filtered.bot": 'bots = "tag" or "send" sends all bots',
    "filtered.required_field_missing": "leave out required, or give the field a default",
    "filtered.once_per": "without once_per each line makes an event; once_for says how long a "
    "key holds",
    "filtered.no_request": '[source.map] event = "..." takes lines with that key for events',
    "unparsable.syntax": 'format = "auto" finds out which format it is, and so does '
    "hooktail parse --format auto",
    "unparsable.bad_time": "date_format says how the log writes its times",
    "unparsable.line_too_long": "a larger max_line_bytes",
    "unparsable.no_format_fits": "`hooktail formats` lists what there is; a builder such as nginx: "
    "takes the server's own definition",
    "unparsable.too_large": "a larger max_length, if it is a field",
    "unparsable.no_fields_yet": "give the file's header (#Fields) before the line, as in "
    "`hooktail explain < FILE`, or set fields, if the log has none",
    "unparsable.internal_error": "report it, with the line if that may be told",
}


def reason(key: str) -> str:
    """Says why a line came to a counter."""
    return REASONS.get(key) or key.partition(".")[2].replace("_", " ")


def advice(key: str) -> str:
    """Says what would change that, `{when}` for the conditions of a rule; `""` for nothing."""
    return ADVICE.get(key, "")
