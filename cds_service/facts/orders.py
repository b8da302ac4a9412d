"""Orders and medicines into statements: open, draft, current, old."""

import re
from collections.abc import Iterator

from cds_service.facts.model import TEXT_MATCH
from cds_service.facts.statements import (
    Context,
    Stated,
    Statement,
    entry_label,
    label_of,
    matches,
    place_of,
    placed,
)
from cds_service.facts.substances import known_and_local, named, tells_substance
from cds_service.facts.unread_medicines import only_unread
from cds_service.fhir.dates import Span, age_in_days
from cds_service.fhir.decoding import decode
from cds_service.fhir.resources import (
    CodeableConcept,
    DeviceRequest,
    Dosage,
    Medication,
    MedicationRequest,
    MedicationStatement,
    ServiceRequest,
)
from cds_service.rulebase.terminology import Match

_DROPPED = frozenset({"entered-in-error", "cancelled", "not-done", "revoked"})
_INTENTS = frozenset(
    {"order", "original-order", "reflex-order", "filler-order", "instance-order", "plan"}
)
# On hold is not being taken; a draft, a cancelled or a mistaken entry never was.
_ENDED = frozenset({"stopped", "completed", "on-hold"})
_OVER = frozenset({"stopped", "completed"})
_OPEN_ORDERS = frozenset({"active", "on-hold", "draft"})
_OLD_PRESCRIPTION = 365  # days; reconciliation, "Active medicine"


def of_request(resource: ServiceRequest, ref: str, context: Context, *, draft: bool) -> Stated:
    """What a ServiceRequest states: an open order, or one being placed now."""
    status, intent = resource.status or "", resource.intent or ""
    if status in _DROPPED or resource.doNotPerform:
        return
    # A draft in the hook's context may be incomplete (requirement 70, 76): only the code counts.
    if not draft and (status not in _OPEN_ORDERS or intent not in {*_INTENTS, "proposal"}):
        return
    place = place_of(resource.bodySite, context)
    for match, code in matches(resource.code, context):
        _, side = placed(match, place)
        if resource.code is not None:
            yield (
                match.set,
                Statement(
                    kind="draft" if draft else "order",
                    ref=ref,
                    label=entry_label(resource.code, match.concept),
                    concept=match.concept,
                    code=code,
                    side=side,
                    when=context.span(resource.authoredOn),
                ),
            )


