"""Fixture patients: transaction bundles, moved to a date, and as the hook requests they lead to."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import msgspec

from cds_service.failures import Failure, Kind
from cds_service.fhir.references import last_segment
from cds_service.hooks.service import Service

Bundle = dict[str, Any]
_DATE = re.compile(r"\d{4}(-\d\d(-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?)?)?")
_MIDDLE = "0000-07-15"  # of what a partial date leaves open
_DATE_KEY = re.compile(r"date|time|onset|recorded|authored|issued|period|start|end|birth", re.IGNORECASE)
_USER = "Practitioner/example"
_exact = msgspec.json.Encoder(decimal_format="number")
_KEYS = {
    "Patient": "patient",
    "Condition": "conditions",
    "MedicationRequest": "medicationRequests",
    "MedicationStatement": "medicationStatements",
    "Procedure": "procedures",
    "ServiceRequest": "serviceRequests",
    "DiagnosticReport": "diagnosticReports",
    "Device": "devices",
    "QuestionnaireResponse": "questionnaireResponses",
    "Specimen": "specimens",
    "Medication": "medicationRequests",  # comes along with what refers to it
}
_SINGLE = ("patient", "encounter")


def names(folder: Path) -> list[str]:
    """The fixture patients of a folder, in order."""
    return sorted(path.name.removesuffix(".json") for path in (folder / "patients").glob("*.json"))


def load(folder: Path, name: str) -> Bundle:
    """The bundle of one fixture patient.

    Raises:
        Failure: not-found, naming those there are.
    """
    if name not in names(folder):
        raise Failure(
            Kind.NOT_FOUND,
            f"no fixture patient is called {name!r}",
            todo="there are: " + ", ".join(names(folder)),
        )
    return read((folder / "patients" / f"{name}.json").read_bytes())


def read(raw: bytes) -> Bundle:
    """A bundle from its JSON, numbers exact: 2.50 stays 2.50.

    Raises:
        ValueError: when it is not JSON.
    """
    loaded: Bundle = json.loads(raw, parse_float=Decimal)
    return loaded


def encoded(value: Any) -> bytes:
    """A bundle or hook request as JSON, numbers as they were written."""
    return _exact.encode(value)


def shifted(bundle: Bundle, now: datetime) -> Bundle:
    """The bundle as if its `timestamp` were now: every date moved by the same whole days.

    Times of day stay; nothing lands in the future. The birth date moves too, so that ages stay.
    """
    written = datetime.fromisoformat(bundle["timestamp"])
    days = (now - written) // timedelta(days=1)
    moved: Bundle = _moved(bundle, timedelta(days=days), "")
    return moved


def _moved(value: Any, by: timedelta, key: str) -> Any:
    if isinstance(value, dict):
        return {name: _moved(inner, by, name) for name, inner in value.items()}
    if isinstance(value, list):
        return [_moved(inner, by, key) for inner in value]
    if isinstance(value, str) and _DATE_KEY.search(key) and _DATE.fullmatch(value):
        return _later(value, by)
    return value


def _later(text: str, by: timedelta) -> str:
    day = date.fromisoformat(text[:10] + _MIDDLE[len(text) :]) + by
    return day.isoformat()[: len(text)] + text[10:]


def resources(bundle: Bundle) -> Iterator[dict[str, Any]]:
    """The resources of a bundle; one without an id takes that of its `fullUrl`."""
    for entry in bundle.get("entry", []):
        resource = entry.get("resource")
        if isinstance(resource, dict):
            if "id" not in resource and "fullUrl" in entry:
                resource = {**resource, "id": last_segment(entry["fullUrl"])}
            yield resource


def hook_request(
    bundle: Bundle, service: Service, *, now: datetime | None = None, instance: str = ""
) -> dict[str, Any]:
    """The hook request that an EHR would send for this patient, prefetch filled in.

    Args:
        bundle: a patient's resources.
        service: which service is called.
        now: asks the service to answer as of that time (demonstration only).
        instance: the hookInstance; else one derived from patient and hook.

    Raises:
        Failure: incorrect, when the bundle has no Patient, or at encounter-start no Encounter.
    """
    patient = next((one for one in resources(bundle) if one.get("resourceType") == "Patient"), None)
    if patient is None:
        raise Failure(Kind.INCORRECT, "the bundle has no Patient", where="Bundle.entry")
    values, drafts, encounters = _sorted_out(bundle)
    encounter = _going_on(encounters)
    if service.hook == "encounter-start":
        encounter = encounter or _newest(encounters)
        if encounter is None:
            raise Failure(
                Kind.INCORRECT,
                "the bundle has no Encounter, so none can begin",
                where="Bundle.entry",
                todo="add an Encounter with status in-progress, or ask at patient-view",
            )
    context: dict[str, Any] = {"userId": _USER, "patientId": patient.get("id", "patient")}
    if encounter is not None:
        context["encounterId"] = encounter.get("id", "encounter")
        values["encounter"] = [encounter]
    if service.hook in ("order-select", "order-sign"):
        context["draftOrders"] = _bundle(drafts)
    if service.hook == "order-select":
        context["selections"] = [f"{one['resourceType']}/{one.get('id', '')}" for one in drafts]
    request: dict[str, Any] = {
        "hook": service.hook,
        "hookInstance": instance or str(uuid5(NAMESPACE_URL, f"{context['patientId']} {service.hook}")),
        "context": context,
        "prefetch": {
            key: _delivered(key, values.get(key, []))
            for key in service.prefetch
            if key not in _SINGLE or values.get(key)
        },
    }
    if now is not None:
        request["extension"] = {"org.heavylegs.now": now.astimezone(UTC).isoformat()}
    return request


def _sorted_out(
    bundle: Bundle,
) -> tuple[dict[str, list[dict[str, Any]]], list[dict[str, Any]], list[dict[str, Any]]]:
    """(prefetch key → resources, draft orders, encounters)."""
    values: dict[str, list[dict[str, Any]]] = {}
    drafts: list[dict[str, Any]] = []
    encounters: list[dict[str, Any]] = []
    for resource in resources(bundle):
        kind = resource.get("resourceType", "")
        if kind == "Encounter":
            encounters.append(resource)
        elif (
            kind in ("ServiceRequest", "MedicationRequest", "DeviceRequest")
            and resource.get("status") == "draft"
        ):
            drafts.append(resource)
        elif key := prefetch_key(resource):
            values.setdefault(key, []).append(resource)
    return values, drafts, encounters


def _going_on(encounters: list[dict[str, Any]]) -> dict[str, Any] | None:
    return next((one for one in reversed(encounters) if one.get("status") == "in-progress"), None)


def _newest(encounters: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The encounter that began last; a record of old holds none that goes on."""
    return max(encounters, key=_beginning, default=None)


