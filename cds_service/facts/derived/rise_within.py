"""Has a value risen by so much within so many hours?"""

from datetime import timedelta
from decimal import Decimal

from cds_service.facts import values
from cds_service.facts.data import nothing, unknown
from cds_service.facts.derived.newest import decided, doubtful, earlier, edges_of, newest_of
from cds_service.facts.measurements import native_value
from cds_service.facts.model import Fact, Side
from cds_service.facts.onsets import FactOf
from cds_service.facts.record import Record
from cds_service.facts.values import Value, reading_datum
from cds_service.rulebase.definitions import Analyte, DerivedFact, Threshold

PARAMETERS = frozenset({"rise", "over", "within", "clears-within"})


def rise_within(definition: DerivedFact, record: Record, side: Side, _fact_of: FactOf) -> Fact:
    """Whether the newest value is higher by `rise` than some value of the `over` hours before it.

    Two values in the same unit are compared with the limit in that unit (0.3 mg/dL is not quite 26.5
    umol/L), others exactly in the analyte's first unit. A date without a clock may lie inside the
    hours, so it is compared.

    Returns:
        False where no earlier value lies inside: a rise that nobody measured. Unknown as in
        `times_baseline`.
    """
    analyte = record.rule_base.analytes[definition.of[0]]
    found = values.values(analyte, record, side, preliminary=False)
    if not found:
        return nothing(definition, record, analyte.arrives, (analyte.codes,))
    newest = newest_of(found)
    if newest.problem is not None:
        return unknown(definition.name, newest.problem, (reading_datum(newest),))
    thresholds = record.rule_base.thresholds
    limit = thresholds[definition.parameters["rise"]]
    hours = timedelta(hours=int(thresholds[definition.parameters["over"]].single()))
    began = newest.statement.when
    assert began is not None
    used = [
        one
        for one in earlier(found, newest)
        if one.statement.when is not None and one.statement.when.end >= began.start - hours
    ]
    readable = [one for one in used if one.problem is None]
    answers = [_risen(newest, one, limit, analyte) for one in readable]
    lower = next((one for one, answer in zip(readable, answers, strict=True) if answer), None)
    shown = reading_datum(newest, lower or next(iter(readable), None))
    answer = True if lower is not None else None if None in answers else False
    doubt = doubtful([*used, *values.newest(found)])
    reach = -(-hours // timedelta(days=1))  # whole days, a part of one counts
    return decided(definition, record, newest, answer, shown, doubt, reach)


def _risen(newest: Value, before: Value, limit: Threshold, analyte: Analyte) -> bool | None:
    """Whether a value is the limit or more above an earlier one; None where a comparator hides it."""
    assert newest.unit is not None
    native = native_value(limit, newest.unit) if newest.unit == before.unit else None
    if native is not None and newest.interval is not None and before.interval is not None:
        low, high = newest.interval.low, newest.interval.high
        floor, ceiling = before.interval.low, before.interval.high
        return _difference(low or Decimal(0), high, floor or Decimal(0), ceiling, native)
    now, then = edges_of(newest), edges_of(before)
    assert now is not None
    assert then is not None
    return _difference(*now, *then, limit.values[analyte.unit])


def _difference(
    low: Decimal, high: Decimal | None, floor: Decimal, ceiling: Decimal | None, rise: Decimal
) -> bool | None:
    if ceiling is not None and low - ceiling >= rise:
        return True
    if high is not None and high - floor < rise:
        return False
    return None
