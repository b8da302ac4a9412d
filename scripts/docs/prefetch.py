"""docs/reference/prefetch.md: the prefetch keys, from `cards/services.yaml` and what the facts read."""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from cds_service.decision import assess
from cds_service.facts.lookback import lookback
from cds_service.fhir.evidence import Evidence
from cds_service.hooks import necessary, prefetch
from cds_service.hooks.service import Service, dated
from cds_service.rulebase.criteria import facts_in
from cds_service.rulebase.model import Rule, RuleBase
from scripts.docs import markdown
from scripts.docs.content import NotSaid, rule_base, short

INTRODUCTION = """\
For integrators: what an EHR sends with each call. An EHR that reads discovery (`GET /cds-services`)
finds the same queries there. Where they are typed in by hand, such as in Epic's advisory record,
copy key and query from the table of the service, letter by letter: keys tell capital and small
letters apart, a query has no blank in it, and `{{context.patientId}}` and `{{context.encounterId}}`
stay as they are, for the EHR to fill in."""
RULES_OF_ARRIVAL = """\
- **A key that is left out is survivable, but for {necessary}.** Without one of those the call is
  refused with [412](failures.md#unobtainable). Without another, what it feeds is unknown, and
  unknown is not normal: a card names what it lacks, and no card is no all-clear.
- **Nothing found is an answer.** Send an empty Bundle, or `null`: only so does "not on record"
  come to be known. For `patient` it is none.
- **One page.** A list that is as long as its `_count`, or has a `next` link, was cut off. What
  did arrive may raise an alarm; what is missing proves nothing, except in a list sorted by date,
  for a time that it covers. Where the service [may fetch](../fetching.md), it asks for the other
  pages, and for keys that are left out.
- **No other filter.** A query that a site narrows (by status, by code, by department) makes the
  record look emptier than it is, and the service cannot see that. Conditions, above all, are
  never limited by status.
- A query with an element that the EHR does not offer can be left out as a whole; a narrower one
  in its place is worse.
- The patient of every resource must be that of the call. What belongs to another is dropped, and
  counted."""
COUNTED = """\
**Scopes** are SMART on FHIR's, of version 2 (`.rs`) and 1 (`.read`); where a user's rights decide,
`user/` stands in place of `patient/`. The EHR that fills prefetch needs the right to read these
resources for the service, and so does the token in `fhirAuthorization` where the service is to fetch
what is missing. Epic names its APIs instead: take the search (or, for a query with an id, the read)
of the resource in R4.

How much hangs on a key is counted, not estimated: each fact of the rule base was asked of a patient
of whom nothing is recorded, in an encounter, once with every key delivered, and once with this one
left out."""
# What a person should know of a key beside its query. `page` refuses a key that is not here.
READ_FOR: Mapping[str, str] = {
    "patient": "Age, sex, death. The id must be that of the call.",
    "conditions": (
        "Complaints, diseases, risks, exclusions, with onset and side. Problems of all statuses: "
        "one that is resolved, refuted or entered in error must be told from one that was never "
        "there."
    ),
    "laboratory": "Values, with their units and samples; and whether a test was done.",
    "specimens": (
        "What a laboratory says of a sample: haemolysed, lipaemic, from a drip arm. Without it a value "
        "from a spoilt sample passes for a good one, unless the result itself says so: where samples "
        "are never sent, a value counts as it stands. But where the key arrives as an error, cut off "
        "or with a Specimen that cannot be read, a value that names a sample which did not arrive "
        "reassures nobody; it still raises an alarm."
    ),
    "vitals": "Values that are filed as vital signs.",
    "findings": (
        "What was asked and examined: pulses, skin, sensation, how and when a complaint began. EHRs "
        "file these under many categories; the query names all that can matter."
    ),
    "medicationRequests": (
        "Prescriptions that are open or on hold. A medicine is known by its RxNorm ingredient or its "
        "ATC code. One coded by dose and form alone, or in words, counts as not taken; cards that "
        "rest on that name it as not recognised. Where the medicine is a reference, the "
        "Medication must be contained, or come in the same Bundle (an include may add it, where the "
        "server can): while one current medicine names nothing, none counts as not taken."
    ),
    "medicationRequestsEnded": (
        "Prescriptions that were stopped or completed: a medicine that ended lately, and when one was "
        'first prescribed. Without it "not since before the symptom" is not known.'
    ),
    "medicationStatements": (
        "Medicines that the patient is said to take. Both lists of medicines must arrive before any "
        "medicine counts as not taken."
    ),
    "procedures": "Operations, and tests that were filed as procedures.",
    "serviceRequests": "Orders that are open: one that is open already is not offered again.",
    "diagnosticReports": "Tests that were reported as a whole, without single values.",
    "devices": "Implants, for the safety of magnetic resonance imaging.",
    "encounter": (
        "The reason of the present encounter, which counts as a current complaint: a coded one, or the "
        "Condition that it refers to. A reason in text alone starts nothing. Outside an encounter there "
        "is none: leave the key out."
    ),
    "questionnaireResponses": "Answers of patient or staff to the questions that the cards offer.",
}
# Beyond the resource that a query names: what its entries refer to and cannot be understood without.
ALSO: Mapping[str, tuple[str, ...]] = {
    "medicationRequests": ("Medication",),
    "medicationRequestsEnded": ("Medication",),
    "medicationStatements": ("Medication",),
}
RELATIVE = """\
Some clients put the day in: `today()` in a template is a token of CDS Hooks 3.0, and the public
sandbox resolves it. For them the service can ask for less of the lists that are long:
`CDS_RELATIVE_DATES=1`, or `relative-dates: true` in the client's entry. Then discovery has:"""
RELATIVE_MEANS = """\
The days are worked out from the rule base: the longest time that any fact looks back into the list,
"ever" left out, and some days more. So nothing changes for a fact with a window. One that asks about a
lifetime (was an ankle-brachial index *ever* measured?) no longer takes what is absent for "never": it
is unknown beyond that day, and `not-read` says `limited-by-date`. A result without a date is not found
by such a query. A client that does not resolve the token gets an error or everything from its FHIR
server; both are survived, and everything counts as if it went back so far.

Do not type these in by hand: a day that is typed in stays the same day."""
EMPTY = b'{"resourceType":"Bundle","type":"searchset"}'
SINGLE = {
    "patient": b'{"resourceType":"Patient","id":"p","gender":"female","birthDate":"1960-01-01"}',
    "encounter": b'{"resourceType":"Encounter","id":"e","status":"in-progress"}',
}
NOW = datetime(2026, 1, 1, tzinfo=UTC)  # any: nothing is recorded that could be too old
SHOWN = 6
OUTSIDE = "Only when there is an encounter; a call without `context.encounterId` lacks nothing by it."


