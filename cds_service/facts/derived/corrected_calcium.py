"""Calcium corrected for albumin: what it would be if albumin were 40 g/L.

    total + 0.02 mmol/L for each g/L of albumin below 40      (mmol/L and g/L)
    total + 0.8 mg/dL for each g/dL of albumin below 4.0      (mg/dL and g/dL)

Reference A 3.5 CA-01, 5.7 (Society for Endocrinology). Vectors: 7.6 mg/dL with 2.0 g/dL is 9.2 mg/dL;
1.90 mmol/L with 20 g/L is 2.30 mmol/L. Each unit has its own form, so that a value is compared in the
unit it was reported in; meq/L is read as mmol/L first. Exact decimals.
"""

from collections.abc import Sequence
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

import msgspec

from cds_service.facts.derived.computed import as_measurement, finals, with_parts
from cds_service.facts.derived.near_in_time import NearInTime
from cds_service.facts.derived.pairing import ONE_SAMPLE, length, same_specimen
from cds_service.facts.measurements import judged
from cds_service.facts.model import Fact, Reason, Side
from cds_service.facts.onsets import FactOf
from cds_service.facts.record import Record
from cds_service.facts.reference_ranges import NO_NORMAL_RANGE
from cds_service.facts.values import Value, canonical, rank, values
from cds_service.fhir.quantity import Interval
from cds_service.rulebase.definitions import Analyte, DerivedFact

# For each unit of calcium: what each unit of albumin below the normal adds, and the normal; and by how
# much an albumin in g/L is divided for it.
_FORMS: Final = {
    "mmol/L": (Decimal("0.02"), Decimal(40), Decimal(1)),
    "mg/dL": (Decimal("0.8"), Decimal("4.0"), Decimal(10)),
}
_HUNDREDTH = Decimal("0.01")
_UNDER_A_DAY = timedelta(days=1) - timedelta(microseconds=1)


def corrected(total: Decimal, albumin: Decimal, unit: str) -> Decimal:
    """Calcium corrected for albumin, in the unit of the total.

    Args:
        total: total calcium, in `unit`.
        albumin: g/L.
        unit: mmol/L or mg/dL.
    """
    per, normal, divisor = _FORMS[unit]
    return total + per * (normal - albumin / divisor)


def corrected_calcium(definition: DerivedFact, record: Record, side: Side, fact_of: FactOf) -> Fact:
    """Whether the newest calcium, corrected for albumin, satisfies the limits.

    `of` is calcium (total), calcium that the laboratory corrected, albumin. The laboratory's own
    corrected value stands as it is and takes the place of a total of its sample or day. Any other
    total is corrected with the albumin nearest to it, within `paired-within` (hours; dates count as
    days, the same sample always); of several equally near, and of one reported as "<" or ">", the
    result lies between.

    Returns:
        Unknown ("not recorded") while the newest total has no such albumin. Else a fact whose first
        datum is the corrected value, followed by the total and the albumin that went into it.
    """
    albumins = _albumins(definition, record, side)
    totals: dict[tuple[str, str], Value] = {}

    def found(preliminary: bool) -> list[Value]:
        made, corrected_from = _all_made(definition, record, side, preliminary)
        totals.update(corrected_from)
        return made

    fact = judged(as_measurement(definition), found, record, side, fact_of)
    key = (fact.data[0].ref, fact.data[0].text) if fact.data else None
    used = totals.get(key) if key is not None else None
    if used is None:
        return fact
    window = length(record.rule_base.thresholds[definition.paired_within])
    near = albumins.nearest(used, window, finals(_analyte(definition, record, 2), record, side))
    return with_parts(fact, (used, *near))


def _analyte(definition: DerivedFact, record: Record, place: int) -> Analyte:
    return record.rule_base.analytes[definition.of[place]]


Made = tuple[list[Value], dict[tuple[str, str], Value]]


def _all_made(definition: DerivedFact, record: Record, side: Side, preliminary: bool) -> Made:
    """Every calcium as it counts, newest first, and by reference and text the total it was made of.

    Worked out once for a record: several facts ask for the same values.
    """
    names = " ".join((*definition.of, definition.paired_within))
    key = (f"corrected {names}", side, preliminary)
    if key not in record.remembered:
        total, own, _ = (record.rule_base.analytes[name] for name in definition.of)
        window = length(record.rule_base.thresholds[definition.paired_within])
        albumins = _albumins(definition, record, side)
        given = values(own, record, side, preliminary=preliminary)
        theirs = _Partners(given)
        made: list[Value] = []
        used: dict[tuple[str, str], Value] = {}
        for one in values(total, record, side, preliminary=preliminary):
            if one.interval is None or not theirs.is_of_its_day(one):
                value = _made(one, albumins.span(one, window))
                used.pop((value.statement.ref, value.text), None)
                if value.problem is None:
                    used[value.statement.ref, value.text] = one
                made.append(value)
        made = sorted([*given, *made], key=lambda one: rank(one.statement), reverse=True)
        record.remembered[key] = [(made, used)]
    (found,) = record.remembered[key]
    return found  # type: ignore[no-any-return]


