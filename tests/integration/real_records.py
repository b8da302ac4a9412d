"""Patients that others wrote, as hook requests; and what a real system may do to them on the way.

The data are not part of the project; `shared_data` in tests/conftest.py says where they are looked for.
"""

import gzip
import json
import random
from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cds_service.cases import fixtures
from cds_service.hooks.service import Service

Json = dict[str, Any]
_WHO = ("subject", "patient")
# The data are of other years: each patient is asked about on the day of the newest entry.
_DATES = ("effectiveDateTime", "onsetDateTime", "recordedDate", "authoredOn", "authored", "issued")
_NEVER = "2026-11-22"  # for a record without any date


def patients(folder: Path) -> dict[str, Json]:
    """Return every patient as a bundle: Synthea, MIMIC-IV demo, US Core examples.

    The US Core examples are single resources of a few patients: one bundle for each patient they name,
    with what names nobody, and one with everything.
    """
    found = {
        f"{part}/{path.name.split('.')[0]}": json.loads(gzip.decompress(path.read_bytes()))
        for part in ("synthea", "mimic-iv-demo")
        for path in sorted((folder / part).glob("*.json.gz"))
    }
    lines = gzip.decompress((folder / "us-core-examples.ndjson.gz").read_bytes()).splitlines()
    examples = [json.loads(line) for line in lines]
    people = {one["id"]: one for one in examples if one["resourceType"] == "Patient"}
    others = [one for one in examples if one["resourceType"] != "Patient"]
    assert {named(one) for one in others} <= {None, *people}
    for name, person in people.items():
        theirs = [one for one in others if named(one) in (None, name)]
        found[f"us-core/{name}"] = bundle(person, *theirs)
        found[f"us-core/everything, asked about {name}"] = bundle(person, *others)
    return found


def bundle(*found: Json) -> Json:
    return {"resourceType": "Bundle", "entry": [{"resource": one} for one in found]}


def named(resource: Json) -> str | None:
    """Return whom a resource says it is about: an id; None where it says nothing."""
    for key in _WHO:
        who = resource.get(key)
        if isinstance(who, dict) and isinstance(who.get("reference"), str):
            return str(who["reference"]).replace("urn:uuid:", "").rsplit("/", 1)[-1]
    return None


def with_complaint(patient: Json, days: int = 20) -> Json:
    """Return the patient, who for some days has complained of legs that feel heavy."""
    person = next(one for one in fixtures.resources(patient) if one["resourceType"] == "Patient")
    since = (newest(patient) - timedelta(days=days)).date().isoformat()
    complaint = {
        "resourceType": "Condition",
        "id": "added-complaint",
        "code": {"coding": [{"system": "http://snomed.info/sct", "code": "161873000"}]},
        "subject": {"reference": f"Patient/{person['id']}"},
        "onsetDateTime": since,
        "recordedDate": since,
    }
    return {**patient, "entry": [*patient["entry"], {"resource": complaint}]}


def newest(patient: Json) -> datetime:
    texts = [
        resource[key]
        for resource in fixtures.resources(patient)
        for key in _DATES
        if isinstance(resource.get(key), str) and len(resource[key]) >= 10
    ]
    return datetime.fromisoformat(max(texts, default=_NEVER)[:10]).replace(hour=23, tzinfo=UTC)


def asked(patient: Json, service: Service) -> Json:
    """Return the request about a patient; at an order hook, with orders that are being placed.

    The last encounter is the one that goes on. The orders are copies of the patient's own last ones,
    and the MRI of a knee. What no key asks for is sent with the findings, as a server does that returns
    more than it was asked for.
    """
    whole = fixtures.hook_request(visiting(patient), service, now=newest(patient))
    everything = list(fixtures.resources(patient))
    sent = {str(one["id"]) for _, one in delivered(whole) if "id" in one}
    left = [
        one
        for one in everything
        if one["resourceType"] not in ("Patient", "Encounter") and str(one.get("id")) not in sent
    ]
    if left:
        entries = whole["prefetch"]["findings"].setdefault("entry", [])
        entries += [{"resource": one} for one in left]
    if service.hook != "patient-view":
        whole["context"]["draftOrders"] = bundle(*_drafts(everything, whole["context"]["patientId"]))
    return deepcopy(whole)  # what is done to it is not done to the patient


def visiting(patient: Json) -> Json:
    """Return the patient in an encounter: the last on record, or one made up."""
    found = list(fixtures.resources(patient))
    person = next(one["id"] for one in found if one["resourceType"] == "Patient")
    own = [one for one in found if one["resourceType"] == "Encounter" and named(one) == person]
    made_up = {"resourceType": "Encounter", "id": "made-up", "class": {"code": "AMB"}}
    last = max(own, key=lambda one: one.get("period", {}).get("start", ""), default=made_up)
    now = last | {"status": "in-progress", "subject": {"reference": f"Patient/{person}"}}
    return bundle(*(one for one in found if one is not last), now)


def _drafts(everything: list[Json], patient: str) -> Iterator[Json]:
    own = [one for one in everything if one["resourceType"] in ("ServiceRequest", "MedicationRequest")]
    own = [one for one in own if named(one) == patient]
    for number, one in enumerate(own[-4:]):
        yield {**one, "id": f"draft-{number}", "status": "draft"}
    yield {
        "resourceType": "ServiceRequest",
        "id": "draft-knee",
        "status": "draft",
        "intent": "order",
        "code": {"coding": [{"system": "http://loinc.org", "code": "36510-6"}]},
        "subject": {"reference": f"Patient/{patient}"},
    }


