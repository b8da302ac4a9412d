"""Whose a resource is: what is another patient's is never read (ARCHITECTURE section 6)."""

import msgspec

from cds_service.failures import Failure, Kind
from cds_service.fhir import decoding, references
from cds_service.fhir.resources import AnyResource, Condition, Encounter, Observation, Patient


class Whose:
    """Whether a resource is this patient's; a reference that comes again is not looked at again."""

    def __init__(self, patient: str, key: str) -> None:
        self._patient = patient
        self._key = key
        self._seen: dict[str, bool] = {}

    def is_of_another(self, resource: AnyResource) -> bool:
        """Whether a resource is about somebody else.

        Raises:
            Failure: forbidden, when the Patient of the key `patient` is another.
        """
        if isinstance(resource, Patient):
            return self._is_another(resource)
        if (
            isinstance(resource, Observation)
            and resource.focus
            and any(one.reference is None or self._named(one.reference) for one in resource.focus)
        ):
            return True  # about somebody or something else, though filed under the patient
        reference = references.subject_of(resource)
        return reference is not None and self._named(reference)

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

    def _named(self, reference: str) -> bool:
        another = self._seen.get(reference)
        if another is None:
            another = self._seen[reference] = _names_another(reference, self._patient)
        return another


def _names_another(reference: str, patient: str) -> bool:
    # A contained Patient (`#p`) differs too: nothing says that it is the one of the context.
    if references.last_segment(reference) != patient:
        return True
    kind = references.type_in(reference)
    return kind not in ("", "Patient")


def _found_elsewhere(inside: Condition | Observation, encounter: Encounter) -> bool:
    named = inside.encounter.reference if inside.encounter else None
    if named is None or named == "#":  # R4 2.36.4: the resource that holds this one
        return False
    return references.last_segment(named) != encounter.id


def is_unclear(resource: AnyResource) -> bool:
    """Whether whose it is cannot be told: the subject is a contained one, or the focus is only named."""
    focus = resource.focus if isinstance(resource, Observation) else ()
    if any(one.reference is None or one.reference.startswith("#") for one in focus):
        return True
    return (references.subject_of(resource) or "").startswith("#")
