"""A client's key set from its URL: one call to an address that the clients file names, and to no other.

The same care as for its FHIR server: the host's addresses are looked up once and
checked, and those are connected to; no redirects, cookies, proxies or passwords of a netrc; a bound on
time and on size, after inflation.
"""

import ssl
import threading

import requests
from urllib3.exceptions import HTTPError

from cds_service.clients.keys import Fetch
from cds_service.clients.model import KeyAddress
from cds_service.clients.tokens import Unreachable
from cds_service.ehr import addresses
from cds_service.ehr.absent import AbsentError
from cds_service.ehr.budget import Budget
from cds_service.ehr.connection import received
from cds_service.ehr.pinning import PinnedAdapter, Route, trusting
from cds_service.fhir.absence import Absence

SECONDS = 5.0  # for one key set; whoever calls meanwhile with a key that is known does not wait
LARGEST = 256 * 1024  # bytes
_OK = 200
_HEADERS = {"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": "heavy-legs-cds"}


def fetcher(trusted: str = "", seconds: float = SECONDS) -> Fetch:
    """Something that fetches key sets.

    Args:
        trusted: a file of certificate authorities; empty for those that are shipped with requests.
        seconds: for one key set.

    Raises:
        Failure: incorrect, when that file cannot be used.
    """
    trust = trusting(trusted)

    def fetch(address: KeyAddress) -> bytes:
        budget = Budget(seconds)
        try:
            return _fetched(address, budget, trust)
        except AbsentError as error:
            large = error.why is Absence.TOO_LARGE
            raise Unreachable(f"it is larger than {LARGEST} bytes" if large else str(error)) from error
        except requests.exceptions.SSLError as error:
            raise Unreachable("the certificate is not trusted, or TLS failed") from error
        except (requests.RequestException, HTTPError, OSError, ValueError) as error:
            raise Unreachable(f"no answer that can be read ({type(error).__name__})") from error

    return fetch


def _fetched(address: KeyAddress, budget: Budget, trust: ssl.SSLContext) -> bytes:
    if not address.url.lower().startswith("https:") and not address.plain_http:
        raise Unreachable("not https")
    found = addresses.resolve(address.url, private=address.private)
    route = Route(found, budget)
    adapter = PinnedAdapter(route, 1, trust)
    # A server that sends a byte now and then is never silent for as long as a socket waits.
    end = threading.Timer(budget.some_time(), route.close)
    end.start()
    try:
        return _body(address.url, adapter, budget)
    finally:
        end.cancel()
        adapter.close()
        route.close()


def _body(url: str, adapter: PinnedAdapter, budget: Budget) -> bytes:
    prepared = requests.Request("GET", url, headers=_HEADERS).prepare()
    left = budget.some_time()
    answer = adapter.send(prepared, stream=True, timeout=(left, left), verify=True, proxies={})
    try:
        if answer.status_code != _OK:
            raise Unreachable(f"it answered {answer.status_code}")
        return received(answer.raw, budget, LARGEST)
    finally:
        answer.close()
