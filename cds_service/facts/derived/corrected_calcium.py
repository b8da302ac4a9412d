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
from cds_service.facts.derived.pairing import length, same_specimen
from cds_service.facts.measurements import judged
from cds_service.facts.model import Fact, Reason, Side
from cds_service.facts.onsets import FactOf
from cds_service.facts.record import Record
from cds_service.facts.reference_ranges import NO_BOUNDS
from cds_service.facts.values import Value, canonical, rank, values
from cds_service.fhir.quantity import Interval
from cds_service.rulebase.definitions import DerivedFact

# For each unit of calcium: what each unit of albumin below the normal adds, and the normal; and by how
# much an albumin in g/L is divided for it.
_FORMS: Final = {
    "mmol/L": (Decimal("0.02"), Decimal(40), Decimal(1)),
    "mg/dL": (Decimal("0.8"), Decimal("4.0"), Decimal(10)),
}
_HUNDREDTH = Decimal("0.01")


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
    total, own, albumin = (record.rule_base.analytes[name] for name in definition.of)
    window = length(record.rule_base.thresholds[definition.paired_within])
    albumins = [one for one in finals(albumin, record, side) if one.interval is not None]
    parts: dict[tuple[str, str], tuple[Value, ...]] = {}

    def found(preliminary: bool) -> list[Value]:
        given = values(own, record, side, preliminary=preliminary)
        made = []
        for one in values(total, record, side, preliminary=preliminary):
            if one.interval is None or not any(_is_of_its_day(one, other) for other in given):
                value, used = _made(one, _nearest(one, albumins, window))
                parts[value.statement.ref, value.text] = used
                made.append(value)
        return sorted([*given, *made], key=lambda one: rank(one.statement), reverse=True)

    fact = judged(as_measurement(definition), found, record, side, fact_of)
    return with_parts(fact, parts.get((fact.data[0].ref, fact.data[0].text), ()) if fact.data else ())


def _is_of_its_day(total: Value, given: Value) -> bool:
    """Whether a corrected value is of the same sample, or of a time within a day of the total."""
    if given.interval is None:
        return False
    if same_specimen(total.statement, given.statement):
        return True
    gap = _gap(total, given)
    return gap is not None and gap < timedelta(days=1)


def _gap(one: Value, other: Value) -> timedelta | None:
    """How far two values are apart at least; None without dates. A date alone is its whole day."""
    first, second = one.statement.when, other.statement.when
    if first is None or second is None:
        return None
    return max(first.start - second.end, second.start - first.end, timedelta())


def _nearest(total: Value, albumins: Sequence[Value], window: timedelta) -> list[Value]:
    """The albumins of the same sample, else those nearest in time and inside the window."""
    same = [one for one in albumins if same_specimen(total.statement, one.statement)]
    if same:
        return same
    gaps = [(gap, one) for one in albumins if (gap := _gap(total, one)) is not None and gap <= window]
    least = min((gap for gap, _ in gaps), default=None)
    return [one for gap, one in gaps if gap == least]


def _made(total: Value, albumins: Sequence[Value]) -> tuple[Value, tuple[Value, ...]]:
    if total.interval is None or total.unit is None:
        return total, ()
    spans = [span for one in albumins if (span := canonical(one)) is not None]
    if not spans:
        return msgspec.structs.replace(total, interval=None, text="", problem=Reason.NOT_RECORDED), ()
    native = total.unit.code in _FORMS
    code = total.unit.code if native else "mmol/L"
    span = total.interval if native else canonical(total)
    assert span is not None
    # The more albumin, the less is added; without a bound there is none on the other side either.
    most = None if any(one.high is None for one in spans) else max(one.high for one in spans if one.high)
    least = None if any(one.low is None for one in spans) else min(one.low for one in spans if one.low)
    low = None if span.low is None or most is None else corrected(span.low, most, code)
    high = None if span.high is None or least is None else corrected(span.high, least, code)
    if low is None and high is None:
        return msgspec.structs.replace(total, interval=None, text="", problem=Reason.NOT_RECORDED), ()
    made = Interval(low, high, span.low_open, span.high_open)
    text = f"{_told(made)} {code}"
    # A unit of its own number: a limit in mmol/L is not one in meq/L.
    unit = (
        total.unit if native else msgspec.structs.replace(total.unit, code="mmol/L", factor=Decimal(1))
    )
    own = total.range if native else NO_BOUNDS
    return Value(total.statement, made, unit, text, range=own), (total, *albumins)


def _told(span: Interval) -> str:
    """The number, cut to what is meaningful: `2.30`, `9.2`, `>2.10`, `2.20 to 2.30`."""
    low, high = (None if edge is None else _short(edge) for edge in (span.low, span.high))
    if low is None or high is None:
        return f"<{high}" if low is None else f">{low}"
    return low if low == high else f"{low} to {high}"


def _short(edge: Decimal) -> str:
    return str(edge.quantize(_HUNDREDTH, rounding=ROUND_HALF_UP)).removesuffix("0")
