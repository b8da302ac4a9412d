"""Calls with a large body wait for each other.

What a body holds takes about twenty times its bytes as values. One process computes for one call at a
time whatever the number of its threads (Python's lock), so letting a large one wait costs no time, and
all of them at once would cost gigabytes.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

from cds_service.deadline import Deadline

LARGE = 1024 * 1024  # bytes; what a record of some years sends is a tenth to a half of that
AT_ONCE = 2  # while one waits for the EHR's server, the other goes on


class Turns:
    """The turns of one process."""

    def __init__(self) -> None:
        """Nobody waits."""
        self._free = BoundedSemaphore(AT_ONCE)

    @contextmanager
    def taken(self, size: int, deadline: Deadline) -> Iterator[None]:
        """The time in which a call with a body of `size` bytes is at work; a small one never waits.

        Raises:
            Failure: unavailable, when its deadline passes before its turn comes.
        """
        if size <= LARGE:
            yield
            return
        while not self._free.acquire(timeout=max(deadline.left, 0) + 0.001):
            deadline.check()
        try:
            yield
        finally:
            self._free.release()
