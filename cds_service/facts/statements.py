"""Resources into statements: which code set, which leg, when, and whether it still counts.

The status rules are those of DESIGN 5.3 and reconciliation section 1: entered-in-error, refuted,
cancelled and inactive entries never state anything; unconfirmed ones do, and say so.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta, tzinfo
from typing import Literal, Protocol

import msgspec
from msgspec import UNSET, Raw

from cds_service.fhir.dates import Span, age_in_days
from cds_service.fhir.resources import (
    Answer,
    CodeableConcept,
    Component,
    Condition,
    Device,
    DiagnosticReport,
    Encounter,
    Medication,
    MedicationRequest,
    MedicationStatement,
    Observation,
    Procedure,
    Quantity,
    QuestionnaireResponse,
    ResponseItem,
    ServiceRequest,
    decode,
)
from cds_service.rulebase.model import Concept, RuleBase, Sidedness
from cds_service.rulebase.terminology import Match

StatementKind = Literal[
    "condition",
    "reason",
    "observation",
    "answer",
    "procedure",
    "report",
    "order",
    "draft",
    "medication",
    "device",
]

_DROPPED = frozenset({"entered-in-error", "cancelled", "not-done", "revoked"})
_ACTIVE = frozenset({"active", "recurrence", "relapse"})
_UNCERTAIN = frozenset({"unconfirmed", "provisional", "differential"})
_RESULTS = frozenset({"final", "amended", "corrected"})
_INTENTS = frozenset(
    {"order", "original-order", "reflex-order", "filler-order", "instance-order", "plan"}
)
_OPEN_ORDERS = frozenset({"active", "on-hold", "draft"})
_OLD_PRESCRIPTION = 365  # days; reconciliation, "Active medicine"
_LONGEST_TEXT = 120


class Statement(msgspec.Struct, frozen=True):
    """One thing the record states about one code set.

    `says`: whether a finding is there (None: asked without an answer). `when` is the time a result or
    order speaks for; `onset` and `recorded` belong to conditions. `problem` is a reason code when the
    entry cannot be used. `current` marks the reason of this encounter.
    """

    kind: StatementKind
    ref: str
    label: str
    concept: Concept
    code: str
    side: Sidedness | None = None
    when: Span | None = None
    issued: Span | None = None
    onset: Span | None = None
    recorded: Span | None = None
    active: bool = True
    certain: bool = True
    current: bool = False
    final: bool = True
    laboratory: bool = False
    says: bool | None = True
    answer: str = ""
    quantity: Quantity | None = None
    problem: str = ""
    notes: tuple[str, ...] = ()
    specimen: str = ""
    sample_text: str = ""
    suspect: bool = False
    old: bool = False
    reassures: str = ""


class Context(Protocol):
    """What the readers below need of the record."""

    rule_base: RuleBase
    now: datetime
    zone: tzinfo
    birth: Span | None

    def span(self, text: str | None) -> Span | None:
        """A FHIR date in the record's zone."""


Stated = Iterator[tuple[str, Statement]]


def _label(concept: CodeableConcept, fallback: str) -> str:
    for text in (concept.text, *(coding.display for coding in concept.coding)):
        if text and text.strip():
            return text.strip()[:_LONGEST_TEXT]
    return fallback


def _matches(concept: CodeableConcept | None, context: Context) -> Iterator[tuple[Match, str]]:
    if concept is None:
        return
    seen = set()
    for coding in concept.coding:
        for match in context.rule_base.terminology.matches(coding.system, coding.code):
            if match.set not in seen:
                seen.add(match.set)
                yield match, coding.code or ""


def _sides(sites: tuple[CodeableConcept, ...], context: Context) -> Sidedness | None:
    found = {match.concept.side for site in sites for match, _ in _matches(site, context)} - {None}
    if "both" in found or found >= {"left", "right"}:
        return "both"
    return next(iter(found), None)


def _sites(sites: tuple[CodeableConcept, ...], context: Context) -> set[str]:
    return {match.set for site in sites for match, _ in _matches(site, context)}


def _placed(
    match: Match, sites: tuple[CodeableConcept, ...], context: Context
) -> tuple[bool, Sidedness | None]:
    """Whether the body site allows this match, and the side."""
    needed = match.concept.needs_site
    if needed and needed not in _sites(sites, context):
        return False, None
    return True, match.concept.side or _sides(sites, context)


