"""Calls with a large body wait for each other, without a thread; small ones never."""

import threading
import time
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from cds_service.server.turns import AT_ONCE, LARGE, Turns

THREADS = 4


class Call:
    """A connection whose request takes as long as it is told."""

    def __init__(self, size: int, work: Callable[[], None]) -> None:
        self._size, self._work = size, work
        self.answered = threading.Event()

    def size(self) -> int:
        return self._size

    def service(self) -> None:
        try:
            self._work()
        finally:
            self.answered.set()


def wait(hold: threading.Event) -> None:
    hold.wait(5)


@pytest.fixture
def turns() -> Iterator[Turns]:
    found = Turns(THREADS)
    found.set_thread_count(THREADS)
    yield found
    found.shutdown(cancel_pending=False, timeout=5)


def test_no_more_large_ones_than_that_are_at_work_at_once(turns: Turns) -> None:
    lock, at_work, most, order = threading.Lock(), 0, 0, []

    def work(number: int) -> None:
        nonlocal at_work, most
        with lock:
            order.append(number)
            at_work += 1
            most = max(most, at_work)
        time.sleep(0.02)
        with lock:
            at_work -= 1

    calls = [Call(LARGE + 1, partial(work, number)) for number in range(3 * AT_ONCE)]
    for one in calls:
        turns.add_task(one)
    assert all(one.answered.wait(5) for one in calls)
    assert most == AT_ONCE
    assert {*order[:AT_ONCE]} == {*range(AT_ONCE)}, "in the order in which they came"


def test_a_small_one_is_answered_however_many_large_ones_wait(turns: Turns) -> None:
    hold = threading.Event()
    large = [Call(LARGE + 1, lambda: wait(hold)) for _ in range(3 * THREADS)]
    for one in large:
        turns.add_task(one)
    for small in (Call(LARGE, lambda: None), Call(0, lambda: None)):
        turns.add_task(small)
        assert small.answered.wait(2)
    assert not any(one.answered.is_set() for one in large)
    hold.set()
    assert all(one.answered.wait(5) for one in large)


@pytest.mark.filterwarnings("ignore")
def test_a_turn_ends_also_with_a_fault(turns: Turns) -> None:
    def fail() -> None:
        raise ValueError("odd")

    calls = [Call(LARGE + 1, fail) for _ in range(3 * AT_ONCE)]
    for one in calls:
        turns.add_task(one)
    assert all(one.answered.wait(5) for one in calls)


@pytest.mark.parametrize("threads", [1, 2])
def test_of_few_threads_one_is_kept_for_small_ones_where_there_is_another(threads: int) -> None:
    turns, hold = Turns(threads), threading.Event()
    turns.set_thread_count(threads)
    large = [Call(LARGE + 1, lambda: wait(hold)) for _ in range(3)]
    for one in large:
        turns.add_task(one)
    small = Call(LARGE, lambda: None)
    turns.add_task(small)
    assert small.answered.wait(0.5) is (threads > 1)
    hold.set()
    assert all(one.answered.wait(5) for one in (*large, small))
    turns.shutdown(cancel_pending=False, timeout=5)
