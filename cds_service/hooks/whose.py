"""Whose a resource is: what is another patient's is never read (ARCHITECTURE section 6)."""

import re
from collections.abc import Iterable
from enum import Enum, auto

import msgspec

from cds_service.failures import Failure, Kind
from cds_service.fhir import decoding, references
from cds_service.fhir.absence import Absence
from cds_service.fhir.resources import AnyResource, Condition, Encounter, Observation, Patient
from cds_service.hooks.bundles import Entry

# A reference as R4 has it, relative or absolute, perhaps of a version:
# https://hl7.org/fhir/R4/references.html
_LITERAL = re.compile(
    r"(?:https?://[^\s?#]+/)?([A-Z][A-Za-z]{1,39})/([A-Za-z0-9.-]{1,200})"
    r"(?:/_history/[A-Za-z0-9.-]{1,200})?"
)
# What may be a subject or a focus in R4, as far as it is met. Of another word nobody knows what it is.
_NAMED = decoding.KNOWN | {
    *("BodyStructure", "CareTeam", "Group", "HealthcareService", "Location", "Organization"),
    *("Practitioner", "PractitionerRole", "RelatedPerson", "Substance"),
}


class _Of(Enum):
    """Whom a reference names."""

    PATIENT = auto()
    ANOTHER = auto()
    NOBODY_KNOWS = auto()


class Whose:
    """Whether a resource is this patient's; a reference that comes again is not looked at again.

    Args:
        patient: the id of the patient.
        key: of the prefetch.
        entries: of the Bundle, in which a `urn:uuid` may name the Patient by its `fullUrl`.
    """

    def __init__(self, patient: str, key: str, entries: Iterable[Entry] = ()) -> None:
        self._patient = patient
        self._key = key
        self._entries = entries
        self._beside: dict[str, msgspec.Raw | None] | None = None
        self._seen: dict[str, _Of] = {}

    def is_of_another(self, resource: AnyResource) -> bool:
        """Whether a resource is about somebody else, or may be (then `doubt` says why).

        Raises:
            Failure: forbidden, when the Patient of the key `patient` is another.
        """
        if isinstance(resource, Patient):
            return self._is_another(resource)
        if (
            isinstance(resource, Observation)
            and resource.focus
            and any(self._focus(one.reference) is not _Of.PATIENT for one in resource.focus)
        ):
            return True  # about somebody or something else, though filed under the patient
        return self._subject(resource) is not _Of.PATIENT

    def doubt(self, resource: AnyResource) -> Absence | None:
        """Why it cannot be told whose a resource is; None where it can."""
        focus = resource.focus if isinstance(resource, Observation) else ()
        subject = references.subject_of(resource)
        if any(one.reference is None for one in focus) or any(
            named.startswith("#") for named in (subject or "", *(one.reference or "" for one in focus))
        ):
            return Absence.CONTAINED
        named = (self._subject(resource), *(self._focus(one.reference) for one in focus))
        return Absence.UNCLEAR if _Of.NOBODY_KNOWS in named else None

    def holds_another(self, resource: AnyResource) -> bool:
        """Whether a contained member of a panel is somebody else's: then the whole panel is doubtful."""
        if not resource.contained or not isinstance(resource, Observation):
            return False
        members = (decoding.decode(raw) for raw in resource.contained)
        return any(isinstance(one, Observation) and self.is_of_another(one) for one in members)

    def reasons_sorted_out(self, resource: Encounter) -> tuple[Encounter, int]:
        """An encounter without the reasons inside it that are not its own, and how many were others'.

        Not its own is what is another patient's, or was found at another encounter; what names it is
        then named in vain.
        """
        kept, others = [], 0
        for raw in resource.contained:
            found = decoding.decode(raw)
            if isinstance(found, Condition | Observation):
                if self.is_of_another(found):
                    others += 1
                    continue
                if _found_elsewhere(found, resource):
                    continue
            kept.append(raw)
        if len(kept) == len(resource.contained):
            return resource, 0
        return msgspec.structs.replace(resource, contained=tuple(kept)), others

    def _is_another(self, resource: Patient) -> bool:
        if self._key != "patient":
            return resource.id != self._patient
        other = resource.id is not None and resource.id != self._patient
        if other:
            raise Failure(
                Kind.FORBIDDEN,
                "the Patient is another than context.patientId",
                where="prefetch.patient.id",
                todo="send the Patient of the context",
            )
        return other

    def _subject(self, resource: AnyResource) -> _Of:
        if isinstance(resource, Patient):
            return _Of.PATIENT
        reference = references.subject_of(resource)
        if reference is None:
            return _Of.ANOTHER if references.is_of_no_patient(resource) else _Of.PATIENT
        return self._named(reference)

    def _focus(self, reference: str | None) -> _Of:
        return _Of.NOBODY_KNOWS if reference is None else self._named(reference)

    def _named(self, reference: str) -> _Of:
        found = self._seen.get(reference)
        if found is None:
            found = self._seen[reference] = self._looked_up(reference)
        return found

    def _looked_up(self, reference: str) -> _Of:
        # A contained Patient (`#p`) differs too: nothing says that it is the one of the context.
        named = references.last_segment(reference)
        if named == self._patient and references.type_in(reference) in ("", "Patient"):
            return _Of.PATIENT
        beside = self._named_beside(reference)
        if beside is not None:
            return beside
        literal = _LITERAL.fullmatch(reference)
        # "patient/1", "Patient/1 ", "Patinet/1", a URN that leads nowhere: whose, nobody knows.
        if literal is None or literal[1] not in _NAMED:
            return _Of.NOBODY_KNOWS
        is_nearly = literal[1] == "Patient" and literal[2].casefold() == self._patient.casefold()
        return _Of.NOBODY_KNOWS if is_nearly else _Of.ANOTHER

    def _named_beside(self, reference: str) -> _Of | None:
        """Whom the entry of the Bundle with this `fullUrl` is; None where there is none.

        https://hl7.org/fhir/R4/bundle.html
        """
        if self._beside is None:
            self._beside = {}
            for entry in self._entries:
                if entry.fullUrl and isinstance(entry.resource, msgspec.Raw):
                    twice = entry.fullUrl in self._beside
                    self._beside[entry.fullUrl] = None if twice else entry.resource
        if reference not in self._beside:
            return None
        raw = self._beside[reference]
        found = decoding.decode(raw) if raw is not None else None
        if isinstance(found, Patient) and found.id:
            return _Of.PATIENT if found.id == self._patient else _Of.ANOTHER
        unknown = found is None or isinstance(found, Patient | decoding.Unread)
        return _Of.NOBODY_KNOWS if unknown else _Of.ANOTHER


def _found_elsewhere(inside: Condition | Observation, encounter: Encounter) -> bool:
    named = inside.encounter.reference if inside.encounter else None
    if named is None or named == "#":  # R4 2.36.4: the resource that holds this one
        return False
    return references.last_segment(named) != encounter.id