def _beginning(encounter: Mapping[str, Any]) -> str:
    period = encounter.get("period")
    return str(period.get("start", "")) if isinstance(period, dict) else ""


def prefetch_key(resource: Mapping[str, Any]) -> str:
    """The prefetch key whose query would find a resource; empty for a type that none asks for."""
    kind = resource.get("resourceType", "")
    if kind == "MedicationRequest" and resource.get("status") in ("stopped", "completed"):
        return "medicationRequestsEnded"
    return _observation_key(resource) if kind == "Observation" else _KEYS.get(kind, "")


def _observation_key(resource: Mapping[str, Any]) -> str:
    categories = resource.get("category")
    codes = {
        coding.get("code")
        for category in (categories if isinstance(categories, list) else [])
        if isinstance(category, dict)
        for coding in category.get("coding", [])
        if isinstance(coding, dict)
    }
    if "laboratory" in codes:
        return "laboratory"
    return "vitals" if codes & {"vital-signs", "vital-sign"} else "findings"


def _delivered(key: str, found: list[dict[str, Any]]) -> dict[str, Any]:
    return found[0] if key in _SINGLE else _bundle(found)


def _bundle(found: list[dict[str, Any]]) -> dict[str, Any]:
    bundle: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset"}
    if found:
        bundle["entry"] = [{"resource": one} for one in found]
    return bundle
