from __future__ import annotations

import math
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hooktail.delivery.poison import PoisonTest
from hooktail.delivery.queue import CONVERSIONS_IN_A_ROW, Delivery, Queue
from hooktail.model import Event, Settler, State


class Nobody:
    def settle(self, event: Event, state: State, reason: str = "") -> None:
        raise AssertionError


def delivery(number: int = 0, *, conversion: bool = False, file: Settler | None = None) -> Delivery:
    name = "purchase" if conversion else "pageview"
    event = Event(name, str(number), b"{}", number, conversion=conversion)
    return Delivery(event, file or Nobody())


def numbers(queue: Queue) -> list[int]:
    return [queue.pop().event.start for _ in range(queue.ready)]


def test_events_leave_in_order_and_what_is_put_back_goes_first() -> None:
    queue = Queue()
    queue.extend(delivery(n) for n in (1, 2, 3))

    first = queue.pop()
    queue.put_back(first)

    assert numbers(queue) == [1, 2, 3]


def test_files_take_turns_and_each_keeps_its_order() -> None:
    queue, backlog, live = Queue(), Nobody(), Nobody()
    queue.extend(delivery(n, file=backlog) for n in (1, 2, 3, 4))
    queue.extend(delivery(n, file=live) for n in (5, 6))

    assert numbers(queue) == [1, 5, 2, 6, 3, 4]


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=60), st.integers(0, 60))
def test_of_files_in_turn_none_waits_for_more_than_one_of_each_other(
    added: list[tuple[int, bool]], popped_between: int
) -> None:
    queue, files = Queue(), [Nobody() for _ in range(4)]
    left: list[Delivery] = []
    for number, (file, pop) in enumerate(added):
        queue.extend([delivery(number, file=files[file])])
        if pop and number < popped_between:
            left.append(queue.pop())
    waiting = queue.ready
    left += [queue.pop() for _ in range(waiting)]

    for each in files:
        own = [one.event.start for one in left if one.settler is each]
        assert own == sorted(own)
    last = left[-waiting:] if waiting else []
    for index, one in enumerate(last):
        since = [after.settler for after in last[:index]]
        mine = [at for at, settler in enumerate(since) if settler is one.settler]
        between = since[mine[-1] + 1 :] if mine else since
        assert len(between) == len(set(between))


def test_what_waits_becomes_ready_when_due_and_not_before() -> None:
    queue = Queue()
    queue.put_later(delivery(2), due=20.0)
    queue.put_later(delivery(1), due=10.0)
    assert (len(queue), queue.ready, queue.later, queue.next_due) == (2, 0, 2, 10.0)

    queue.wake(9.9)
    assert queue.ready == 0

    queue.wake(10.0)
    assert (numbers(queue), queue.next_due) == ([1], 20.0)

    queue.wake(25.0)
    assert (numbers(queue), queue.next_due) == ([2], math.inf)


@given(st.lists(st.floats(0, 100)))
def test_nothing_gets_lost_in_the_heap_and_equal_times_keep_their_order(dues: list[float]) -> None:
    queue = Queue()
    for number, due in enumerate(dues):
        queue.put_later(delivery(number), due)

    queue.wake(100.0)

    assert numbers(queue) == sorted(range(len(dues)), key=lambda n: (dues[n], n))


def test_conversions_go_before_page_views_and_each_keep_their_order() -> None:
    queue = Queue()
    queue.extend([delivery(1), delivery(2), delivery(3, conversion=True), delivery(4)])
    queue.extend([delivery(5, conversion=True)])

    assert numbers(queue) == [3, 5, 1, 2, 4]


def test_page_views_are_not_starved_by_conversions_without_end() -> None:
    queue = Queue()
    queue.extend(delivery(n, conversion=True) for n in range(1000))
    queue.extend(delivery(n) for n in range(1000, 1010))

    order = numbers(queue)

    at = [order.index(n) for n in range(1000, 1010)]
    assert at[0] == CONVERSIONS_IN_A_ROW
    assert {after - before for before, after in pairwise(at)} == {CONVERSIONS_IN_A_ROW + 1}


def test_a_conversion_that_was_put_back_is_the_next() -> None:
    queue = Queue()
    queue.extend([delivery(1), delivery(2, conversion=True), delivery(3, conversion=True)])

    queue.put_back(queue.pop())

    assert numbers(queue) == [2, 3, 1]


def test_a_conversion_that_comes_due_goes_before_page_views_that_wait() -> None:
    queue = Queue()
    queue.extend(delivery(n) for n in (1, 2))
    queue.put_later(delivery(3, conversion=True), due=5.0)
    assert queue.pop().event.start == 1

    queue.wake(5.0)

    assert numbers(queue) == [3, 2]


