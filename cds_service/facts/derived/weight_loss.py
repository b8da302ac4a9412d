"""Loss of body weight within days, in percent.

Reference A 2.5 and 3.6 DEH-01 (c), reconciliation: the newest weight against those of some days before
it; the heaviest of these is the baseline. Vector: 80 kg, then 78.4 kg five days later, is 2 %.
"""

from decimal import Decimal, localcontext

import msgspec

from cds_service.facts.data import nothing
from cds_service.facts.derived.computed import as_measurement, finals, with_parts
from cds_service.facts.measurements import judged
from cds_service.facts.model import Fact, Reason, Side
from cds_service.facts.onsets import FactOf
from cds_service.facts.record import Record
from cds_service.facts.values import Value, newest, point
from cds_service.fhir.quantity import Interval
from cds_service.rulebase.definitions import DerivedFact, Unit

PARAMETERS = frozenset({"from", "to"})
_PERCENT = Unit("%", (), Decimal(1))
_PRECISION = 50


def weight_loss(definition: DerivedFact, record: Record, side: Side, fact_of: FactOf) -> Fact:
    """Whether so many percent were lost since `from` to `to` days before the newest weight.

    Unknown without a weight of those days.
    A newest weight that cannot be read is not replaced by an older one.
    """
    analyte = record.rule_base.analytes[definition.of[0]]
    found = finals(analyte, record, side)
    tied = newest(found)
    days = {
        name: record.rule_base.thresholds[one].single() for name, one in definition.parameters.items()
    }
    earlier = [one for one in found if tied and days["from"] <= _days(tied[0], one) <= days["to"]]
    heaviest = max(earlier, key=lambda one: point(one) or Decimal(0), default=None)
    before = point(heaviest) if heaviest is not None else None
    if heaviest is None or not before:
        return nothing(definition, record, analyte.arrives, (analyte.codes,), definition.within)
    made = [_lost(one, before) for one in tied]
    fact = judged(as_measurement(definition), lambda _: made, record, side, fact_of)
    return with_parts(fact, (heaviest,))


def _lost(now: Value, before: Decimal) -> Value:
    """The loss in percent, as a value of now; one that cannot be read, or is only a bound, is none."""
    weight = point(now)
    if weight is None:
        return msgspec.structs.replace(now, interval=None, problem=now.problem or Reason.STRADDLES)
    with localcontext() as context:
        context.prec = _PRECISION
        lost = (before - weight) * 100 / before
    return Value(now.statement, Interval(lost, lost), _PERCENT, now.text)


def _days(newest: Value, one: Value) -> int:
    last, first = newest.statement.when, one.statement.when
    assert last is not None
    assert first is not None
    return (last.end.date() - first.end.date()).days
