"""Facts of kind `measurement`: the newest value of an analyte against named limits.

A value is compared in the *reported* unit with that unit's native threshold; only where a threshold
has none is it converted, in exact decimals (ARCHITECTURE 5.2). Which value is newest: effective time,
then issued, then laboratory over bedside, then the more dangerous (reconciliation, "Newest, ties").
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

import msgspec

from cds_service.facts import onsets, reference_ranges, windows
from cds_service.facts.data import nothing, unknown
from cds_service.facts.model import NO_RANGE, Datum, Fact, Reason, Side
from cds_service.facts.onsets import FactOf
from cds_service.facts.record import Record
from cds_service.facts.values import Series, Value, newest, rank, reading_datum, undatable, values
from cds_service.fhir.dates import is_bound
from cds_service.fhir.quantity import Interval, compare, scaled
from cds_service.rulebase.definitions import Analyte, Limit, MeasurementFact, Threshold, Unit

_ONE_VISIT = timedelta(hours=24)  # both legs are measured in it


def measurement(definition: MeasurementFact, record: Record, side: Side, fact_of: FactOf) -> Fact:
    """Whether the value that counts satisfies every limit; a preliminary one raises, never clears."""
    analyte = record.rule_base.analytes[definition.of]

    def found(preliminary: bool) -> list[Value]:
        known = values(analyte, record, side, preliminary=preliminary)
        if definition.at_rest:
            return [one for one in known if one.statement.posture != "standing"]
        return known

    return judged(definition, found, record, side, fact_of)


def judged(
    definition: MeasurementFact,
    found: Callable[[bool], list[Value]],
    record: Record,
    side: Side,
    fact_of: FactOf,
) -> Fact:
    """The same for values from elsewhere, as of a formula.

    Args:
        definition: the limits, windows and which leg decides.
        found: the values, newest first, with (True) or without preliminary ones.
        record: where the thresholds and the time are.
        side: the leg asked about.
        fact_of: the other facts.
    """
    if definition.preliminary:
        early = _measured(definition, found(True), record, side, fact_of)
        if early.value is not definition.reassuring:
            return early
    settled = _measured(definition, found(False), record, side, fact_of)
    if settled.value is definition.reassuring:
        doubt = undatable(record.rule_base.analytes[definition.of], record, side)
        if doubt is not None and doubt.problem is not None:
            return unknown(definition.name, doubt.problem, (reading_datum(doubt),))
    return settled


def _measured(
    definition: MeasurementFact, found: list[Value], record: Record, side: Side, fact_of: FactOf
) -> Fact:
    analyte = record.rule_base.analytes[definition.of]
    if found and definition.after_onset_of:
        found = _after_onset(found, definition, side, fact_of)
    if definition.sides == "any-ever":
        return _any_ever(definition, found, record, analyte)
    if not found:
        return _nothing(definition, record, analyte)
    legs = (
        [found]
        if definition.sides == "newest"
        else _worse_first(definition, _by_leg(definition, found, side))
    )
    if len(legs) == 1:
        return _judged(definition, legs[0], record, side, fact_of)
    # "The lower leg is from 0.60 to 0.80": each limit by itself, for its own direction.
    each = [msgspec.structs.replace(definition, limits=(limit,)) for limit in definition.limits]
    return _all_limits(
        definition,
        [_combined(one, [_judged(one, leg, record, side, fact_of) for leg in legs]) for one in each],
    )


def _all_limits(definition: MeasurementFact, facts: list[Fact]) -> Fact:
    answer = _every([fact.value for fact in facts])
    deciding = [fact for fact in facts if fact.value is answer]
    shown = tuple(dict.fromkeys(one for fact in deciding for one in fact.data))
    return Fact(definition.name, answer, deciding[0].reason, shown)


def _nothing(definition: MeasurementFact, record: Record, analyte: Analyte) -> Fact:
    future = any(
        one.quantity is not None and one.when is not None and not windows.usable(one.when, record.now)
        for one in record.stated((analyte.codes,))
    )
    if future:
        return unknown(definition.name, Reason.FUTURE)
    if any(
        one.quantity is not None and one.final and one.when is None
        for one in record.stated((analyte.codes,))
    ):
        return unknown(definition.name, Reason.UNDATED)
    if any(one.problem for one in record.stated((analyte.codes,))):
        absent = nothing(definition, record, analyte.arrives, (analyte.codes,), definition.within)
        return absent if absent.value is not None else unknown(definition.name, Reason.NOT_ASKED)
    return nothing(definition, record, analyte.arrives, (analyte.codes,), definition.within)


def _after_onset(
    found: list[Value], definition: MeasurementFact, side: Side, fact_of: FactOf
) -> list[Value]:
    onset = onsets.earliest(definition.after_onset_of, side, fact_of)
    if onset is None:
        return found
    # A tie after the onset is accepted: a value of the same day counts.
    return [one for one in found if one.statement.when and one.statement.when.end >= onset]


def _by_leg(definition: MeasurementFact, found: list[Value], side: Side) -> list[list[Value]]:
    """The newest values of each leg; a value for both, or without a side, stands for itself.

    One without a side may be of either leg: for the patient only newer ones of both legs supersede it,
    and of those of one day each may be of another leg.
    """
    legs: dict[str, list[Value]] = {}
    for one in found:
        legs.setdefault(one.statement.side or "", []).append(one)
    unsided = legs.pop("", [])
    both = bool(side) or legs.keys() >= {"left", "right"} or "both" in legs
    newest_sided = min((rank(leg[0].statement) for leg in legs.values()), default=None)
    if both and newest_sided is not None:
        unsided = [one for one in unsided if rank(one.statement) >= newest_sided]
    return [*legs.values(), *_maybe_of_two_legs(definition, unsided)]


def _maybe_of_two_legs(definition: MeasurementFact, unsided: list[Value]) -> list[list[Value]]:
    """Values without a side: the newest, and of the day before it the worst and an unreadable one."""
    times: dict[tuple[datetime, datetime], list[Value]] = {}
    for one in unsided:
        if one.statement.when is not None:
            times.setdefault((one.statement.when.start, one.statement.when.end), []).append(one)
    began = max((start for start, _ in times), default=None)
    if began is None:
        return []
    groups = [each for (_, end), each in times.items() if end >= began - _ONE_VISIT]
    rest = _worse_first(definition, groups[1:])
    return [groups[0], *rest[:1], *rest[1:][-1:]]


def _worse_first(definition: MeasurementFact, legs: list[list[Value]]) -> list[list[Value]]:
    """The leg that decides first: a card speaks of its value. One that cannot be read comes last."""

    def edge(leg: list[Value]) -> tuple[bool, Decimal]:
        span, unit = leg[0].interval, leg[0].unit
        if span is None or unit is None:
            return True, Decimal(0)
        span = scaled(span, unit.factor, unit.zero)
        if definition.sides == "lowest":
            return False, Decimal("-Infinity") if span.low is None else span.low
        return False, Decimal("-Infinity") if span.high is None else -span.high

    return sorted(legs, key=edge)


def _judged(
    definition: MeasurementFact, found: list[Value], record: Record, side: Side, fact_of: FactOf
) -> Fact:
    newest = _more_dangerous(definition, found, record)
    before = next((one for one in found if one is not newest and one.problem is None), None)
    shown = reading_datum(newest, before)
    if newest.problem is not None:
        return unknown(definition.name, newest.problem, (shown,))
    if definition.times and not newest.range.of(definition.times):
        shown = msgspec.structs.replace(shown, notes=(*shown.notes, NO_RANGE))
        if not definition.without_range:
            return unknown(definition.name, Reason.NO_RANGE, (shown,))
    answer = satisfies(newest, definition, record)
    if answer is None:
        several = definition.times is not None and len(newest.range.of(definition.times)) > 1
        reason = Reason.RANGES_DIFFER if several else Reason.STRADDLES
        return unknown(definition.name, reason, (shown,))
    return _timely(definition, newest, answer, shown, record, side, fact_of)


def _more_dangerous(definition: MeasurementFact, found: list[Value], record: Record) -> Value:
    """The newest; of several at the very same time the most dangerous, then one that settles nothing."""
    tied = found.newest_unlike if isinstance(found, Series) else newest(found)

    def danger(one: Value) -> int:
        answer = satisfies(one, definition, record)
        if answer is None:
            return 1
        # A suspect sample settles nothing, so beside a good one it is the value to speak of.
        return 2 if answer is not definition.reassuring else 1 if one.statement.suspect else 0

    return max(tied, key=danger) if len(tied) > 1 else tied[0]


def _timely(
    definition: MeasurementFact,
    value: Value,
    answer: bool,
    shown: Datum,
    record: Record,
    side: Side,
    fact_of: FactOf,
) -> Fact:
    when = value.statement.when
    assert when is not None
    window, began = _window(definition, side, fact_of)
    thresholds = record.rule_base.thresholds

    def inside(name: str, *, whole: bool) -> bool:
        return not name or windows.within(when, thresholds[name], record.now, record.zone, whole=whole)

    if definition.older_than:
        fresh = inside(window, whole=False) and (began is None or when.end >= began)
        if fresh:  # today's value is another fact's business
            return Fact(definition.name, False, data=(shown,))
        if not inside(definition.within, whole=False):
            return _too_old(definition, shown)
        return Fact(definition.name, answer, data=(shown,))
    name = window if answer else (definition.clears_within if window == definition.within else window)
    danger = answer is not definition.reassuring
    if not inside(name, whole=not danger) or (began is not None and when.end < began):
        return _too_old(definition, shown)
    if not danger and value.statement.suspect:
        return unknown(definition.name, Reason.SUSPECT_SAMPLE, (shown,))
    return Fact(definition.name, answer, data=(shown,))


def _too_old(definition: MeasurementFact, shown: Datum) -> Fact:
    if shown.when is not None and is_bound(shown.when):
        return unknown(definition.name, Reason.UNDATED, (shown,))
    if definition.nothing_recorded is not None:
        return Fact(definition.name, definition.nothing_recorded)
    return unknown(definition.name, Reason.TOO_OLD, (shown,))


def _window(definition: MeasurementFact, side: Side, fact_of: FactOf) -> tuple[str, datetime | None]:
    """The window in force and, while a loss shortens it, when that loss began."""
    usual = definition.older_than or definition.within
    if not definition.shorter_while:
        return usual, None
    loss = fact_of(definition.shorter_while, side)
    if loss.value is not True:
        return usual, None
    starts = [one.onset.start for one in loss.data if one.onset is not None]
    return definition.shorter_within, min(starts, default=None)


def satisfies(value: Value, definition: MeasurementFact, record: Record) -> bool | None:
    """Whether a value satisfies every limit of a fact; None when it cannot be said."""
    span, unit = value.interval, value.unit
    if span is None or unit is None:
        return None
    limits = definition.limits
    if definition.times:
        bounds = value.range.of(definition.times)
        if bounds:
            factors = [(one.how, record.rule_base.thresholds[one.threshold].single()) for one in limits]
            return _every([reference_ranges.times(span, *factor, bounds) for factor in factors])
        if not definition.without_range:
            return None
        limits = definition.without_range
    if definition.rounded is not None:  # 90.4 % is 0.904 first, then 0.90
        analyte = record.rule_base.analytes[definition.of]
        span = _rounded(scaled(span, unit.factor, unit.zero), definition.rounded)
        unit = analyte.units[analyte.unit]
    return _every([against(span, unit, limit, record) for limit in limits])


def against(value: Interval, unit: Unit, limit: Limit, record: Record) -> bool | None:
    """One comparison, native where the threshold has that unit, else in the canonical unit."""
    threshold = record.rule_base.thresholds[limit.threshold]
    native = native_value(threshold, unit)
    if native is not None:
        return compare(value, limit.how, native)
    analyte = record.rule_base.analytes[threshold.of]
    return compare(scaled(value, unit.factor, unit.zero), limit.how, threshold.values[analyte.unit])


def native_value(threshold: Threshold, unit: Unit) -> Decimal | None:
    """The threshold in this very unit, or in one that is the same number."""
    found = threshold.values.get(unit.code)
    return found if found is not None else threshold.values.get(unit.same_as)


def _rounded(value: Interval, decimals: int) -> Interval:
    step = Decimal(1).scaleb(-decimals)

    def half_up(edge: Decimal | None) -> Decimal | None:
        return None if edge is None else edge.quantize(step, rounding=ROUND_HALF_UP)

    low, high = half_up(value.low), half_up(value.high)
    # An edge that rounding moved is inside: above 1.396 may be 1.398, which is 1.40.
    return Interval(
        low, high, value.low_open and low == value.low, value.high_open and high == value.high
    )


def _any_ever(definition: MeasurementFact, found: list[Value], record: Record, analyte: Analyte) -> Fact:
    """True when any value at any date satisfies the limits (an old low ABI keeps its label)."""
    unreadable: Reason | None = None
    for one in found:
        if one.interval is None or one.unit is None:
            unreadable = Reason.UNREADABLE
            continue
        answer = satisfies(one, definition, record)
        if answer is None:
            unreadable = unreadable or Reason.STRADDLES
        elif answer:
            return Fact(definition.name, True, data=(reading_datum(one),))
    if unreadable is not None:
        return unknown(definition.name, unreadable)
    absent = nothing(definition, record, analyte.arrives, (analyte.codes,))
    return absent if not found or absent.value is None else Fact(definition.name, False)


def _combined(definition: MeasurementFact, judged: list[Fact]) -> Fact:
    """Two legs into one answer to one limit: the lower (or higher) leg decides.

    "The lower leg is at most 0.90" is true as soon as one leg is; "the lower leg is above 0.90" only
    when both are.
    """
    one_is_enough = ("below", "at-most") if definition.sides == "lowest" else ("above", "at-least")
    decisive = definition.limits[0].how in one_is_enough
    answer = (_either if decisive else _every)([fact.value for fact in judged])
    shown = tuple(one for fact in judged if answer is None or fact.value is answer for one in fact.data)
    reason = next((fact.reason for fact in judged if fact.value is None), None)
    return Fact(definition.name, answer, reason if answer is None else None, shown)


def _either(answers: list[bool | None]) -> bool | None:
    if True in answers:
        return True
    return None if None in answers else False


def _every(answers: list[bool | None]) -> bool | None:
    if False in answers:
        return False
    return None if None in answers else True
