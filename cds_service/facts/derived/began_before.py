"""Did a medicine begin before a symptom?"""

from cds_service.facts.data import datum, gap, unknown
from cds_service.facts.model import Datum, Fact, Reason, Side
from cds_service.facts.onsets import FactOf
from cds_service.facts.record import Record
from cds_service.facts.statements import Statement
from cds_service.fhir.dates import Span
from cds_service.rulebase.definitions import DerivedFact

_TAKEN = ("medication", "ended-medication")
_KEYS = ("medicationRequests", "medicationStatements", "medicationRequestsEnded")


def began_before(definition: DerivedFact, record: Record, side: Side, fact_of: FactOf) -> Fact:
    """Whether a medicine of the code set was taken before, or on the day, one of the facts began.

    The first entry of the medicine that is dated, current or ended, is its start at the latest: a
    prescription may be a refill. So "not before" is said only of a record of medicines that is complete,
    by an onset that is one: the date a problem was written down is not (reconciliation 1, Onset).

    Returns:
        Unknown where a start or an onset is not dated, and true or false do not follow from the rest.
    """
    taken = [one for one in record.stated((definition.of[0],)) if one.kind in _TAKEN]
    facts = [fact_of(name, side) for name in definition.of[1:]]
    symptoms = [one for fact in facts if fact.value is True for one in fact.data]
    if not taken or not symptoms:
        return Fact(definition.name, None, Reason.NOT_RECORDED)
    dated = [one for one in taken if _by_when(one) is not None]
    pairs = [(_before(one, symptom), one) for one in dated for symptom in symptoms]
    first = next((one for answer, one in pairs if answer), None)
    if first is not None:
        return Fact(definition.name, True, data=(datum(first),))
    shown = tuple(datum(one) for one in taken[:1])
    if len(dated) < len(taken) or any(answer is None for answer, _ in pairs):
        return unknown(definition.name, Reason.UNDATED, shown)
    missing = gap(record, _KEYS, definition.of[:1])
    if missing is not None:
        return unknown(definition.name, missing, shown)
    return Fact(definition.name, False, data=shown)


def _before(one: Statement, symptom: Datum) -> bool | None:
    """Whether an entry of the medicine is surely from before the onset, or surely not."""
    taken = _by_when(one)
    assert taken is not None
    began = symptom.onset
    if began is not None and taken.end <= began.end:
        return True
    bound = began or symptom.recorded or symptom.when
    if bound is not None and taken.start > bound.end:
        return False
    return None


def _by_when(one: Statement) -> Span | None:
    """By when the medicine was taken at the latest."""
    return one.onset or one.recorded
