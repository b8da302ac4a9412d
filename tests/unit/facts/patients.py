"""Tiny patients: R4 resources of invented codes, read through the same door as a request."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any

import msgspec

from cds_service.decision import assess
from cds_service.facts.model import FactSet
from cds_service.fhir.evidence import Evidence
from cds_service.hooks import prefetch
from cds_service.rulebase.model import RuleBase
from tests.unit.rulebase.tiny import NOW, SYSTEM, UCUM, Json


def concept(code: str, *, system: str = SYSTEM, text: str = "") -> Json:
    """A CodeableConcept of the tiny code system."""
    found: Json = {"coding": [{"system": system, "code": code}]}
    return {**found, "text": text} if text else found


def condition(code: str = "heavy", **fields: Any) -> Json:
    """An active Condition."""
    status = {"coding": [{"code": "active"}]}
    return {
        "resourceType": "Condition",
        "id": f"c-{code}",
        "clinicalStatus": status,
        "code": concept(code),
        "subject": {"reference": "Patient/p"},
    } | fields


def observation(code: str, at: str | None = "2026-11-22T08:00:00Z", **fields: Any) -> Json:
    """A final Observation."""
    whole = {
        "resourceType": "Observation",
        "id": f"o-{code}",
        "status": "final",
        "code": concept(code),
        "subject": {"reference": "Patient/p"},
    }
    return whole | ({"effectiveDateTime": at} if at else {}) | fields


def quantity(value: float | str, unit: str | None = "mmol/L", **fields: Any) -> Json:
    """A Quantity in UCUM; the value may be the text of a number."""
    number = msgspec.Raw(value.encode()) if isinstance(value, str) else value
    unit_part = {"unit": unit, "system": UCUM, "code": unit} if unit else {}
    return {"value": number, **unit_part} | fields


def lab(
    value: float | str,
    unit: str | None = "mmol/L",
    at: str | None = "2026-11-22T08:00:00Z",
    **fields: Any,
) -> Json:
    """A potassium (or, with `of`, another code) from the laboratory."""
    code = fields.pop("of", "k")
    comparator = fields.pop("comparator", None)
    measured = quantity(value, unit, **({"comparator": comparator} if comparator else {}))
    category = [{"coding": [{"code": "laboratory"}]}]
    return observation(code, at, category=category, valueQuantity=measured) | fields


def request(code: str, **fields: Any) -> Json:
    """An active ServiceRequest."""
    return {
        "resourceType": "ServiceRequest",
        "id": f"r-{code}",
        "status": "active",
        "intent": "order",
        "authoredOn": "2026-11-21",
        "code": concept(code),
        "subject": {"reference": "Patient/p"},
    } | fields


def status(code: str) -> Json:
    """A status as a CodeableConcept."""
    return {"coding": [{"code": code}]}


def medicine(code: str = "pill", **fields: Any) -> Json:
    """An active MedicationRequest of three weeks ago."""
    return {
        "resourceType": "MedicationRequest",
        "id": f"m-{code}",
        "status": "active",
        "intent": "order",
        "authoredOn": "2026-11-01",
        "medicationCodeableConcept": concept(code),
        "subject": {"reference": "Patient/p"},
    } | fields


def evidence(
    base: RuleBase,
    *,
    patient: Json | None = None,
    drafts: list[Json] | None = None,
    without: Iterable[str] = (),
    raw: Mapping[str, Any] | None = None,
    encounter: str = "",
    server: str = "",
    **keys: list[Json],
) -> Evidence:
    """Evidence as a request brings it: every key delivered and empty unless given or left out."""
    (service,) = base.services_for("patient-view")
    person = {"resourceType": "Patient", "id": "p", "birthDate": "1966-05-05"} | (patient or {})
    values: dict[str, Any] = {
        key: None for key in service.prefetch if key not in ("patient", "encounter")
    }
    values["patient"] = person
    for key, resources in keys.items():
        values[key] = bundle(resources)
    values |= raw or {}
    for key in without:
        values.pop(key, None)
    sent = {key: msgspec.Raw(msgspec.json.encode(value)) for key, value in values.items()}
    ordered = msgspec.Raw(msgspec.json.encode(bundle(drafts))) if drafts is not None else None
    return prefetch.read(sent, service.prefetch, "p", ordered, encounter, server)


def bundle(resources: Iterable[Json], **fields: Any) -> Json:
    """A searchset Bundle."""
    entries = [{"resource": one} for one in resources]
    return {"resourceType": "Bundle", "type": "searchset", "entry": entries} | fields


def assessed(
    base: RuleBase,
    *,
    now: datetime = NOW,
    zone: tzinfo = UTC,
    hook: str = "patient-view",
    **brought: Any,
) -> FactSet:
    """The facts of a record."""
    return assess(evidence(base, **brought), base, now, zone, hook)
