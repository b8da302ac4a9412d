"""A tiny rule base with sodium, glucose and their like, and results of them, for derived facts."""

from typing import Any

from cds_service.rulebase.model import RuleBase
from tests.unit.facts.patients import concept, observation, quantity
from tests.unit.rulebase.tiny import Json, code_set, fact, rule_base

CODES = ("na", "glu", "urea", "bun", "crea", "osm", "kg", "sys", "hr")
DAYS = {"from": "days-3", "to": "window-7"}  # the baseline of a weight
_THRESHOLDS = """
thresholds:
  days-3: {value: {d: 3}, source: s, standing: design}
  pair-4h: {value: {h: 4}, source: s, standing: design}
  pair-10min: {value: {min: 10}, source: s, standing: design}
  day: {value: {h: 24}, source: s, standing: design}
  na-135: {of: sodium, value: {mmol/L: 135}, source: s, standing: design}
  na-120: {of: sodium, value: {mmol/L: 120}, source: s, standing: design}
  osm-295: {of: osmolarity, value: {mmol/L: 295}, source: s, standing: design}
  ratio: {value: {"mg/mg": 20, "mmol/mmol": 80.8}, source: s, standing: design}
  twice: {value: {"1": 2}, source: s, standing: design}
  rise: {of: creatinine, value: {umol/L: 26.5, mg/dL: 0.3}, source: s, standing: design}
  two-percent: {value: {"%": 2}, source: s, standing: design}
  fall-20: {of: systolic, value: {"mm[Hg]": 20}, source: s, standing: design}
  fall-15: {of: systolic, value: {"mm[Hg]": 15}, source: s, standing: design}
  lying-140: {of: systolic, value: {"mm[Hg]": 140}, source: s, standing: design}
  rise-30: {of: pulse, value: {/min: 30}, source: s, standing: design}
  flat-15: {of: pulse, value: {/min: 15}, source: s, standing: design}
analytes:
  sodium: {label: l, codes: na, unit: mmol/L, units: {mmol/L: {factor: 1}, meq/L: {same-as: mmol/L}},
    plausible: {from: 90, to: 200}, arrives-in: [laboratory], source: s}
  glucose: {label: l, codes: glu, unit: mmol/L, units: {mmol/L: {factor: 1}, mg/dL: {factor: 0.05551}},
    plausible: {from: 0.5, to: 100}, arrives-in: [laboratory], source: s}
  urea: {label: l, codes: urea, unit: mmol/L, units: {mmol/L: {factor: 1}, mg/dL: {factor: 0.1665}},
    plausible: {from: 0.3, to: 120}, arrives-in: [laboratory], source: s}
  nitrogen: {label: l, codes: bun, unit: mmol/L, units: {mmol/L: {factor: 1}, mg/dL: {factor: 0.357}},
    plausible: {from: 0.3, to: 120}, arrives-in: [laboratory], source: s}
  creatinine: {label: l, codes: crea, unit: umol/L, units: {umol/L: {factor: 1}, mg/dL: {factor: 88.4}},
    plausible: {from: 8, to: 3000}, arrives-in: [laboratory], source: s}
  osmolarity: {label: l, codes: osm, unit: mmol/L, units: {mmol/L: {factor: 1}},
    plausible: {from: 200, to: 500}, arrives-in: [laboratory], source: s}
  weight: {label: l, codes: kg, unit: kg, units: {kg: {factor: 1}},
    plausible: {from: 2, to: 400}, arrives-in: [vitals], source: s}
  systolic: {label: l, codes: sys, unit: "mm[Hg]",
    units: {"mm[Hg]": {factor: 1}, kPa: {factor: 7.50062}},
    plausible: {from: 20, to: 320}, arrives-in: [vitals], source: s}
  pulse: {label: l, codes: hr, unit: /min, units: {/min: {factor: 1}},
    plausible: {from: 15, to: 300}, arrives-in: [vitals], source: s}
"""
_POSTURES = {
    "posture-lying": code_set("lying", "sys-lying"),
    "posture-sitting": code_set("sitting"),
    "posture-standing": code_set("standing", "sys-standing"),
    "body-position": code_set("position"),
}


def chemistry(facts: Json) -> RuleBase:
    """A rule base of these facts over the analytes above."""
    sets = {code: code_set(code) for code in CODES}
    sets["sys"] = code_set("sys", "sys-lying", "sys-standing")
    return rule_base(facts, thresholds=_THRESHOLDS, terminology={**sets, **_POSTURES})


def derived(by: str, of: list[str], **fields: Any) -> Json:
    """A derived fact within a week, its pairs within four hours."""
    return fact("derived", by=by, of=of, **{"within": "window-7", "paired_within": "pair-4h"} | fields)


def result(code: str, value: float | str, unit: str = "mmol/L", **fields: Any) -> Json:
    """A final laboratory result of this morning, 8:00; `at` another time, `name` another id."""
    at = fields.pop("at", "2026-11-22T08:00:00Z")
    comparator = {"comparator": fields.pop("comparator")} if "comparator" in fields else {}
    name = fields.pop("name", f"o-{code}-{at}")
    whole = {"category": [{"coding": [{"code": "laboratory"}]}], "id": name}
    return observation(code, at, valueQuantity=quantity(value, unit, **comparator)) | whole | fields


def vital(code: str, value: float | str, at: str, posture: str = "", unit: str = "mm[Hg]") -> Json:
    """A vital sign, with its position as the body position extension."""
    url = "http://hl7.org/fhir/StructureDefinition/observation-bodyPosition"
    said = {"extension": [{"url": url, "valueCodeableConcept": concept(posture)}]} if posture else {}
    return (
        observation(code, at, id=f"v-{code}-{at}-{posture}", valueQuantity=quantity(value, unit)) | said
    )


def part(code: str, value: float | str, unit: str = "mm[Hg]") -> Json:
    """A component of a panel."""
    return {"code": concept(code), "valueQuantity": quantity(value, unit)}
