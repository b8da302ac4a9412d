"""Creatinine against its own past: how many times the baseline, and the rise within 48 hours.

Baseline as in the algorithm of NHS England (reconciliation 1, AKI): the lowest value of the 7 days
before the newest one, if there is any; else the median of those 8 to 365 days before. Without either,
unknown.
"""

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal, localcontext

from cds_service.facts.data import nothing
from cds_service.facts.derived.computed import as_measurement, finals, with_parts
from cds_service.facts.measurements import FactOf, Value, judged
from cds_service.facts.model import Fact, Side
from cds_service.facts.record import Record
from cds_service.fhir.quantity import Interval, scaled
from cds_service.rulebase.definitions import DerivedFact, Unit

_RECENT, _OLDEST = timedelta(days=7), timedelta(days=365)
_TWO_DAYS = timedelta(hours=48)
_TIMES = Unit("1", (), Decimal(1))
_PRECISION = 50


def creatinine_ratio(definition: DerivedFact, record: Record, side: Side, fact_of: FactOf) -> Fact:
    """Whether the newest creatinine is so many times its baseline."""
    newest, earlier = _newest_and_earlier(definition, record, side)
    found = baseline(newest, earlier) if newest is not None else None
    now = _micromoles(newest) if newest is not None else None
    if newest is None or found is None or now is None:
        return _nothing(definition, record)
    value, used = found
    with localcontext() as context:
        context.prec = _PRECISION
        times = now / value
    made = Value(newest.statement, Interval(times, times), _TIMES, newest.text)
    fact = judged(as_measurement(definition), lambda _: [made], record, side, fact_of)
    return with_parts(fact, used)


def creatinine_rise(definition: DerivedFact, record: Record, side: Side, fact_of: FactOf) -> Fact:
    """Whether the newest creatinine has risen by so much within 48 hours."""
    newest, earlier = _newest_and_earlier(definition, record, side)
    recent = [one for one in earlier if newest is not None and _gap(newest, one) <= _TWO_DAYS]
    lowest = min(recent, key=lambda one: _micromoles(one) or Decimal(0), default=None)
    if newest is None or lowest is None or newest.unit is None or lowest.unit is None:
        return _nothing(definition, record)
    assert newest.interval is not None
    assert lowest.interval is not None
    if newest.unit.code == lowest.unit.code:  # in the unit of both, without a conversion
        rise, unit = (newest.interval.low or 0) - (lowest.interval.low or 0), newest.unit
    else:
        analyte = record.rule_base.analytes[definition.of[0]]
        rise = (_micromoles(newest) or Decimal(0)) - (_micromoles(lowest) or Decimal(0))
        unit = analyte.units[analyte.unit]
    rise = Decimal(rise)
    made = Value(newest.statement, Interval(rise, rise), unit, newest.text)
    fact = judged(as_measurement(definition), lambda _: [made], record, side, fact_of)
    return with_parts(fact, (lowest,))


def baseline(newest: Value, earlier: Iterable[Value]) -> tuple[Decimal, tuple[Value, ...]] | None:
    """The baseline in umol/L, and the values that it comes from; None without any earlier value."""
    known = [(one, _gap(newest, one), _micromoles(one)) for one in earlier]
    recent = [(value, one) for one, gap, value in known if value and gap <= _RECENT]
    if recent:
        lowest = min(recent, key=lambda pair: pair[0])
        return lowest[0], (lowest[1],)
    older = [(value, one) for one, gap, value in known if value and gap <= _OLDEST]
    if not older:
        return None
    older.sort(key=lambda pair: pair[0])
    middle = len(older) // 2
    halves = older[middle : middle + 1] if len(older) % 2 else older[middle - 1 : middle + 1]
    return sum((value for value, _ in halves), Decimal(0)) / len(halves), tuple(one for _, one in halves)


def _newest_and_earlier(
    definition: DerivedFact, record: Record, side: Side
) -> tuple[Value | None, list[Value]]:
    """The newest point value and those before it."""
    analyte = record.rule_base.analytes[definition.of[0]]
    found = finals(analyte, record, side)
    if not found or _micromoles(found[0]) is None:
        return None, []  # an unreadable or open-ended newest value is not replaced by an older one
    newest = found[0]
    return newest, [one for one in found[1:] if _micromoles(one) is not None and _is_before(one, newest)]


def _is_before(one: Value, newest: Value) -> bool:
    first, last = one.statement.when, newest.statement.when
    return first is not None and last is not None and first.end < last.end


def _gap(newest: Value, one: Value) -> timedelta:
    """The least time between two values: a date without a clock time may be any time of its day."""
    last, first = newest.statement.when, one.statement.when
    assert last is not None
    assert first is not None
    return max(timedelta(0), last.start - first.end)


def _micromoles(one: Value) -> Decimal | None:
    """A point value in umol/L."""
    if one.interval is None or one.unit is None:
        return None
    span = scaled(one.interval, one.unit.factor)
    return span.low if span.low == span.high else None


def _nothing(definition: DerivedFact, record: Record) -> Fact:
    analyte = record.rule_base.analytes[definition.of[0]]
    return nothing(definition, record, analyte.arrives, (analyte.codes,), definition.within)
