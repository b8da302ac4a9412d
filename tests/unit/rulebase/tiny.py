"""A tiny invented rule base: tests prove the engine with it, not the shipped content."""

import textwrap
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from cds_service.failures import BrokenRuleBase
from cds_service.rulebase import loader
from cds_service.rulebase.model import RuleBase

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
CARDS = Path(__file__).resolve().parents[3] / "cards"
SYSTEM = "http://example.org/tiny"
LOCAL = "http://example.org/local"
UCUM = "http://unitsofmeasure.org"
Json = dict[str, Any]

LETTERS = "abcdefgh"
HAZARDS = {"fires-wrongly": "noise", "silent-wrongly": "missed", "control": "a case", "case": "fires"}

_SYSTEMS = {
    "tiny": {"uri": SYSTEM, "also": ["urn:oid:1.2.3"]},
    "local": {"uri": LOCAL},
    "icd-10-cm": {"uri": "http://hl7.org/fhir/sid/icd-10-cm"},
    "answers": {"uri": "http://example.org/answers"},
    "override": {"uri": "http://example.org/override"},
}


def code_set(*codes: str | Mapping[str, Any], system: str = "tiny") -> Json:
    """A code set of these codes; a code may carry `side`, `needs-site` or `exact`."""
    entries = [
        [one, f"the {one}"] if isinstance(one, str) else {"display": f"the {one['code']}", **one}
        for one in codes
    ]
    include = [{"system": system, "codes": entries}]
    return {"title": "set", "source": "invented", "licence": "none", "include": include}


_SETS = {
    **{f"set-{letter}": code_set(letter) for letter in LETTERS},
    "heavy": code_set(
        "heavy",
        {"code": "heavy-left", "side": "left"},
        {"code": "heavy-right", "side": "right"},
        {"code": "heavy-both", "side": "both"},
    ),
    "weak": code_set("weak", "weak-too", {"code": "weak-sited", "needs-site": "legs"}),
    "legs": code_set(
        "leg", {"code": "left-leg", "side": "left"}, {"code": "right-leg", "side": "right"}
    ),
    "pill": code_set("pill"),
    "potassium": code_set("k"),
    "magnesium": code_set("mg"),
    "calcium": code_set("ca"),
    "index": code_set(
        "abi", {"code": "abi-left", "side": "left"}, {"code": "abi-right", "side": "right"}
    ),
    "basic-panel": code_set("panel"),
    "scan": code_set("scan", {"code": "scan-left", "side": "left"}),
    "thigh-question": code_set("thigh", system="local"),
    "leg-question": code_set("which-leg", system="local"),
    "answer-yes": code_set("Y", system="answers"),
    "answer-no": code_set("N", system="answers"),
    "sample-haemolysed": code_set("HEM"),
    "haemolysis-flag": code_set("hil"),
}

_BASE = """
thresholds:
  window-1h: {value: {h: 1}, source: s, standing: design}
  window-72h: {value: {h: 72}, source: s, standing: design}
  window-2: {value: {d: 2}, source: s, standing: design}
  window-7: {value: {d: 7}, source: s, standing: design}
  window-30: {value: {d: 30}, source: s, standing: design}
  window-90: {value: {d: 90}, source: s, standing: design}
  points-2: {value: {"1": 2}, source: s, standing: design}
  age-18: {value: {a: 18}, source: s, standing: design}
  potassium-low:
    of: potassium
    value: {mmol/L: 3.5}
    source: s
    standing: design
    bounds: {from: 3.5, to: 4.5, source: s}
  potassium-high: {of: potassium, value: {mmol/L: 6.0}, source: s, standing: design}
  calcium-high:
    of: calcium
    value: {mmol/L: 3.00, mg/dL: 12.0}
    source: s
    standing: design
    bounds: {from: 2.60, to: 3.00, source: s}
  calcium-edta: {of: calcium, value: {mmol/L: 1.5, mg/dL: 6.0}, source: s, standing: design}
  index-low: {of: index, value: {"1": 0.90}, source: s, standing: design}
  index-high: {of: index, value: {"1": 1.40}, source: s, standing: design}
  index-half: {of: index, value: {"1": 0.60}, source: s, standing: design}
analytes:
  potassium:
    label: potassium
    codes: potassium
    unit: mmol/L
    units: {mmol/L: {factor: 1, also: [mmol/l]}, meq/L: {same-as: mmol/L, also: [mEq/L]}}
    plausible: {from: 1, to: 12}
    plausible-limit: {from: 0.05, to: 12}
    arrives-in: [laboratory]
    source: s
  calcium:
    label: calcium
    codes: calcium
    unit: mmol/L
    units: {mmol/L: {factor: 1}, mg/dL: {factor: 0.2495, also: [mg/dl]}, meq/L: {factor: 0.5}}
    plausible: {from: 0.5, to: 6}
    plausible-limit: {from: 0.05, to: 6}
    arrives-in: [laboratory]
    source: s
  index:
    label: ankle index
    codes: index
    unit: "1"
    units: {"1": {factor: 1, also: ["{ratio}"]}, "%": {factor: 0.01}}
    plausible: {from: 0.05, to: 4}
    arrives-in: [findings]
    source: s
"""

