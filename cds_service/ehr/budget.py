"""What one hook call may spend on fetching: time and bytes, over all its queries together."""

import threading
import time

from cds_service.ehr.absent import AbsentError
from cds_service.fhir.absence import Absence

# Of all answers to one hook call, inflated: as much as a request may bring.
MOST_BYTES = 16 * 1024 * 1024
MOST_BYTES_OF_ONE = 8 * 1024 * 1024  # of one answer, inflated


class Budget:
    """Time and bytes left; used from several threads.

    Args:
        seconds: from now on.
    """

    def __init__(self, seconds: float) -> None:
        """Start the clock."""
        self._until = time.monotonic() + seconds
        self._bytes = MOST_BYTES
        self._lock = threading.Lock()
        self._over = threading.Event()

    @property
    def left(self) -> float:
        """Seconds left; never below zero."""
        return 0.0 if self._over.is_set() else max(0.0, self._until - time.monotonic())

    def some_time(self) -> float:
        """Seconds left, when there are any.

        Raises:
            AbsentError: out-of-time.
        """
        left = self.left
        if left <= 0:
            raise AbsentError(Absence.OUT_OF_TIME)
        return left

    def spend(self, size: int) -> None:
        """Count bytes that arrived.

        Raises:
            AbsentError: too-large, when it is more than a call may fetch.
        """
        with self._lock:
            self._bytes -= size
            if self._bytes < 0:
                raise AbsentError(Absence.TOO_LARGE)

    def wait(self, seconds: float) -> bool:
        """Wait, if the wait ends in time; whether it did."""
        if seconds >= self.left:
            return False
        return not self._over.wait(seconds)

    def end(self) -> None:
        """Let nobody begin or wait any more."""
        self._over.set()