steps = st.one_of(
    st.tuples(st.just("add"), st.booleans()),
    st.tuples(st.just("pop"), st.sampled_from(["done", "back", "later"])),
    st.tuples(st.just("wake"), st.none()),
)


@settings(max_examples=60)
@given(st.lists(steps, max_size=300))
def test_whatever_is_done_nothing_is_lost_doubled_or_passed_by_too_many(
    done: list[tuple[str, bool | str | None]],
) -> None:
    queue, now, number = Queue(), 0.0, 0
    inside: set[int] = set()
    passed_by = 0
    for what, how in done:
        if what == "add":
            queue.extend([delivery(number, conversion=bool(how))])
            inside.add(number)
            number += 1
        elif what == "wake":
            now += 1.0
            queue.wake(now)
        elif queue.ready:
            page_views_wait = bool(queue._others)
            one = queue.pop()
            passed_by = passed_by + 1 if one.event.conversion and page_views_wait else 0
            assert passed_by <= CONVERSIONS_IN_A_ROW
            if how == "back":
                queue.put_back(one)
                passed_by = 0  # nobody has passed
            elif how == "later":
                queue.put_later(one, now + 0.5)
            else:
                inside.remove(one.event.start)
        assert len(queue) == len(inside) == queue.ready + queue.later
    queue.wake(now + 1.0)
    assert sorted(numbers(queue)) == sorted(inside)


def fail(test: PoisonTest, sick: Delivery) -> bool:
    sick.tries += 1
    return test.failed(sick)


def test_an_event_that_fails_while_its_neighbours_pass_is_poison() -> None:
    test, sick = PoisonTest(3), delivery()
    verdicts = []

    for _ in range(4):
        verdicts.append(fail(test, sick))
        test.passed()

    assert verdicts == [False, False, False, True]


def test_an_event_without_neighbours_proves_nothing() -> None:
    test, sick = PoisonTest(1), delivery()

    assert not any(fail(test, sick) for _ in range(100))


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_an_endpoint_that_fails_at_random_makes_no_poison(share: float) -> None:
    test, rng = PoisonTest(10), Random(3)
    waiting = [delivery(n) for n in range(300)]

    for _ in range(30_000):
        one = waiting.pop(0)
        if rng.random() < share:
            assert not fail(test, one)
            waiting.append(one)
        else:
            test.passed()
            waiting.append(delivery())


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    share=st.floats(0.0, 0.95),
    tries=st.integers(8, 20),
    waiting_room=st.integers(1, 200),
)
def test_no_healthy_event_is_condemned_before_an_endpoint_that_fails_any_share_at_random(
    seed: int, share: float, tries: int, waiting_room: int
) -> None:
    """The worst share is one in eleven: fewer tries than eight could meet it by chance."""
    test, rng = PoisonTest(tries), Random(seed)
    waiting = [delivery(n) for n in range(waiting_room)]

    for _ in range(3000):
        one = waiting.pop(rng.randrange(len(waiting)))
        if rng.random() < share:
            assert not fail(test, one)
            waiting.append(one)
        else:
            test.passed()
            waiting.append(delivery())


@settings(max_examples=40)
@given(
    seed=st.integers(0, 10_000),
    tries=st.integers(3, 20),
    neighbours=st.integers(10, 200),
)
def test_a_sick_event_among_healthy_ones_is_condemned_after_exactly_so_many_suspicions(
    seed: int, tries: int, neighbours: int
) -> None:
    test, sick, rng = PoisonTest(tries), delivery(), Random(seed)

    for attempt in range(tries + 1):
        assert fail(test, sick) is (attempt == tries)
        for _ in range(neighbours + rng.randrange(10)):
            test.passed()


@settings(max_examples=40)
@given(outages=st.lists(st.integers(1, 50), max_size=20), events=st.integers(2, 30))
def test_outages_of_any_number_and_length_condemn_nobody(outages: list[int], events: int) -> None:
    """All that waits fails together, as often as the outage is long; then everything passes."""
    test = PoisonTest(3)
    stay = [delivery(n) for n in range(events)]

    for length in outages:
        for _ in range(length):
            for one in stay:
                assert not fail(test, one)
        test.passed()


def test_an_outage_clears_a_suspect() -> None:
    test, sick = PoisonTest(2), delivery()
    fail(test, sick)
    test.passed()
    fail(test, sick)
    assert sick.suspicion == 1

    fail(test, delivery())
    fail(test, sick)

    assert sick.suspicion == 0


def test_without_a_number_nothing_is_ever_poison() -> None:
    test, sick = PoisonTest(None), delivery()

    for _ in range(1000):
        assert not fail(test, sick)
        test.passed()