def of_device_draft(resource: DeviceRequest, ref: str, context: Context) -> Stated:
    """What a DeviceRequest among the draft orders states: that the device is being ordered.

    R4 gives it no body site, so it is of no side.
    """
    if resource.status in _DROPPED or resource.codeCodeableConcept is None:
        return
    for match, code in matches(resource.codeCodeableConcept, context):
        yield (
            match.set,
            Statement(
                kind="draft",
                ref=ref,
                label=entry_label(resource.codeCodeableConcept, match.concept),
                concept=match.concept,
                code=code,
                side=match.concept.side,
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
    """What a MedicationRequest or MedicationStatement states: a current medicine, one ended, or a draft.

    Current: reconciliation, "Active medicine". A request older than a year without a later validity
    is `old`: a hazard still, a benefit no longer sure.
    """
    taken, ended = is_taken(resource), resource.status in _ENDED
    if not draft and not taken and not ended:
        return
    if draft and resource.status in (*_DROPPED, *_OVER):  # it is being ended, not ordered
        return
    if isinstance(resource, MedicationRequest) and resource.doNotPerform:
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
    for match, code, by_name, coded in _contents(concept, context):
        if concept is not None:
            yield (
                match.set,
                Statement(
                    kind="draft" if draft else "medication" if taken else "ended-medication",
                    ref=ref,
                    label=entry_label(concept, match.concept),
                    concept=match.concept,
                    code=code,
                    when=when,
                    onset=context.span(_began(resource)),
                    recorded=when if isinstance(resource, MedicationRequest) else None,
                    old=old,
                    only_named=by_name and not coded,
                    notes=(TEXT_MATCH,) if by_name else (),
                    until=_until(resource, when, context) if ended else None,
                    by_mouth=_by_mouth(resource),
                    dosages=_dosages(resource),
                ),
            )


def _contents(
    concept: CodeableConcept | None, context: Context
) -> Iterator[tuple[Match, str, bool, bool]]:
    """The code sets a medicine is in: by its codes, else by its name; (match, code, by name, coded)."""
    if concept is None:
        return
    if tells_substance(concept, context):
        for match, code in matches(concept, context):
            yield match, code, False, True
    else:
        for match, code, coded in named(concept, context):
            yield match, code, True, coded


def unrecognised(
    resource: MedicationRequest | MedicationStatement, concept: CodeableConcept | None, context: Context
) -> str:
    """The name of a current medicine of which nothing can be told; empty for any other.

    Its codes are in no code set and its name holds no ingredient of one. An ATC code names the
    substance, also where no rule asks for it, and so does a name of `unread-medicines`. An inhaler or a
    cream of a known ingredient is known, and not taken, as where the route is written.
    """
    if not is_taken(resource) or not _systemic(resource):
        return ""
    if isinstance(resource, MedicationRequest) and resource.doNotPerform:
        return ""
    if concept is None or not (concept.coding or concept.text):
        return ""  # nothing is named: `Record.unresolved_medicine`
    if tells_substance(concept, context) or any(named(concept, context)):
        return ""
    if known_and_local(concept, context) or only_unread(concept, context.rule_base):
        return ""
    return label_of(concept, "one without a readable name")


def is_taken(resource: MedicationRequest | MedicationStatement) -> bool:
    """Whether a medicine counts as current by status and intent."""
    if isinstance(resource, MedicationStatement):
        return resource.status in ("active", "intended")
    return resource.status == "active" and (resource.intent or "order") in _INTENTS


def _began(resource: MedicationRequest | MedicationStatement) -> str | None:
    """When it was begun, as a statement tells it; a prescription may be a refill and tells nothing."""
    if isinstance(resource, MedicationRequest):
        return None
    period = resource.effectivePeriod
    return period.start if period is not None else resource.effectiveDateTime


def _until(
    resource: MedicationRequest | MedicationStatement, when: Span | None, context: Context
) -> Span | None:
    """When an ended medicine ended. R4 has no such date for a request: then some time since it began."""
    if isinstance(resource, MedicationStatement):
        period = resource.effectivePeriod
    else:
        period = resource.dispenseRequest.validityPeriod if resource.dispenseRequest else None
    told = context.span(period.end) if period is not None else None
    if told is not None and told.start <= context.now:
        return told
    if when is None or when.start > context.now:
        return None
    return Span(when.start, context.now, precise=False, text=when.text)


def _medicine_date(resource: MedicationRequest | MedicationStatement) -> str | None:
    if isinstance(resource, MedicationRequest):
        return resource.authoredOn
    if resource.effectivePeriod is not None:
        return resource.effectivePeriod.start
    return resource.effectiveDateTime or resource.dateAsserted


# Whole words from their beginning: "cutaneous" must not be found in "subcutaneous".
_LOCAL_ROUTE = re.compile(r"\b(topical|cutaneous|ophthalm|inhal|(intra)?nasal|otic|intra-?articular)")


_MOUTH = re.compile(r"\b(oral(ly)?|by mouth|per os|po)\b")


def _dosages(resource: MedicationRequest | MedicationStatement) -> tuple[Dosage, ...]:
    return resource.dosageInstruction if isinstance(resource, MedicationRequest) else resource.dosage


def _routes(resource: MedicationRequest | MedicationStatement) -> list[str]:
    """The words of every route that is written."""
    return [
        " ".join(
            text.lower() for text in (route.text, *(coding.display for coding in route.coding)) if text
        )
        for route in (dosage.route for dosage in _dosages(resource))
        if route is not None
    ]


def _systemic(resource: MedicationRequest | MedicationStatement) -> bool:
    """Whether the medicine reaches the whole body, as far as a route is written."""
    routes = _routes(resource)
    return not routes or any(_LOCAL_ROUTE.search(words) is None for words in routes)


def _by_mouth(resource: MedicationRequest | MedicationStatement) -> bool:
    """Whether every route that is written is the mouth; without one nothing says so."""
    routes = _routes(resource)
    return bool(routes) and all(_MOUTH.search(words) is not None for words in routes)


def contained_medication(
    resource: MedicationRequest | MedicationStatement, name: str
) -> CodeableConcept | None:
    """The code of a contained Medication; None when there is none of that name."""
    for raw in resource.contained:
        found = decode(raw)
        if isinstance(found, Medication) and found.id == name:
            return found.code
    return None
