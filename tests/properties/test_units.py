"""Equal values in two declared units give equal findings, for every analyte that has two.

Around every limit of every analyte, between every two of its units, in every spelling. Equal is what the
factors of the content say. A limit may be a round number in each unit (12.0 mg/dL of calcium beside
3.00 mmol/L), so values closer to it than that rounding are tried at the limit itself, in each unit's own
number.
"""

from decimal import Context, Decimal
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from cds_service.rulebase import definitions as kinds
from cds_service.rulebase.definitions import Analyte, Unit
from tests.properties.generated_entries import BASE, PATIENT, UCUM, Json, native
from tests.properties.generated_patients import (
    CHANCES,
    LEVELS,
    Generated,
    judged,
    patient_for,
    truths,
)
from tests.properties.losses import reads

_SIGNIFICANT = Context(prec=12)
_ROUNDED_BY = Decimal("0.035")  # a limit's native values differ by less (tests/unit/facts/test_units.py)
_BESIDE = tuple(Decimal(text) for text in ("0.5", "0.8", "0.9", "0.96", "1.04", "1.1", "1.2", "1.6"))
SEVERAL = [name for name, analyte in BASE.analytes.items() if len(analyte.units) > 1]
LIMITS = {
    name: [limit.name for limit in BASE.thresholds.values() if limit.of == name]
    for name in BASE.analytes
}


def written(chance: Random, value: Decimal, unit: Unit) -> Json:
    number = Decimal(format(_SIGNIFICANT.plus(value), "f"))
    spelling = chance.choice([unit.code, unit.code, *unit.spellings])
    if spelling != unit.code or chance.random() < 0.3:
        return {"value": number, "unit": spelling}
    return {"value": number, "unit": unit.code, "system": UCUM, "code": unit.code}


def of_analyte(analyte: Analyte) -> list[tuple[str, int]]:
    """The levels of the rules that read an analyte; where none does, of all."""
    reading = {
        name
        for name, fact in BASE.facts.items()
        if isinstance(fact, kinds.MeasurementFact) and fact.of == analyte.name
    }
    named = [
        (rule.id, number)
        for rule in BASE.rules.values()
        if any(analyte.codes in reads(name) for name in reading)
        for number in range(len(rule.levels))
    ]
    return named or list(LEVELS)


def measured(patient: Generated, analyte: Analyte, value: Json) -> Generated:
    """The patient with this as the one value of the analyte, of this morning."""
    concept = BASE.code_sets[analyte.codes].concepts[0]
    codes = {one.code for one in BASE.code_sets[analyte.codes].concepts}
    result: dict[str, Any] = {
        "resourceType": "Observation",
        "id": "measured",
        "status": "final",
        "code": {"coding": [{"system": concept.system, "code": concept.code}]},
        "subject": {"reference": f"Patient/{PATIENT}"},
        "effectiveDateTime": "2026-11-22T08:00:00Z",
        "valueQuantity": value,
    }

    def other(resource: Json) -> bool:
        return not codes & {one.get("code") for one in resource.get("code", {}).get("coding", ())}

    lists = {key: [one for one in found if other(one)] for key, found in patient.lists.items()}
    lists[analyte.arrives[0]].append(result)
    return msgspec.structs.replace(patient, lists=lists, without=())


def same_findings(patient: Generated, analyte: Analyte, one: Json, other: Json) -> None:
    before = measured(patient, analyte, one).decision()
    after = measured(patient, analyte, other).decision()

    assert truths(after.facts) == truths(before.facts), (one, other)
    assert judged(after) == judged(before), (one, other)


@pytest.mark.parametrize("name", SEVERAL)
@settings(max_examples=settings().max_examples // 8)
@given(st.data(), CHANCES)
def test_equal_values_in_two_units_give_equal_findings(
    name: str, data: st.DataObject, chance: Random
) -> None:
    analyte = BASE.analytes[name]
    units = [data.draw(st.sampled_from(list(analyte.units.values()))) for _ in range(2)]
    patient = patient_for(data.draw(st.sampled_from(of_analyte(analyte))), chance)
    limit = data.draw(st.sampled_from([*LIMITS[name], ""]))
    if not limit:  # anywhere in what is plausible, and beyond
        low, high = analyte.plausible
        share = Decimal(data.draw(st.integers(min_value=-10, max_value=120))) / 100
        middle = low + (high - low) * share
    else:
        middle = BASE.thresholds[limit].values[analyte.unit] * data.draw(st.sampled_from(_BESIDE))
    close = [known for known in LIMITS[name] if near(middle, analyte, known)]
    if close:
        event("at the limit itself")
        values = [native(close[0], analyte, unit) for unit in units]
    else:
        event("beside the limits")
        values = [middle / unit.factor + unit.zero for unit in units]
    one, other = (written(chance, value, unit) for value, unit in zip(values, units, strict=True))
    same_findings(patient, analyte, one, other)


def near(value: Decimal, analyte: Analyte, limit: str) -> bool:
    known = BASE.thresholds[limit].values[analyte.unit]
    return abs(value - known) <= abs(known) * _ROUNDED_BY