def _status(concept: CodeableConcept | None) -> str:
    if concept is None:
        return ""
    return next((coding.code for coding in concept.coding if coding.code), concept.text or "")


def of_condition(resource: Condition, ref: str, current: bool, context: Context) -> Stated:
    """What a Condition states."""
    verification = _status(resource.verificationStatus)
    if verification in ("entered-in-error", "refuted"):
        return
    clinical = _status(resource.clinicalStatus)
    abated = resource.abatementDateTime or resource.abatementPeriod or resource.abatementString
    active = clinical in _ACTIVE if clinical else not abated
    onset = _onset(resource, context)
    notes = ("unconfirmed",) if verification in _UNCERTAIN else ()
    for match, code in _matches(resource.code, context):
        allowed, side = _placed(match, resource.bodySite, context)
        if allowed and resource.code is not None:
            yield (
                match.set,
                Statement(
                    kind="condition",
                    ref=ref,
                    label=_label(resource.code, match.concept.display),
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


def of_encounter(resource: Encounter, ref: str, context: Context) -> Stated:
    """What the reasons of this encounter state; they always count as current."""
    if resource.status in ("entered-in-error", "cancelled"):
        return
    when = context.span(resource.period.start) if resource.period else None
    for reason in resource.reasonCode:
        for match, code in _matches(reason, context):
            if not match.concept.needs_site:
                yield (
                    match.set,
                    Statement(
                        kind="reason",
                        ref=ref,
                        label=_label(reason, match.concept.display),
                        concept=match.concept,
                        code=code,
                        side=match.concept.side,
                        recorded=when,
                        current=True,
                    ),
                )


def of_observation(resource: Observation, ref: str, context: Context) -> Stated:
    """What an Observation states, its components included."""
    status = resource.status or ""
    if status not in _RESULTS and status != "preliminary":
        return
    when = _effective(resource, context)
    site = (resource.bodySite,) if resource.bodySite else ()
    base = Statement(
        kind="observation",
        ref=ref,
        label="",
        concept=Concept("", "", ""),
        code="",
        when=when,
        issued=context.span(resource.issued),
        final=status in _RESULTS,
        laboratory=any(
            coding.code == "laboratory" for one in resource.category for coding in one.coding
        ),
        notes=("preliminary",) if status == "preliminary" else (),
        specimen=(resource.specimen.reference or "") if resource.specimen else "",
        sample_text=_sample_text(resource),
    )
    yield from _valued(resource, base, site, context)
    for component in resource.component:
        yield from _valued(component, base, site, context)


def _effective(resource: Observation, context: Context) -> Span | None:
    text = resource.effectiveDateTime or resource.effectiveInstant
    if text is None and resource.effectivePeriod is not None:
        text = resource.effectivePeriod.end or resource.effectivePeriod.start
    return context.span(text or resource.issued)


def _sample_text(resource: Observation) -> str:
    words = [note.text for note in resource.note]
    words += [one.text for one in resource.interpretation]
    words += [coding.display for one in resource.interpretation for coding in one.coding]
    if resource.dataAbsentReason is not None:
        words.append(resource.dataAbsentReason.text)
    return " | ".join(word for word in words if word)[:2000]


def _valued(
    part: Observation | Component,
    base: Statement,
    site: tuple[CodeableConcept, ...],
    context: Context,
) -> Stated:
    says, answer, quantity, problem = _value(part, context)
    for match, code in _matches(part.code, context):
        allowed, side = _placed(match, site, context)
        if allowed and part.code is not None:
            yield (
                match.set,
                msgspec.structs.replace(
                    base,
                    label=_label(part.code, match.concept.display),
                    concept=match.concept,
                    code=code,
                    side=side,
                    says=says,
                    answer=answer,
                    quantity=quantity,
                    problem=problem,
                ),
            )
    if part.valueCodeableConcept is not None:
        # "Finding: heavy legs" is as good as a heavy-legs observation.
        for match, code in _matches(part.valueCodeableConcept, context):
            allowed, side = _placed(match, site, context)
            if allowed:
                yield (
                    match.set,
                    msgspec.structs.replace(
                        base,
                        label=_label(part.valueCodeableConcept, match.concept.display),
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
        return None, "", None, "not-asked"
    if part.valueBoolean is not None:
        return part.valueBoolean, "", None, ""
    if part.valueQuantity is not None:
        return None, "", part.valueQuantity, ""
    if part.valueInteger is not UNSET:
        return None, "", Quantity(value=part.valueInteger), ""
    if part.valueCodeableConcept is not None:
        return (*_answer(part.valueCodeableConcept, context), None, "")
    if part.valueString is not None:
        return (*_worded(part.valueString), None, "")
    return None, "", None, "not-asked"


_YES, _NO = "answer-yes", "answer-no"
_WORDS = {"yes": True, "present": True, "true": True, "no": False, "absent": False, "false": False}


def _answer(concept: CodeableConcept, context: Context) -> tuple[bool | None, str]:
    code = next((coding.code for coding in concept.coding if coding.code), "")
    for match, _ in _matches(concept, context):
        if match.set in (_YES, _NO):
            return match.set == _YES, code
    says, word = _worded(code or concept.text or "")
    return says, code or word


def _worded(text: str) -> tuple[bool | None, str]:
    word = text.strip().lower()[:40]
    return _WORDS.get(word), word


def of_answers(resource: QuestionnaireResponse, ref: str, context: Context) -> Stated:
    """What a completed QuestionnaireResponse states: each linkId is a code of our own system."""
    if resource.status not in ("completed", "amended"):
        return
    local = context.rule_base.systems.get("local", ("",))[0]
    when = context.span(resource.authored)
    for item in _items(resource.item):
        for match in context.rule_base.terminology.matches(local, item.linkId):
            for answer in item.answer:
                says, code, quantity = _given(answer, context)
                yield (
                    match.set,
                    Statement(
                        kind="answer",
                        ref=ref,
                        label=match.concept.display,
                        concept=match.concept,
                        code=item.linkId or "",
                        side=match.concept.side,
                        when=when,
                        says=says,
                        answer=code,
                        quantity=quantity,
                    ),
                )


def _items(items: tuple[ResponseItem, ...]) -> Iterator[ResponseItem]:
    for item in items:
        yield item
        yield from _items(item.item)
        for answer in item.answer:
            yield from _items(answer.item)


def _given(answer: Answer, context: Context) -> tuple[bool | None, str, Quantity | None]:
    if answer.valueBoolean is not None:
        return answer.valueBoolean, "", None
    if answer.valueCoding is not None:
        says, code = _answer(CodeableConcept(coding=(answer.valueCoding,)), context)
        return says, code, None
    if answer.valueQuantity is not None:
        return None, "", answer.valueQuantity
    for raw in (answer.valueDecimal, answer.valueInteger):
        if isinstance(raw, Raw):
            return None, "", Quantity(value=raw)
    says, word = _worded(answer.valueString or "")
    return says, word, None


def of_procedure(resource: Procedure, ref: str, context: Context) -> Stated:
    """What a completed Procedure states."""
    if resource.status != "completed":
        return
    text = resource.performedDateTime
    if text is None and resource.performedPeriod is not None:
        text = resource.performedPeriod.end or resource.performedPeriod.start
    when = context.span(text)
    for match, code in _matches(resource.code, context):
        allowed, side = _placed(match, resource.bodySite, context)
        if allowed and resource.code is not None:
            yield (
                match.set,
                Statement(
                    kind="procedure",
                    ref=ref,
                    label=_label(resource.code, match.concept.display),
                    concept=match.concept,
                    code=code,
                    side=side,
                    when=when,
                    onset=when,
                ),
            )


def of_report(resource: DiagnosticReport, ref: str, context: Context) -> Stated:
    """What a DiagnosticReport states: that the study was done, and its coded conclusion."""
    status = resource.status or ""
    if status not in _RESULTS and status != "preliminary":
        return
    text = resource.effectiveDateTime
    if text is None and resource.effectivePeriod is not None:
        text = resource.effectivePeriod.end or resource.effectivePeriod.start
    when = context.span(text or resource.issued)
    concluded = [match.set for one in resource.conclusionCode for match, _ in _matches(one, context)]
    for match, code in _matches(resource.code, context):
        if resource.code is not None:
            yield (
                match.set,
                Statement(
                    kind="report",
                    ref=ref,
                    label=_label(resource.code, match.concept.display),
                    concept=match.concept,
                    code=code,
                    side=match.concept.side,
                    when=when,
                    final=status in _RESULTS,
                    notes=("preliminary",) if status == "preliminary" else (),
                    reassures=" ".join(concluded),
                ),
            )


def of_request(resource: ServiceRequest, ref: str, context: Context, *, draft: bool) -> Stated:
    """What a ServiceRequest states: an open order, or one being placed now."""
    status, intent = resource.status or "", resource.intent or ""
    if status in _DROPPED or resource.doNotPerform:
        return
    # A draft in the hook's context may be incomplete (cds-hooks.md 70, 76): only the code counts.
    if not draft and (status not in _OPEN_ORDERS or intent not in {*_INTENTS, "proposal"}):
        return
    for match, code in _matches(resource.code, context):
        _, side = _placed(match, resource.bodySite, context)
        if resource.code is not None:
            yield (
                match.set,
                Statement(
                    kind="draft" if draft else "order",
                    ref=ref,
                    label=_label(resource.code, match.concept.display),
                    concept=match.concept,
                    code=code,
                    side=side,
                    when=context.span(resource.authoredOn),
                ),
            )


def of_device(resource: Device, ref: str, context: Context) -> Stated:
    """What a Device states: an implant."""
    if resource.status in ("inactive", "entered-in-error"):
        return
    for match, code in _matches(resource.type, context):
        if resource.type is not None:
            yield (
                match.set,
                Statement(
                    kind="device",
                    ref=ref,
                    label=_label(resource.type, match.concept.display),
                    concept=match.concept,
                    code=code,
                ),
            )


def of_medication(
    resource: MedicationRequest | MedicationStatement,
    concept: CodeableConcept | None,
    ref: str,
    context: Context,
    *,
    draft: bool,
) -> Stated:
    """What a MedicationRequest or MedicationStatement states: a current medicine, or a draft.

    Current: reconciliation, "Active medicine". A request older than a year without a later validity
    is `old`: a hazard still, a benefit no longer sure.
    """
    if not draft and not _taken(resource):
        return
    if not _systemic(resource):
        return
    when = context.span(_medicine_date(resource))
    old = False
    if isinstance(resource, MedicationRequest) and when is not None:
        covered = resource.dispenseRequest
        until = context.span(covered.validityPeriod.end) if covered and covered.validityPeriod else None
        youngest, _ = age_in_days(when, context.now, context.zone)
        old = youngest > _OLD_PRESCRIPTION and not (until and until.end >= context.now)
    for match, code in _matches(concept, context):
        if concept is not None:
            yield (
                match.set,
                Statement(
                    kind="draft" if draft else "medication",
                    ref=ref,
                    label=_label(concept, match.concept.display),
                    concept=match.concept,
                    code=code,
                    when=when,
                    old=old,
                ),
            )


def _taken(resource: MedicationRequest | MedicationStatement) -> bool:
    if isinstance(resource, MedicationStatement):
        return resource.status in ("active", "intended")
    return (
        resource.status == "active"
        and (resource.intent or "order") in _INTENTS
        and not resource.doNotPerform
    )


def _medicine_date(resource: MedicationRequest | MedicationStatement) -> str | None:
    if isinstance(resource, MedicationRequest):
        return resource.authoredOn
    if resource.effectivePeriod is not None:
        return resource.effectivePeriod.start
    return resource.effectiveDateTime or resource.dateAsserted


_LOCAL_ROUTE_WORDS = (
    "topical",
    "cutaneous",
    "ophthalm",
    "inhal",
    "nasal",
    "otic",
    "intra-articular",
)


def _systemic(resource: MedicationRequest | MedicationStatement) -> bool:
    """Whether the medicine reaches the whole body, as far as a route is written."""
    dosages = resource.dosageInstruction if isinstance(resource, MedicationRequest) else resource.dosage
    routes = [dosage.route for dosage in dosages if dosage.route is not None]
    if not routes:
        return True
    for route in routes:
        words = " ".join(
            text.lower() for text in (route.text, *(coding.display for coding in route.coding)) if text
        )
        if not words or not any(word in words for word in _LOCAL_ROUTE_WORDS):
            return True
    return False


def contained_medication(
    resource: MedicationRequest | MedicationStatement, name: str
) -> CodeableConcept | None:
    """The code of a contained Medication; None when there is none of that name."""
    for raw in resource.contained:
        found = decode(raw)
        if isinstance(found, Medication) and found.id == name:
            return found.code
    return None
