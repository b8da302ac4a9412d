"""How many entries a request may bring, and what in a resource costs as much as one."""

from cds_service.failures import Failure, Kind
from cds_service.fhir.resources import (
    AnyResource,
    Component,
    Encounter,
    Observation,
    QuestionnaireResponse,
    ResponseItem,
)

MOST_ENTRIES = 10_000  # of one request; of one search at an EHR as many


class EntriesLeft:
    """How many more entries one request may bring."""

    def __init__(self, left: int = MOST_ENTRIES) -> None:
        self.left = left

    def spend(self, entries: int) -> None:
        """Count entries, or what costs as much.

        Raises:
            Failure: too-large.
        """
        self.left -= entries
        if self.left < 0:
            raise Failure(
                Kind.TOO_LARGE,
                f"more than {MOST_ENTRIES} entries, parts of panels, reasons and answers counted",
                where="prefetch",
                todo="limit the queries with _count, as the published templates do",
            )


def parts(resource: AnyResource) -> int:
    """What a resource holds that costs like entries of its own."""
    match resource:
        case Observation():
            readings: tuple[Observation | Component, ...] = (resource, *resource.component)
            # One reference range is a part of a result; each further one is read by itself.
            ranges = sum(max(0, len(part.referenceRange) - 1) for part in readings)
            return len(resource.component) + len(resource.contained) + ranges
        case Encounter():
            reasons = len(resource.reasonCode) + len(resource.reasonReference)
            return len(resource.contained) + reasons
        case QuestionnaireResponse():
            return _questions(resource.item)
        case _:
            return 0


def _questions(items: tuple[ResponseItem, ...]) -> int:
    return sum(1 + len(one.answer) + _questions(one.item) for one in items)
