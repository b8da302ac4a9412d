"""Sodium corrected for glucose: what it would be if glucose were normal.

    2.4 mmol/L for each 5.5 mmol/L of glucose above 5.5 mmol/L   (European guideline 2014; Hillier 1999)
    1.6 mmol/L for each 100 mg/dL of glucose above 100 mg/dL     (Katz 1973)

Reference A 3.5 NA-01, 5.7. Vectors: sodium 128 with glucose 540 mg/dL (29.98 mmol/L) is 138.7 by the
first and 135.0 by the second. A glucose at or below the normal value corrects nothing: sodium never
becomes lower. Exact decimals; a quotient that does not end is cut after 50 digits, far beyond any digit
that could decide a comparison.
"""

from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal, localcontext
from functools import partial

import msgspec

from cds_service.facts.data import unknown
from cds_service.facts.derived.computed import as_measurement, computed, finals
from cds_service.facts.derived.pairing import partners
from cds_service.facts.measurements import judged
from cds_service.facts.model import Fact, Reason, Side
from cds_service.facts.onsets import FactOf
from cds_service.facts.record import Record
from cds_service.facts.values import Value, reading_datum
from cds_service.fhir.quantity import Interval
from cds_service.rulebase.definitions import DerivedFact

_NORMAL_MMOL, _NORMAL_MG = Decimal("5.5"), Decimal(100)
_GUIDELINE, _KATZ = Decimal("2.4"), Decimal("1.6")
_MMOL_PER_MG = Decimal("0.05551")  # reference A 2.6
_PRECISION = 50
_TENTH = Decimal("0.1")


def guideline_correction(glucose: Decimal, unit: str) -> Decimal:
    """What glucose (in mmol/L or mg/dL) adds to sodium, mmol/L: 2.4 for each 5.5 mmol/L above 5.5."""
    with localcontext() as context:
        context.prec = _PRECISION
        above = (glucose * _MMOL_PER_MG if unit == "mg/dL" else glucose) - _NORMAL_MMOL
        return max(Decimal(0), _GUIDELINE * above / _NORMAL_MMOL)


def katz_correction(glucose: Decimal, unit: str) -> Decimal:
    """What glucose (in mmol/L or mg/dL) adds to sodium, mmol/L: 1.6 for each 100 mg/dL above 100."""
    with localcontext() as context:
        context.prec = _PRECISION
        above = (glucose if unit == "mg/dL" else glucose / _MMOL_PER_MG) - _NORMAL_MG
        return max(Decimal(0), _KATZ * above / _NORMAL_MG)


Correction = Callable[[Decimal, str], Decimal]


def corrected_sodium(definition: DerivedFact, record: Record, side: Side, fact_of: FactOf) -> Fact:
    """Whether sodium, corrected for the glucose taken with it, satisfies the limits.

    `of` is sodium, then glucose; `paired-within` says how far apart the two may be (same sample, or four
    hours). Without such a glucose the reported sodium stands: a missing glucose never makes it milder. A
    glucose reported as "<" or ">" corrects by what it is at least.
    """
    formula = partial(_corrected, guideline_correction, definition, record, side)
    return computed(definition, formula, record, side, fact_of)


def corrected_sodium_katz(definition: DerivedFact, record: Record, side: Side, fact_of: FactOf) -> Fact:
    """Whether sodium, corrected for glucose by the smaller factor of 1.6, satisfies the limits."""
    formula = partial(_corrected, katz_correction, definition, record, side)
    return computed(definition, formula, record, side, fact_of)


def glucose_correction(definition: DerivedFact, record: Record, side: Side, fact_of: FactOf) -> Fact:
    """Whether the newest sodium has a glucose that corrects it; the card gets the corrected value."""
    return _shown(guideline_correction, definition, record, side, fact_of)


def glucose_correction_katz(
    definition: DerivedFact, record: Record, side: Side, fact_of: FactOf
) -> Fact:
    """Whether the newest sodium has a glucose that corrects it, by the smaller factor of 1.6."""
    return _shown(katz_correction, definition, record, side, fact_of)


def _shown(
    correction: Correction, definition: DerivedFact, record: Record, side: Side, fact_of: FactOf
) -> Fact:
    """Whether the newest final sodium, still fresh, has a glucose that corrects it.

    Returns:
        True with two data: the corrected sodium (to a tenth, of the time of the sodium) and the glucose.
        False, with the glucose, where it corrects nothing. Unknown, "not recorded", without a glucose of
        that time, and without a sodium that can be used: why the sodium cannot, its own facts say, and
        here it would be read as said of the glucose.
    """
    sodium = record.rule_base.analytes[definition.of[0]]
    found = finals(sodium, record, side)
    # Without limits this asks only for a value that can be used, inside its window.
    fresh = judged(as_measurement(definition), lambda _: found, record, side, fact_of)
    if fresh.value is not True:
        lists = (Reason.NOT_DELIVERED, Reason.INCOMPLETE)
        reason = fresh.reason if fresh.reason in lists else None
        return unknown(definition.name, reason or Reason.NOT_RECORDED)
    newest = next(one for one in found if one.text == fresh.data[0].text and one.problem is None)
    paired = _paired(newest, definition, record, side)
    if paired is None:
        return unknown(definition.name, Reason.NOT_RECORDED)
    adds = _adds(correction, paired)
    span = newest.interval or Interval(None, None)
    edge = span.high if span.low is None else span.low
    if not adds or edge is None:
        return Fact(definition.name, False, data=(reading_datum(paired),))
    value = f"{newest.comparator}{(edge + adds).quantize(_TENTH, rounding=ROUND_HALF_UP)}"
    corrected = msgspec.structs.replace(
        reading_datum(newest), text=f"{value} {sodium.unit}", value=value, unit=sodium.unit
    )
    return Fact(definition.name, True, data=(corrected, reading_datum(paired)))


def _corrected(
    correction: Correction, definition: DerivedFact, record: Record, side: Side, one: Value
) -> tuple[Value, tuple[Value, ...]]:
    paired = _paired(one, definition, record, side) if one.interval is not None else None
    if paired is None or one.interval is None:
        return one, ()
    span = one.interval
    adds = _adds(correction, paired)
    with localcontext() as context:
        context.prec = _PRECISION
        low = None if span.low is None else span.low + adds
        high = None if span.high is None else span.high + adds
    moved = Interval(low, high, span.low_open, span.high_open)
    return msgspec.structs.replace(one, interval=moved), (paired,)


def _paired(one: Value, definition: DerivedFact, record: Record, side: Side) -> Value | None:
    window = record.rule_base.thresholds[definition.paired_within]
    return partners(definition.of[1], record, side).nearest(one, window)


def _adds(correction: Correction, glucose: Value) -> Decimal:
    low = glucose.interval.low if glucose.interval else None
    if glucose.unit is None or low is None:
        return Decimal(0)
    return correction(low, glucose.unit.same_as or glucose.unit.code)
