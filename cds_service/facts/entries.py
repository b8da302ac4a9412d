"""Entries of lists into statements: conditions, procedures, devices."""

from msgspec import UNSET

from cds_service.facts.model import TEXT_MATCH, UNCONFIRMED
from cds_service.facts.sides import sided
from cds_service.facts.statements import (
    Context,
    Stated,
    Statement,
    entry_label,
    matches,
    place_of,
    placed,
    status_of,
)
from cds_service.facts.wording import worded
from cds_service.fhir.dates import Span, at_age
from cds_service.fhir.resources import Condition, Device, Procedure

_ACTIVE = frozenset({"active", "recurrence", "relapse"})
_INACTIVE = frozenset({"inactive", "remission", "resolved"})
_UNCERTAIN = frozenset({"unconfirmed", "provisional", "differential"})


def of_condition(resource: Condition, ref: str, current: bool, context: Context) -> Stated:
    """What a Condition states."""
    verification = status_of(resource.verificationStatus)
    if verification in ("entered-in-error", "refuted"):
        return
    clinical = status_of(resource.clinicalStatus).strip().lower()
    abated = (
        resource.abatementDateTime
        or resource.abatementPeriod
        or resource.abatementAge
        or resource.abatementRange
        or resource.abatementString
    )
    # A status of another code system says neither: then as without one.
    active = clinical in _ACTIVE if clinical in _ACTIVE | _INACTIVE else not abated
    onset = _onset(resource, context)
    notes = (UNCONFIRMED,) if verification in _UNCERTAIN else ()
    place = place_of(resource.bodySite, context)
    for coded in sided(resource.code, place, context):
        if resource.code is not None:
            yield (
                coded.match.set,
                Statement(
                    kind="condition",
                    ref=ref,
                    label=coded.quote or entry_label(resource.code, coded.match.concept),
                    concept=coded.match.concept,
                    code=coded.code,
                    side=coded.side,
                    onset=onset,
                    recorded=context.span(resource.recordedDate),
                    active=active or current,
                    certain=verification not in _UNCERTAIN and not coded.by_words,
                    current=current,
                    only_named=coded.by_words,
                    notes=(*notes, *coded.notes),
                ),
            )
    for one in worded(resource.code, place, context):
        if resource.code is not None:
            yield (
                one.match.set,
                Statement(
                    kind="condition",
                    ref=ref,
                    label=one.quote,
                    concept=one.match.concept,
                    code="",
                    side=one.side,
                    onset=onset,
                    recorded=context.span(resource.recordedDate),
                    active=(active or current) and not one.past,
                    certain=False,
                    current=current and not one.past,
                    only_named=True,
                    notes=(*notes, TEXT_MATCH),
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
    raw, unit = bytes(age.value), age.code or age.unit or ""
    if unit not in ("a", "years", "year", "yr") or not raw.isdigit() or len(raw) > 3:  # noqa: PLR2004
        return None
    return at_age(context.birth, int(raw), context.zone)


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
                    label=entry_label(resource.code, match.concept),
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
                    label=entry_label(resource.type, match.concept),
                    concept=match.concept,
                    code=code,
                ),
            )
