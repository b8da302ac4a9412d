"""The compact patient of a case, built into FHIR R4 resources.

`{code: snomed 161873000, onset: -45d}` becomes a Condition. What is built goes through the same
reading as a request from an EHR, so a case proves units, dates and statuses too.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from cds_service.facts.postures import BODY_POSITION

PATIENT = "case"
_AGO = re.compile(r"-(\d+)(d|h|min)")
_UNITS = {"d": "days", "h": "hours", "min": "minutes"}
_DEFAULT_AGE = 60
_CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
_CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
_VERIFICATION = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
_ENCOUNTER_CLASS = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
_MEANING = "http://terminology.hl7.org/CodeSystem/referencerange-meaning"
_UCUM = "http://unitsofmeasure.org"
Resource = dict[str, Any]


def build(
    record: Mapping[str, Any],
    now: datetime,
    systems: Mapping[str, tuple[str, ...]],
    vitals: frozenset[str] = frozenset(),
    patient: str = PATIENT,
) -> list[Resource]:
    """The resources of a compact record, the Patient first.

    Args:
        record: as `cases.schema.json` describes it.
        now: what relative dates count from.
        systems: short name → URIs of code systems.
        vitals: codes that arrive under the category vital-signs.
        patient: the id of the patient whom the resources are about.
    """
    return list(_Builder(now, systems, vitals, patient).resources(record))


class _Builder:
    def __init__(
        self,
        now: datetime,
        systems: Mapping[str, tuple[str, ...]],
        vitals: frozenset[str],
        patient: str,
    ) -> None:
        self._now = now
        self._systems = systems
        self._vitals = vitals
        self._id = patient
        self._made = 0

    def resources(self, record: Mapping[str, Any]) -> Iterator[Resource]:
        yield self._patient(record)
        makers = {
            "conditions": self._condition,
            "observations": self._observation,
            "medications": self._medication,
            "procedures": self._procedure,
            "orders": self._order,
            "reports": self._report,
            "devices": self._device,
            "drafts": self._draft,
        }
        for section, make in makers.items():
            for one in record.get(section, ()):
                if one.get("specimen"):
                    yield self._specimen(one)
                yield make(one)
        if record.get("answers"):
            yield self._answers(record["answers"])
        if any(key in record for key in ("reason", "class", "service")):
            yield self._encounter(record)

    def _date(self, text: str) -> str:
        """A relative date in days is a date, one in hours or minutes a moment."""
        if text in ("today", "now"):
            return self._now.date().isoformat() if text == "today" else self._now.isoformat()
        ago = _AGO.fullmatch(text)
        if ago is None:
            return text
        moment = self._now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        return moment.date().isoformat() if ago[2] == "d" else moment.isoformat()

    def _concept(self, text: str, words: str = "") -> Resource:
        system, code = text.split(" ", 1)
        uri = self._systems.get(system, (system,))[0]
        concept: Resource = {"coding": [{"system": uri, "code": code}]}
        return {**concept, "text": words} if words else concept

    def _base(self, kind: str, one: Mapping[str, Any]) -> Resource:
        self._made += 1
        resource: Resource = {
            "resourceType": kind,
            "id": f"{kind.lower()}-{self._made}",
            "subject": {"reference": f"Patient/{one.get('of', self._id)}"},
        }
        if "code" in one:
            resource["code"] = self._concept(one["code"], one.get("text", ""))
        elif "text" in one:
            resource["code"] = {"text": one["text"]}
        if one.get("unreadable"):  # a reference as a mere text: not FHIR, so the resource is not read
            resource["subject"] = resource["subject"]["reference"]
        return resource

    def _patient(self, record: Mapping[str, Any]) -> Resource:
        patient: Resource = {"resourceType": "Patient", "id": self._id}
        if "born" in record:
            patient["birthDate"] = self._date(record["born"])
        elif record.get("age") != "unknown":
            years = int(record.get("age", _DEFAULT_AGE))
            today = self._now.date()
            patient["birthDate"] = today.replace(
                year=today.year - years, day=min(today.day, 28)
            ).isoformat()
        if "gender" in record:
            patient["gender"] = record["gender"]
        if record.get("deceased"):
            patient["deceasedBoolean"] = True
        return patient

    def _condition(self, one: Mapping[str, Any]) -> Resource:
        resource = self._base("Condition", one)
        status = one.get("status", "active")
        if status != "none":
            resource["clinicalStatus"] = {"coding": [{"system": _CLINICAL, "code": status}]}
        if "verification" in one:
            resource["verificationStatus"] = {
                "coding": [{"system": _VERIFICATION, "code": one["verification"]}]
            }
        dates = {
            "onset": "onsetDateTime",
            "recorded": "recordedDate",
            "abated": "abatementDateTime",
        }
        for key, element in dates.items():
            if key in one:
                resource[element] = self._date(one[key])
        if "site" in one:
            resource["bodySite"] = [self._concept(one["site"])]
        return resource

    def _observation(self, one: Mapping[str, Any]) -> Resource:
        resource = self._base("Observation", one)
        resource["status"] = one.get("status", "final")
        code = one.get("code", " ").split(" ", 1)[1]
        default = "vital-signs" if code in self._vitals else "laboratory" if "unit" in one else "exam"
        category = one.get("category", default)
        resource["category"] = [{"coding": [{"system": _CATEGORY, "code": category}]}]
        if "at" in one:
            resource["effectiveDateTime"] = self._date(one["at"])
        if "site" in one:
            resource["bodySite"] = self._concept(one["site"])
        if "note" in one:
            resource["note"] = [{"text": one["note"]}]
        if "interpretation" in one:
            resource["interpretation"] = [{"text": one["interpretation"]}]
        if "specimen" in one:
            resource["specimen"] = {"reference": f"Specimen/specimen-{self._made}"}
        if "position" in one:
            resource["extension"] = [
                {"url": BODY_POSITION, "valueCodeableConcept": self._concept(one["position"])}
            ]
        if "components" in one:
            resource["component"] = [self._component(part) for part in one["components"]]
        resource.update(self._value(one))
        ranges = [*one.get("ranges", ()), *([{"high": one["upper"]}] if "upper" in one else ())]
        if ranges:
            resource["referenceRange"] = [self._range(each, one.get("unit")) for each in ranges]
        return resource

    def _range(self, one: Mapping[str, Any], unit: str | None) -> Resource:
        """A reference range, in the unit of the value unless it says its own (null: none)."""
        unit = one.get("unit", unit)
        suffix = {"unit": unit, "system": _UCUM, "code": unit} if unit else {}
        found: Resource = {key: {"value": one[key], **suffix} for key in ("low", "high") if key in one}
        if "type" in one:
            found["type"] = {"coding": [{"system": _MEANING, "code": one["type"]}]}
        return found

    def _component(self, part: Mapping[str, Any]) -> Resource:
        coded: Resource = {"code": self._concept(part["code"])}
        if "answer" in part:
            return {**coded, "valueCodeableConcept": self._concept(part["answer"])}
        return coded | self._value(part)

    def _value(self, one: Mapping[str, Any]) -> Resource:
        if "absent" in one:
            return {"dataAbsentReason": {"coding": [{"code": one["absent"]}]}}
        if "answer" in one:
            local = self._systems.get("local", ("local",))[0]
            return {"valueCodeableConcept": {"coding": [{"system": local, "code": one["answer"]}]}}
        value = one.get("value")
        if isinstance(value, bool):
            return {"valueBoolean": value}
        if isinstance(value, str):
            return {"valueString": value}
        if value is None:
            return {}
        quantity: Resource = {"value": value}
        unit = one.get("unit")
        if unit:
            quantity |= {"unit": unit, "system": _UCUM, "code": unit}
        if "comparator" in one:
            quantity["comparator"] = one["comparator"]
        return {"valueQuantity": quantity}

    def _specimen(self, one: Mapping[str, Any]) -> Resource:
        return {
            "resourceType": "Specimen",
            "id": f"specimen-{self._made + 1}",
            "subject": {"reference": f"Patient/{self._id}"},
            "condition": [self._concept(one["specimen"])]
            if " " in one["specimen"]
            else [{"text": one["specimen"]}],
        }

    def _medication(self, one: Mapping[str, Any]) -> Resource:
        statement = one.get("as") == "statement"
        resource = self._base("MedicationStatement" if statement else "MedicationRequest", one)
        resource["medicationCodeableConcept"] = resource.pop("code", {"text": one.get("text", "")})
        resource["status"] = one.get("status", "active")
        period = {
            element: self._date(one[key])
            for key, element in (("started", "start"), ("ended", "end"))
            if key in one
        }
        if statement and period:
            resource["effectivePeriod"] = period
        if not statement:
            resource["intent"] = one.get("intent", "order")
            resource["authoredOn"] = self._date(one.get("authored", "-60d"))
            if period:
                resource["dispenseRequest"] = {"validityPeriod": period}
        if "route" in one or "dose" in one:
            key = "dosage" if statement else "dosageInstruction"
            resource[key] = [self._dosage(one)]
        return resource

    def _dosage(self, one: Mapping[str, Any]) -> Resource:
        found: Resource = {"route": {"text": one["route"]}} if "route" in one else {}
        if "dose" not in one:
            return found
        amount, unit = str(one["dose"]).split(" ", 1)
        quantity = {"value": Decimal(amount), "unit": unit, "system": _UCUM, "code": unit}
        often = {"frequency": one.get("times", 1), "period": 1, "periodUnit": "d"}
        return {**found, "doseAndRate": [{"doseQuantity": quantity}], "timing": {"repeat": often}}

    def _procedure(self, one: Mapping[str, Any]) -> Resource:
        resource = self._base("Procedure", one)
        resource["status"] = one.get("status", "completed")
        if "at" in one:
            resource["performedDateTime"] = self._date(one["at"])
        if "site" in one:
            resource["bodySite"] = [self._concept(one["site"])]
        return resource

    def _order(self, one: Mapping[str, Any]) -> Resource:
        resource = self._base("ServiceRequest", one)
        resource |= {"status": one.get("status", "active"), "intent": one.get("intent", "order")}
        resource["authoredOn"] = self._date(one.get("at", "-1d"))
        if "site" in one:
            resource["bodySite"] = [self._concept(one["site"])]
        return resource

    def _draft(self, one: Mapping[str, Any]) -> Resource:
        if one.get("as") == "medication":
            medicine = self._medication({**one, "as": "request", "status": "draft"})
            medicine.pop("authoredOn")
            return medicine
        if one.get("as") == "device":
            device = self._base("DeviceRequest", one)
            device["codeCodeableConcept"] = device.pop("code")
            return {**device, "status": "draft", "intent": "order"}
        resource = self._order({**one, "status": "draft"})
        resource.pop("authoredOn")
        return resource

    def _report(self, one: Mapping[str, Any]) -> Resource:
        resource = self._base("DiagnosticReport", one)
        resource["status"] = one.get("status", "final")
        if "at" in one:
            resource["effectiveDateTime"] = self._date(one["at"])
        if "conclusion" in one:
            resource["conclusionCode"] = [self._concept(one["conclusion"])]
        return resource

    def _device(self, one: Mapping[str, Any]) -> Resource:
        resource = self._base("Device", one)
        resource["type"] = resource.pop("code")
        resource["patient"] = resource.pop("subject")
        resource["status"] = "active"
        return resource

    def _answers(self, answers: Mapping[str, Any]) -> Resource:
        items = []
        for link, value in answers.items():
            if isinstance(value, bool):
                answer: Resource = {"valueBoolean": value}
            elif isinstance(value, Decimal | int):
                answer = {"valueDecimal": value}
            else:
                local = self._systems.get("local", ("local",))[0]
                answer = {"valueCoding": {"system": local, "code": value}}
            items.append({"linkId": link, "answer": [answer]})
        return {
            "resourceType": "QuestionnaireResponse",
            "id": "answers",
            "status": "completed",
            "subject": {"reference": f"Patient/{self._id}"},
            "authored": self._now.isoformat(),
            "item": items,
        }

    def _encounter(self, record: Mapping[str, Any]) -> Resource:
        encounter: Resource = {
            "resourceType": "Encounter",
            "id": "encounter",
            "status": "in-progress",
            "class": {"system": _ENCOUNTER_CLASS, "code": record.get("class", "AMB")},
            "subject": {"reference": f"Patient/{self._id}"},
            "reasonCode": [self._concept(one) for one in record.get("reason", ())],
        }
        if "service" in record:
            encounter["serviceType"] = self._concept(record["service"])
        return encounter
