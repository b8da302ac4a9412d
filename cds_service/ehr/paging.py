"""A search, page by page: what of it arrived, and what keeps it from being whole.

Servers differ, and HAPI has habits: `next` is opaque and on the server's root; behind a proxy it may
name another scheme, host or port; `total` may be absent or wrong; a page may have expired; a last page
may offer another one. So: `next` is followed as it is, but on the base that was asked and only below it;
nothing ends because of `total`; an expired page begins the search anew, once; pages, entries, bytes and
time are bounded, and so are pages that bring nothing new; a bound that was reached is said.
"""

import logging
import re
from collections.abc import Callable

import msgspec

from cds_service.ehr import pages
from cds_service.ehr.absent import AbsentError
from cds_service.ehr.pages import Page
from cds_service.fhir.absence import Absence
from cds_service.hooks.entries import MOST_ENTRIES

_log = logging.getLogger(__name__)
MOST_PAGES = 50  # of one search
MOST_IDLE = 3  # pages one after the other that bring nothing new
_COUNT = re.compile(r"[?&]_count=(\d+)")


class Found(msgspec.Struct, frozen=True):
    """What a query has brought so far.

    Attributes:
        raw: the only page as it came, or all of them in one Bundle.
        whole: there was more than one page, and all of them were read.
        why: what keeps it from being whole, where something does.
    """

    raw: bytes
    whole: bool = False
    why: AbsentError | None = None


def enough(query: str) -> int | None:
    """How many matches of a list are wanted; None for all there are.

    A list that begins with the newest is complete back to its oldest entry wherever it is cut, so its
    `_count` is enough. Of another list a part proves nothing, so it is read to its end.
    """
    count = _COUNT.search(query)
    return int(count[1]) if count and "_sort=-date" in query else None


class Paged:
    """One query under way. Another thread may ask at any time what it has brought.

    Args:
        query: relative to the base.
        base: of the server, in normal form.
        ask: an address in, a body out, or AbsentError.
        begun: a first page that is there already, with a link to the next.
    """

    def __init__(
        self, query: str, base: str, ask: Callable[[str], bytes], begun: bytes | None = None
    ) -> None:
        """Nothing is asked yet."""
        self._url = f"{base}/{query}"
        self._base = base
        self._ask = ask
        self._enough = enough(query)
        self._is_search = "?" in query
        self._begun = pages.read(begun) if begun is not None else None
        self._pages = [self._begun] if self._begun else []
        self._matches = 0
        self._seen: set[str] = set()
        self._why: AbsentError | None = AbsentError(Absence.OUT_OF_TIME)  # until it has ended

    def run(self) -> None:
        """Read to the end, or to what is enough; never raises."""
        try:
            try:
                self._read_all(self._begun)
            except _ExpiredError:
                self._read_all(None)  # once, from the beginning: what was read before is dropped
        except AbsentError as error:
            self._why = error
        except Exception as error:  # noqa: BLE001 - one query never takes the others down
            _log.error("a query failed: %s", type(error).__name__)
            self._why = AbsentError(Absence.FAULT)
        else:
            self._why = None

    def found(self) -> Found | AbsentError:
        """What there is by now, or why there is nothing."""
        why, read = self._why, list(self._pages)
        if not read:
            return why or AbsentError(Absence.FAULT)
        raw = read[0].raw if len(read) == 1 else pages.together(read)
        return Found(raw, whole=why is None and len(read) > 1 and not self._is_enough(), why=why)

    def _is_enough(self) -> bool:
        return self._enough is not None and self._matches >= self._enough

    def _read_all(self, first: Page | None) -> None:
        url = self._url
        page = first or pages.read(self._ask(url))
        self._pages, self._matches, self._seen = [], 0, set()
        idle = 0 if self._take(page) else 1
        visited = {url}
        while self._is_search and page.next and not self._is_enough():
            url = pages.address(page.next, url, self._base)
            if url in visited or idle > MOST_IDLE:
                raise AbsentError(Absence.PAGE_AGAIN)
            if len(self._pages) >= MOST_PAGES or self._matches >= MOST_ENTRIES:
                raise AbsentError(Absence.TOO_MANY_PAGES)
            visited.add(url)
            page = self._further(url)
            idle = 0 if self._take(page) else idle + 1

    def _take(self, page: Page) -> bool:
        """Add a page; whether it brought anything new."""
        new = [url for url in page.matches if not url or url not in self._seen]
        self._seen.update(new)
        self._matches += len(new)
        self._pages.append(page)
        return bool(new)

    def _further(self, url: str) -> Page:
        try:
            page = pages.read(self._ask(url))
        except AbsentError as error:
            if error.why is Absence.NOT_FOUND:
                raise _ExpiredError(Absence.PAGE_EXPIRED, error.status) from error
            raise
        if not page.is_bundle:
            raise AbsentError(Absence.NOT_FHIR)
        return page


class _ExpiredError(AbsentError):
    """A further page is not there any more (410; also 404)."""
