"""The highest dose of a medicine that is taken, or about to be."""

from cds_service.facts.data import datum, nothing, unknown
from cds_service.facts.model import Fact, Reason, Side
from cds_service.facts.onsets import FactOf
from cds_service.facts.record import Record
from cds_service.fhir.doses import milligrams_a_day
from cds_service.fhir.quantity import Interval, compare
from cds_service.rulebase.definitions import DerivedFact

_TAKEN = ("medication", "draft")
_KEYS = ("medicationRequests", "medicationStatements", "draftOrders")


def highest_dose(definition: DerivedFact, record: Record, _side: Side, _fact_of: FactOf) -> Fact:
    """Whether the daily dose of some entry of the code set, taken now or being ordered, meets `is`.

    Each entry by itself (`fhir.doses`), in mg/d: an order that lowers the dose stands beside the one it
    replaces, and the sum of both is nobody's dose.

    Returns:
        True as soon as one entry meets every limit; unknown where one does not say its dose in
        milligrams (one tablet, words alone); false when all do and none meets them, or nothing is taken.
    """
    limits = [
        (one.how, record.rule_base.thresholds[one.threshold].single()) for one in definition.limits
    ]
    unsaid = []
    for one in record.stated(definition.of):
        if one.kind not in _TAKEN:
            continue
        dose = milligrams_a_day(one.dosages)
        answers = [None if dose is None else compare(dose, how, size) for how, size in limits]
        if dose is not None and all(answers):
            return Fact(definition.name, True, data=(datum(one, _said(dose)),))
        if False not in answers:
            unsaid.append(one)
    if unsaid:
        return unknown(definition.name, Reason.UNREADABLE, tuple(datum(one) for one in unsaid[:1]))
    if record.unresolved_medicine:
        return unknown(definition.name, Reason.UNREADABLE)
    absent = nothing(definition, record, _KEYS, definition.of)
    return absent if absent.reason is not Reason.NOT_RECORDED else Fact(definition.name, False)


def _said(dose: Interval) -> str:
    ends = dict.fromkeys(f"{end:f}" for end in (dose.low, dose.high) if end is not None)
    return f"{' to '.join(ends)} mg a day"
