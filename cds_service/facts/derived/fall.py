"""Has a value fallen, or risen?"""

from collections.abc import Callable
from decimal import Decimal
from itertools import product

from cds_service.facts.data import nothing, unknown
from cds_service.facts.derived.computed import finals_within
from cds_service.facts.derived.newest import doubtful, earlier
from cds_service.facts.model import Fact, Reason, Side
from cds_service.facts.onsets import FactOf
from cds_service.facts.record import Record
from cds_service.facts.values import Value, canonical, newest, reading_datum
from cds_service.fhir.dates import age_in_days
from cds_service.fhir.quantity import Interval, compare
from cds_service.rulebase.definitions import DerivedFact

RISE_PARAMETERS = frozenset({"apart"})
_PER_CENT = Decimal(100)


def fall(definition: DerivedFact, record: Record, side: Side, _fact_of: FactOf) -> Fact:
    """Whether the newest value of an analyte lies so far below an earlier one in the same window.

    `is` has one limit, the size of the fall; `within` is the window of both values. A size in "%" is
    relative: fall = (earlier - newest) / earlier x 100; else it is in the analyte's first unit. For
    "weight fall of 5 % in 180 d" and "MRC grade falling by 1" (reference B 3). Both ends of the
    window count by danger: a value of day precision is inside if any part of it is.

    Returns:
        Unknown with the reason where fewer than two values can be compared; never false for want of
        data.
    """
    return _changed(definition, record, side, fall_between, apart=0)


def rise(definition: DerivedFact, record: Record, side: Side, _fact_of: FactOf) -> Fact:
    """Whether the newest value lies so far above one at least `apart` days before it, in one window.

    For "pain score rise of 2 between two at least 7 days apart" (reference B 3 worsening). `is`,
    `within` and what is returned are those of `fall`; a relative size is of the earlier value. Two
    values of day precision are so far apart as their days.
    """
    apart = record.rule_base.thresholds[definition.parameters["apart"]]
    return _changed(definition, record, side, _risen, apart=int(apart.single()))


_Change = Callable[[Value, Value, bool], Interval | None]


def _changed(
    definition: DerivedFact, record: Record, side: Side, change: _Change, *, apart: int
) -> Fact:
    """Whether the newest value differs so much from an earlier one, at least `apart` days before."""
    analyte = record.rule_base.analytes[definition.of[0]]
    (limit,) = definition.limits
    threshold = record.rule_base.thresholds[limit.threshold]
    size = threshold.values[analyte.unit] if threshold.of else threshold.single()
    relative = not threshold.of and threshold.unit == "%"
    window = record.rule_base.thresholds[definition.within]
    inside = finals_within(analyte, window, record, side)
    tied = newest(inside)
    before = [one for one in earlier(inside, tied[0]) if one not in tied] if tied else []
    before = [one for one in before if _days_before(tied[0], one, record) >= apart]
    answers: list[bool | None] = []
    for last, one in product(tied, before):
        size_of = change(one, last, relative)
        answer = None if size_of is None else compare(size_of, limit.how, size)
        if answer:
            return Fact(definition.name, True, data=(reading_datum(last, one),))
        answers.append(answer)
    unread = next((one for one in tied if one.problem is not None), None)
    if unread is not None and unread.problem is not None:
        return unknown(definition.name, unread.problem, (reading_datum(unread),))
    if not answers:
        return nothing(definition, record, analyte.arrives, (analyte.codes,))
    shown = (reading_datum(tied[0]),)
    if None in answers:
        return unknown(definition.name, doubtful(before) or Reason.STRADDLES, shown)
    return Fact(definition.name, False, data=shown)


def fall_between(before: Value, after: Value, relative: bool) -> Interval | None:
    """By how much, in the analyte's first unit or in per cent; None where a bound is not known."""
    first, last = canonical(before), canonical(after)
    if first is None or last is None:
        return None
    if first.low is None or first.high is None or last.low is None or last.high is None:
        return None
    if not relative:
        return Interval(first.low - last.high, first.high - last.low)
    if first.low <= 0:
        return None
    return Interval(_PER_CENT * (1 - last.high / first.low), _PER_CENT * (1 - last.low / first.high))


def _risen(before: Value, after: Value, relative: bool) -> Interval | None:
    """By how much, as `fall_between`."""
    fallen = fall_between(before, after, relative)
    if fallen is None or fallen.low is None or fallen.high is None:
        return None
    return Interval(-fallen.high, -fallen.low)


def _days_before(newest_one: Value, one: Value, record: Record) -> int:
    """How many whole local days lie between, at most."""
    assert newest_one.statement.when is not None
    assert one.statement.when is not None
    return age_in_days(one.statement.when, newest_one.statement.when.end, record.zone)[1]
