"""Serum osmolarity from sodium, potassium, glucose and urea of one sample.

    1.86 x (sodium + potassium) + 1.15 x glucose + urea + 14, all in mmol/L

This is the form that ESPEN recommends; the laboratory's own calculated value (LOINC 18182-6) may be of
another and is not read.

Reference A 3.6 DEH-01 (b), 5.7. Vectors: 147, 4.5, 6, 9 make 311.7; 142, 4.2, 5.8, 7.9 make 300.5.
"""

from decimal import Decimal, localcontext

import msgspec

from cds_service.facts.derived.computed import computed
from cds_service.facts.derived.pairing import partners
from cds_service.facts.model import Fact, Reason, Side
from cds_service.facts.onsets import FactOf
from cds_service.facts.record import Record
from cds_service.facts.values import Value, point
from cds_service.fhir.quantity import Interval
from cds_service.rulebase.definitions import DerivedFact

_IONS, _GLUCOSE, _REST = Decimal("1.86"), Decimal("1.15"), Decimal(14)
_PRECISION = 50


def osmolarity(sodium: Decimal, potassium: Decimal, glucose: Decimal, urea: Decimal) -> Decimal:
    """The formula; everything in mmol/L."""
    with localcontext() as context:
        context.prec = _PRECISION
        return _IONS * (sodium + potassium) + _GLUCOSE * glucose + urea + _REST


def calculated_osmolarity(definition: DerivedFact, record: Record, side: Side, fact_of: FactOf) -> Fact:
    """Whether the osmolarity calculated for the newest sodium satisfies the limits.

    `of` is sodium, potassium, glucose, urea, urea nitrogen; of the last two one is enough, their numbers
    in mmol/L are the same. Only final point values of one sample count.

    Returns:
        Unknown ("not recorded") while any input of the newest sodium's sample is missing.
    """
    _, *others, urea, nitrogen = (record.rule_base.analytes[name] for name in definition.of)
    limit = record.rule_base.thresholds[definition.limits[0].threshold]
    target = record.rule_base.analytes[limit.of]

    def formula(sodium: Value) -> tuple[Value, tuple[Value, ...]]:
        found = [partners(one.name, record, side).of_same_sample(sodium) for one in others]
        either = (partners(one.name, record, side).of_same_sample(sodium) for one in (urea, nitrogen))
        found.append(next((one for one in either if one is not None), None))
        used = tuple(one for one in found if one is not None)
        points = [point(one) for one in (sodium, *used)]
        known = [one for one in points if one is not None]
        if len(known) != len(others) + 2:
            return msgspec.structs.replace(
                sodium, interval=None, text="", problem=Reason.NOT_RECORDED
            ), used
        made = osmolarity(*known)
        shown = f"{made:.1f} {target.unit}"
        unit = target.units[target.unit]
        return Value(sodium.statement, Interval(made, made), unit, shown), (sodium, *used)

    return computed(definition, formula, record, side, fact_of)
