"""How often a client may call: a moving window for each, in each process.

The count is this process's alone, so a client may reach its rate in each of them; a limit on all of
them together is for the proxy (docs/operations.md). Clients are counted, never addresses: behind a
proxy all calls come from one.
"""

import atexit
import logging
import math
import threading
import time
import weakref
from functools import lru_cache

import limits
import msgspec
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from cds_service.clients.model import Caller
from cds_service.failures import Failure, Kind
from cds_service.invocation import Runtime

_log = logging.getLogger(__name__)
_WINDOW = 60.0  # seconds; at most one row in the audit for the refusals of one client meanwhile


class TooMany(Failure):
    """More calls than a client may make; `seconds` from now it may call again."""

    def __init__(self, seconds: int) -> None:
        """Say so, and when to call again."""
        super().__init__(
            Kind.TOO_MANY, "more calls than this client may make", todo=f"call again in {seconds} s"
        )
        self.seconds = seconds


class _Refusals(msgspec.Struct):
    """Refusals of one client that the audit does not have yet, since its last row of them."""

    since: float
    caller: Caller
    service: str
    calls: int = 0


class Rates:
    """The calls of every client of one process."""

    def __init__(self, runtime: Runtime) -> None:
        """Begin with no calls; nothing is counted before the first, which comes after any fork."""
        self._runtime = runtime
        self._lock = threading.Lock()
        self._counted: MovingWindowRateLimiter | None = None
        self._refusals: dict[str, _Refusals] = {}
        _write_at_exit(self)

    def admit(self, caller: Caller, service: str) -> None:
        """Count a call.

        Raises:
            TooMany: when it is one too many; that is in the audit, or will be within a minute or with
                the next call.
            Failure: unavailable, when it cannot be written there.
        """
        self.write(_WINDOW)
        wait = self._wait(caller)
        if wait is None:
            return
        failure = TooMany(wait)
        if self._is_first(caller, service):
            self._runtime.refused(failure, service, caller)
        raise failure

    def write(self, older_than: float = 0.0) -> None:
        """Write down refusals that were only counted, of windows of at least that many seconds.

        Raises:
            Failure: unavailable.
        """
        if not self._refusals:
            return
        now = time.monotonic()
        with self._lock:
            ended = [name for name, one in self._refusals.items() if now - one.since >= older_than]
            found = [self._refusals.pop(name) for name in ended]
        for one in found:
            if one.calls:
                counted = Failure(Kind.TOO_MANY, "counted")
                self._runtime.refused(counted, one.service, one.caller, calls=one.calls)

    def _wait(self, caller: Caller) -> int | None:
        """Seconds until the client may call again; None when it may."""
        rate = caller.client.rate or self._runtime.settings.rate
        counted = self._counter()
        for item in _parsed(rate):
            if not counted.hit(item, caller.client.name):
                reset = counted.get_window_stats(item, caller.client.name).reset_time
                return max(1, math.ceil(reset - time.time()))  # the library's clock
        return None

    def _counter(self) -> MovingWindowRateLimiter:
        with self._lock:
            if self._counted is None:
                self._counted = MovingWindowRateLimiter(MemoryStorage())
            return self._counted

    def _is_first(self, caller: Caller, service: str) -> bool:
        with self._lock:
            # By client, as calls are counted: a tenant is whatever the client's tokens name, and a row
            # for each would have one client fill the disk.
            name = caller.client.name
            counted = self._refusals.get(name)
            if counted is None:
                everyone = Caller(caller.client, marks=caller.marks)
                self._refusals[name] = _Refusals(time.monotonic(), everyone, service)
                return True
            counted.calls += 1
            return False


@lru_cache(maxsize=1000)
def _parsed(rate: str) -> tuple[limits.RateLimitItem, ...]:
    return tuple(limits.parse_many(rate)) if rate else ()


def _write_at_exit(rates: Rates) -> None:
    """Have what is only counted written when the process ends, before the audit log is closed."""
    known = weakref.ref(rates)

    def at_exit() -> None:
        found = known()
        if found is not None:
            try:
                found.write()
            except Failure as failure:
                _log.warning("refused calls that were counted are not in the audit: %s", failure)

    atexit.register(at_exit)
