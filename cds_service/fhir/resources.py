"""The parts of R4 resources that facts are read from, decoded straight from JSON.

Only needed fields are named; everything else in a resource is skipped unread. A field with another
JSON type than R4 says makes its *resource* unreadable, never its neighbours (`decode`). Numbers stay
raw text until a fact asks for them. What is decoded from JSON is a tree, so the garbage collector, which
looks for circles, need not walk it (`gc=False`). No limit is put on ids: one EHR sends 194 characters
(requirement 91).
"""

import msgspec
from msgspec import UNSET, Raw, UnsetType


class Coding(msgspec.Struct, frozen=True, gc=False):
    """FHIR Coding."""

    system: str | None = None
    code: str | None = None
    display: str | None = None


class CodeableConcept(msgspec.Struct, frozen=True, gc=False):
    """FHIR CodeableConcept."""

    coding: tuple[Coding, ...] = ()
    text: str | None = None


class Reference(msgspec.Struct, frozen=True, gc=False):
    """FHIR Reference; a logical one (by identifier) is only its type."""

    reference: str | None = None
    type: str | None = None
    display: str | None = None


class Quantity(msgspec.Struct, frozen=True, gc=False):
    """FHIR Quantity; `value` is the JSON text of the number, unread."""

    value: Raw | UnsetType = UNSET
    comparator: str | None = None
    unit: str | None = None
    system: str | None = None
    code: str | None = None


class Period(msgspec.Struct, frozen=True, gc=False):
    """FHIR Period."""

    start: str | None = None
    end: str | None = None


class Annotation(msgspec.Struct, frozen=True, gc=False):
    """FHIR Annotation; read only for a laboratory's note on its sample."""

    text: str | None = None


class Extension(msgspec.Struct, frozen=True, gc=False):
    """FHIR Extension, as far as it holds a concept; read only for the position of the body."""

    url: str | None = None
    valueCodeableConcept: CodeableConcept | None = None


class ReferenceRange(msgspec.Struct, frozen=True, gc=False):
    """FHIR Observation.referenceRange."""

    low: Quantity | None = None
    high: Quantity | None = None
    type: CodeableConcept | None = None


class Age(msgspec.Struct, frozen=True, gc=False):
    """FHIR Age, as in Condition.onsetAge."""

    value: Raw | UnsetType = UNSET
    code: str | None = None
    unit: str | None = None


class Range(msgspec.Struct, frozen=True, gc=False):
    """FHIR Range, as in Condition.abatementRange; only that it is there counts."""


class Resource(msgspec.Struct, frozen=True, gc=False, tag_field="resourceType"):
    """What every resource read here has."""

    id: str | None = None
    contained: tuple[Raw, ...] = ()


class Patient(Resource, frozen=True, tag="Patient"):
    """FHIR Patient, without anything that names a person."""

    birthDate: str | None = None
    gender: str | None = None
    deceasedBoolean: bool | None = None
    deceasedDateTime: str | None = None


class Condition(Resource, frozen=True, tag="Condition"):
    """FHIR Condition."""

    clinicalStatus: CodeableConcept | None = None
    verificationStatus: CodeableConcept | None = None
    code: CodeableConcept | None = None
    bodySite: tuple[CodeableConcept, ...] = ()
    subject: Reference | None = None
    encounter: Reference | None = None
    onsetDateTime: str | None = None
    onsetPeriod: Period | None = None
    onsetAge: Age | None = None
    abatementDateTime: str | None = None
    abatementPeriod: Period | None = None
    abatementAge: Age | None = None
    abatementRange: Range | None = None
    abatementString: str | None = None
    recordedDate: str | None = None


class Valued(msgspec.Struct, frozen=True, gc=False):
    """The value half of an Observation or of one of its components."""

    code: CodeableConcept | None = None
    valueQuantity: Quantity | None = None
    valueCodeableConcept: CodeableConcept | None = None
    valueString: str | None = None
    valueBoolean: bool | None = None
    valueInteger: Raw | UnsetType = UNSET
    valueRange: Raw | UnsetType = UNSET
    valueRatio: Raw | UnsetType = UNSET
    dataAbsentReason: CodeableConcept | None = None
    interpretation: tuple[CodeableConcept, ...] = ()
    referenceRange: tuple[ReferenceRange, ...] = ()


