"""The ratio of urea nitrogen to creatinine of one sample.

Compared natively: mg/dL over mg/dL with the limit for mg/mg, else moles over moles with the limit for
mmol/mmol. Reference A 2.7 and 5.7, reconciliation 5 #19: 20 in mass is 80.8 in moles. Vector: urea
nitrogen 36 mg/dL and creatinine 1.4 mg/dL make 25.7.
"""

from decimal import Decimal, localcontext

import msgspec

from cds_service.facts.derived.computed import computed
from cds_service.facts.derived.pairing import partners
from cds_service.facts.model import Fact, Reason, Side
from cds_service.facts.onsets import FactOf
from cds_service.facts.record import Record
from cds_service.facts.values import Value, point, reported
from cds_service.fhir.quantity import Interval
from cds_service.rulebase.definitions import DerivedFact, Unit

MASS, MOLES = "mg/mg", "mmol/mmol"
_PER_DECILITRE = "mg/dL"
_MICRO = Decimal(1000)  # umol in a mmol
_PRECISION = 50


def urea_creatinine(definition: DerivedFact, record: Record, side: Side, fact_of: FactOf) -> Fact:
    """Whether the ratio for the newest creatinine satisfies the limits.

    `of` is creatinine, urea nitrogen, urea. Only final point values of one sample count; whole urea in
    mg/dL is no urea nitrogen and is taken in moles.

    Returns:
        Unknown ("not recorded") without urea of the newest creatinine's sample.
    """
    _, nitrogen, urea = (record.rule_base.analytes[name] for name in definition.of)

    def formula(creatinine: Value) -> tuple[Value, tuple[Value, ...]]:
        for analyte in (nitrogen, urea):
            other = partners(analyte.name, record, side).of_same_sample(creatinine)
            found = ratio(other, creatinine, nitrogen=analyte is nitrogen) if other is not None else None
            if other is not None and found is not None:
                value, kind = found
                unit = Unit(kind, (), Decimal(1))
                shown = f"{value:.1f}"
                made = Value(creatinine.statement, Interval(value, value), unit, shown)
                return made, (other, creatinine)
        return msgspec.structs.replace(
            creatinine, interval=None, text="", problem=Reason.NOT_RECORDED
        ), ()

    return computed(definition, formula, record, side, fact_of)


def ratio(urea: Value, creatinine: Value, *, nitrogen: bool) -> tuple[Decimal, str] | None:
    """The ratio and its kind, by mass or by moles; None unless both are points."""
    if urea.unit is None or creatinine.unit is None:
        return None
    by_mass = nitrogen and urea.unit.code == creatinine.unit.code == _PER_DECILITRE
    upper, lower = (reported(one) if by_mass else point(one) for one in (urea, creatinine))
    if upper is None or not lower:
        return None
    with localcontext() as context:
        context.prec = _PRECISION
        return (upper / lower, MASS) if by_mass else (upper * _MICRO / lower, MOLES)
