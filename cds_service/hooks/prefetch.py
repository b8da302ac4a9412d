"""What arrives under a prefetch key, and what it means: one meaning per shape (requirements, section D).

| arrives | means |
|---|---|
| key absent | not delivered; fetched if that is allowed, else unavailable |
| `null`, a Bundle without entries | delivered, and there is nothing |
| Bundle with only warning or information outcomes | delivered, and there is nothing |
| Bundle | its resources; incomplete with a `next` link or as many entries as `_count` |
| a resource | that resource; where a search was asked for, incomplete |
| OperationOutcome, Bundle of nothing but an error outcome | the client failed to get it: unavailable |
| Bundle with resources and an error outcome | what arrived counts; incomplete |
| an object that is no FHIR resource | unavailable, unreadable |
| a Bundle with an entry, link or total that is not as R4 has it | what can be read counts; incomplete |
| a key that the service does not publish | what arrived counts; incomplete, and said |
| anything else (string, number, array) | 400 |
"""

import re
from collections.abc import Mapping
from datetime import UTC, date, timedelta

import msgspec

from cds_service.failures import Failure, Kind
from cds_service.fhir import dates, decoding
from cds_service.fhir.absence import Absence
from cds_service.fhir.decoding import Ignored, Unread
from cds_service.fhir.evidence import Arrival, Evidence, Item, Origin, Unavailable
from cds_service.fhir.resources import (
    AnyResource,
    Encounter,
    OperationOutcome,
)
from cds_service.hooks import bundles
from cds_service.hooks.bundles import Bundle, Odd
from cds_service.hooks.entries import EntriesLeft, parts
from cds_service.hooks.whose import Whose

# Servers add these to what a search found, with or without saying so; no fact is read from them.
_COMPANIONS = frozenset(
    {"AuditEvent", "Basic", "CarePlan", "CareTeam", "Location", "Organization", "Practitioner"}
    | {"PractitionerRole", "Provenance", "RelatedPerson"}
)
# What orders were called before R4: it may be the order that a rule is about.
_ORDERS_OF_OLD = frozenset(
    {"DeviceUseRequest", "DiagnosticOrder", "DiagnosticRequest", "MedicationOrder", "ProcedureRequest"}
    | {"ReferralRequest"}
)
CLIENT_ERROR = Absence.CLIENT_ERROR
_COUNT = re.compile(r"[?&]_count=(\d+)")
_SINCE = re.compile(r"&date=ge\{\{today\(\) - (\d+) days\}\}")
_SERIOUS = ("error", "fatal")


def read(
    values: Mapping[str, msgspec.Raw],
    templates: Mapping[str, str],
    patient: str,
    draft_orders: msgspec.Raw | None = None,
    encounter: str = "",
    server: str = "",
    today: date | None = None,
) -> Evidence:
    """Everything a request brought.

    Args:
        values: prefetch key → JSON, unread.
        templates: the service's own prefetch templates, for `_count` and the sort order.
        patient: `context.patientId`.
        draft_orders: `context.draftOrders`.
        encounter: `context.encounterId`; the reasons of another encounter are not those of today.
        server: `fhirServer`, whose resources an absolute reference may name.
        today: for templates with a relative date: what such a list lacks from before is not known.

    Raises:
        Failure: incorrect for a value that is neither object nor null; forbidden when the Patient
            is another; too-large beyond `entries.MOST_ENTRIES`.
    """
    arrivals: dict[str, Arrival | Unavailable] = {}
    entries_left = EntriesLeft()
    for key, raw in values.items():
        found = arrival(key, bytes(raw), templates.get(key, ""), patient, "prefetch", entries_left)
        if today is not None:
            found = _limited(found, templates.get(key, ""), today)
        if key not in templates and isinstance(found, Arrival):
            # Misspelt, perhaps. What it brought counts; what it did not proves nothing.
            found = msgspec.structs.replace(found, complete=False, incomplete=Absence.UNPUBLISHED)
        arrivals[key] = found
    for key in templates:
        outside = key == "encounter" and not encounter
        arrivals.setdefault(key, Unavailable(key, Absence.OUTSIDE if outside else Absence.NOT_DELIVERED))
    if draft_orders is not None:
        arrivals["draftOrders"] = arrival(
            "draftOrders", bytes(draft_orders), "", patient, "context", entries_left
        )
    if encounter and "encounter" in arrivals:
        arrivals["encounter"] = of_the_encounter(arrivals["encounter"], encounter)
    return Evidence(arrivals, encounter, server)


def _limited(found: Arrival | Unavailable, template: str, today: date) -> Arrival | Unavailable:
    """A list that was asked for since a day is complete from that day on, and says nothing before it.

    Whether the client left the date out cannot be seen; to take the list for limited is safe.
    """
    since = _SINCE.search(template)
    if since is None or isinstance(found, Unavailable) or not found.complete:
        return found
    back_to = today - timedelta(days=int(since[1]))
    return msgspec.structs.replace(found, complete=False, incomplete=Absence.LIMITED, back_to=back_to)


def of_the_encounter(found: Arrival | Unavailable, encounter: str) -> Arrival | Unavailable:
    """What the key `encounter` brought, without any other encounter than that of the context."""
    if isinstance(found, Unavailable):
        return found
    kept = tuple(
        item
        for item in found.items
        if not isinstance(item.resource, Encounter) or item.resource.id in (None, encounter)
    )
    if len(kept) == len(found.items):
        return found
    return msgspec.structs.replace(found, items=kept, complete=False, incomplete=Absence.OTHER_ENCOUNTER)


