"""One FHIR server, for one hook call: an address below its base in, an answer or a reason out.

No redirects, cookies, proxies or netrc; the token goes to this base alone, on each call; bodies are
counted after inflation, while they are read. Nothing is kept after the call.
"""

import logging
import re
from collections.abc import Mapping
from typing import Any

import msgspec
import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

from cds_service.ehr.absent import AbsentError
from cds_service.ehr.budget import MOST_BYTES_OF_ONE, Budget
from cds_service.fhir.absence import Absence

# urllib3 names the whole URL in some warnings (headers that cannot be parsed): a patient's identifier.
logging.getLogger("urllib3").setLevel(logging.CRITICAL)

_CHUNK = 64 * 1024
_LONGEST_URL = 8192
_TOKEN = re.compile(r"[!-~]+")  # visible characters: RFC 6750 allows fewer still
_OK = 200
_HEADERS = {
    # The second is what some servers still call it; `q` because the first is right.
    "Accept": "application/fhir+json, application/json;q=0.9",
    "Accept-Encoding": "gzip",
    # HAPI answers the same search from a list that is up to a minute old, but for this header.
    "Cache-Control": "no-cache",
    # A parameter that is skipped would make the answer one to another question.
    "Prefer": "handling=strict",
    "User-Agent": "heavy-legs-cds",
}
_JSON = frozenset(
    {"application/fhir+json", "application/json", "application/json+fhir", "text/json", ""}
)


class Answer(msgspec.Struct, frozen=True):
    """What the server answered; the body is read of a 200 only."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""


class Connection:
    """A FHIR server, with the token for it.

    Args:
        base: the allow-listed base URL, in normal form.
        adapter: where connections come from.
        budget: of the hook call.
        token: the bearer token; empty for a server that is open.

    Raises:
        AbsentError: token-unusable.
    """

    def __init__(self, base: str, adapter: HTTPAdapter, budget: Budget, token: str = "") -> None:
        """Nothing is sent yet."""
        if token and not _TOKEN.fullmatch(token):
            raise AbsentError(Absence.BAD_TOKEN)
        self.base = base
        self._adapter = adapter
        self._budget = budget
        self._headers = {**_HEADERS, "Authorization": f"Bearer {token}"} if token else _HEADERS

    def get(self, url: str) -> Answer:
        """Ask once.

        Args:
            url: on the base; whoever made it has seen to that, and it is seen to again.

        Raises:
            AbsentError: there was no answer, or none that can be read.
        """
        if not url.startswith((f"{self.base}/", f"{self.base}?")) and url != self.base:
            raise AbsentError(Absence.PAGE_ELSEWHERE)
        if len(url) > _LONGEST_URL:
            raise AbsentError(Absence.QUERY_REFUSED)
        try:
            return self._asked(url)
        except requests.exceptions.SSLError as error:
            raise self._lost(_about_tls(error)) from error
        except (requests.exceptions.ConnectionError, requests.exceptions.Timeout) as error:
            raise self._lost(Absence.BROKEN_OFF) from error
        except (requests.RequestException, HTTPError, OSError, ValueError) as error:
            raise self._lost(Absence.BROKEN_OFF) from error

    def _lost(self, why: Absence) -> AbsentError:
        # When time is up all connections are cut: that is the reason then, not how it showed.
        return AbsentError(why if self._budget.left > 0 else Absence.OUT_OF_TIME)

    def _asked(self, url: str) -> Answer:
        prepared = requests.Request("GET", url, headers=self._headers).prepare()
        left = self._budget.some_time()
        found = self._adapter.send(prepared, stream=True, timeout=(left, left), verify=True, proxies={})
        try:
            if found.status_code != _OK:
                return Answer(found.status_code, found.headers)
            kind = found.headers.get("Content-Type", "").partition(";")[0].strip().lower()
            if kind not in _JSON:
                raise AbsentError(Absence.NOT_FHIR, found.status_code)
            return Answer(_OK, found.headers, received(found.raw, self._budget, MOST_BYTES_OF_ONE))
        finally:
            found.close()


def received(raw: Any, budget: Budget, most: int) -> bytes:
    """A body, inflated and counted while it is read.

    Args:
        raw: of a response that was asked for with `stream`.
        budget: what it may take of time and, beside the others of its call, of bytes.
        most: bytes of this one.

    Raises:
        AbsentError: too-large, out-of-time.
    """
    parts, size = [], 0
    while part := raw.read(_CHUNK, decode_content=True):
        size += len(part)
        if size > most:
            raise AbsentError(Absence.TOO_LARGE)
        budget.spend(len(part))
        budget.some_time()
        parts.append(part)
    budget.some_time()  # a body without a length, ended by us, would look whole
    return b"".join(parts)


def _about_tls(error: requests.exceptions.SSLError) -> Absence:
    return Absence.BAD_CERTIFICATE if "CERTIFICATE" in str(error).upper() else Absence.BROKEN_OFF
