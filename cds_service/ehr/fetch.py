"""The port to the EHR's FHIR server: what prefetch did not bring.

For now there is one implementation, which never fetches: what a request does not bring is unknown,
and the cards say so. A fetching one comes behind the same port.
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
        """What could be had for each key; a key that could not be had says why.

        Args:
            request: the question, the FHIR server it names, and the token for it.
            service: whose published templates are the queries.
            keys: of the templates that prefetch did not bring.
            client: who calls; only its own FHIR servers are asked.
        """


class CannotFetch:
    """The EHR when fetching is not set up."""

    def fetch(
        self,
        request: HookRequest,  # noqa: ARG002 - the port's signature
        service: Service,  # noqa: ARG002
        keys: Iterable[str],
        client: Client,  # noqa: ARG002
    ) -> dict[str, Arrival | Unavailable]:
        """Nothing, with the reason."""
        return {key: Unavailable(key, "not-delivered") for key in keys}
