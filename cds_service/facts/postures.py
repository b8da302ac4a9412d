"""The position of the body while something was measured.

It is read, in this order, from a code that names it ("Systolic blood pressure--standing"), from the
extension `observation-bodyPosition` (https://hl7.org/fhir/R4/extension-observation-bodyposition.html)
and from a component of the panel that says it (LOINC 8361-8). The codes stand in the code sets
`posture-lying`, `posture-sitting` and `posture-standing`.
"""

from collections.abc import Iterable, Mapping

import msgspec
from msgspec import UnsetType

from cds_service.facts.statements import Context, Posture, matches
from cds_service.fhir.resources import CodeableConcept, Extension, Observation
from cds_service.rulebase.terminology import Match

BODY_POSITION = "http://hl7.org/fhir/StructureDefinition/observation-bodyPosition"
_NAME = b"observation-bodyPosition"
_raw_list = msgspec.json.Decoder(tuple[msgspec.Raw, ...])
_extension = msgspec.json.Decoder(Extension)
_COMPONENT = "body-position"
_SETS: Mapping[str, Posture] = {
    "posture-lying": "lying",
    "posture-sitting": "sitting",
    "posture-standing": "standing",
}
SETS = (*_SETS, _COMPONENT)
_WORDS: Mapping[str, Posture] = {
    "lying": "lying",
    "supine": "lying",
    "recumbent": "lying",
    "sitting": "sitting",
    "seated": "sitting",
    "standing": "standing",
}


class Position(msgspec.Struct, frozen=True):
    """The position that an Observation says.

    `unclear`: two positions are said, or one is said in a form that cannot be read. Then it may have
    been standing, so it is taken as standing where rest is asked for; and it makes no pair (`postural`).
    """

    posture: Posture
    unclear: bool = False


_UNCLEAR = Position("standing", unclear=True)


def of_observation(resource: Observation, context: Context) -> Position:
    """The position that an Observation says as a whole; empty when it says none."""
    extensions = _extensions(resource)
    if extensions is None:
        return _UNCLEAR
    said = {of_concept(one.valueCodeableConcept, context) for one in extensions}
    for part in resource.component:
        if any(match.set == _COMPONENT for match, _ in matches(part.code, context)):
            said.add(of_concept(part.valueCodeableConcept, context) or worded(part.valueString))
    said.discard("")
    if len(said) > 1:
        return _UNCLEAR
    return Position(said.pop() if said else "")


def _extensions(resource: Observation) -> tuple[Extension, ...] | None:
    """The extensions that name the position; None when one does that cannot be read, or none can."""
    raw = resource.extension
    if isinstance(raw, UnsetType) or (_NAME not in bytes(raw) and bytes(raw)[:1] == b"["):
        return ()
    try:
        named = [one for one in _raw_list.decode(raw) if _NAME in bytes(one)]
        found = [_extension.decode(one) for one in named]
    except (msgspec.MsgspecError, RecursionError):
        return None
    told = tuple(one for one in found if one.url == BODY_POSITION)
    return told if all(one.valueCodeableConcept is not None for one in told) else None


def of_concept(concept: CodeableConcept | None, context: Context) -> Posture:
    """The position that a code means, or that plain words say where no code does."""
    named = named_by(match for match, _ in matches(concept, context))
    if named or concept is None or concept.coding:
        return named
    return worded(concept.text)


def named_by(found: Iterable[Match]) -> Posture:
    """The position that the code sets of a code mean."""
    return next((_SETS[match.set] for match in found if match.set in _SETS), "")


def worded(text: str | None) -> Posture:
    """The position that one plain word says."""
    return _WORDS.get((text or "").strip().lower(), "")
