"""What is taken out of events before they leave the host: addresses, fields, user agents.

What tells on somebody is judged in `personal`; here is what becomes of it, as the configuration
says. Doing it twice changes nothing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, TypeAlias
from urllib.parse import unquote

from hooktail.config.sections import PrivacySection
from hooktail.extract.cache import Cache
from hooktail.extract.drawn import looks_drawn
from hooktail.extract.hashing import hash_email, hash_phone, hash_text
from hooktail.extract.personal import (
    HINT,
    PATH_HINT,
    Kind,
    drawn_behind_links,
    folded,
    is_authority_of_user,
    is_told_by,
    kind_of,
    replaced,
    reveals,
    split_over,
    without_named,
)
from hooktail.extract.telling_names import (
    CLICK_IDS,
    decoded,
    is_personal_key,
    is_secret_key,
    is_session_key,
    name_kind,
    names_link,
)
from hooktail.extract.validation import MAX_STRING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from hooktail_parsers import JsonValue

_KeyVerdict: TypeAlias = 'Literal["judge", "id", "personal", "remove"]'
_Verdict: TypeAlias = 'Literal["keep", "judge", "weigh", "hash", "remove"]'

_DEFAULT = PrivacySection()
REMOVED = "***"
"""Stands in a user agent for what was taken out of it, and is never longer."""
_FIRST_LONG_NUMBER = 10**13
_ROUNDS = 4
"""What is taken out may leave something that tells, once or twice; no browser writes more."""
_MAY_NAME = re.compile("[=:(]")
_NUMBER = re.compile(r"[0-9 ().+/-]+")
_ENCODED = re.compile(r"(?<![^\s();,\"])[^\s();,\"%]*+%[^\s();,\"]*+")
_HASH = re.compile("[0-9a-f]{64}")
_PLAIN_ID = re.compile(r"[A-Za-z0-9_-]*+")
_ID = re.compile(r"(?:.*[_.-])?ids?|.*[a-z]I[Dd]s?", re.DOTALL)


class Scrubber:
    """Takes personal data out of paths and queries; `used` are parameter names that rules use."""

    def __init__(self, used: Collection[str] = (), section: PrivacySection = _DEFAULT) -> None:
        self._used = _lower(used)
        self._kept = _lower(section.keep_parameters)
        self._removed = _lower(section.remove_parameters)
        allowed = section.allow_parameters
        self._allowed = None if allowed is None else _lower(allowed)
        self._hashes = section.parameters == "hash"
        self._verdicts: Cache[_Verdict] = Cache(self._verdict_on, 4096)
        self._paths: Cache[str] = Cache(self._scrubbed_path, 8192)

    def query(self, query: str) -> str:
        """Returns the raw query without what gives somebody away."""
        verdicts = self._verdicts
        may_reveal = HINT.search(query) is not None
        kept: list[str] = []
        for pair in query.split("&"):
            name, _, value = pair.partition("=")
            verdict = verdicts[name]
            if verdict == "weigh":
                verdict = "remove" if looks_drawn(decoded(value)) else "judge"
            if verdict == "keep" or (verdict == "judge" and not (may_reveal and reveals(value))):
                kept.append(pair)
            elif verdict != "remove" and self._hashes:
                digest = _digest(value, any_text=verdict == "hash")
                if digest is not None:
                    kept.append(f"{name}={digest}")
        return "&".join(kept)

    def _verdict_on(self, name: str) -> _Verdict:
        plain = unquote(name.replace("+", " "), errors="replace").lower()
        if plain in self._removed:
            return "remove"
        if plain in self._kept:
            return "keep"
        if reveals(name):
            return "remove"
        if plain in self._used or plain in CLICK_IDS or plain.startswith("utm_"):
            return "judge"
        if self._allowed is not None:
            return "judge" if plain in self._allowed else "remove"
        kind = name_kind(name)
        if not kind:
            return "weigh" if names_link(name) else "judge"
        return "hash" if self._hashes and kind == "personal" else "remove"

    def path(self, path: str) -> str:
        """Returns the raw path without segments, and parameters of segments, that tell."""
        return self._paths[path]

    def _scrubbed_path(self, path: str) -> str:
        return self._judged_path(path) if PATH_HINT.search(path) else path

    def _judged_path(self, path: str) -> str:
        # What is taken out may leave neighbours that tell.
        for _ in range(_ROUNDS):
            before, path = path, self._judged_once(path)
            if path == before:
                return path
        return "/"

    def _judged_once(self, path: str) -> str:
        kept: list[str] = []
        before = ""
        segments = path.split("/")
        gone = split_over(segments) | drawn_behind_links(segments)
        for index, segment in enumerate(segments):
            if index in gone:
                continue
            first, *parameters = segment.split(";")
            parts = [part for part in parameters if not self._goes_from_path(part)]
            behind_slashes = len(kept) > 1 and not kept[-1]
            if not (
                self._goes_from_path(first)
                or is_told_by(first, before)
                or (behind_slashes and is_authority_of_user(first))
            ):
                kept.append(";".join([first, *parts]))
                # What went, and what is empty, stands between a name and its secret no more.
                before = first or before
        return "/".join(kept) or "/"

    def _goes_from_path(self, part: str) -> bool:
        """Judges a segment, or one of its parameters; which others may stay is no matter here."""
        name, equals, value = part.partition("=")
        if not equals:
            return reveals(part)
        plain = unquote(name, errors="replace").lower()
        if plain in self._kept:
            return False
        told = plain in self._removed or (plain not in self._used and name_kind(name))
        return bool(told) or reveals(name) or reveals(value)


class FieldGuard:
    """Looks through the values of an event's own fields, its name and its user agent."""

    def __init__(self, section: PrivacySection = _DEFAULT) -> None:
        self._policy = section.fields
        self._keys: Cache[_KeyVerdict] = Cache(_verdict_on_key, 4096)
        self._is_id: Cache[bool] = Cache(is_id_name, 1024)

    def fields(self, fields: Mapping[str, JsonValue], spared: str | None) -> dict[str, JsonValue]:
        """Returns the fields without what may not be sent.

        Ids (`order_id`) are left alone, and so is the field called `spared`.
        """
        guarded: dict[str, JsonValue] = {}
        for name, value in fields.items():
            kept = value if name == spared or self._is_id[name] else self._guarded(value)
            if kept is not None:
                guarded[name] = kept
        return guarded

    def _guarded(self, value: JsonValue) -> JsonValue:
        match value:
            case str():
                return self._guarded_text(value)
            case bool():
                return value
            case int() | float():
                is_card = value >= _FIRST_LONG_NUMBER and kind_of(f"{value:.0f}") == "card"
                return None if is_card else value
            case list():
                items = [self._guarded(item) for item in value]
                return [item for item in items if item is not None] or None
            case dict():
                members = {name: self._guarded_member(name, item) for name, item in value.items()}
                return {name: item for name, item in members.items() if item is not None} or None
            case _:
                return value

    def _guarded_member(self, key: str, value: JsonValue) -> JsonValue:
        """Returns what may be sent under a key within an object, which nobody asked for by name."""
        match self._keys[key], value:
            case "remove", _:
                return None
            case "id", str() if _PLAIN_ID.fullmatch(value):
                return value
            case "id", int() | float():
                return value
            case "id", list():
                items = [self._guarded_member(key, item) for item in value]
                return [item for item in items if item is not None] or None
            case "personal", _ if self._policy != "send":
                return self._guarded_person(value)
            case _:
                return self._guarded(value)

    def _guarded_person(self, value: JsonValue) -> JsonValue:
        """Returns hashes and yes or no of what a key calls an e-mail address or a phone number."""
        match value:
            case bool() | None:
                return value
            case list():
                items = [self._guarded_person(item) for item in value]
                return [item for item in items if item is not None] or None
            case str():
                hashed = self._guarded_text(value)
                return hashed if hashed is not None and _HASH.fullmatch(hashed) else None
            case dict():
                return self._guarded(value)
            case _:
                return None

    def _guarded_text(self, text: str) -> str | None:
        """Returns the text, or what may be sent instead of it; None for nothing."""
        if not HINT.search(text) and not _MAY_NAME.search(text):
            return text
        plain = _without_named(text)
        kind = None if plain is None else kind_of(plain)
        if plain is None or kind in ("card", "token"):
            return None
        text = folded(plain) if kind is not None else plain
        if self._policy == "send":
            return text or None
        if kind is not None:
            if self._policy == "drop":
                return None
            longest = max(len(text), MAX_STRING)
            # A hash, which has digits, may stand where a name says that a secret does.
            hashed = _without_named(replaced(text, _hashed))
            if hashed is None or len(hashed) > longest:
                return None
            text = hashed
        # What is still there is encoded, or stands inside something else.
        return None if reveals(text) else text or None

    def name(self, name: str) -> str | None:
        """Returns the name of an event that a line gave; None if it tells on somebody."""
        return None if reveals(name) else name

    def agent(self, agent: str) -> str:
        """Returns a user agent without what stands in it of a person."""
        if not HINT.search(agent) and not _MAY_NAME.search(agent):
            return agent
        for _ in range(_ROUNDS):
            before = agent
            agent = without_named(agent, paths=False)
            if kind_of(agent) is not None:
                agent = replaced(folded(agent), lambda _, __: REMOVED)
            if "%" in agent:
                agent = _ENCODED.sub(_without_encoded, agent)
            if agent == before:
                return agent or REMOVED
        return REMOVED