_SERVICES = """
prefetch:
  patient: "Patient/{{context.patientId}}"
  conditions: "Condition?patient={{context.patientId}}&_count=5"
  laboratory: "Observation?patient={{context.patientId}}&category=laboratory&_sort=-date&_count=5"
  specimens: "Specimen?_count=50"
  vitals: "Observation?category=vital-signs&_sort=-date&_count=50"
  findings: "Observation?category=exam&_sort=-date&_count=50"
  medicationRequests: "MedicationRequest?_count=50"
  medicationStatements: "MedicationStatement?_count=50"
  procedures: "Procedure?_count=50"
  serviceRequests: "ServiceRequest?_count=50"
  diagnosticReports: "DiagnosticReport?_count=50"
  devices: "Device?_count=50"
  encounter: "Encounter/{{context.encounterId}}"
  questionnaireResponses: "QuestionnaireResponse?_count=50"
services:
  - id: tiny-view
    hook: patient-view
    title: t
    description: d
    prefetch: [patient, conditions, laboratory, specimens, vitals, findings, medicationRequests,
      medicationStatements,
      procedures, serviceRequests, diagnosticReports, devices, encounter, questionnaireResponses]
"""

_GLOBAL = """
version: "1"
canonical: https://example.org/fhir
silent-when: [deceased]
info-silent-when: [comfort-care]
critical-adds: {comfort-care: In line with the goals of care.}
card-cap: 4
entry: a
"""

_SUPPRESSION = """
override-reasons:
  declined:
    {system: override, code: declined, display: Declined, quiet: {info: 30, warning: 3}, source: s}
  not-now: {system: override, code: not-now, display: Not now, quiet: {}, source: s}
"""


def fact(kind: str = "condition", **fields: Any) -> Json:
    """A fact definition; `in_` and `is_` stand for the words that Python keeps for itself.

    Without a `label` it gets its name for one (`texts`).
    """
    named = {key.rstrip("_").replace("_", "-"): value for key, value in fields.items()}
    return {"kind": kind, "source": "invented", **named}


def base_facts() -> Json:
    """Facts `a` to `h` of one condition code each, and who gets no card."""
    letters = {
        letter: fact(in_=[f"set-{letter}"], label=f"fact {letter}", ask=f"ask {letter}")
        for letter in LETTERS
    }
    return {
        **letters,
        "deceased": fact("patient", who="deceased"),
        "comfort-care": fact(in_=["set-h"]),
    }


def rule(name: str, when: Any = None, **fields: Any) -> Json:
    """A rule that fires an information card when `a` is true; any member can be replaced."""
    levels = fields.pop("levels", None) or [
        {"indicator": fields.pop("indicator", "info"), "when": "a" if when is None else when}
    ]
    variants = sorted({one.get("text", "default") for one in levels})
    card = {
        "source": "src",
        "texts": {
            one: {"summary": fields.pop("summary", f"{name}: consider it"), "consider": ["Do it"]}
            for one in variants
        },
        **fields.pop("card", {}),
    }
    for key in ("suggest", "overrideReasons"):
        if key in fields:
            card[key] = fields.pop(key)
    source = {
        "id": "src",
        "title": "A guideline",
        "publisher": "A society",
        "year": 2024,
        "url": "https://example.org/guideline",
        "locator": "1.1",
        "grade": "class 1",
        "read": "read",
    }
    whole = {
        "id": name,
        "reference": "X 1",
        "version": 1,
        "status": "draft",
        "reviewed": "2026-11-22",
        "cause": "cause",
        "title": "Title",
        "intent": "Intent",
        "limits": ["none"],
        "hazards": HAZARDS,
        "hooks": ["patient-view"],
        "sources": [source],
        "levels": levels,
        "unknown": "silent",
        "card": card,
    }
    return whole | {key.replace("_", "-"): value for key, value in fields.items()}