def page() -> str:
    """Return the page for the shipped rule base.

    Raises:
        NotSaid: when a key is published of which this page does not know what it is read for.
    """
    found = rule_base()
    keys = list(dict.fromkeys(key for service in found.services.values() for key in service.prefetch))
    if missing := [key for key in keys if key not in READ_FOR]:
        raise NotSaid(f"say in scripts/docs/prefetch.py what {', '.join(missing)} is read for")
    needed = " and ".join(markdown.code(key) for key in necessary.NECESSARY)
    return markdown.page(
        "Prefetch keys",
        "`cards/services.yaml` and `cards/facts/`",
        INTRODUCTION,
        RULES_OF_ARRIVAL.format(necessary=needed),
        "## The queries, service by service",
        *(of_service(service) for service in found.services.values()),
        "## Each key",
        COUNTED,
        *(of_key(key, found) for key in keys),
        "## Relative dates",
        RELATIVE,
        relative(found),
        RELATIVE_MEANS,
    )


def of_service(service: Service) -> str:
    """Return the queries of one service, as discovery gives them."""
    return "\n\n".join(
        [
            f"### {service.id}",
            f"Hook `{service.hook}`. {markdown.plain(service.title)}.",
            markdown.table(
                ("key", "query"),
                [(markdown.code(key), markdown.code(query)) for key, query in service.prefetch.items()],
            ),
        ]
    )


def of_key(key: str, found: RuleBase) -> str:
    """Return what one key is for, and what its absence does."""
    return "\n\n".join(
        [
            f"### {key}",
            markdown.bullets(
                [
                    f"**Query:** {markdown.code(template_of(key, found))}",
                    f"**Asks for:** {asked(key, found)}",
                    f"**Services:** {services_with(key, found)}",
                    f"**Scopes:** {scopes(key, found)}",
                    f"**Read for:** {markdown.plain(READ_FOR[key])}{values_in(key, found)}",
                    f"**Without it:** {without(key, found)}",
                    f"**Empty:** {empty(key)}",
                ]
            ),
        ]
    )


def template_of(key: str, found: RuleBase) -> str:
    """Return the query of a key, which is the same in every service."""
    [template] = {one.prefetch[key] for one in found.services.values() if key in one.prefetch}
    return template


def services_with(key: str, found: RuleBase) -> str:
    """Name the services that have a key, with their hooks."""
    having = [one for one in found.services.values() if key in one.prefetch]
    if len(having) == len(found.services):
        return "all, at every hook"
    return ", ".join(f"{markdown.code(one.id)} ({one.hook})" for one in having)


