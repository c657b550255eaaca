import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooktail.checkpoint.ledger import Ledger


def test_a_gap_holds_the_mark() -> None:
    """A later line settled first must not move the checkpoint past an earlier one."""
    ledger = Ledger()
    ledger.advance(30, [0, 10])

    ledger.settle(10)
    assert ledger.mark == 0

    ledger.settle(0)
    assert ledger.mark == 30


def test_a_line_is_settled_once() -> None:
    ledger = Ledger()
    ledger.advance(30, [0])
    ledger.settle(0)

    with pytest.raises(KeyError):
        ledger.settle(0)


@given(st.data())
def test_the_mark_is_the_first_unsettled_line_in_any_order(data: st.DataObject) -> None:
    lines = data.draw(st.integers(1, 40))
    starts = [10 * line for line in range(lines)]
    opened = data.draw(st.sets(st.sampled_from(starts)))
    ledger = Ledger()
    ledger.advance(10 * lines, sorted(opened))

    marks = [ledger.mark]
    for start in data.draw(st.permutations(sorted(opened))):
        ledger.settle(start)
        waiting = ledger.pending
        assert ledger.mark == min(waiting, default=10 * lines) <= ledger.read
        marks.append(ledger.mark)

    assert marks == sorted(marks)
    assert ledger.mark == ledger.read


@given(st.lists(st.tuples(st.integers(1, 5), st.booleans()), max_size=30))
def test_deltas_rebuild_the_ledger(batches: list[tuple[int, bool]]) -> None:
    ledger = Ledger()
    read, pending = 0, set[int]()
    for lines, settle in batches:
        starts = [ledger.read + each for each in range(lines)]
        ledger.advance(ledger.read + lines, starts)
        if settle:
            ledger.settle(max(ledger.pending))
        delta = ledger.take_delta()
        read = delta.read
        pending |= set(delta.opened)
        pending -= set(delta.settled)

    assert (read, pending) == (ledger.read, ledger.pending)
