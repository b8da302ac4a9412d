"""The prefetch keys without which nothing can be said: what a caller is told who did not bring them."""

from collections.abc import Mapping, Sequence

from cds_service.failures import Failure, Kind
from cds_service.fhir.absence import MEANINGS, Absence
from cds_service.fhir.evidence import Evidence, Unavailable

NECESSARY = ("patient", "conditions")  # ARCHITECTURE section 6


def demand_necessary(evidence: Evidence) -> None:
    """Patient and conditions, or nothing can be said; `conditions` delivered as nothing is delivered.

    Raises:
        Failure: unobtainable (412), of the first that is wanting, and naming the other.
    """
    wanting = []
    if evidence.patient is None or evidence.arrival("patient") is None:
        wanting.append("patient")
    conditions = evidence.arrival("conditions")
    if conditions is None or conditions.incomplete in _FAILED:
        wanting.append("conditions")
    if wanting:
        raise _unobtainable(wanting, evidence)


_AS_PUBLISHED = "what the query of this key in GET /cds-services returns"
_NOTHING = {
    "patient": "a Patient is always needed",
    "conditions": "a patient without any has an empty Bundle",
}
_FAILED = (Absence.CLIENT_ERROR, Absence.ERROR_OUTCOME)  # beside data: no list of any use
_WHAT_HAPPENED: Mapping[str, tuple[str, str]] = {
    Absence.NOT_DELIVERED: (
        "the key is missing from prefetch, and for this client the service fetches nothing",
        "send it, {}; or have the service's operator enter the FHIR server for this client",
    ),
    Absence.CLIENT_ERROR: (
        "an OperationOutcome was delivered in place of the data, or with an error beside them",
        "look into it for why the FHIR server refused the query, mend that, and send {}",
    ),
    Absence.UNREADABLE: ("what was delivered is no FHIR resource", "send {}"),
    "": ("what was delivered holds no such resource", "send {}"),
}


def _fetching(why: str) -> tuple[str, str]:
    """Of a key that is missing from prefetch and was not to be had from the FHIR server either."""
    told = MEANINGS.get(Absence(why)) if why in list(Absence) else None
    what = told or "it could not be fetched"
    return f"the key is missing from prefetch, and {what}", "see to that, or send it: {}"


def _unobtainable(wanting: Sequence[str], evidence: Evidence) -> Failure:
    key, *others = wanting
    found = evidence.arrivals.get(key)
    why: str = Absence.NOT_DELIVERED if found is None else ""
    if isinstance(found, Unavailable):
        why = found.reason
    elif found is not None and found.incomplete in _FAILED:
        why = found.incomplete
    what, todo = _WHAT_HAPPENED.get(why) or _fetching(why)
    return Failure(
        Kind.UNOBTAINABLE,
        f"this is necessary, and {what}" + "".join(f"; `{one}` is wanting too" for one in others),
        where=f"prefetch.{key}",
        todo=f"{todo.format(_AS_PUBLISHED)}; {_NOTHING[key]}",
    )
