"""Today's encounter into statements: why the patient came, to which service, whether to a ward.

A reason stands in `reasonCode`, inside the Encounter, or elsewhere (`reasonReference`). One that is
named and was not brought leaves the complaint unknown: it may have been heavy legs.
"""

from collections.abc import Collection, Iterable, Iterator
from typing import Literal

import msgspec

from cds_service.facts.entries import of_condition
from cds_service.facts.model import TEXT_MATCH
from cds_service.facts.observations import of_observation
from cds_service.facts.sides import sided
from cds_service.facts.statements import NO_PLACE, Context, Stated, Statement, entry_label, matches
from cds_service.facts.wording import worded
from cds_service.fhir.dates import Span
from cds_service.fhir.decoding import Ignored, Unread, decode
from cds_service.fhir.evidence import Item
from cds_service.fhir.references import last_segment, type_in
from cds_service.fhir.resources import AnyResource, CodeableConcept, Condition, Encounter, Observation
from cds_service.rulebase.terminology import Match

_VOID = ("entered-in-error", "cancelled")  # an encounter that is none
# R4 encounter-status: what is to come or goes on; the others are over, or nobody knows.
_GOES_ON = frozenset({"planned", "arrived", "triaged", "in-progress", "onleave"})
_COMPLAINTS = ("", "Condition", "Observation")  # "": a reference that names no type

Target = tuple[str, str]  # resource type ("" where a reference names none) and id
NOWHERE: Target = ("", "")  # a reason that nothing delivered can be


def is_of_today(resource: Encounter, named: str, context: Context) -> bool:
    """Whether an Encounter is the one of the question.

    Args:
        resource: the Encounter.
        named: `context.encounterId`. Without it only an encounter counts that goes on, or whose period
            covers now: any other that arrived is one of the past.
        context: for the time of the question.
    """
    if resource.status in _VOID:
        return False
    return bool(named) or resource.status in _GOES_ON or _covers_now(resource, context)


def _covers_now(resource: Encounter, context: Context) -> bool:
    period = resource.period
    start, end = (context.span(period.start), context.span(period.end)) if period else (None, None)
    # R4 calls a period without an end ongoing; but this encounter's status does not.
    return start is not None and end is not None and start.start <= context.now <= end.end


def reasons_elsewhere(resource: Encounter, bases: Collection[str]) -> Iterator[Target]:
    """What an encounter names as its reason outside itself; `NOWHERE` for one that cannot be found.

    A procedure or a recommendation may be a reason too (R4 Encounter.reasonReference); it is no
    complaint.

    Args:
        resource: the Encounter.
        bases: the addresses of the servers whose resources these are; an absolute reference to another
            server names nothing here.
    """
    inside = {one.id for one in _inside(resource) if one.id}
    for reference in resource.reasonReference:
        named = reference.reference or ""
        if named.startswith("#"):
            if named[1:] not in inside:
                yield NOWHERE
        elif (type_in(named) or reference.type or "") in _COMPLAINTS:
            yield _target(named, bases)


def _target(named: str, bases: Collection[str]) -> Target:
    if "://" in named and base_of(named) not in bases:
        return NOWHERE
    return type_in(named), last_segment(named)


def base_of(url: str) -> str:
    """The address of the server in the absolute URL of a resource."""
    return url.split("/_history/", 1)[0].rstrip("/").rsplit("/", 2)[0]


def bases_of(server: str, items: Iterable[Item]) -> frozenset[str]:
    """The addresses of the servers that a request's resources are from."""
    found = {base_of(item.url) for item in items if "://" in item.url}
    return frozenset(found | {server.rstrip("/")})


def targets_of(item: Item) -> Iterator[Target]:
    """What a reference may name this Condition or Observation by; nothing for another resource."""
    resource = item.resource
    if not isinstance(resource, Condition | Observation):
        return
    if resource.id:
        yield str(resource.__struct_config__.tag), resource.id
        yield "", resource.id
    if item.url.startswith("urn:"):
        yield "", last_segment(item.url)


def of_encounter(resource: Encounter, ref: str, context: Context) -> Stated:
    """What this encounter states as of now: its reasons, its service and its class.

    Reasons are those in `reasonCode`, and the conditions and observations it carries inside itself; see
    `reasons_elsewhere` for the others.
    """
    named = {reference.reference for reference in resource.reasonReference}
    for inside in _inside(resource):
        if inside.id and f"#{inside.id}" in named:
            if isinstance(inside, Condition):
                yield from of_condition(inside, ref, True, context)
            elif isinstance(inside, Observation):
                yield from of_observation(inside, ref, context, current=True)
    when = context.span(resource.period.start) if resource.period else None
    kind = CodeableConcept(coding=(resource.class_,)) if resource.class_ else None
    for setting in (resource.serviceType, kind):
        for match, code in matches(setting, context):
            yield match.set, _of_this_encounter("setting", setting, match, code, ref, when)
    for reason in resource.reasonCode:
        for coded in sided(reason, NO_PLACE, context):
            said = _of_this_encounter("reason", reason, coded.match, coded.code, ref, when)
            yield (
                coded.match.set,
                msgspec.structs.replace(
                    said,
                    label=coded.quote or said.label,
                    side=coded.side,
                    certain=not coded.by_words,
                    only_named=coded.by_words,
                    notes=coded.notes,
                ),
            )
        for one in worded(reason, NO_PLACE, context):
            said = _of_this_encounter("reason", reason, one.match, "", ref, when)
            yield (
                one.match.set,
                msgspec.structs.replace(
                    said,
                    label=one.quote,
                    side=one.side,
                    active=not one.past,
                    certain=False,
                    current=not one.past,
                    only_named=True,
                    notes=(TEXT_MATCH,),
                ),
            )


def _inside(resource: Encounter) -> Iterator[AnyResource | Ignored]:
    """What an encounter carries inside itself and can be read, of whatever type."""
    for raw in resource.contained:
        found = decode(raw)
        if not isinstance(found, Unread):
            yield found


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
        label=entry_label(said or CodeableConcept(), match.concept),
        concept=match.concept,
        code=code,
        side=match.concept.side,
        recorded=when,
        current=True,
    )
