"""The prefetch keys without which nothing can be said: what a caller is told who did not bring them."""

from cds_service.failures import Failure, Kind
from cds_service.fhir.evidence import Evidence, Unavailable
from cds_service.hooks.prefetch import CLIENT_ERROR

NECESSARY = ("patient", "conditions")  # ARCHITECTURE section 6


def demand_necessary(evidence: Evidence) -> None:
    """Patient and conditions, or nothing can be said; `conditions` delivered as nothing is delivered.

    Raises:
        Failure: unobtainable (412).
    """
    if evidence.patient is None or evidence.arrival("patient") is None:
        raise _unobtainable("patient", evidence)
    conditions = evidence.arrival("conditions")
    if conditions is None or conditions.incomplete == CLIENT_ERROR:
        raise _unobtainable("conditions", evidence)


_AS_PUBLISHED = "what the query of this key in GET /cds-services returns"
_NOTHING = {
    "patient": "a Patient is always needed",
    "conditions": "a patient without any has an empty Bundle",
}
_WHAT_HAPPENED = {
    "not-delivered": (
        "the key is missing from prefetch, and the service fetches nothing",
        "send it: {}",
    ),
    CLIENT_ERROR: (
        "an OperationOutcome was delivered in place of the data, or with an error beside them",
        "look into it for why the FHIR server refused the query, mend that, and send {}",
    ),
    "unreadable": ("what was delivered is no FHIR resource", "send {}"),
    "": ("what was delivered holds no such resource", "send {}"),
}


def _unobtainable(key: str, evidence: Evidence) -> Failure:
    found = evidence.arrivals.get(key)
    why = "not-delivered" if found is None else ""
    if isinstance(found, Unavailable):
        why = found.reason
    elif found is not None and found.incomplete == CLIENT_ERROR:
        why = CLIENT_ERROR
    what, todo = _WHAT_HAPPENED.get(why, (f"it could not be fetched ({why})", "send it: {}"))
    return Failure(
        Kind.UNOBTAINABLE,
        f"this is necessary, and {what}",
        where=f"prefetch.{key}",
        todo=f"{todo.format(_AS_PUBLISHED)}; {_NOTHING[key]}",
    )
