"""Loss of body weight within a week, in percent.

Reference A 2.5 and 3.6 DEH-01 (c): the newest weight (at most two days old) against those of 3 to 7 days
before it; the heaviest of these is the baseline. Vector: 80 kg, then 78.4 kg five days later, is 2 %.
"""

from decimal import Decimal, localcontext

from cds_service.facts.data import nothing
from cds_service.facts.derived.computed import as_measurement, finals, with_parts
from cds_service.facts.measurements import judged
from cds_service.facts.model import Fact, Side
from cds_service.facts.onsets import FactOf
from cds_service.facts.record import Record
from cds_service.facts.values import Value
from cds_service.fhir.quantity import Interval, scaled
from cds_service.rulebase.definitions import DerivedFact, Unit

_FROM, _TO = 3, 7  # days before the newest weight
_PERCENT = Unit("%", (), Decimal(1))
_PRECISION = 50


def weight_loss(definition: DerivedFact, record: Record, side: Side, fact_of: FactOf) -> Fact:
    """Whether so many percent were lost; unknown without a weight of 3 to 7 days before the newest."""
    analyte = record.rule_base.analytes[definition.of[0]]
    found = [one for one in finals(analyte, record, side) if _kilograms(one) is not None]
    newest = found[0] if found else None
    earlier = [one for one in found[1:] if newest is not None and _FROM <= _days(newest, one) <= _TO]
    heaviest = max(earlier, key=lambda one: _kilograms(one) or Decimal(0), default=None)
    now = _kilograms(newest) if newest is not None else None
    before = _kilograms(heaviest) if heaviest is not None else None
    if newest is None or heaviest is None or now is None or not before:
        return nothing(definition, record, analyte.arrives, (analyte.codes,), definition.within)
    with localcontext() as context:
        context.prec = _PRECISION
        lost = (before - now) * 100 / before
    made = Value(newest.statement, Interval(lost, lost), _PERCENT, newest.text)
    fact = judged(as_measurement(definition), lambda _: [made], record, side, fact_of)
    return with_parts(fact, (heaviest,))


def _days(newest: Value, one: Value) -> int:
    last, first = newest.statement.when, one.statement.when
    assert last is not None
    assert first is not None
    return (last.end.date() - first.end.date()).days


def _kilograms(one: Value) -> Decimal | None:
    if one.interval is None or one.unit is None:
        return None
    span = scaled(one.interval, one.unit.factor)
    return span.low if span.low == span.high else None
