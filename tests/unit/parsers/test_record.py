"""A record, as parsers make it and whoever reads it may use it."""

from __future__ import annotations

import copy
import gc
import pickle

import pytest
from msgspec import structs

from hooktail_parsers import Record
from hooktail_parsers.late import LateRecord


def test_a_record_takes_its_values_in_order_or_by_name() -> None:
    assert Record(5, "192.0.2.1", "GET") == Record(ip="192.0.2.1", method="GET", time_ms=5)
    assert Record().path is None

    with pytest.raises(TypeError, match="flavour"):
        Record(flavour="vanilla")  # type: ignore[call-arg]  # no key of a record


def test_records_are_equal_if_they_hold_the_same_and_have_no_hash() -> None:
    assert Record(path="/a", fields={"a": [1]}) == Record(path="/a", fields={"a": [1]})
    assert Record(path="/a") != Record(path="/b")
    assert Record(path="/a") != LateRecord[str](path="/b")

    with pytest.raises(TypeError, match="unhashable"):
        hash(Record())


def test_a_record_shows_what_it_holds() -> None:
    shown = repr(Record(time_ms=5, path="/a"))

    assert shown.startswith("Record(time_ms=5, ip=None, ")
    assert "path='/a'" in shown


@pytest.mark.parametrize("record", [Record(), LateRecord[str]()])
def test_a_record_can_be_changed_in_what_it_has(record: Record) -> None:
    record.status = 404

    assert record.status == 404
    with pytest.raises(AttributeError):
        record.flavour = "vanilla"  # type: ignore[attr-defined]  # no key of a record


def test_copies_hold_the_same_and_are_others() -> None:
    record = Record(path="/a", fields={"a": [1]})

    copies = [copy.copy(record), copy.deepcopy(record), pickle.loads(pickle.dumps(record))]
    for other in copies:
        assert other == record
        other.path = "/b"
    assert record.path == "/a"
    assert structs.replace(record, path="/b") == copies[0]


def test_a_copy_of_a_late_record_reads_what_is_late_too() -> None:
    whole = Record(path="/a", headers={"host": "h"}, fields={"a": 1})
    late: LateRecord[str] = LateRecord(path="/a", careful=lambda _: whole, source="x")

    other, changed = copy.copy(late), structs.replace(late, path="/b")

    assert other == late == whole
    assert changed.fields == {"a": 1}
    assert repr(changed) == repr(structs.replace(whole, path="/b"))


@pytest.mark.parametrize(
    "record", [Record(fields={"a": [1]}), LateRecord[str](careful=lambda _: Record(), source="x")]
)
def test_the_garbage_collector_has_no_work_with_records(record: Record) -> None:
    assert not gc.is_tracked(record)
