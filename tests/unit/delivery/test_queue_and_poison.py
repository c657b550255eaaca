from __future__ import annotations

import math
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooktail.delivery.poison import PoisonTest
from hooktail.delivery.queue import Delivery, Queue
from hooktail.model import Event, State


class Nobody:
    def settle(self, event: Event, state: State, reason: str = "") -> None:
        raise AssertionError


def delivery(number: int = 0) -> Delivery:
    return Delivery(Event("pageview", str(number), b"{}", number, conversion=False), Nobody())


def numbers(queue: Queue) -> list[int]:
    return [queue.pop().event.start for _ in range(queue.ready)]


def test_events_leave_in_order_and_what_is_put_back_goes_first() -> None:
    queue = Queue()
    queue.extend(delivery(n) for n in (1, 2, 3))

    first = queue.pop()
    queue.put_back(first)

    assert numbers(queue) == [1, 2, 3]


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