class Component(Valued, frozen=True):
    """FHIR Observation.component."""


class Observation(Resource, frozen=True, tag="Observation"):
    """FHIR Observation; `extension` stays unread, an odd one costs no result."""

    status: str | None = None
    category: tuple[CodeableConcept, ...] = ()
    code: CodeableConcept | None = None
    subject: Reference | None = None
    focus: tuple[Reference, ...] = ()
    encounter: Reference | None = None
    effectiveDateTime: str | None = None
    effectiveInstant: str | None = None
    effectivePeriod: Period | None = None
    effectiveTiming: Raw | UnsetType = UNSET
    issued: str | None = None
    valueQuantity: Quantity | None = None
    valueCodeableConcept: CodeableConcept | None = None
    valueString: str | None = None
    valueBoolean: bool | None = None
    valueInteger: Raw | UnsetType = UNSET
    valueRange: Raw | UnsetType = UNSET
    valueRatio: Raw | UnsetType = UNSET
    dataAbsentReason: CodeableConcept | None = None
    interpretation: tuple[CodeableConcept, ...] = ()
    note: tuple[Annotation, ...] = ()
    bodySite: CodeableConcept | None = None
    method: CodeableConcept | None = None
    specimen: Reference | None = None
    referenceRange: tuple[ReferenceRange, ...] = ()
    hasMember: tuple[Reference, ...] = ()
    component: tuple[Component, ...] = ()
    extension: Raw | UnsetType = UNSET


class Dosage(msgspec.Struct, frozen=True, gc=False):
    """FHIR Dosage: the route decides whether a medicine is systemic.

    Dose and timing stay raw until a fact asks for them (`fhir.dosage`), so that an odd one costs no
    medicine.
    """

    route: CodeableConcept | None = None
    text: str | None = None
    sequence: int | None = None
    timing: Raw | UnsetType = UNSET
    doseAndRate: Raw | UnsetType = UNSET
    asNeededBoolean: bool | None = None
    asNeededCodeableConcept: CodeableConcept | None = None


class TimingRepeat(msgspec.Struct, frozen=True, gc=False):
    """FHIR Timing.repeat; numbers stay raw."""

    frequency: Raw | UnsetType = UNSET
    frequencyMax: Raw | UnsetType = UNSET
    period: Raw | UnsetType = UNSET
    periodMax: Raw | UnsetType = UNSET
    periodUnit: str | None = None
    dayOfWeek: tuple[str, ...] = ()
    when: tuple[str, ...] = ()
    timeOfDay: tuple[str, ...] = ()


class Timing(msgspec.Struct, frozen=True, gc=False):
    """FHIR Timing."""

    repeat: TimingRepeat | None = None
    code: CodeableConcept | None = None


class DoseRange(msgspec.Struct, frozen=True, gc=False):
    """FHIR Range, as in a dose."""

    low: Quantity | None = None
    high: Quantity | None = None


class DoseAndRate(msgspec.Struct, frozen=True, gc=False):
    """FHIR Dosage.doseAndRate."""

    doseQuantity: Quantity | None = None
    doseRange: DoseRange | None = None


class DispenseRequest(msgspec.Struct, frozen=True, gc=False):
    """FHIR MedicationRequest.dispenseRequest: how long an old prescription still covers."""

    validityPeriod: Period | None = None


class MedicationRequest(Resource, frozen=True, tag="MedicationRequest"):
    """FHIR MedicationRequest."""

    status: str | None = None
    intent: str | None = None
    medicationCodeableConcept: CodeableConcept | None = None
    medicationReference: Reference | None = None
    subject: Reference | None = None
    authoredOn: str | None = None
    dosageInstruction: tuple[Dosage, ...] = ()
    dispenseRequest: DispenseRequest | None = None
    doNotPerform: bool | None = None


class MedicationStatement(Resource, frozen=True, tag="MedicationStatement"):
    """FHIR MedicationStatement."""

    status: str | None = None
    medicationCodeableConcept: CodeableConcept | None = None
    medicationReference: Reference | None = None
    subject: Reference | None = None
    effectiveDateTime: str | None = None
    effectivePeriod: Period | None = None
    dateAsserted: str | None = None
    dosage: tuple[Dosage, ...] = ()


