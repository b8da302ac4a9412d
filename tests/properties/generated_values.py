"""A value of an analyte, said as a record says it: near a limit, or nobody's trouble."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal

from cds_service.rulebase.definitions import Analyte, DerivedFact, Unit
from tests.properties.generated_entries import BASE, NOW, Json, Maker, around, native, quantity

# Nobody's trouble, in the first unit of the analyte: what stands beside the value that is aimed at.
_ORDINARY: Mapping[str, str] = {
    "sodium": "139",
    "potassium": "4.2",
    "glucose": "5.5",
    "urea": "6",
    "urea-nitrogen": "15",
    "creatinine": "80",
    "egfr": "80",
    "calcium": "2.4",
    "calcium-corrected": "2.4",
    "calcium-ionised": "1.2",
    "albumin": "40",
    "osmolality-serum": "288",
    "systolic-pressure": "140",
    "diastolic-pressure": "85",
    "heart-rate": "70",
    "body-weight": "80",
}


def say(maker: Maker, name: str, value: Decimal, ago: timedelta, **more: Json | list[Json]) -> None:
    """Add a value of an analyte, in its first unit, at an exact time."""
    analyte = BASE.analytes[name]
    concept, code = maker.coded((analyte.codes,))
    if maker.is_elsewhere(concept):
        return
    maker.add(
        maker.chance.choice(analyte.arrives),
        "Observation",
        status="final",
        code=code,
        effectiveDateTime=(NOW - ago).isoformat(),
        valueQuantity=quantity(maker.chance, value, first(analyte)),
        **more,
    )


def first(analyte: Analyte) -> Unit:
    return analyte.units[analyte.unit]


def ordinary(name: str) -> Decimal:
    low, high = BASE.analytes[name].plausible
    return Decimal(_ORDINARY.get(name, str((low * 3 + high) / 4)))


def near(maker: Maker, definition: DerivedFact, name: str, want: bool) -> Decimal:
    """A value of an analyte close to the limits, on the wanted side of all of them if there is one."""
    analyte = BASE.analytes[name]
    limits = [(one, native(one.threshold, analyte, first(analyte))) for one in definition.limits]
    near = [value for _, limit in limits for value in around(limit)]
    fitting = [v for v in near if all(maker.meets(one, v, limit) for one, limit in limits) is want]
    return maker.chance.choice(fitting or near)
