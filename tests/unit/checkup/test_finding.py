from __future__ import annotations

from itertools import permutations

from hypothesis import given, settings
from hypothesis import strategies as st

from hooktail.checkup.finding import WORST_FIRST, Finding, Level, exit_code_of


def finding(code: int, level: Level = Level.FAIL) -> Finding:
    return Finding(name="x", area="host", level=level, message="m", code=code)


def test_the_worst_failure_is_the_exit_code_in_any_order() -> None:
    for codes in permutations(WORST_FIRST, 2):
        expected = min(codes, key=WORST_FIRST.index)
        assert exit_code_of([finding(code) for code in codes]) == expected


def test_warnings_and_what_is_fine_are_no_failure() -> None:
    assert exit_code_of([]) == 0
    assert exit_code_of([finding(0, Level.OK), finding(0, Level.WARN)]) == 0


def test_the_order_is_that_of_the_reference() -> None:
    assert WORST_FIRST == (78, 77, 73, 69, 65)


@settings(deadline=None)
@given(
    st.builds(
        Finding,
        name=st.text(),
        area=st.sampled_from(["service", "config", "source", "state_dir", "host", "destination"]),
        of=st.text(),
        level=st.sampled_from(Level),
        message=st.text(),
        hint=st.text(),
        code=st.sampled_from([0, *WORST_FIRST]),
    )
)
def test_a_finding_comes_out_of_the_child_as_it_went_in(sent: Finding) -> None:
    assert Finding.from_wire(sent.to_wire()) == sent


def test_json_has_null_for_what_does_not_apply() -> None:
    found = Finding(name="files_readable", area="source", of="shop", message="2 files")

    assert found.to_json() == {
        "name": "files_readable",
        "area": "source",
        "source": "shop",
        "destination": None,
        "level": "ok",
        "message": "2 files",
        "hint": None,
        "exit_code": None,
    }
