"""Calls with a large body wait for each other; small ones never."""

import threading
import time

import pytest

from cds_service.deadline import Deadline
from cds_service.failures import Failure, Kind
from cds_service.turns import AT_ONCE, LARGE, Turns


def test_no_more_large_ones_than_that_are_at_work_at_once() -> None:
    turns, lock, at_work, most = Turns(), threading.Lock(), 0, 0

    def work() -> None:
        nonlocal at_work, most
        with turns.taken(LARGE + 1, Deadline.after(30)):
            with lock:
                at_work += 1
                most = max(most, at_work)
            time.sleep(0.02)
            with lock:
                at_work -= 1

    threads = [threading.Thread(target=work) for _ in range(3 * AT_ONCE)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert most == AT_ONCE


def test_a_small_one_never_waits_and_a_large_one_no_longer_than_it_has() -> None:
    turns = Turns()
    large = [turns.taken(LARGE + 1, Deadline.after(30)) for _ in range(AT_ONCE)]
    for one in large:
        one.__enter__()
    with turns.taken(LARGE, Deadline.after(0)):
        pass
    late = turns.taken(LARGE + 1, Deadline.after(0.05))
    with pytest.raises(Failure) as failed:
        late.__enter__()
    assert failed.value.kind is Kind.UNAVAILABLE
    large[0].__exit__(None, None, None)
    with turns.taken(LARGE + 1, Deadline.after(0.05)):
        pass


def test_a_turn_ends_also_with_a_failure() -> None:
    turns = Turns()
    for _ in range(2 * AT_ONCE):
        with pytest.raises(ValueError, match="odd"), turns.taken(LARGE + 1, Deadline.after(1)):
            raise ValueError("odd")