def delivered(whole: Json) -> Iterator[tuple[str, Json]]:
    """Every resource in a request with the key it came under."""
    keys = {**whole["prefetch"]}
    if "draftOrders" in whole["context"]:
        keys["draftOrders"] = whole["context"]["draftOrders"]
    for key, value in keys.items():
        if isinstance(value, dict) and value.get("resourceType") == "Bundle":
            for entry in value.get("entry", []):
                yield key, entry["resource"]
        else:
            yield key, value


# --- what makes one unreadable
# In place of what R4 has there, another JSON type: each breaks exactly the resource it is done to. An
# element that no fact is read from (the status of a Medication) costs nothing.
_BREAKS: tuple[tuple[str, Any], ...] = (
    ("code", "text where a concept belongs"),
    ("code", {"coding": {"code": "an object where a list belongs"}}),
    ("code", {"coding": [{"code": 5}]}),
    ("status", 7),
    ("status", ["final"]),
    ("subject", "Patient/somebody"),
    ("contained", {"resourceType": "Medication"}),
    ("id", 12),
)


def breaks(chance: random.Random, resource: Json) -> Json:
    """Return the resource with one of its fields made unreadable."""
    unread = ("status",) if resource["resourceType"] in ("Medication", "Specimen") else ()
    usable = [
        (key, value)
        for key, value in _BREAKS
        if (key in resource and key not in unread) or key == "contained"
    ]
    key, value = chance.choice(usable)
    return {**resource, key: deepcopy(value)}


# --- what real systems do to good records
_UNITS = ("mmol/L", "mg/dL", "meq/L", "%", "1", "mm[Hg]", "{score}", "Cel", "no unit", "", None)
_NUMBERS = (0, -1, 0.001, 2.4, 7.9, 40, 1e9, 12345678901234567890, 1e-300)
_STATUSES = (
    *("final", "preliminary", "amended", "cancelled", "entered-in-error", "active", "completed", None),
    *("stopped", "on-hold", "draft", "unknown", "registered", "not-done", "in-progress", "odd"),
)
_TIMES = (
    "",
    "2026",
    "2026-11",
    "0001-01-01",
    "9999-12-31",
    "soon",
    "2026-02-30",
    "2026-11-22T25:00:00Z",
)


def _units_swapped(chance: random.Random, resource: Json) -> None:
    for holder in (resource, *resource.get("component", [])):
        quantity = holder.get("valueQuantity")
        if not isinstance(quantity, dict):
            continue
        unit = chance.choice(_UNITS)
        quantity.update({"unit": unit, "code": unit, "system": "http://unitsofmeasure.org"})
        if chance.random() < 0.3:
            quantity["value"] = chance.choice(_NUMBERS)
        if chance.random() < 0.2:
            quantity["comparator"] = chance.choice(["<", "<=", ">=", ">", "ad", None])
        if chance.random() < 0.1:
            del holder["valueQuantity"]


def _codes_dropped(chance: random.Random, resource: Json) -> None:
    for holder in (resource, *resource.get("component", [])):
        for key in ("code", "medicationCodeableConcept", "valueCodeableConcept", "clinicalStatus"):
            concept = holder.get(key)
            if not isinstance(concept, dict) or chance.random() < 0.5:
                continue
            for coding in concept.get("coding", []):
                coding.pop(chance.choice(["system", "code", "display"]), None)
            which = chance.randrange(3)
            if which == 0:
                concept.pop("coding", None)
            elif which == 1:
                del holder[key]


def _dates_shifted(chance: random.Random, resource: Json) -> None:
    for key in (*_DATES, "performedDateTime", "birthDate", "abatementDateTime", "deceasedDateTime"):
        text = resource.get(key)
        if not isinstance(text, str) or chance.random() < 0.4:
            continue
        try:
            day = datetime.fromisoformat(text[:10]) + timedelta(days=chance.randint(-4000, 4000))
            resource[key] = chance.choice([day.date().isoformat() + text[10:], text[:7], *_TIMES])
        except ValueError:
            resource.pop(key)


def _statuses_changed(chance: random.Random, resource: Json) -> None:
    if "status" in resource:
        resource["status"] = chance.choice(_STATUSES)
    if isinstance(resource.get("clinicalStatus"), dict):
        resource["clinicalStatus"] = {"coding": [{"code": chance.choice(["active", "resolved", "odd"])}]}
    if chance.random() < 0.2:
        refuted = chance.choice(["refuted", "entered-in-error", "provisional", "confirmed", "odd"])
        resource["verificationStatus"] = {"coding": [{"code": refuted}]}


_CHANGES: tuple[Callable[[random.Random, Json], None], ...] = (
    _units_swapped,
    _codes_dropped,
    _dates_shifted,
    _statuses_changed,
)


def changed(chance: random.Random, whole: Json) -> Json:
    """Return a request with units swapped, codes dropped, dates shifted and statuses changed.

    JSON types stay those of R4, so every resource can still be read; the Patient keeps its id.
    """
    for _, resource in delivered(whole):
        for change in _CHANGES:
            if chance.random() < 0.35:
                change(chance, resource)
    return whole
