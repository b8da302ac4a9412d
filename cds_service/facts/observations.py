"""Observations and reports into statements, components and members included."""

from collections.abc import Iterator

import msgspec
from msgspec import UNSET

from cds_service.facts import postures, samples, windows
from cds_service.facts.answers import coded_answer, worded
from cds_service.facts.model import PRELIMINARY
from cds_service.facts.statements import (
    RESULTS,
    UNREADABLE,
    Context,
    Place,
    Stated,
    Statement,
    entry_label,
    label_of,
    leg_answered,
    matches,
    place_of,
    placed,
)
from cds_service.fhir.dates import Span, no_later_than
from cds_service.fhir.decoding import decode
from cds_service.fhir.resources import (
    Component,
    DiagnosticReport,
    Observation,
    Quantity,
)
from cds_service.rulebase.concepts import Concept

# No result at all. Any status that is not a final one, a missing one too, is not more than preliminary.
_VOID = frozenset({"entered-in-error", "cancelled", "registered"})


def of_observation(
    resource: Observation, ref: str, context: Context, *, current: bool = False
) -> Stated:
    """What an Observation states, its components and contained members included.

    `current`: it is the reason of this encounter.
    """
    status = resource.status or ""
    if status in _VOID:
        return
    parts: tuple[Observation | Component, ...] = (resource, *resource.component)
    if not resource.contained and not any(_is_known(part, context) for part in parts):
        return  # about nothing that is asked here, as most of what a record holds
    when = _effective(resource, context)
    site = place_of((resource.bodySite,) if resource.bodySite else (), context)
    position = postures.of_observation(resource, context)
    base = Statement(
        kind="observation",
        ref=ref,
        label="",
        concept=Concept("", "", ""),
        code="",
        when=when,
        issued=_issued(resource, context),
        final=status in RESULTS,
        current=current,
        laboratory=any(
            coding.code == "laboratory" for one in resource.category for coding in one.coding
        ),
        notes=(PRELIMINARY,) if status == "preliminary" else (),
        specimen=samples.named_by(resource, ref),
        sample_text=_sample_text(resource),
        posture=position.posture,
        posture_unclear=position.unclear,
        sites=site.sets,
    )
    yield from _valued(resource, base, site, context)
    for component in resource.component:
        told = " | ".join(word for word in (base.sample_text, _sample_text(component)) if word)
        yield from _valued(component, msgspec.structs.replace(base, sample_text=told), site, context)
    for member in _members(resource):
        yield from of_observation(member, ref, context, current=current)


def _is_known(part: Observation | Component, context: Context) -> bool:
    """Whether the code or the coded value is in some code set."""
    known = context.rule_base.terminology.matches
    return any(
        known(coding.system, coding.code)
        for concept in (part.code, part.valueCodeableConcept)
        if concept is not None
        for coding in concept.coding
    )


def _members(resource: Observation) -> Iterator[Observation]:
    """The contained members of a panel, with the panel's time and status where they have none."""
    for raw in resource.contained:
        found = decode(raw)
        if isinstance(found, Observation):
            dated = (
                found.effectiveDateTime is not None
                or found.effectiveInstant is not None
                or found.effectivePeriod is not None
                or found.effectiveTiming is not UNSET
            )
            yield msgspec.structs.replace(
                found,
                contained=(),
                status=found.status or resource.status,
                category=found.category or resource.category,
                effectiveDateTime=found.effectiveDateTime if dated else resource.effectiveDateTime,
                effectiveInstant=found.effectiveInstant if dated else resource.effectiveInstant,
                effectivePeriod=found.effectivePeriod if dated else resource.effectivePeriod,
                effectiveTiming=found.effectiveTiming if dated else resource.effectiveTiming,
                issued=found.issued or resource.issued,
                bodySite=found.bodySite or resource.bodySite,
                specimen=found.specimen or resource.specimen,
                extension=resource.extension if found.extension is UNSET else found.extension,
            )


def _effective(resource: Observation, context: Context) -> Span | None:
    """When it was so; where that is not said, when it was reported.

    Where it is said and cannot be read ("9999-01-01"), it was at some time before it was reported: then
    it may be recent and raise a concern, and neither is newer than another nor reassures.
    """
    issued = context.span(resource.issued)
    text = resource.effectiveDateTime
    if text is None:
        text = resource.effectiveInstant
    if text is None and resource.effectivePeriod is not None:
        text = resource.effectivePeriod.end or resource.effectivePeriod.start
    if text is None and resource.effectiveTiming is UNSET:
        return issued
    own = context.span(text)
    if own is not None or not windows.usable(issued, context.now):
        return own or issued
    return None if issued is None else no_later_than(issued)


