"""The port to the EHR's FHIR server: what prefetch did not bring, or not to its end.

`fetching` is the implementation that asks; `CannotFetch` is for where nobody may be asked.
"""

from collections.abc import Iterable
from typing import Protocol

from cds_service.clients.model import Client
from cds_service.fhir.absence import Absence
from cds_service.fhir.evidence import Arrival, Unavailable
from cds_service.hooks.request import HookRequest
from cds_service.hooks.service import Service


class Ehr(Protocol):
    """Fetches what is missing."""

    def fetch(
        self, request: HookRequest, service: Service, keys: Iterable[str], client: Client
    ) -> dict[str, Arrival | Unavailable]:
        """What could be had: arrivals to stand in the place of what the request brought.

        A missing key that could not be had says why. A list that could not be read on is as it was.

        Args:
            request: the question, the FHIR server it names, and the token for it.
            service: whose published templates are the queries.
            keys: published ones that prefetch did not bring, and those whose lists have more pages.
            client: who calls; only its own FHIR servers are asked.
        """


class CannotFetch:
    """The EHR when fetching is not set up."""

    def fetch(
        self,
        request: HookRequest,
        service: Service,  # noqa: ARG002 - the port's signature
        keys: Iterable[str],
        client: Client,  # noqa: ARG002
    ) -> dict[str, Arrival | Unavailable]:
        """Nothing, with the reason."""
        missing = (key for key in keys if key not in request.prefetch)
        return {key: Unavailable(key, Absence.NOT_DELIVERED) for key in missing}
