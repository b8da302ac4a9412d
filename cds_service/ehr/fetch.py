"""The port to the EHR's FHIR server: what prefetch did not bring.

For now there is one implementation, which never fetches: what a request does not bring is unknown,
and the cards say so. A fetching one comes behind the same port.
"""

from collections.abc import Iterable
from typing import Protocol

from cds_service.fhir.evidence import Arrival, Unavailable
from cds_service.hooks.request import HookRequest


class Ehr(Protocol):
    """Fetches what is missing."""

    def fetch(self, request: HookRequest, keys: Iterable[str]) -> dict[str, Arrival | Unavailable]:
        """What could be had for each key; a key that could not be had says why."""


class CannotFetch:
    """The EHR when fetching is not set up."""

    def fetch(
        self,
        request: HookRequest,  # noqa: ARG002 - the port's signature
        keys: Iterable[str],
    ) -> dict[str, Arrival | Unavailable]:
        """Nothing, with the reason."""
        return {key: Unavailable(key, "not-delivered") for key in keys}
