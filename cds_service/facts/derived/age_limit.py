"""A limit that grows with age, as that of D-dimer.

limit(age) = `limit` up to the age `above-age`, beyond it `per-year` x age in completed years. Reference
A 3.3 DVT-05 and 5.7; Schouten 2013 (PMC3643284): D-dimer 500 ug/L FEU, above 50 years age x 10. D-dimer
units (DDU) are half of that, so their analyte has the limits 250 and 5: 360 ug/L DDU is 720 FEU.
Vectors: at 72 the limit is 720 FEU; 719 and 640 are below it, 720 is not; at 50 it is 500, at 51 510.
"""

from decimal import Decimal, localcontext

import msgspec

from cds_service.facts import demographics
from cds_service.facts.data import nothing
from cds_service.facts.derived.computed import as_measurement, finals
from cds_service.facts.derived.newest import newest_of
from cds_service.facts.measurements import judged
from cds_service.facts.model import Datum, Fact, Reason, Side
from cds_service.facts.onsets import FactOf
from cds_service.facts.record import Record
from cds_service.facts.values import Value, canonical, values
from cds_service.fhir.quantity import Interval, scaled
from cds_service.rulebase.definitions import DerivedFact, Unit

PARAMETERS = frozenset({"limit", "per-year", "above-age"})
_TIMES = Unit("1", (), Decimal(1))
_PRECISION = 50  # digits: equal stays equal, and no rounding reaches a limit
_YOUNGEST, _OLDEST = 0, demographics.OLDEST


def times_age_limit(definition: DerivedFact, record: Record, side: Side, fact_of: FactOf) -> Fact:
    """How many times its limit for this age the newest value is, against limits in `{"1": …}`.

    `of` is the analyte, then the facts that began before the value may count. A range whose upper limit
    is not `limit` says that the laboratory has another cut-off for its test: that one counts, and is not
    adjusted for age. Below the limit is the safe side: a suspect sample and a date that only partly lies
    in `within` never settle that.

    Returns:
        Unknown where the limits of a partial birth date, or of no birth date, lie on both sides.
    """
    analyte, *began = definition.of
    low_is_safe = all(one.how in ("below", "at-most") for one in definition.limits)
    plain = msgspec.structs.replace(
        as_measurement(definition), after_onset_of=tuple(began), reassuring=low_is_safe
    )
    allowed = limits(definition, record)

    def found(preliminary: bool) -> list[Value]:
        known = values(record.rule_base.analytes[analyte], record, side, preliminary=preliminary)
        return [_as_multiple(one, _own(one, definition, record) or allowed) for one in known]

    return judged(plain, found, record, side, fact_of)


def age_limit(definition: DerivedFact, record: Record, side: Side, _fact_of: FactOf) -> Fact:
    """Whether the limit of the newest value is the one for this age, above the usual; with the limit.

    So that a card can say which limit it used: the datum is `720 ng/mL FEU`, in the unit of the value.
    False up to `above-age`, and where the laboratory has a cut-off of its own.
    """
    analyte = record.rule_base.analytes[definition.of[0]]
    found = finals(analyte, record, side)
    if not found:
        return nothing(definition, record, analyte.arrives, (analyte.codes,), definition.within)
    last = newest_of(found)
    least, most = limits(definition, record)
    if last.unit is None or least != most:
        return Fact(definition.name, None, last.problem or Reason.DATE_IMPRECISE)
    if least <= _canonical(definition, "limit", record) or _own(last, definition, record) is not None:
        return Fact(definition.name, False)
    amount = (least / last.unit.factor).normalize()
    text = f"{amount:f} {last.unit.code.replace('{', ' ').replace('}', '')}"
    return Fact(definition.name, True, data=(Datum(label=definition.label, text=text, ref=""),))


def limits(definition: DerivedFact, record: Record) -> tuple[Decimal, Decimal]:
    """The lowest and the highest limit that the patient's age allows, in the analyte's first unit."""
    youngest, eldest = demographics.age(record) or (_YOUNGEST, _OLDEST)
    usual, each = (_canonical(definition, name, record) for name in ("limit", "per-year"))
    above = record.rule_base.thresholds[definition.parameters["above-age"]].single()
    every = [usual if age <= above else each * age for age in range(youngest, eldest + 1)]
    return min(every), max(every)


def _canonical(definition: DerivedFact, name: str, record: Record) -> Decimal:
    """A parameter in the analyte's first unit."""
    threshold = record.rule_base.thresholds[definition.parameters[name]]
    return threshold.values[record.rule_base.analytes[definition.of[0]].unit]


def _own(one: Value, definition: DerivedFact, record: Record) -> tuple[Decimal, Decimal] | None:
    """The laboratory's own cut-off, where its range has one that is not the usual limit."""
    if len(one.range.upper) != 1 or one.unit is None:
        return None
    (upper,) = one.range.upper
    edge = scaled(Interval(upper, upper), one.unit.factor, one.unit.zero).low
    return None if edge is None or edge == _canonical(definition, "limit", record) else (edge, edge)


def _as_multiple(one: Value, allowed: tuple[Decimal, Decimal]) -> Value:
    """The value as a multiple of its limit, from the highest limit it may have to the lowest."""
    span = canonical(one)
    if span is None:
        return one
    least, most = allowed
    with localcontext() as context:
        context.prec = _PRECISION
        low = None if span.low is None else span.low / most
        high = None if span.high is None else span.high / least
    made = Interval(low, high, span.low_open, span.high_open)
    return Value(one.statement, made, _TIMES, one.text, range=one.range)
