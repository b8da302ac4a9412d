"""What arrived for one request: per prefetch key, resources or the reason there are none.

Absence means something only in a complete arrival (ARCHITECTURE 5.1), so every arrival says how far it
is complete.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Literal

import msgspec

from cds_service.fhir.decoding import Unread
from cds_service.fhir.resources import AnyResource, Patient

Origin = Literal["prefetch", "fetched", "context"]


class Item(msgspec.Struct, frozen=True, gc=False):
    """One resource that arrived, with the reference that names it to the caller.

    `url`: its `fullUrl` in the Bundle that brought it.
    """

    resource: AnyResource
    ref: str
    key: str
    url: str = ""


class Arrival(msgspec.Struct, frozen=True):
    """What one key delivered.

    `complete` means that what is absent here is absent from the record. `back_to` is set for a
    date-sorted list that was cut by its `_count`: complete from that day on. `incomplete` says why
    not, in words for the evaluation.
    """

    key: str
    origin: Origin
    items: tuple[Item, ...] = ()
    complete: bool = True
    back_to: date | None = None
    incomplete: str = ""
    unread: tuple[Unread, ...] = ()
    other_patient: int = 0


class Unavailable(msgspec.Struct, frozen=True):
    """A key that delivered nothing usable, and why: absent, error, unreadable, cannot fetch."""

    key: str
    reason: str


class Evidence(msgspec.Struct, frozen=True):
    """Everything one request brought, by prefetch key; draft orders are the key `draftOrders`.

    `encounter` is `context.encounterId`, `server` is `fhirServer`; empty where the request says none.
    """

    arrivals: Mapping[str, Arrival | Unavailable]
    encounter: str = ""
    server: str = ""

    def arrival(self, key: str) -> Arrival | None:
        """The arrival under `key`; None when it is unavailable or was never asked for."""
        found = self.arrivals.get(key)
        return found if isinstance(found, Arrival) else None

    def delivered(self) -> Iterator[Arrival]:
        """Every arrival that is one."""
        for found in self.arrivals.values():
            if isinstance(found, Arrival):
                yield found

    @property
    def patient(self) -> Patient | None:
        """The Patient resource of the key `patient`; one that came with another list decides nothing."""
        arrival = self.arrival("patient")
        found = [item.resource for item in arrival.items] if arrival else []
        patients = [one for one in found if isinstance(one, Patient)]
        return next((one for one in patients if one.id), patients[0] if patients else None)

    @property
    def unread(self) -> tuple[Unread, ...]:
        """Every resource that could not be read."""
        return tuple(one for arrival in self.delivered() for one in arrival.unread)