def is_id_name(name: str) -> bool:
    """Whether a field is called an id (`order_id`), whose value is sent as it is."""
    return _ID.fullmatch(name) is not None


def _lower(names: Collection[str]) -> frozenset[str]:
    return frozenset(name.lower() for name in names)


def _digest(value: str, *, any_text: bool) -> str | None:
    """Returns what a raw value of a query is hashed to; None where only going helps."""
    plain = unquote(value, errors="replace")
    digest = hash_email(plain) or hash_phone(plain)
    if digest is not None or not any_text:
        return digest
    text = unquote(value.replace("+", " "), errors="replace").strip()
    if not text or _NUMBER.fullmatch(text) or reveals(text):
        return None
    return hash_text(text)


def _verdict_on_key(key: str) -> _KeyVerdict:
    """Judges a key within an object."""
    if is_secret_key(key) or is_session_key(key) or reveals(key):
        return "remove"
    if is_id_name(key):
        return "id"
    return "personal" if is_personal_key(key) else "judge"


def _without_encoded(found: re.Match[str]) -> str:
    return REMOVED if reveals(found[0], paths=False) else found[0]


def _hashed(kind: Kind, text: str) -> str:
    digest = hash_email(text) if kind == "email" else hash_phone(text) if kind == "phone" else None
    return digest or ""


def _without_named(text: str) -> str | None:
    """Returns a text, trimmed, without what is called secret or personal; None if it goes on."""
    text = text.strip()
    for _ in range(_ROUNDS):
        before, text = text, without_named(text).strip()
        if text == before:
            return text
    return None