class Medication(Resource, frozen=True, tag="Medication"):
    """FHIR Medication: what a medicationReference points at."""

    code: CodeableConcept | None = None


class Procedure(Resource, frozen=True, tag="Procedure"):
    """FHIR Procedure."""

    status: str | None = None
    code: CodeableConcept | None = None
    subject: Reference | None = None
    performedDateTime: str | None = None
    performedPeriod: Period | None = None
    bodySite: tuple[CodeableConcept, ...] = ()


class ServiceRequest(Resource, frozen=True, tag="ServiceRequest"):
    """FHIR ServiceRequest."""

    status: str | None = None
    intent: str | None = None
    code: CodeableConcept | None = None
    subject: Reference | None = None
    authoredOn: str | None = None
    bodySite: tuple[CodeableConcept, ...] = ()
    doNotPerform: bool | None = None


class DeviceRequest(Resource, frozen=True, tag="DeviceRequest"):
    """FHIR DeviceRequest: how many EHRs order a stocking or a brace. Read as a draft only."""

    status: str | None = None
    codeCodeableConcept: CodeableConcept | None = None
    subject: Reference | None = None


class DiagnosticReport(Resource, frozen=True, tag="DiagnosticReport"):
    """FHIR DiagnosticReport."""

    status: str | None = None
    code: CodeableConcept | None = None
    subject: Reference | None = None
    effectiveDateTime: str | None = None
    effectivePeriod: Period | None = None
    issued: str | None = None


class Device(Resource, frozen=True, tag="Device"):
    """FHIR Device: an implant."""

    status: str | None = None
    type: CodeableConcept | None = None
    patient: Reference | None = None


class Encounter(Resource, frozen=True, tag="Encounter"):
    """FHIR Encounter: why the patient came, to which service, and whether to a ward (`class`)."""

    status: str | None = None
    class_: Coding | None = msgspec.field(default=None, name="class")
    subject: Reference | None = None
    serviceType: CodeableConcept | None = None
    reasonCode: tuple[CodeableConcept, ...] = ()
    reasonReference: tuple[Reference, ...] = ()
    period: Period | None = None


class Answer(msgspec.Struct, frozen=True, gc=False):
    """FHIR QuestionnaireResponse.item.answer."""

    valueBoolean: bool | None = None
    valueCoding: Coding | None = None
    valueString: str | None = None
    valueDecimal: Raw | UnsetType = UNSET
    valueInteger: Raw | UnsetType = UNSET
    valueQuantity: Quantity | None = None
    item: tuple["ResponseItem", ...] = ()


class ResponseItem(msgspec.Struct, frozen=True, gc=False):
    """FHIR QuestionnaireResponse.item."""

    linkId: str | None = None
    answer: tuple[Answer, ...] = ()
    item: tuple["ResponseItem", ...] = ()


class QuestionnaireResponse(Resource, frozen=True, tag="QuestionnaireResponse"):
    """FHIR QuestionnaireResponse."""

    status: str | None = None
    questionnaire: str | None = None
    subject: Reference | None = None
    authored: str | None = None
    item: tuple[ResponseItem, ...] = ()


class Specimen(Resource, frozen=True, tag="Specimen"):
    """FHIR Specimen: the state of the sample."""

    subject: Reference | None = None
    condition: tuple[CodeableConcept, ...] = ()
    note: tuple[Annotation, ...] = ()


class Issue(msgspec.Struct, frozen=True, gc=False):
    """FHIR OperationOutcome.issue."""

    severity: str | None = None
    code: str | None = None


class OperationOutcome(Resource, frozen=True, tag="OperationOutcome"):
    """FHIR OperationOutcome: what the client could not get."""

    issue: tuple[Issue, ...] = ()


AnyResource = (
    Patient
    | Condition
    | Observation
    | MedicationRequest
    | MedicationStatement
    | Medication
    | Procedure
    | ServiceRequest
    | DeviceRequest
    | DiagnosticReport
    | Device
    | Encounter
    | QuestionnaireResponse
    | Specimen
    | OperationOutcome
)