def _albumins(definition: DerivedFact, record: Record, side: Side) -> "_Partners":
    key = (f"near in time {definition.of[2]}", side, False)
    if key not in record.remembered:
        record.remembered[key] = [_Partners(finals(_analyte(definition, record, 2), record, side))]
    (found,) = record.remembered[key]
    assert isinstance(found, _Partners)
    return found


class _Partners:
    """The readable values of an analyte: all by their time, and those of each specimen."""

    def __init__(self, found: Sequence[Value]) -> None:
        readable = [one for one in found if one.interval is not None]
        self._all = NearInTime(readable)
        of: dict[str, list[Value]] = {}
        for one in readable:
            if one.statement.specimen:
                of.setdefault(one.statement.specimen, []).append(one)
        self._of = {specimen: NearInTime(those) for specimen, those in of.items()}

    def is_of_its_day(self, total: Value) -> bool:
        """Whether a value is of the same sample, or of a time within a day of the total."""
        when = total.statement.when
        if when is None:
            return False
        return self._of_sample(total) is not None or self._all.together(when, _UNDER_A_DAY) is not None

    def span(self, total: Value, window: timedelta) -> Interval | None:
        """Where the values of the same sample lie, else those nearest in time and inside the window."""
        same = self._of_sample(total)
        if same is not None:
            return same
        when = total.statement.when
        gap = None if when is None else self._all.least_gap(when)
        if when is None or gap is None or gap > window:
            return None
        return self._all.together(when, gap)

    def nearest(self, total: Value, window: timedelta, found: Sequence[Value]) -> list[Value]:
        """The values that `span` is of, from all of them: for the one total that is shown."""
        readable = [one for one in found if one.interval is not None]
        same = [one for one in readable if same_specimen(total.statement, one.statement)]
        if same:
            return same
        when = total.statement.when
        least = None if when is None else self._all.least_gap(when)
        if least is None or least > window:
            return []
        return [one for one in readable if _gap(total, one) == least]

    def _of_sample(self, total: Value) -> Interval | None:
        those = self._of.get(total.statement.specimen)
        when = total.statement.when
        return None if those is None or when is None else those.together(when, ONE_SAMPLE)


def _gap(one: Value, other: Value) -> timedelta | None:
    """How far two values are apart at least; None without dates. A date alone is its whole day."""
    first, second = one.statement.when, other.statement.when
    if first is None or second is None:
        return None
    return max(first.start - second.end, second.start - first.end, timedelta())


def _made(total: Value, albumin: Interval | None) -> Value:
    if total.interval is None or total.unit is None:
        return total
    if albumin is None:
        return msgspec.structs.replace(total, interval=None, text="", problem=Reason.NOT_RECORDED)
    native = total.unit.code in _FORMS
    code = total.unit.code if native else "mmol/L"
    span = total.interval if native else canonical(total)
    assert span is not None
    # The more albumin, the less is added; without a bound there is none on the other side either.
    most, least = albumin.high, albumin.low
    low = None if span.low is None or most is None else corrected(span.low, most, code)
    high = None if span.high is None or least is None else corrected(span.high, least, code)
    if low is None and high is None:
        return msgspec.structs.replace(total, interval=None, text="", problem=Reason.NOT_RECORDED)
    made = Interval(low, high, span.low_open, span.high_open)
    text = f"{_told(made)} {code}"
    # A unit of its own number: a limit in mmol/L is not one in meq/L.
    unit = (
        total.unit if native else msgspec.structs.replace(total.unit, code="mmol/L", factor=Decimal(1))
    )
    own = total.range if native else NO_NORMAL_RANGE
    return Value(total.statement, made, unit, text, range=own)


def _told(span: Interval) -> str:
    """The number, cut to what is meaningful: `2.30`, `9.2`, `>2.10`, `2.20 to 2.30`."""
    low, high = (None if edge is None else _short(edge) for edge in (span.low, span.high))
    if low is None or high is None:
        return f"<{high}" if low is None else f">{low}"
    return low if low == high else f"{low} to {high}"


def _short(edge: Decimal) -> str:
    return str(edge.quantize(_HUNDREDTH, rounding=ROUND_HALF_UP)).removesuffix("0")
