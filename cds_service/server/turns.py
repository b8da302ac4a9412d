"""Who gets a thread: calls with a large body two at a time, all others at once.

What a body holds takes about twenty times its bytes as values. One process computes for one call at a
time whatever the number of its threads (Python's lock), so letting a large one wait costs no time, and
all of them at once would cost gigabytes. They wait before they have a thread: with a thread each, as
many as there are threads would keep the small ones out.
"""

import threading
from collections import deque
from typing import Protocol

import msgspec
from waitress.task import ThreadedTaskDispatcher  # type: ignore[import-untyped]

LARGE = 1024 * 1024  # bytes; what a record of some years sends is a tenth to a half of that
AT_ONCE = 2  # while one waits for the EHR's server, the other goes on


class Waiting(Protocol):
    """A connection with a request that is whole."""

    def size(self) -> int:
        """Bytes of the body that is answered next."""

    def service(self) -> None:
        """Answer it."""


class Turns(ThreadedTaskDispatcher):  # type: ignore[misc]
    """waitress's threads, of which large bodies have no more than `AT_ONCE`, and never all.

    Args:
        threads: how many there are.
    """

    def __init__(self, threads: int) -> None:
        """Nobody waits."""
        super().__init__()
        self._turns = max(1, min(AT_ONCE, threads - 1))
        self._counting = threading.Lock()
        self._at_work = 0
        self._large: deque[Waiting] = deque()

    def add_task(self, task: Waiting) -> None:
        """Answer it when a thread is free; a large one when it is its turn besides, the first first."""
        if task.size() <= LARGE:
            super().add_task(task)
            return
        with self._counting:
            self._large.append(task)
        self._next()

    def ended(self) -> None:
        """Give the turn of a large one to the next."""
        with self._counting:
            self._at_work -= 1
        self._next()

    def _next(self) -> None:
        with self._counting:
            if not self._large or self._at_work == self._turns:
                return
            self._at_work += 1
            task = self._large.popleft()
        super().add_task(_Turn(task, self))


class _Turn(msgspec.Struct, frozen=True):
    """The turn of a large one."""

    task: Waiting
    of: Turns

    def service(self) -> None:
        """Answer it, and end the turn whatever comes of it."""
        try:
            self.task.service()
        finally:
            self.of.ended()
