"""Where events go, and how: `[destination.NAME]` and `[delivery]`."""

from __future__ import annotations

from hooktail import endpoints
from hooktail.config import account, addresses, proxies
from hooktail.config.keys.words import WAIT, Key, Section
from hooktail.config.kinds import Choice, Seconds, Text, Whole, absolute_path
from hooktail.config.sections import DAY_S, DeliverySection, DestinationSection

DESTINATION = Section(
    title="[destination.NAME]",
    about="One endpoint with one account; a source picks one by name.",
    cls=DestinationSection,
    keys=(
        Key(
            "account_id",
            Text(
                allowed=account.ALLOWED,
                pattern=account.PATTERN,
                max_length=128,
                wrong="not an account id",
            ),
            "The Audiohook account id; not beside account_id_file.",
        ),
        Key(
            "account_id_file",
            absolute_path(),
            "File that holds the account id and nothing else, writable by its owner alone.",
        ),
        Key(
            "endpoint",
            Text(
                allowed="an https URL (http to loopback only), with {account_id} if need be",
                max_length=2048,
                rule=addresses.endpoint,
                shown=endpoints.shown,
            ),
            "Address to post to; {account_id} stands for the account id.",
        ),
        Key(
            "payload",
            Choice(("flat", "nested", "both")),
            "Where an event's own fields go: beside the others, under event_payload, or both.",
        ),
        Key("timeout_s", WAIT, "Longest time for one request, from writing to the whole answer."),
        Key("connect_timeout_s", WAIT, "Longest time for opening a connection, TLS included."),
        Key("ca_file", absolute_path(), "Certificates (PEM) to trust in place of the system's."),
        Key(
            "proxy",
            Text(allowed=proxies.ALLOWED, max_length=2048, rule=addresses.proxy, wrong="not a URL"),
            "HTTP proxy to send through; https goes through a tunnel (CONNECT). Without one "
            "of these keys no proxy is used, whatever the environment says.",
        ),
        Key(
            "proxy_file",
            absolute_path(),
            "File that holds such a URL and nothing else, writable by its owner alone.",
        ),
        Key(
            "proxy_env",
            Text(
                allowed="the name of an environment variable",
                pattern=r"[A-Za-z_][A-Za-z0-9_]*",
                max_length=128,
                wrong="not such a name",
            ),
            "Name of an environment variable that holds such a URL.",
        ),
    ),
)

DELIVERY = Section(
    title="[delivery]",
    about="How hard and how patiently to send, for every destination.",
    cls=DeliverySection,
    keys=(
        Key(
            "concurrency",
            Whole(low=1, high=10_000),
            "Ceiling of requests in flight per destination; adapts below it.",
        ),
        Key("drain_timeout_s", WAIT, "Longest time at a stop for requests in flight to end."),
        Key(
            "queue_events",
            Whole(low=1, high=1_000_000),
            "Events waiting per destination before reading waits, at most: while the "
            "endpoint takes them, no more wait than it takes in a tenth of a second.",
        ),
        Key(
            "retry_initial_s",
            WAIT,
            "Upper bound of the wait before the first retry; doubles from try to try.",
        ),
        Key(
            "retry_max_s",
            Seconds(high_s=DAY_S),
            "Upper bound of the wait before any retry; not below retry_initial_s.",
        ),
        Key(
            "rate_limit",
            Whole(low=0, high=1_000_000),
            "Events per second and destination at most; 0 for no limit.",
        ),
        Key(
            "poison_tries",
            Whole(low=3, high=10_000),
            "Failures after which an event becomes a dead letter, counted only while its "
            "neighbours pass.",
        ),
        Key(
            "workers",
            Whole(low=1, high=64),
            "Processes that send: 1 is the daemon itself; with more, so many workers send for it.",
        ),
    ),
)
