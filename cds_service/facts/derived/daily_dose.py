"""How much of a medicine is taken in a day, in milligrams (`fhir.doses`)."""

from decimal import Decimal

import msgspec

from cds_service.facts.data import datum, nothing, unknown
from cds_service.facts.model import Datum, Fact, Reason, Side
from cds_service.facts.onsets import FactOf
from cds_service.facts.record import Record
from cds_service.facts.statements import Statement
from cds_service.fhir.doses import milligrams_a_day
from cds_service.fhir.quantity import Interval, compare
from cds_service.rulebase.definitions import DerivedFact

_KEYS = ("medicationRequests", "medicationStatements")
_UNIT = "mg/d"


def daily_dose(definition: DerivedFact, record: Record, side: Side, fact_of: FactOf) -> Fact:  # noqa: ARG001
    """Whether the dose per day of the current medicines of a code set satisfies the limits.

    Limits are thresholds in mg/d. Two prescriptions of one medicine may be a refill or one dose made of
    two strengths: the dose is at least the larger and at most the sum.

    Returns:
        Unknown where a dose is not told in milligrams and in times a day, and the others do not decide.
    """
    taken = [one for one in record.stated(definition.of[:1]) if one.kind == "medication"]
    if not taken:
        if record.unresolved_medicine:
            return unknown(definition.name, Reason.UNREADABLE)
        return nothing(definition, record, _KEYS, definition.of[:1])
    doses = [milligrams_a_day(one.dosages) for one in taken]
    dose = together(doses)
    shown = tuple(_datum(one, each) for one, each in zip(taken, doses, strict=True))
    thresholds = record.rule_base.thresholds
    answers = [compare(dose, one.how, thresholds[one.threshold].single()) for one in definition.limits]
    if all(answers):
        return Fact(definition.name, True, data=shown)
    if False in answers:
        return Fact(definition.name, False, data=shown)
    told = None not in doses
    return unknown(definition.name, Reason.STRADDLES if told else Reason.UNREADABLE, shown)


def together(doses: list[Interval | None]) -> Interval:
    """At least the largest of several doses, at most their sum; open above if one is not told."""
    lows = [one.low for one in doses if one is not None and one.low is not None]
    highs = [one.high for one in doses if one is not None and one.high is not None]
    most = sum(highs, Decimal(0)) if len(highs) == len(doses) else None
    return Interval(max(lows, default=Decimal(0)), most)


def _datum(one: Statement, dose: Interval | None) -> Datum:
    if dose is None or dose.low is None or dose.high is None:
        return datum(one)
    edges = (f"{dose.low:f}",) if dose.low == dose.high else (f"{dose.low:f}", f"{dose.high:f}")
    return msgspec.structs.replace(
        datum(one, f"{one.label}, {' to '.join(edges)} mg a day"), value=" to ".join(edges), unit=_UNIT
    )
