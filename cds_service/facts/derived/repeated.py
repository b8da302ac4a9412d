"""Was it so twice, and long enough apart?"""

from collections.abc import Callable
from itertools import product

from cds_service.facts import reference_ranges, windows
from cds_service.facts.data import gap, nothing, unknown
from cds_service.facts.derived.newest import doubtful, earlier
from cds_service.facts.measurements import against
from cds_service.facts.model import Fact, Reason, Side
from cds_service.facts.onsets import FactOf
from cds_service.facts.record import Record
from cds_service.facts.values import Value, newest, reading_datum, values
from cds_service.fhir.dates import age_in_days
from cds_service.rulebase.definitions import DerivedFact

PARAMETERS = frozenset({"apart"})
WITH_EFFORT = frozenset({"apart", "spoilt-for"})
_Met = Callable[[Value], bool | None]


def twice(definition: DerivedFact, record: Record, side: Side, _fact_of: FactOf) -> Fact:
    """Whether the newest value satisfies the limits, and one of at least `apart` days earlier did too.

    Both lie inside `within`; what lay between does not matter. For "TSH of 10 or above twice, three
    months apart" (NICE NG145, 1.5.3). Limits are those of the analyte.

    Returns:
        Unknown where the newest value satisfies them and no earlier one is far enough apart: once is not
        "not twice". Unknown also where a value that decides cannot be read.
    """

    def met(one: Value) -> bool | None:
        span, unit = one.interval, one.unit
        if span is None or unit is None:
            return None
        return _every([against(span, unit, limit, record) for limit in definition.limits])

    return _twice(definition, record, side, met)


def twice_upper_limit(definition: DerivedFact, record: Record, side: Side, _fact_of: FactOf) -> Fact:
    """The same in multiples of the laboratory's own upper limit, less what effort explains.

    The second name in `of` is a code set: a value that satisfies the limits, taken up to `spoilt-for`
    days after an entry of it that says yes, is left out. For "two CK above 1.5 times the upper limit, 14
    days apart, neither after exercise" (reference B 3, ck-persistent). A result without a usable range
    leaves it open.
    """
    effort = [
        one.when
        for one in record.stated(definition.of[1:])
        if one.says and one.final and one.when is not None
    ]
    days = int(record.rule_base.thresholds[definition.parameters["spoilt-for"]].single())
    factors = [
        (one.how, record.rule_base.thresholds[one.threshold].single()) for one in definition.limits
    ]

    def met(one: Value) -> bool | None:
        limits = one.range.of("upper-limit")
        if one.interval is None or not limits:
            return None
        return _every([reference_ranges.times(one.interval, *factor, limits) for factor in factors])

    def spoilt(one: Value) -> bool:
        when = one.statement.when
        if when is None or met(one) is not True:
            return False
        return any(
            at.start <= when.end and age_in_days(at, when.end, record.zone)[0] <= days for at in effort
        )

    return _twice(definition, record, side, met, spoilt)


def _twice(
    definition: DerivedFact,
    record: Record,
    side: Side,
    met: _Met,
    spoilt: Callable[[Value], bool] = lambda _: False,
) -> Fact:
    analyte = record.rule_base.analytes[definition.of[0]]
    window = record.rule_base.thresholds[definition.within]
    apart = int(record.rule_base.thresholds[definition.parameters["apart"]].single())
    inside = [
        one
        for one in values(analyte, record, side, preliminary=False)
        if one.statement.when is not None
        and windows.within(one.statement.when, window, record.now, record.zone, whole=False)
        and not spoilt(one)
    ]
    if not inside:
        return nothing(definition, record, analyte.arrives, (analyte.codes,), definition.within)
    tied = newest(inside)
    before = [one for one in earlier(inside, tied[0]) if one not in tied]
    far = [(last, one) for last, one in product(tied, before) if _days(last, one, record) >= apart]
    pair = next(((last, one) for last, one in far if met(last) and met(one)), None)
    if pair is not None:
        return Fact(definition.name, True, data=(reading_datum(*pair),))
    shown = (reading_datum(tied[0], next(iter(before), None)),)
    if all(met(last) is False for last in tied):
        return Fact(definition.name, False, data=shown)
    lacking = gap(record, analyte.arrives, (analyte.codes,), int(window.single()))
    undecided = [one for pair in far for one in pair if met(one) is None]
    if far and not undecided and lacking is None:
        return Fact(definition.name, False, data=shown)
    reason = _why(undecided, definition) if undecided else lacking or Reason.NOT_RECORDED
    return unknown(definition.name, reason, shown)


def _why(undecided: list[Value], definition: DerivedFact) -> Reason:
    """Why a value does not say whether it satisfies the limits."""
    unread = doubtful(undecided)
    if unread is not None:
        return unread
    ranged = all(one.range.of("upper-limit") for one in undecided)
    return Reason.STRADDLES if ranged or "spoilt-for" not in definition.parameters else Reason.NO_RANGE


def _days(last: Value, one: Value, record: Record) -> int:
    """Whole days between two values, the fewer where a date is imprecise."""
    assert last.statement.when is not None
    assert one.statement.when is not None
    return age_in_days(one.statement.when, last.statement.when.start, record.zone)[0]


def _every(answers: list[bool | None]) -> bool | None:
    if False in answers:
        return False
    return None if None in answers else True