def order(label: str = "test", **fields: Any) -> Json:
    """An order with one invented code."""
    whole = {
        "reference": "X",
        "label": label,
        "why": "because it tells",
        "kind": "order",
        "codings": [{"system": "tiny", "code": label, "display": f"Display of {label}"}],
        "text": f"Text of {label}",
        "priority": "routine",
        "source": "invented",
    }
    return whole | {key.replace("_", "-"): value for key, value in fields.items()}


def cases(*kinds: str) -> str:
    """Cases beside a rule, in name only: these rules are tried by the tests themselves."""
    entries = [
        {"name": kind, "proves": kind, "given": {"record": {"age": age}}, "expect": {"outcome": "fires"}}
        for age, kind in enumerate(kinds or ("fires", "near-miss", "missing"), start=40)
    ]
    return dump({"cases": entries})


def dump(value: Any) -> str:
    """A plain value as YAML text."""
    text: str = yaml.safe_dump(value, sort_keys=False, allow_unicode=True)
    return text


def texts(
    facts: str | Json | None = None,
    rules: Iterable[Json] = (),
    orders: Json | None = None,
    panels: Json | None = None,
    thresholds: str = "",
    terminology: Json | None = None,
    scores: Json | None = None,
    rank: Iterable[str] | None = None,
) -> dict[str, str]:
    """All files of a rule base, the lock left out; all causes rank in the order of the rules."""
    rules = list(rules)
    causes = dict.fromkeys(one["cause"] for one in rules)
    more = yaml.safe_load(textwrap.dedent(facts)) if isinstance(facts, str) else facts
    files = {path.name: path.read_text("utf-8") for path in CARDS.glob("*.schema.json")}
    files |= {
        "services.yaml": _SERVICES,
        "global.yaml": _GLOBAL + dump({"rank": list(causes if rank is None else rank)}),
        "suppression.yaml": _SUPPRESSION,
        "terminology/base.yaml": dump(
            {
                "systems": _SYSTEMS,
                "code-sets": {**_SETS, **(terminology or {})},
                "local-codes": {
                    "thigh": {
                        "display": "Thigh pain",
                        "type": "coded",
                        "values": ["inner", "outer"],
                    },
                    "which-leg": {
                        "display": "Which leg",
                        "type": "coded",
                        "values": ["left", "right", "both"],
                    },
                },
                "questionnaires": {"few": {"title": "Few", "items": ["thigh"], "source": "invented"}},
            }
        ),
        "thresholds/base.yaml": _BASE,
        "facts/base.yaml": dump(
            {
                "facts": {
                    name: {"label": f"the {name}", **definition}
                    for name, definition in {**base_facts(), **(more or {})}.items()
                },
                **({"scores": scores} if scores else {}),
            }
        ),
    }
    if thresholds:
        files["thresholds/more.yaml"] = textwrap.dedent(thresholds)
    if orders or panels:
        files["orders/base.yaml"] = dump(
            {key: value for key, value in (("orders", orders), ("panels", panels)) if value}
        )
    for one in rules:
        files[f"general/{one['id']}.yaml"] = dump(one)
        files[f"general/{one['id']}.cases.yaml"] = cases()
    return files


def rule_base(*args: Any, **kwargs: Any) -> RuleBase:
    """A rule base of these facts, rules and orders beside the base; raises with all that is wrong."""
    return loaded(texts(*args, **kwargs))


def loaded(files: Mapping[str, str]) -> RuleBase:
    """The rule base of these files, without a lock."""
    found, problems = loader.examine(files, check_lock=False)
    if found is None or problems:
        raise BrokenRuleBase(problems)
    return found
