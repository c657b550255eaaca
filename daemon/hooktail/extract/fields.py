"""The fields of a rule's event: read, transformed, cast, and measured.

A value that cannot be cast counts as missing; nothing is guessed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from hooktail.extract.casts import CASTS, TYPES, cast_to, longest_text, to_string
from hooktail.extract.event import RESERVED
from hooktail.extract.hashing import knows_national_numbers
from hooktail.extract.personal import HINT, kind_of
from hooktail.extract.places import PLACES
from hooktail.extract.privacy import is_id_name
from hooktail.extract.templates import Template, compile_place, compile_template
from hooktail.extract.text import stated
from hooktail.extract.transforms import HASHES, NAMES, Transform, compile_transforms
from hooktail.extract.validation import TooLarge

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import tzinfo

    from hooktail.config.sections import FieldSection
    from hooktail.extract.casts import Cast, Scalar
    from hooktail.extract.complaints import Complaints
    from hooktail.extract.places import Groups, Read, Surroundings
    from hooktail_parsers import JsonValue, Record

_NEVER_SENT = ("card", "token")


class Outcome(NamedTuple):
    """What became of a field."""

    value: JsonValue
    """For the body; None if there is none."""
    lost_in: str = ""
    """What the found value could not pass: a transform, or the type. `""` if it passed, or if
    there was nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledField:
    """One field, ready to be asked of a record."""

    name: str
    source: str
    """As in the file, for people: a place or a template; `""` for a constant."""
    type: str
    read: Read
    cast: Cast
    required: bool
    default: JsonValue
    max_length: int
    transforms: tuple[Transform, ...] = ()
    is_id: bool = False
    places: tuple[tuple[str, Read], ...] = ()
    """The places of a template, by name."""

    def value(self, record: Record, groups: Groups) -> JsonValue:
        """Returns the value for the body, None if there is none.

        Raises TooLarge if it is longer than `max_length`: a cut order id would be another one.
        """
        return self.outcome(record, groups).value

    def outcome(self, record: Record, groups: Groups) -> Outcome:
        """Returns the value and, where one was found and is not it, why. Raises as `value`."""
        read = self.read(record, groups)
        if read is None:
            return Outcome(self.default)
        found, lost_in = self._made_of(read)
        if lost_in:
            return self._lost(read, lost_in)
        if self._hides(read, found):
            return Outcome(None)
        value = self.cast(found)
        if value is None:
            return self._lost(read, self.type)
        if isinstance(value, str | list | dict) and longest_text(value) > self.max_length:
            raise TooLarge
        return Outcome(value)

    def withholds(self, read: object) -> bool:
        """Whether a read value is not sent because transforms made what it tells unrecognisable."""
        found, lost_in = (None, "") if read is None else self._made_of(read)
        return found is not None and not lost_in and self._hides(read, found)

    def _made_of(self, read: object) -> tuple[object, str]:
        """Returns what the transforms make of a value, or the name of that which makes nothing."""
        found = read
        for transform in self.transforms:
            found = transform.apply(found)
            if found is None:
                return None, transform.name
        return found, ""

    def _hides(self, read: object, found: object) -> bool:
        """Whether a card's number or a token was in a value, and can no longer be seen in it.

        Who looks at the event next would let it pass (`split`, `upper`). E-mail addresses and phone
        numbers may be meant to be sent; a hash is what was asked for, and an id is sent as it is.
        """
        if (
            not self.transforms
            or self.is_id
            or any(each.name in HASHES for each in self.transforms)
        ):
            return False
        return _holds_secret(read) and not _holds_secret(found)

    def _lost(self, read: object, step: str) -> Outcome:
        is_empty = read in ([], {}) or (isinstance(read, str) and stated(read) is None)
        return Outcome(self.default, "" if is_empty else step)


def compile_field(
    section: FieldSection,
    group_names: Collection[str],
    surroundings: Surroundings,
    zone: tzinfo,
    complaints: Complaints,
) -> CompiledField | None:
    """Compiles a field; None after a complaint. `zone` is that of times that name none."""
    before = len(complaints.problems)
    if section.name in RESERVED:
        complaints.add("this key belongs to every event; a field may not take it")
    if section.type not in TYPES:
        complaints.at("type").unknown(section.type, TYPES, "type")
        return None
    if section.constant is not None:
        cast = CASTS[_type_of(section.constant)]
        if cast(section.constant) is None:
            complaints.add("not a value that can be sent", section.constant)
        made = Template(None, _constant(section.constant))
    else:
        cast = cast_to(section.type, decimal=section.decimal, zone=zone)
        read = _read(section, group_names, surroundings, complaints)
        if read is None:
            return None
        made = read
    if section.default is not None and cast(section.default) is None:
        complaints.at("default").add(f"not a {section.type}", section.default)
    if section.max_length < 1:
        complaints.at("max_length").add("must be at least 1", section.max_length)
    transforms = _transforms(section, complaints)
    if len(complaints.problems) > before:
        return None
    return CompiledField(
        name=section.name,
        source=section.source or section.template or "",
        type=section.type,
        read=made.fill,
        places=made.places,
        cast=cast,
        required=section.required,
        default=None if section.default is None else cast(section.default),
        max_length=section.max_length,
        transforms=transforms,
        is_id=is_id_name(section.name),
    )


def _holds_secret(value: object) -> bool:
    if isinstance(value, list):
        return any(map(_holds_secret, value))
    text = to_string(value)
    return text is not None and HINT.search(text) is not None and kind_of(text) in _NEVER_SENT


def is_hashed(section: FieldSection) -> bool:
    """Whether nobody can read in the event what the field was made of."""
    return not HASHES.isdisjoint(section.transform)


def _read(
    section: FieldSection,
    group_names: Collection[str],
    surroundings: Surroundings,
    complaints: Complaints,
) -> Template | None:
    if section.source is not None and section.template is not None:
        complaints.at("template").add("stands beside from; one of them is enough")
        return None
    if section.source is not None:
        read = compile_place(section.source, group_names, surroundings, complaints.at("from"))
        return None if read is None else Template(None, read)
    if section.template is None:
        complaints.add("needs a constant, `from` or `template`", allowed=", ".join(PLACES))
        return None
    return compile_template(section.template, group_names, surroundings, complaints.at("template"))


def _transforms(section: FieldSection, complaints: Complaints) -> tuple[Transform, ...]:
    for name in section.transform:
        if name not in NAMES:
            complaints.at("transform").unknown(name, NAMES, "transform")
            return ()
    if "split" in section.transform and section.type not in ("list", "json"):
        hint = 'write type = "list"'
        complaints.at("type").add("split makes a list", section.type, hint=hint)
    if not section.separator:
        complaints.at("separator").add("empty")
    if section.decimal is not None and section.type not in ("number", "integer"):
        complaints.at("decimal").add(
            "says how numbers are written", section.type, allowed='type = "number" or "integer"'
        )
    if section.phone_region is not None and not knows_national_numbers():
        complaints.at("phone_region").add(
            "needs the package phonenumbers", hint="install it beside hooktail"
        )
    return compile_transforms(
        section.transform,
        separator=section.separator,
        phone_plus=section.phone_plus,
        phone_region=section.phone_region,
    )


def _constant(value: Scalar) -> Callable[[Record, Groups], object]:
    return lambda _, __: value


def _type_of(value: Scalar) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, float) and not math.isfinite(value):
        return "number"
    return "string" if isinstance(value, str) else "number"
