"""How much of a medicine is taken in a day."""

from decimal import Decimal

from cds_service.facts.data import datum, nothing, unknown
from cds_service.facts.model import Fact, Reason, Side
from cds_service.facts.onsets import FactOf
from cds_service.facts.record import Record
from cds_service.fhir.dosage import daily_milligrams
from cds_service.fhir.quantity import Interval, compare
from cds_service.rulebase.definitions import DerivedFact

_TAKEN = ("medication", "draft")
_KEYS = ("medicationRequests", "medicationStatements", "draftOrders")


def daily_dose(definition: DerivedFact, record: Record, _side: Side, _fact_of: FactOf) -> Fact:
    """Whether the daily dose of a medicine of the code set, taken now or being ordered, meets `is`.

    daily dose [mg/d] = dose x times a day, from `Dosage.doseAndRate` and `Dosage.timing`, summed over
    the instructions of one entry; each entry by itself. Limits are thresholds in mg/d.

    Returns:
        True as soon as one entry meets every limit; unknown where one does not say its dose in
        milligrams (one tablet, words alone); false when all do and none meets them, or nothing is taken.
    """
    (limit, *more) = definition.limits
    limits = [(one.how, record.rule_base.thresholds[one.threshold].single()) for one in (limit, *more)]
    taken = [one for one in record.stated(definition.of) if one.kind in _TAKEN]
    unsaid = []
    for one in taken:
        dose = daily_milligrams(one.dosages)
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
    ends = dict.fromkeys(_plain(end) for end in (dose.low, dose.high) if end is not None)
    return f"{' to '.join(ends)} mg a day"


def _plain(amount: Decimal) -> str:
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
