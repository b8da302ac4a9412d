"""The port to the EHR's FHIR server: what prefetch did not bring, or not to its end.

`fetching` is what asks; in tests of the order of things another may stand in its place.
"""

from collections.abc import Iterable
from typing import Protocol

from cds_service.clients.model import Client
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
