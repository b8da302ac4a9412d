"""What a FHIR server answered to our queries, read as what prefetch brings is: by the same door."""

import re
from collections.abc import Mapping

import msgspec

from cds_service.failures import Failure, Kind
from cds_service.fhir.absence import Absence
from cds_service.fhir.evidence import Arrival, Unavailable
from cds_service.hooks import prefetch
from cds_service.hooks.entries import EntriesLeft
from cds_service.hooks.request import Question

_COUNT = re.compile(r"\b_count=\d+")


class Fetched(msgspec.Struct, frozen=True):
    """The body of one answer.

    Attributes:
        raw: a resource, or a Bundle with the entries of all pages.
        whole: every page was read, and there was more than one: then no `_count` has cut the list.
        why: what keeps it from being whole; empty where nothing is known to.
    """

    raw: bytes
    whole: bool = False
    why: str = ""


def read(
    answers: Mapping[str, Fetched], templates: Mapping[str, str], question: Question
) -> dict[str, Arrival | Unavailable]:
    """What each key brought.

    What would be refused as the client's mistake in a prefetch is here one key that is not to be had:
    another Patient, and more entries than are read.
    """
    entries_left = EntriesLeft()
    return {
        key: _arrival(key, answered, templates[key], question, entries_left)
        for key, answered in answers.items()
    }


def _arrival(
    key: str, answered: Fetched, template: str, question: Question, entries_left: EntriesLeft
) -> Arrival | Unavailable:
    # A server that pages says by the last page that there is no more; the count is then only of a page.
    limited = _COUNT.sub("", template) if answered.whole else template
    try:
        found = prefetch.arrival(key, answered.raw, limited, question.patient, "fetched", entries_left)
    except Failure as failure:
        return Unavailable(key, _WHY.get(failure.kind, Absence.NOT_FHIR))
    if key == "encounter":
        found = prefetch.of_the_encounter(found, question.encounter)
    if isinstance(found, Unavailable):
        return Unavailable(key, _REASONS.get(found.reason, found.reason))
    if found.incomplete == Absence.CLIENT_ERROR:
        return msgspec.structs.replace(found, incomplete=Absence.ERROR_OUTCOME)
    if answered.why:
        return msgspec.structs.replace(found, complete=False, incomplete=answered.why, back_to=None)
    return found


_WHY = {Kind.FORBIDDEN: Absence.OTHER_PATIENT, Kind.TOO_LARGE: Absence.TOO_LARGE}
_REASONS: Mapping[str, Absence] = {
    Absence.CLIENT_ERROR: Absence.ERROR_OUTCOME,
    Absence.UNREADABLE: Absence.NOT_FHIR,
}
