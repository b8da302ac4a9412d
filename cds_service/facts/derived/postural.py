"""What standing up does: blood pressure or heart rate lying (or sitting), then standing.

Reference A 3.6 DEH-02: lying at least five minutes, then standing at one and three minutes; a pair lies
at most ten minutes apart (design). Two values are a pair when one Observation holds both, or when both
have a clock time and the standing one comes no earlier than the other and within the window. Values
without a position, and dates without a time in two Observations, make no pair: without a pair nothing is
known, and nothing is normal.
"""

from bisect import bisect_right
from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal

import msgspec

from cds_service.facts.data import nothing, unknown
from cds_service.facts.derived.computed import as_measurement, finals, with_parts
from cds_service.facts.derived.pairing import length
from cds_service.facts.measurements import judged
from cds_service.facts.model import Fact, Reason, Side
from cds_service.facts.onsets import FactOf
from cds_service.facts.record import Record
from cds_service.facts.statements import Posture
from cds_service.facts.values import Value, point, reading_datum
from cds_service.fhir.quantity import Interval
from cds_service.rulebase.definitions import DerivedFact, Threshold


class Pair(msgspec.Struct, frozen=True):
    """The value before standing up, and those taken standing, the newest first."""

    base: Value
    standing: tuple[Value, ...]


def fall_from_lying(definition: DerivedFact, record: Record, side: Side, fact_of: FactOf) -> Fact:
    """Whether the newest pair falls by so much from lying to standing."""
    return _fall("lying", definition, record, side, fact_of)


def fall_from_sitting(definition: DerivedFact, record: Record, side: Side, fact_of: FactOf) -> Fact:
    """Whether the newest pair falls by so much from sitting to standing; false if lying was taken."""
    return _fall("sitting", definition, record, side, fact_of)


def _fall(base: Posture, definition: DerivedFact, record: Record, side: Side, fact_of: FactOf) -> Fact:
    """Whether the newest pair falls by so much on standing; of several standing values the lowest.

    `base` is the position before. A fall from sitting is false where there is a pair from lying, which
    has limits of its own.
    """
    found = newest_pair(definition, record, side)
    if found is None:
        return _no_pair(definition, record)
    if found.base.statement.posture != base:
        return _other_position(base, definition, record)
    return _changed(definition, found, "fall", record, side, fact_of)


def postural_rise(definition: DerivedFact, record: Record, side: Side, fact_of: FactOf) -> Fact:
    """Whether the heart rate of the newest pair rises by so much on standing; of several the highest.

    `of` is the heart rate, then a fact that makes it say nothing (a medicine, a rhythm, a pacemaker):
    while that is true the answer is unknown, and while it is unknown a small rise clears nothing.
    """
    masked = fact_of(definition.of[1], side)
    if masked.value is True:
        return unknown(definition.name, Reason.MASKED, masked.data)
    found = newest_pair(definition, record, side)
    if found is None:
        return _no_pair(definition, record)
    fact = _changed(definition, found, "rise", record, side, fact_of)
    raised = definition.limits[0].how in ("above", "at-least")
    if masked.value is None and fact.value is not None and fact.value is not raised:
        return unknown(definition.name, masked.reason or Reason.NOT_RECORDED, fact.data)
    return fact


def postural_base(definition: DerivedFact, record: Record, side: Side, fact_of: FactOf) -> Fact:
    """Whether the lying value of the newest pair satisfies the limits.

    It is as old as the fall of that pair: a pair is inside the window as a whole, or not at all.
    """
    found = newest_pair(definition, record, side)
    if found is None:
        return _no_pair(definition, record)
    if found.base.statement.posture != "lying":
        return unknown(definition.name, Reason.NOT_RECORDED)
    base, when = found.base, _lowest(found.standing).statement.when
    timed = msgspec.structs.replace(base, statement=msgspec.structs.replace(base.statement, when=when))
    return judged(as_measurement(definition), lambda _: [timed], record, side, fact_of)


