"""The product of two values that were taken together: days a week times minutes a day.

    product = first x second, in the unit of the analyte that the limit is of

Reference B 3 low-activity (LOINC 89555-7 x 68516-4). Vectors: 3 d/wk x 40 min/d is 120 min/wk; 0 d/wk
is 0 min/wk, whatever the second is.
"""

from decimal import Decimal, localcontext

import msgspec

from cds_service.facts.derived.computed import computed
from cds_service.facts.derived.pairing import partners
from cds_service.facts.model import Fact, Reason, Side
from cds_service.facts.onsets import FactOf
from cds_service.facts.record import Record
from cds_service.facts.values import Value, point
from cds_service.fhir.quantity import Interval
from cds_service.rulebase.definitions import DerivedFact

_PRECISION = 50


def product(definition: DerivedFact, record: Record, side: Side, fact_of: FactOf) -> Fact:
    """Whether the newest value of the first analyte, times the second one's, satisfies the limits.

    Both are taken in their first unit; only final point values that belong together count.

    Returns:
        Unknown ("not recorded") without a second value of nearly the same time; of nought times
        anything, that is not needed.
    """
    _, other = definition.of
    limit = record.rule_base.thresholds[definition.limits[0].threshold]
    target = record.rule_base.analytes[limit.of]
    window = record.rule_base.thresholds[definition.paired_within]

    def formula(first: Value) -> tuple[Value, tuple[Value, ...]]:
        factor = point(first)
        found = partners(other, record, side).nearest(first, window)
        second = point(found) if found is not None else None
        if factor is None or (second is None and factor):
            problem = first.problem or Reason.NOT_RECORDED
            return msgspec.structs.replace(first, interval=None, text="", problem=problem), ()
        with localcontext() as context:
            context.prec = _PRECISION
            made = factor * (second or Decimal(0))
        shown = f"{made.normalize():f} {target.unit}"
        value = Value(first.statement, Interval(made, made), target.units[target.unit], shown)
        return value, (first, found) if found is not None else (first,)

    return computed(definition, formula, record, side, fact_of)
