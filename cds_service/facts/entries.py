"""Entries of lists into statements: conditions, encounter reasons, procedures, devices."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Literal

from msgspec import UNSET

from cds_service.facts.model import UNCONFIRMED
from cds_service.facts.statements import (
    Context,
    Stated,
    Statement,
    label_of,
    matches,
    place_of,
    placed,
    status_of,
)
from cds_service.fhir.dates import Span
from cds_service.fhir.decoding import decode
from cds_service.fhir.resources import (
    CodeableConcept,
    Condition,
    Device,
    Encounter,
    Procedure,
    last_segment,
    type_in,
)
from cds_service.rulebase.terminology import Match

_ACTIVE = frozenset({"active", "recurrence", "relapse"})
_VOID = ("entered-in-error", "cancelled")  # an encounter that is none
_UNCERTAIN = frozenset({"unconfirmed", "provisional", "differential"})


def of_condition(resource: Condition, ref: str, current: bool, context: Context) -> Stated:
    """What a Condition states."""
    verification = status_of(resource.verificationStatus)
    if verification in ("entered-in-error", "refuted"):
        return
    clinical = status_of(resource.clinicalStatus)
    abated = (
        resource.abatementDateTime
        or resource.abatementPeriod
        or resource.abatementAge
        or resource.abatementRange
        or resource.abatementString
    )
    active = clinical in _ACTIVE if clinical else not abated
    onset = _onset(resource, context)
    notes = (UNCONFIRMED,) if verification in _UNCERTAIN else ()
    place = place_of(resource.bodySite, context)
    for match, code in matches(resource.code, context):
        allowed, side = placed(match, place)
        if allowed and resource.code is not None:
            yield (
                match.set,
                Statement(
                    kind="condition",
                    ref=ref,
                    label=label_of(resource.code, match.concept.display),
                    concept=match.concept,
                    code=code,
                    side=side,
                    onset=onset,
                    recorded=context.span(resource.recordedDate),
                    active=active or current,
                    certain=verification not in _UNCERTAIN,
                    current=current,
                    notes=notes,
                ),
            )


def _onset(resource: Condition, context: Context) -> Span | None:
    if resource.onsetDateTime:
        return context.span(resource.onsetDateTime)
    if resource.onsetPeriod is not None:
        return context.span(resource.onsetPeriod.start)
    age = resource.onsetAge
    if age is None or age.value is UNSET or context.birth is None:
        return None
    return _at_age(bytes(age.value), age.code or age.unit or "", context.birth)


def _at_age(raw: bytes, unit: str, birth: Span) -> Span | None:
    if unit not in ("a", "years", "year", "yr") or not raw.isdigit() or len(raw) > 3:  # noqa: PLR2004
        return None
    years = int(raw)
    start = birth.start + timedelta(days=365.25 * years)
    return Span(start, start + timedelta(days=366), precise=False, text=f"age {years}")


def reasons_elsewhere(resource: Encounter) -> Iterator[str]:
    """The ids of the conditions and observations that an encounter names as its reason.

    A procedure or a recommendation may be a reason too (R4 Encounter.reasonReference); it is no
    complaint.
    """
    for reference in () if resource.status in _VOID else resource.reasonReference:
        named = reference.reference or ""
        if not named.startswith("#") and type_in(named) in ("", "Condition", "Observation"):
            identifier = last_segment(named)
            if identifier:
                yield identifier


def of_encounter(resource: Encounter, ref: str, context: Context) -> Stated:
    """What this encounter states as of now: its reasons, its service and its class.

    Reasons are those in `reasonCode`, and the conditions it carries inside itself; see
    `reasons_elsewhere` for the others.
    """
    if resource.status in _VOID:
        return
    for inside in _contained_reasons(resource):
        yield from of_condition(inside, ref, True, context)
    when = context.span(resource.period.start) if resource.period else None
    kind = CodeableConcept(coding=(resource.class_,)) if resource.class_ else None
    for setting in (resource.serviceType, kind):
        for match, code in matches(setting, context):
            yield match.set, _of_this_encounter("setting", setting, match, code, ref, when)
    for reason in resource.reasonCode:
        for match, code in matches(reason, context):
            if not match.concept.needs_site:
                yield match.set, _of_this_encounter("reason", reason, match, code, ref, when)


def _of_this_encounter(
    kind: Literal["setting", "reason"],
    said: CodeableConcept | None,
    match: Match,
    code: str,
    ref: str,
    when: Span | None,
) -> Statement:
    return Statement(
        kind=kind,
        ref=ref,
        label=label_of(said or CodeableConcept(), match.concept.display),
        concept=match.concept,
        code=code,
        side=match.concept.side,
        recorded=when,
        current=True,
    )


def _contained_reasons(resource: Encounter) -> Iterator[Condition]:
    named = {reference.reference for reference in resource.reasonReference}
    for raw in resource.contained:
        found = decode(raw)
        if isinstance(found, Condition) and f"#{found.id}" in named:
            yield found


def of_procedure(resource: Procedure, ref: str, context: Context) -> Stated:
    """What a Procedure states: one completed is done, one in progress goes on (hospice care)."""
    if resource.status not in ("completed", "in-progress"):
        return
    text = resource.performedDateTime
    if text is None and resource.performedPeriod is not None:
        text = resource.performedPeriod.end or resource.performedPeriod.start
    when = context.span(text)
    place = place_of(resource.bodySite, context)
    for match, code in matches(resource.code, context):
        allowed, side = placed(match, place)
        if allowed and resource.code is not None:
            yield (
                match.set,
                Statement(
                    kind="procedure",
                    final=resource.status == "completed",
                    ref=ref,
                    label=label_of(resource.code, match.concept.display),
                    concept=match.concept,
                    code=code,
                    side=side,
                    when=when,
                    onset=when,
                ),
            )


def of_device(resource: Device, ref: str, context: Context) -> Stated:
    """What a Device states: an implant."""
    if resource.status in ("inactive", "entered-in-error"):
        return
    for match, code in matches(resource.type, context):
        if resource.type is not None:
            yield (
                match.set,
                Statement(
                    kind="device",
                    ref=ref,
                    label=label_of(resource.type, match.concept.display),
                    concept=match.concept,
                    code=code,
                ),
            )