def arrival(
    key: str,
    raw: bytes,
    template: str,
    patient: str,
    origin: Origin,
    entries_left: EntriesLeft | None = None,
) -> Arrival | Unavailable:
    """What one key delivered."""
    text = raw.strip()
    if text == b"null":
        return Arrival(key, origin)
    if text[:1] != b"{":
        raise Failure(
            Kind.INCORRECT,
            "must be a FHIR resource, a Bundle or null",
            where=f"prefetch.{key}",
            todo="leave the key out when there is nothing to send",
        )
    bundle = bundles.opened(text)
    if bundle is None:
        return Unavailable(key, Absence.UNREADABLE)
    if bundle.resourceType == "OperationOutcome":
        return Unavailable(key, CLIENT_ERROR)
    entries_left = entries_left or EntriesLeft()
    entries_left.spend(len(bundle.entry))
    whose = Whose(patient, key, bundle.entry)
    found = _sorted_out(key, bundle, template, whose, origin, entries_left)
    if key == "encounter" and isinstance(found, Arrival):
        found = _with_its_own_reasons(found, whose)
    if bundle.resourceType != "Bundle" and "?" in template and isinstance(found, Arrival):
        # One resource is no answer to a search: nothing says that there are no others.
        return msgspec.structs.replace(found, complete=False, incomplete=Absence.NO_LIST)
    return found


def _with_its_own_reasons(found: Arrival, whose: Whose) -> Arrival:
    items, others = [], found.other_patient
    for item in found.items:
        if isinstance(item.resource, Encounter) and item.resource.contained:
            encounter, inside = whose.reasons_sorted_out(item.resource)
            others += inside
            items.append(msgspec.structs.replace(item, resource=encounter))
        else:
            items.append(item)
    # One encounter was asked for, by its id: if it is another patient's, its reasons are not known.
    incomplete = found.incomplete or (Absence.OTHER_PATIENT if others else "")
    return msgspec.structs.replace(
        found,
        items=tuple(items),
        other_patient=others,
        complete=not incomplete,
        incomplete=incomplete,
    )


def _sorted_out(
    key: str,
    bundle: Bundle,
    template: str,
    whose: Whose,
    origin: Origin,
    entries_left: EntriesLeft,
) -> Arrival | Unavailable:
    items: list[Item] = []
    unread: list[Unread] = []
    others = matched = 0
    doubt: Absence | None = None  # whose something is cannot be told, so absence cannot either
    failed = False
    for number, entry in enumerate(bundle.entry):
        if entry.resource is msgspec.UNSET:
            continue
        found, lost = _resource(entry.resource, origin, template)
        unread.extend(lost)
        if isinstance(found, OperationOutcome):
            failed |= any(issue.severity in _SERIOUS for issue in found.issue)
            continue
        matched += entry.search is None or entry.search.mode != "include"
        if isinstance(found, Ignored):
            continue
        if isinstance(found, Unread):
            unread.append(found)
        elif whose.is_of_another(found):
            others += 1
            doubt = doubt or whose.doubt(found)
        elif whose.holds_another(found):
            others += 1
            doubt = doubt or Absence.CONTAINED
        else:
            entries_left.spend(parts(found))
            ref = _reference(found, entry.fullUrl, key, number)
            items.append(Item(found, ref, key, entry.fullUrl or ""))
    if failed and not matched:
        return Unavailable(key, CLIENT_ERROR)
    incomplete = _why_incomplete(matched, bundle, template, unread)
    if failed:  # what did arrive can raise an alarm; what is absent means nothing
        incomplete = CLIENT_ERROR
    incomplete = incomplete or doubt or ""
    dated = incomplete == Absence.CUT and "_sort=-date" in template and doubt is None
    return Arrival(
        key=key,
        origin=origin,
        items=tuple(items),
        complete=not incomplete,
        back_to=_oldest(items) if dated else None,
        incomplete=incomplete,
        unread=tuple(unread),
        other_patient=others,
    )


def _resource(
    raw: msgspec.Raw, origin: Origin, template: str
) -> tuple[AnyResource | Ignored | Unread, tuple[Unread, ...]]:
    """One resource, and what is lost of it or with it although it is no error."""
    if origin == "context":
        order, odd = decoding.order(raw)
        if isinstance(order, Ignored) and order.type in _ORDERS_OF_OLD:
            return order, (Unread(order.type, order.id, "not an order of R4"),)
        return order, () if odd is None else (odd,)
    found = decoding.decode(raw)
    if isinstance(found, Ignored) and "?" in template and found.type not in _COMPANIONS:
        return found, (Unread(found.type, "", "not of a type that was asked for"),)
    return found, ()


def _why_incomplete(matched: int, bundle: Bundle, template: str, unread: list[Unread]) -> str:
    count = _COUNT.search(template)
    if isinstance(bundle, Odd) or any(one.code is None for one in unread):
        return Absence.UNREADABLE_RESOURCE  # before the count: it may be of any date
    if count is not None and matched >= int(count[1]):
        return Absence.CUT  # before the link, which such a list has: it is known back to a day
    if any(link.relation == "next" for link in bundle.link):
        return Absence.MORE_PAGES
    if bundle.total is not None and bundle.total > matched:
        return Absence.FEWER
    return ""


def _oldest(items: list[Item]) -> date | None:
    days = []
    for text in {getattr(item.resource, "effectiveDateTime", None) for item in items}:
        span = dates.parse(text, UTC)
        if span is None:
            return None  # one undated entry, and the order of the list is not known
        days.append(span.end.date())
    return min(days, default=None)


def _reference(resource: AnyResource, full_url: str | None, key: str, number: int) -> str:
    kind = str(resource.__struct_config__.tag)
    if resource.id:
        return f"{kind}/{resource.id}"
    return full_url or f"{key}#{number}"
