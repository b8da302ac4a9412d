"""Glomerular filtration rate: as the laboratory reported it, else estimated from creatinine.

    142 x min(Scr/k, 1)^a x max(Scr/k, 1)^-1.200 x 0.9938^age x 1.012 (if female), mL/min/1.73 m2

CKD-EPI 2021, without race (Inker and others, N Engl J Med 2021;385:1737; printed by the National Kidney
Foundation): Scr creatinine in mg/dL (IDMS-traceable), k 0.7 and a -0.241 for women, 0.9 and -0.302 for
men, age in years from 18 on. Rounded to a whole number, as laboratories report it, before any
comparison. Vectors: a man of 55 with 1.2 mg/dL has 71, a woman of 60 with 0.8 mg/dL 84.
"""

from collections.abc import Iterable
from decimal import Decimal
from math import floor
from typing import Final

import msgspec

from cds_service.facts.derived.computed import as_measurement, with_parts
from cds_service.facts.derived.pairing import ONE_SAMPLE
from cds_service.facts.measurements import judged
from cds_service.facts.model import EGFR_COMPUTED, Fact, Side
from cds_service.facts.onsets import FactOf
from cds_service.facts.record import Record
from cds_service.facts.statements import Statement
from cds_service.facts.values import Value, canonical, rank, values
from cds_service.fhir.dates import age_in_years
from cds_service.fhir.quantity import Interval
from cds_service.rulebase.definitions import DerivedFact, Unit

PARAMETERS = frozenset({"clears-within", "clears-within-changing"})

_UMOL_PER_MG = 88.4  # reference A 2.6
_SCALE, _SLOPE, _PER_YEAR = 142, -1.200, 0.9938
_SEX: Final = {"female": (0.7, -0.241, 1.012), "male": (0.9, -0.302, 1.0)}  # knot, slope below, factor
_ADULT, _OLDEST = 18, 130  # years


def ckd_epi_2021(creatinine: Decimal, years: int, sex: str) -> Decimal:
    """The estimate in mL/min/1.73 m2, a whole number.

    Args:
        creatinine: umol/L, above 0.
        years: completed years, from 18 on.
        sex: female or male.
    """
    # In floating point: a power of Decimals takes a thousand times as long, and there are as many of
    # them as creatinines on record. The error is below 1e-12, the result a whole number.
    knot, below, factor = _SEX[sex]
    ratio = float(creatinine) / _UMOL_PER_MG / knot
    exponent = below if ratio < 1 else _SLOPE
    return Decimal(floor(_SCALE * ratio**exponent * _PER_YEAR**years * factor + 0.5))


def egfr(definition: DerivedFact, record: Record, side: Side, fact_of: FactOf) -> Fact:
    """Whether the newest eGFR, reported or computed from a newer creatinine, satisfies the limits.

    `of` is eGFR, creatinine, and a fact that says that kidney function may change soon. A creatinine
    counts where no readable eGFR is of its sample or surely as new; of a child, without a birth date or
    without a creatinine above 0 nothing is computed; where sex is not recorded as female or male, the
    result lies between the two. True for `within`; false for `clears-within`, and while the third fact
    is not known to be false for `clears-within-changing`: an abnormal value stays true longer than a
    normal one clears (reconciliation 1, eGFR).

    Returns:
        The fact; a computed value says so in its notes, and brings the creatinine as a second datum.
    """
    reported, creatinine = (record.rule_base.analytes[name] for name in definition.of[:2])
    unit = reported.units[reported.unit]
    sources: dict[tuple[str, str], Value] = {}

    def found(preliminary: bool) -> list[Value]:
        told = values(reported, record, side, preliminary=preliminary)
        reports, made = _Reports(told), []
        for one in values(creatinine, record, side, preliminary=preliminary):
            computed = None if reports.cover(one.statement) else _computed(one, record, unit)
            if computed is not None:
                made.append(computed)
                sources[computed.statement.ref, computed.text] = one
        return sorted([*told, *made], key=lambda one: rank(one.statement), reverse=True)

    changing = fact_of(definition.of[2], side).value is not False
    clears = definition.parameters["clears-within-changing" if changing else "clears-within"]
    limited = msgspec.structs.replace(as_measurement(definition), clears_within=clears)
    fact = judged(limited, found, record, side, fact_of)
    source = sources.get((fact.data[0].ref, fact.data[0].text)) if fact.data else None
    return with_parts(fact, (source,)) if source is not None else fact


class _Reports:
    """The readable eGFRs, asked about a creatinine without going through them all."""

    def __init__(self, told: Iterable[Value]) -> None:
        """Put them in order: all their times, and the last of each sample."""
        dated = [one.statement for one in told if one.interval is not None]
        spans = [(one.specimen, one.when) for one in dated if one.when is not None]
        self._spans = {(when.start, when.end) for _, when in spans}
        self._last = max((start for start, _ in self._spans), default=None)
        spans.sort(key=lambda one: one[1].end)
        self._of = {sample: when.end for sample, when in spans if sample}

    def cover(self, creatinine: Statement) -> bool:
        """Whether one is of the same sample, or surely as new.

        "In November" may be before the creatinine of yesterday: then both stand, and the newest decides.
        """
        when = creatinine.when
        if when is None or self._last is None:
            return False
        if self._last >= when.end or (when.start, when.end) in self._spans:
            return True
        # What follows the creatinine was found above: of one sample the last must not be too old.
        last = self._of.get(creatinine.specimen)
        return last is not None and when.start - last <= ONE_SAMPLE


def _computed(creatinine: Value, record: Record, unit: Unit) -> Value | None:
    """The eGFR of a creatinine; None where the formula cannot be used."""
    span, when = canonical(creatinine), creatinine.statement.when
    if span is None or when is None or record.birth is None:
        return None
    least, most = age_in_years(record.birth, when.end, record.zone)
    if least < _ADULT or most > _OLDEST:
        return None
    sexes = [record.patient.gender] if record.patient.gender in _SEX else list(_SEX)

    def edges(amount: Decimal) -> list[Decimal]:
        return [ckd_epi_2021(amount, years, sex) for years in (least, most) for sex in sexes]

    # The more creatinine, the less is filtered.
    low = None if span.high is None else min(edges(span.high)) if span.high > 0 else None
    high = None if span.low is None or span.low <= 0 else max(edges(span.low))
    if low is None and high is None:
        return None
    told = f"{low or 0}" if low == high else f"{low or 0} to {high}" if high is not None else f">{low}"
    statement = msgspec.structs.replace(
        creatinine.statement, notes=(*creatinine.statement.notes, EGFR_COMPUTED)
    )
    text = f"{told} mL/min/1.73 m2"
    return Value(statement, Interval(low, high), unit, text)