def _issued(resource: Observation, context: Context) -> Span | None:
    """When it was reported; a time to come makes nothing newer."""
    span = context.span(resource.issued)
    return span if windows.usable(span, context.now) else None


def _sample_text(resource: Observation | Component) -> str:
    if (
        not resource.interpretation
        and resource.dataAbsentReason is None
        and not (isinstance(resource, Observation) and resource.note)
    ):
        return ""
    words = [note.text for note in resource.note] if isinstance(resource, Observation) else []
    words += [one.text for one in resource.interpretation]
    words += [coding.display for one in resource.interpretation for coding in one.coding]
    if resource.dataAbsentReason is not None:
        words.append(resource.dataAbsentReason.text)
    return " | ".join(word for word in words if word)[:2000]


def _valued(
    part: Observation | Component,
    base: Statement,
    site: Place,
    context: Context,
) -> Stated:
    says, answer, quantity, problem = _value(part, context)
    found = [one for one in matches(part.code, context) if not one[0].concept.ordered]
    # A code that names the position itself ("systolic--standing") wins over that of the whole.
    named = postures.named_by(match for match, _ in found)
    for match, code in found:
        allowed, side = placed(match, site)
        leg = leg_answered(code, answer, context)
        if allowed and part.code is not None:
            yield (
                match.set,
                msgspec.structs.replace(
                    base,
                    label=entry_label(part.code, match.concept),
                    concept=match.concept,
                    code=code,
                    side=side or leg,
                    names_leg=leg is not None,
                    says=says,
                    answer=answer,
                    answered=label_of(part.valueCodeableConcept, answer)
                    if part.valueCodeableConcept
                    else "",
                    quantity=quantity,
                    ranges=part.referenceRange if quantity is not None else (),
                    problem=problem,
                    posture=named or base.posture,
                    posture_unclear=base.posture_unclear and not named,
                ),
            )
    if part.valueCodeableConcept is not None:
        # "Finding: heavy legs" is as good as a heavy-legs observation.
        for match, code in matches(part.valueCodeableConcept, context):
            allowed, side = placed(match, site)
            if allowed:
                yield (
                    match.set,
                    msgspec.structs.replace(
                        base,
                        label=entry_label(part.valueCodeableConcept, match.concept),
                        concept=match.concept,
                        code=code,
                        side=side,
                        says=True,
                    ),
                )


def _value(
    part: Observation | Component, context: Context
) -> tuple[bool | None, str, Quantity | None, str]:
    """(yes/no, coded answer, quantity, problem) of an observation or component."""
    if part.dataAbsentReason is not None:
        held = part.valueQuantity is not None or part.valueString or part.valueInteger is not UNSET
        return None, "", None, UNREADABLE if held else "not-asked"
    if part.valueBoolean is not None:
        return part.valueBoolean, "", None, ""
    if part.valueQuantity is not None:
        return None, "", part.valueQuantity, ""
    if part.valueInteger is not UNSET:
        return None, "", Quantity(value=part.valueInteger), ""
    if part.valueCodeableConcept is not None:
        return (*coded_answer(part.valueCodeableConcept, context), None, "")
    if part.valueString is not None:
        return (*worded(part.valueString), None, "")
    # A judgement without a value ("LL"), or a value of a type that is not read here, is a result.
    other = part.interpretation or part.valueRange is not UNSET or part.valueRatio is not UNSET
    return None, "", None, UNREADABLE if other else "not-asked"


def of_report(resource: DiagnosticReport, ref: str, context: Context) -> Stated:
    """What a DiagnosticReport states: that the study was done. Its conclusion is not read."""
    status = resource.status or ""
    if status not in RESULTS and status != "preliminary":
        return
    text = resource.effectiveDateTime
    if text is None and resource.effectivePeriod is not None:
        text = resource.effectivePeriod.end or resource.effectivePeriod.start
    when = context.span(text or resource.issued)
    for match, code in matches(resource.code, context):
        if resource.code is not None:
            yield (
                match.set,
                Statement(
                    kind="report",
                    ref=ref,
                    label=entry_label(resource.code, match.concept),
                    concept=match.concept,
                    code=code,
                    side=match.concept.side,
                    when=when,
                    final=status in RESULTS,
                    notes=(PRELIMINARY,) if status == "preliminary" else (),
                ),
            )
