"""What holds where nothing is said: each default that events go by, as a file would have it."""

from __future__ import annotations

from typing import Any

import pytest

from hooktail.config import keys

DEFAULTS: list[tuple[keys.Section, dict[str, Any]]] = [
    (keys.DESTINATION, {"payload": "flat"}),
    (
        keys.SOURCE,
        {
            "max_event_age": "7d",
            "max_event_ahead": 300,
            "send_event_id": True,
            "max_url_length": 2048,
            "max_user_agent_length": 1024,
            "max_body_bytes": 32 * 1024,
            "trusted_proxies": [],
            "client_ip_headers": [
                "X-Forwarded-For",
                "Forwarded",
                "CF-Connecting-IP",
                "True-Client-IP",
                "X-Real-IP",
            ],
            "exclude_cidrs": [],
            "private_ips": "drop",
            "ip_anonymization": False,
            "bots": "drop",
            "bot_patterns_add": [],
            "bot_patterns_remove": [],
            "bot_cidrs": [],
            "user_agent_default": None,
        },
    ),
    (
        keys.VISITOR,
        {
            "cookie": None,
            "field": None,
            "rotate": "never",
            "visitor_fields": ["visitor_id", "persistent_anonymous_user_id"],
        },
    ),
    (keys.SESSION, {"enabled": True, "idle": 1800, "max_length": 86_400, "lateness": 300}),
    (
        keys.PRIVACY,
        {
            "parameters": "remove",
            "allow_parameters": None,
            "fields": "hash",
            "gpc": True,
            "dnt": False,
            "require_consent": None,
        },
    ),
    (
        keys.PAGEVIEW,
        {
            "enabled": True,
            "name": "pageview",
            "sample": 1.0,
            "methods": ["GET"],
            "statuses": [200, 304],
            "content_types": ["text/html", "application/xhtml+xml"],
            "prefetch": "drop",
            "subrequests": "drop",
            "exclude_paths": [],
            "include_paths": [],
            "include_extensions": [],
        },
    ),
    (keys.EVENT, {"once_per": None, "once_for": "30d", "drop": False}),
    (keys.FIELD, {"type": "string", "required": False, "max_length": 1024, "phone_plus": False}),
]


def seconds(value: object) -> object:
    """A number and a text such as "30d" may mean the same."""
    units = {"d": 86_400, "h": 3600, "m": 60, "s": 1}
    is_span = isinstance(value, str) and value[:-1].isdigit() and value[-1] in units
    return int(str(value)[:-1]) * units[str(value)[-1]] if is_span else value


@pytest.mark.parametrize(
    ("section", "name", "default"),
    [
        pytest.param(section, name, default, id=f"{section.title}-{name}")
        for section, defaults in DEFAULTS
        for name, default in defaults.items()
    ],
)
def test_the_defaults_are_these(section: keys.Section, name: str, default: object) -> None:
    (key,) = (key for key in section.keys if key.name == name)

    assert seconds(section.default(key)) == seconds(default)
