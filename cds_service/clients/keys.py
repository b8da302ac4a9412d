"""The keys of clients: from their files, and from their URLs, which are asked seldom.

A key set from a URL is good for a quarter of an hour. A token with a `kid` that is not in it has it
fetched again, at most once a minute, so that made-up names do not have us hammer the EHR. While the URL
does not answer, what it said last is used for some hours: long enough for a night's outage, not so long
that a key which was withdrawn lives on.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping

from cds_service.clients import jwks
from cds_service.clients.jwks import Key
from cds_service.clients.model import KeyAddress, Trust
from cds_service.clients.tokens import Unreachable

FRESH = 15 * 60.0  # seconds for which a key set is used without asking again
STALE = 6 * 3600.0  # and for which it is used at most, while its URL does not answer
PAUSE = 60.0  # between two fetches of one URL, whatever is asked for

_log = logging.getLogger(__name__)
# Gets what stands at a URL, or raises Unreachable with our own words on why.
Fetch = Callable[[KeyAddress], bytes]


class _Cached:
    """The key set of one URL."""

    __slots__ = ("fetched", "keys", "lock", "tried")

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.keys: Mapping[str, Key] | None = None
        self.fetched = 0.0
        self.tried = -PAUSE


class KeyRing:
    """Every client's keys. Safe for threads; each process asks for itself."""

    def __init__(self, fetch: Fetch, clock: Callable[[], float] = time.monotonic) -> None:
        """Keys that are fetched with `fetch`, by a clock that only goes forward."""
        self._fetch = fetch
        self._clock = clock
        self._lock = threading.Lock()
        self._cached: dict[KeyAddress, _Cached] = {}

    def find(self, trust: Trust, kid: str, algorithm: str, jku: str) -> Key | None:
        """The key of this name that fits the algorithm; see `tokens.KeySource`.

        Args:
            trust: whose keys: those of its file first, then those of its URLs.
            kid: the key's name.
            algorithm: of the token.
            jku: the one URL to look at, one of the entry's; empty for all of them.

        Raises:
            Unreachable: no URL that could have it answers.
        """
        for key in trust.keys.known:
            if key.kid == kid and key.fits(algorithm):
                return key
        missing: Unreachable | None = None
        for address in trust.keys.addresses:
            if jku in ("", address.url):
                try:
                    found = self._at(address, kid)
                except Unreachable as error:
                    missing = error
                    continue
                if found is not None and found.fits(algorithm):
                    return found
        if missing is not None:
            raise missing
        return None

    def _at(self, address: KeyAddress, kid: str) -> Key | None:
        with self._lock:
            cached = self._cached.setdefault(address, _Cached())
        keys = cached.keys
        if keys is None or kid not in keys or self._clock() - cached.fetched > FRESH:
            # Who finds a usable key does not wait for another thread that is already asking.
            if cached.lock.acquire(blocking=keys is None or kid not in keys):
                try:
                    self._renew(address, cached, kid)
                finally:
                    cached.lock.release()
            keys = cached.keys
        if keys is None or self._clock() - cached.fetched > STALE:
            raise Unreachable(address.url)
        return keys.get(kid)

    def _renew(self, address: KeyAddress, cached: _Cached, kid: str) -> None:
        """Fetch a key set, unless it was tried a moment ago; what was there stays if that fails."""
        now = self._clock()
        known = cached.keys is not None and kid in cached.keys
        if (known and now - cached.fetched <= FRESH) or now - cached.tried < PAUSE:
            return  # another thread has just asked
        cached.tried = now
        try:
            found = jwks.parse(self._fetch(address))
        except (Unreachable, ValueError) as error:
            _log.warning("the key set at %s cannot be used: %s", address.url, error)
            return
        for problem in found.problems:
            _log.warning("the key set at %s: %s", address.url, problem)
        cached.keys = {key.kid: key for key in found.keys}
        cached.fetched = now