def newest_pair(definition: DerivedFact, record: Record, side: Side) -> Pair | None:
    """The newest standing value that something came before, with it; lying is preferred to sitting.

    A later standing value by itself undoes no pair. But an unreadable newest one is not replaced by an
    older one.
    """
    analyte = record.rule_base.analytes[definition.of[0]]
    window = record.rule_base.thresholds[definition.paired_within]
    every = [one for one in finals(analyte, record, side) if not one.statement.posture_unclear]
    standing = [one for one in every if one.statement.posture == "standing"]
    if not standing or point(standing[0]) is None:
        return None
    found = [one for one in every if point(one) is not None]
    standing = [one for one in standing if point(one) is not None]
    taken = [_Taken(found, posture) for posture in ("lying", "sitting")]
    for newest in standing:
        for before in taken:
            base = before.last(newest, window)
            if base is not None:
                return Pair(base, tuple(one for one in standing if _pairs(base, one, window)))
    return None


class _Taken:
    """The values of one position, to be found by their time: many may stand without a pair."""

    def __init__(self, found: list[Value], posture: Posture) -> None:
        held = [one for one in found if one.statement.posture == posture]
        self._by_ref = {one.statement.ref: one for one in reversed(held)}
        # Of several at one time the first is wanted: it ends up last.
        timed = [one for one in reversed(held) if one.statement.when and one.statement.when.precise]
        self._timed = sorted(timed, key=_start)
        self._starts = [_start(one) for one in self._timed]

    def last(self, standing: Value, window: Threshold) -> Value | None:
        """The last value before a standing one that makes a pair with it."""
        together = self._by_ref.get(standing.statement.ref)
        if together is not None and _pairs(together, standing, window):
            return together
        if standing.statement.when is None:
            return None
        place = bisect_right(self._starts, _start(standing))
        before = self._timed[place - 1] if place else None
        return before if before is not None and _pairs(before, standing, window) else None


def _start(one: Value) -> datetime:
    assert one.statement.when is not None
    return one.statement.when.start


def _pairs(before: Value, standing: Value, window: Threshold) -> bool:
    first, last = before.statement.when, standing.statement.when
    if first is None or last is None or not (first.precise and last.precise):
        return before.statement.ref == standing.statement.ref  # one Observation holds both
    return timedelta(0) <= last.start - first.start <= length(window)


def _changed(
    definition: DerivedFact,
    found: Pair,
    direction: Literal["fall", "rise"],
    record: Record,
    side: Side,
    fact_of: FactOf,
) -> Fact:
    analyte = record.rule_base.analytes[definition.of[0]]
    before = point(found.base) or Decimal(0)
    extreme = _lowest(found.standing) if direction == "fall" else _highest(found.standing)
    after = point(extreme) or Decimal(0)
    change = before - after if direction == "fall" else after - before
    unit = analyte.units[analyte.unit]
    spoken = found.base.text.partition(" ")[0]
    text = f"{spoken} {found.base.statement.posture}, {extreme.text} standing"
    made = Value(extreme.statement, Interval(change, change), unit, text)
    fact = judged(as_measurement(definition), lambda _: [made], record, side, fact_of)
    # Two values and two positions are no number with a unit: the words say it all.
    shown = tuple(msgspec.structs.replace(one, value="", unit="") for one in fact.data)
    return with_parts(msgspec.structs.replace(fact, data=shown), (found.base,) if shown else ())


def _lowest(found: Iterable[Value]) -> Value:
    return min(found, key=lambda one: point(one) or Decimal(0))


def _highest(found: Iterable[Value]) -> Value:
    return max(found, key=lambda one: point(one) or Decimal(0))


def _other_position(base: Posture, definition: DerivedFact, record: Record) -> Fact:
    if base == "sitting":
        return Fact(definition.name, False)
    return _no_pair(definition, record)


def _no_pair(definition: DerivedFact, record: Record) -> Fact:
    analyte = record.rule_base.analytes[definition.of[0]]
    for one in finals(analyte, record, ""):
        if one.statement.posture == "standing" and not one.statement.posture_unclear:
            if one.problem is not None:
                return unknown(definition.name, one.problem, (reading_datum(one),))
            break
    return nothing(definition, record, analyte.arrives, (analyte.codes,), definition.within)
