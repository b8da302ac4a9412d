"""Calls without a proof are counted, not audited: a log line at most once a minute for each reason.

Anybody can make such calls, as many as they like; a row or a line for each would be a way to fill the
disk. A line names the reason and, where the token named a known issuer, the client; nothing that the
caller sent.
"""

import atexit
import logging
import threading
import time
import weakref
from collections.abc import Callable

from cds_service.clients.token_reasons import MEANINGS, TokenReason

EVERY = 60.0  # seconds
_log = logging.getLogger(__name__)


class Refusals:
    """The counts of one process."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """No refusals yet."""
        self._clock = clock
        self._lock = threading.Lock()
        self._counts: dict[tuple[TokenReason, str], int] = {}
        self._said: dict[tuple[TokenReason, str], float] = {}
        _tell_at_exit(self)

    def add(self, reason: TokenReason, client: str) -> None:
        """Count one, and say so unless its like was spoken of within the last minute."""
        with self._lock:
            self._counts[reason, client] = self._counts.get((reason, client), 0) + 1
        self.tell()

    def tell(self, *, all_of_them: bool = False) -> None:
        """Log the counts that are due; all of them when the process ends."""
        now = self._clock()
        with self._lock:
            due = [
                one for one in self._counts if all_of_them or now - self._said.get(one, -EVERY) >= EVERY
            ]
            told = [(one, self._counts.pop(one)) for one in due]
            self._said.update(dict.fromkeys(due, now))
        for (reason, client), count in told:
            calls = "call" if count == 1 else "calls"
            whose = f" (client {client})" if client else ""
            _log.warning("%d %s refused, 401, %s%s: %s", count, calls, reason, whose, MEANINGS[reason])


def _tell_at_exit(refusals: Refusals) -> None:
    """Have what is only counted told when the process ends."""
    known = weakref.ref(refusals)

    def at_exit() -> None:
        found = known()
        if found is not None:
            found.tell(all_of_them=True)

    atexit.register(at_exit)
