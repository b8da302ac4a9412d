"""Fetching what prefetch did not bring, from the FHIR server of the request, within one time budget.

A key that is missing is asked by its published query. A list that came with a `next` link is read on
from there. All are asked at the same time; what does not make it in time is unknown, and says why.
"""

import logging
from collections.abc import Iterable, Mapping
from concurrent.futures import wait

from cds_service.clients.model import Client, FhirServer
from cds_service.ehr import addresses, allowlist, asking, pages, templates
from cds_service.ehr.absent import AbsentError
from cds_service.ehr.budget import Budget
from cds_service.ehr.connection import Connection
from cds_service.ehr.paging import Found, Paged
from cds_service.ehr.pinning import PinnedAdapter, Route, trusting
from cds_service.ehr.pool import Pool
from cds_service.fhir.absence import Absence
from cds_service.fhir.evidence import Arrival, Unavailable
from cds_service.hooks import fetched
from cds_service.hooks.fetched import Fetched
from cds_service.hooks.request import HookRequest
from cds_service.hooks.service import Service

_log = logging.getLogger(__name__)
_NO_NEWS = ("", Absence.CUT)  # a list that is longer than what is wanted of it is no fault


class Fetching:
    """The EHR whose FHIR server is asked, where the client's entry allows it.

    Args:
        seconds: for everything that one hook call fetches.
        trusted: a file of certificate authorities; empty for those that are shipped with requests.
        pool: of threads; one for a process.

    Raises:
        Failure: incorrect, when that file cannot be used.
    """

    def __init__(self, seconds: float, trusted: str = "", pool: Pool | None = None) -> None:
        """Nothing is asked yet."""
        self._seconds = seconds
        self._trust = trusting(trusted)
        self._pool = pool or Pool()

    def fetch(
        self, request: HookRequest, service: Service, keys: Iterable[str], client: Client
    ) -> dict[str, Arrival | Unavailable]:
        """What could be had for each key that is missing, and for each list that can be read on."""
        asked_for = list(keys)
        missing = [key for key in asked_for if key not in request.prefetch]
        if not client.fhir_servers:
            return {key: Unavailable(key, Absence.NOT_DELIVERED) for key in missing}
        begun = _begun(request, asked_for)
        results = self._results(request, service, missing, begun, client)
        answers = {key: _answered(one) for key, one in results.items() if isinstance(one, Found)}
        found = fetched.read(answers, service.prefetch, request.question)
        for key, one in results.items():
            if isinstance(one, AbsentError) and key in missing:
                found[key] = Unavailable(key, one.why)
        _tell(service, client, found, results)
        return found

    def _results(
        self,
        request: HookRequest,
        service: Service,
        missing: list[str],
        begun: Mapping[str, bytes],
        client: Client,
    ) -> dict[str, Found | AbsentError]:
        """For each key what there is, or why there is nothing."""
        wanted = [*missing, *begun]
        filled = {key: templates.filled(service.prefetch[key], request.question) for key in wanted}
        queries = {key: query for key, query in filled.items() if query}
        results: dict[str, Found | AbsentError] = {
            key: AbsentError(Absence.NO_VALUE) for key in wanted if key not in queries
        }
        if queries:
            try:
                results |= self._asked(queries, begun, request, client)
            except AbsentError as error:
                results |= dict.fromkeys(queries, error)
        return results

    def _asked(
        self,
        queries: Mapping[str, str],
        begun: Mapping[str, bytes],
        request: HookRequest,
        client: Client,
    ) -> dict[str, Found | AbsentError]:
        """Every query asked at the same time, until all have ended or time is up.

        Raises:
            AbsentError: none can be asked.
        """
        server, token = _server(request, client), _token(request)
        budget = Budget(self._seconds)
        route = self._route(server, client, budget)
        adapter = PinnedAdapter(route, len(queries), self._trust)
        try:
            connection = Connection(server.base, adapter, budget, token)

            def ask(url: str) -> bytes:
                return asking.asked(url, connection, budget)

            paged = {
                key: Paged(query, server.base, ask, begun.get(key)) for key, query in queries.items()
            }
            begun_work = [self._pool.submit(client.name, budget, one.run) for one in paged.values()]
            running = [one for one in begun_work if one is not None]
            wait(running, budget.left)
            results = {key: one.found() for key, one in paged.items()}
            for one in running:
                one.cancel()
        finally:
            budget.end()
            route.close()
            adapter.close()
        return results

    def _route(self, server: FhirServer, client: Client, budget: Budget) -> Route:
        """The addresses of the server; looked up in a thread, because a look-up has no time-out."""
        looking = self._pool.submit(
            client.name, budget, lambda: addresses.resolve(server.base, private=server.private)
        )
        if looking is None or not wait([looking], budget.left).done:
            raise AbsentError(Absence.OUT_OF_TIME)
        return Route(looking.result(), budget)


def _begun(request: HookRequest, keys: Iterable[str]) -> dict[str, bytes]:
    """The lists that prefetch began and whose next page has an address."""
    brought = {key: bytes(request.prefetch[key]) for key in keys if key in request.prefetch}
    return {key: raw for key, raw in brought.items() if pages.read(raw).next}


def _server(request: HookRequest, client: Client) -> FhirServer:
    named = request.question.fhir_server
    if not named:
        raise AbsentError(Absence.NO_SERVER)
    server = allowlist.allowed(named, client.fhir_servers)
    if server is None:
        raise AbsentError(Absence.NOT_ALLOWED)
    return server


def _token(request: HookRequest) -> str:
    """The token for the server; empty where the request has none, and the server is open."""
    if request.authorization is None:
        return ""
    if request.authorization.lasts <= 0:
        raise AbsentError(Absence.EXPIRED)
    return request.authorization.token


def _answered(found: Found) -> Fetched:
    return Fetched(found.raw, found.whole, found.why.why if found.why else "")


def _tell(
    service: Service,
    client: Client,
    found: Mapping[str, Arrival | Unavailable],
    results: Mapping[str, Found | AbsentError],
) -> None:
    """Tell the operator what is lacking and why: keys and reasons of ours, nothing of the request."""
    by_reason: dict[str, list[str]] = {}
    for key, result in results.items():
        arrived = found.get(key)
        error = result.why if isinstance(result, Found) else result
        status = f" ({error.status})" if error and error.status else ""
        if isinstance(arrived, Unavailable):
            by_reason.setdefault(arrived.reason + status, []).append(key)
        elif arrived is not None and arrived.incomplete not in _NO_NEWS:
            by_reason.setdefault(arrived.incomplete + status, []).append(f"{key} in part")
        elif arrived is None and error is not None:  # a list that prefetch began is as it was
            by_reason.setdefault(f"{error.why}{status}", []).append(f"{key} in part")
    if by_reason:
        _log.warning(
            "%s, client %s: %d of %d queries not or not wholly fetched: %s",
            service.id,
            client.name,
            sum(len(keys) for keys in by_reason.values()),
            len(results),
            "; ".join(f"{reason}: {', '.join(keys)}" for reason, keys in by_reason.items()),
        )