def scopes(key: str, found: RuleBase) -> str:
    """Name the scopes that the query of a key needs."""
    kinds = (re.split(r"[/?]", template_of(key, found))[0], *ALSO.get(key, ()))
    return "; ".join(
        f"{markdown.code(f'patient/{kind}.rs')} or {markdown.code(f'patient/{kind}.read')}"
        for kind in kinds
    )


def empty(key: str) -> str:
    """Say what an empty answer means, as against none."""
    if key == "patient":
        return "refused with [412](failures.md#unobtainable), as without the key."
    if key == "encounter":
        return "`null` says that there is none to be had; its reason is then known to be none."
    return "an empty Bundle, or `null`, says that the patient has none: that is known, and is an answer."


def relative(found: RuleBase) -> str:
    """Return the queries that relative dates change."""
    service = next(iter(found.services.values()))
    limited = dated(service, lookback(found)).prefetch
    return markdown.table(
        ("key", "query"),
        [
            (markdown.code(key), markdown.code(limited[key]))
            for key in limited
            if limited[key] != service.prefetch[key]
        ],
    )


def values_in(key: str, found: RuleBase) -> str:
    """Name the values that are looked for under a key."""
    labels = sorted(analyte.label for analyte in found.analytes.values() if key in analyte.arrives)
    return f" Values: {'; '.join(markdown.plain(label) for label in labels)}." if labels else ""


def asked(key: str, found: RuleBase) -> str:
    """Say in words what a query asks for."""
    template = template_of(key, found)
    resource = re.split(r"[/?]", template)[0]
    if "?" not in template:
        return f"one {resource}, by its id"
    parts = dict(part.split("=", 1) for part in template.partition("?")[2].split("&"))
    words = [f"{resource} of the patient"]
    words += [
        f"{name} {parts[name].replace(',', ' or ')}" for name in ("category", "status") if name in parts
    ]
    if parts.get("_sort", "").startswith("-"):
        words.append("the newest first")
    return ", ".join([*words, f"at most {parts['_count']}"])


def without(key: str, found: RuleBase) -> str:
    """Say what a request without this key does not know."""
    if key in necessary.NECESSARY:
        return "the call is refused with [412](failures.md#unobtainable)."
    facts = lost(found, key)
    if not facts:
        return "nothing becomes unknown; what it holds is only not seen."
    labels = list(dict.fromkeys(markdown.plain(found.facts[name].label) for name in sorted(facts)))
    named = "; ".join(labels[:SHOWN])
    more = f"; and {len(labels) - SHOWN} more" if len(labels) > SHOWN else ""
    outside = f"{OUTSIDE} " if key == "encounter" else ""
    return (
        f"{outside}{consequence(found, facts)} {len(facts)} of {len(found.facts)} facts can no longer "
        f"be known, or not be known to be absent: {named}{more}."
    )


def consequence(found: RuleBase, facts: Iterable[str]) -> str:
    """Say which rules and which gates of orders name one of these facts."""
    lost_facts = set(facts)
    rules = [short(rule) for rule in found.rules.values() if lost_facts & set(named_by(rule))]
    orders = [
        markdown.plain(order.label)
        for order in found.orders.values()
        if lost_facts & {*order.must_be_clear, *order.blocked_by}
    ]
    quiet = lost_facts & {*found.globals.silent_when, *found.globals.info_silent_when}
    told = [
        f"{', '.join(rules)} may stay undecided or say less."
        if rules
        else "No rule names by itself what is lost.",
        f"Held back: {'; '.join(dict.fromkeys(orders))}." if orders else "",
        "What keeps cards quiet for certain patients is lost too." if quiet else "",
    ]
    return " ".join(filter(None, told))


def named_by(rule: Rule) -> Iterator[str]:
    """Return the facts that the criteria of a rule name, or its question."""
    for level in rule.levels:
        yield from facts_in(level.when)
    if rule.ask is not None:
        yield from rule.ask.facts


def lost(found: RuleBase, key: str) -> list[str]:
    """Return the facts whose value, or the reason why they have none, changes when a key is left out."""
    whole, less = known(found, ""), known(found, key)
    return [name for name in whole if whole[name] != less[name]]


def known(found: RuleBase, left_out: str) -> Mapping[str, Any]:
    """Return what each fact is for a patient of whom nothing is recorded, with one key left out."""
    facts = assess(nothing(found, left_out), found, NOW, UTC, "patient-view")
    return {name: (fact.value, fact.reason) for name, fact in facts.sides[""].items()}


def nothing(found: RuleBase, left_out: str) -> Evidence:
    """Return complete evidence, in an encounter, of which all lists are empty, without one key."""
    service = next(iter(found.services.values()))
    values = {key: msgspec.Raw(SINGLE.get(key, EMPTY)) for key in service.prefetch if key != left_out}
    return prefetch.read(values, service.prefetch, "p", encounter="e")
