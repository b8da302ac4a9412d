"""Patients made out of the rule base's own content, so that a new rule is covered the day it is there.

A level of a rule is chosen and aimed at: its criterion is taken apart down to the facts at the bottom,
and for each an entry is made that ought to make it true (or false). Then other entries are added, some
entries are spoilt, and some lists do not arrive. Nothing here says what a rule must answer; the
properties compare answers with each other.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from random import Random
from typing import Any

import msgspec
from hypothesis import strategies as st

from cds_service.decision import Decision, History, Policy, answer
from cds_service.facts.model import FactSet
from cds_service.fhir.evidence import Evidence
from cds_service.hooks import prefetch
from cds_service.hooks.request import Question
from cds_service.hooks.service import Service
from cds_service.rulebase import definitions as kinds
from cds_service.rulebase.criteria import All, Any_, Criterion, Is, NoneOf, Unless
from cds_service.rulebase.model import Rule
from tests.properties.generated_entries import BASE, LISTS, LOCAL, NOW, PATIENT, Json, Maker, at

_exact = msgspec.json.Encoder(decimal_format="number")


class Generated(msgspec.Struct, frozen=True):
    """A patient: the Patient resource, the entries of each list, drafts, and which service is asked."""

    person: Json
    lists: Mapping[str, list[Json]]
    drafts: list[Json]
    service: Service
    without: tuple[str, ...] = ()
    against: frozenset[str] = frozenset()  # ids of the entries that turn a hit into a near miss

    def evidence(self) -> Evidence:
        """Read it as a request is read."""
        values: dict[str, Any] = {"patient": self.person}
        values |= {key: bundle(self.lists.get(key, ())) for key in LISTS}
        sent = {
            key: msgspec.Raw(_exact.encode(value))
            for key, value in values.items()
            if key not in self.without
        }
        ordered = self.service.hook.startswith("order-")
        drafts = msgspec.Raw(_exact.encode(bundle(self.drafts))) if ordered else None
        return prefetch.read(sent, self.service.prefetch, PATIENT, drafts)

    def decision(self, now: datetime = NOW, zone: tzinfo = UTC) -> Decision:
        """Ask every rule about it."""
        question = Question(self.service.id, self.service.hook, "i", PATIENT)
        return answer(question, self.evidence(), BASE, now, zone, History(), Policy())


def bundle(found: Iterable[Json]) -> Json:
    entries = [{"resource": one} for one in found]
    return {"resourceType": "Bundle", "type": "searchset", "entry": entries}


def truths(facts: FactSet) -> dict[str, Any]:
    """Every fact by leg and name: its value, and why it is unknown."""
    return {
        f"{side or 'patient'}: {name}": (fact.value, fact.reason)
        for side, known in facts.sides.items()
        for name, fact in known.items()
    }


def judged(decision: Decision) -> list[tuple[Any, ...]]:
    """Every finding, without what it rests on."""
    return sorted(
        (one.rule, one.side, one.outcome, one.level or 0, one.shown, tuple(sorted(one.missing)))
        for one in decision.findings
    )


def outcomes(decision: Decision) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for one in decision.findings:
        found.setdefault(one.rule, set()).add(one.outcome)
    return found


# --- what ought to be true
Aims = dict[str, bool]


def satisfied(chance: Random, criterion: Criterion, want: bool, aims: Aims) -> None:
    """Add what makes a criterion true, or false; what is aimed at already stays."""
    match criterion:
        case Is(fact=name):
            aimed(chance, name, want, aims)
        case Unless() if want and chance.random() < 0.8:
            return  # what is not on record is enough
        case NoneOf(of=parts) | Unless(of=parts):
            satisfied(chance, Any_(parts), not want, aims)
        case All(of=parts) | Any_(of=parts):
            every = isinstance(criterion, All) is want
            for part in parts if every else [chance.choice(parts)]:
                satisfied(chance, part, want, aims)


def aimed(chance: Random, name: str, want: bool, aims: Aims) -> None:
    """Add what makes a fact true, or false."""
    match BASE.facts[name]:
        case kinds.GroupFact(when=when):
            satisfied(chance, when, want, aims)
        case kinds.CountFact(of=of, at_least=least) | kinds.AnsweredFact(of=of, at_least=least):
            for one in chance.sample(of, least) if want else of:
                aimed(chance, one, want, aims)
        case kinds.DurationFact(of=of):
            aims.setdefault(name, want)  # how long ago; `of` says what
            aimed(chance, chance.choice(of), True, aims)
        case kinds.ScoreFact(table=table):
            for item in BASE.scores[table].items:
                aimed(chance, item.fact, chance.random() < 0.5, aims)
        case _:
            aims.setdefault(name, want)


_COMPOSED = kinds.GroupFact | kinds.CountFact | kinds.AnsweredFact | kinds.ScoreFact | kinds.DurationFact
_NO_ENTRY = _COMPOSED | kinds.RegionFact  # the region is a setting of the service
BOTTOM = tuple(name for name, one in BASE.facts.items() if not isinstance(one, _NO_ENTRY))
LEVELS = tuple((rule.id, number) for rule in BASE.rules.values() for number in range(len(rule.levels)))


# --- patients
def patient_for(aim: tuple[str, int], chance: Random, *, missed: bool = False) -> Generated:
    """A patient at whom a level of a rule is aimed, with other entries and some that are spoilt.

    With `missed`, one fact on which the level rests is aimed the other way.
    """
    rule = BASE.rules[aim[0]]
    aims: Aims = {}
    satisfied(chance, rule.levels[aim[1]].when, True, aims)
    amiss = chance.choice(list(aims)) if missed else ""
    aims |= {name: not want for name, want in aims.items() if name == amiss}
    maker = Maker(chance)
    for name, want in aims.items():
        definition = BASE.facts[name]
        if isinstance(definition, kinds.DurationFact):
            maker.began(definition, want)
    against: set[str] = set()
    for name, want in aims.items():
        known = len(maker.made)
        maker.make(name, want)
        against |= {one["id"] for _, one in maker.made[known:] if name == amiss}
    maker.onset = None
    for _ in range(chance.randrange(4)):
        maker.make(chance.choice(BOTTOM), chance.random() < 0.7)
    lists: dict[str, list[Json]] = {key: [] for key in LISTS}
    contested, damaged = chance.random() < 0.4, chance.random() < 0.4
    for key, resource in maker.made:
        spoilt = damaged and chance.random() < 0.12
        lists[key].append(chance.choice(_SPOILS)(resource) if spoilt else resource)
        if contested and chance.random() < 0.25:
            second = rival(chance, resource) | {"id": f"{resource['id']}-rival"}
            lists[key].append(second)
    lost = tuple(chance.sample(_OPTIONAL, 2)) if chance.random() < 0.15 else ()
    service = _service(chance, rule, maker.hook)
    return Generated(maker.person, lists, maker.drafts, service, lost, frozenset(against))


# A seed for each: choices that hypothesis makes one by one come out far less varied, and few rules would
# fire. The price is that a counterexample is not made smaller; but a patient has few entries.
CHANCES: st.SearchStrategy[Random] = st.builds(Random, st.binary(min_size=8, max_size=8))
PATIENTS: st.SearchStrategy[Generated] = st.builds(patient_for, st.sampled_from(LEVELS), CHANCES)
NEAR_MISSES: st.SearchStrategy[Generated] = st.builds(
    patient_for, st.sampled_from(LEVELS), CHANCES, missed=st.just(True)
)
_OPTIONAL = tuple(key for key in LISTS if key != "conditions")


def _service(chance: Random, rule: Rule, hook: str) -> Service:
    served = [one for one in BASE.services.values() if one.hook in ({hook} if hook else rule.hooks)]
    return chance.choice(served or list(BASE.services.values()))


_DATES = (
    *("onsetDateTime", "recordedDate", "effectiveDateTime", "effectivePeriod", "issued", "authored"),
    *("authoredOn", "performedDateTime"),
)


def undated(resource: Json) -> Json:
    return {key: value for key, value in resource.items() if key not in _DATES}


def to_come(resource: Json) -> Json:
    return {
        key: at(-3) if key in _DATES and key != "effectivePeriod" else value
        for key, value in resource.items()
    }


def without_unit(resource: Json) -> Json:
    if "valueQuantity" not in resource:
        return resource
    return resource | {"valueQuantity": {"value": resource["valueQuantity"]["value"]}}


def below(resource: Json) -> Json:
    if "valueQuantity" not in resource:
        return resource
    return resource | {"valueQuantity": resource["valueQuantity"] | {"comparator": "<"}}


def preliminary(resource: Json) -> Json:
    return resource | {"status": "preliminary"}


def entered_in_error(resource: Json) -> Json:
    """The entry withdrawn, in the way of its type."""
    if resource["resourceType"] == "Condition":
        return resource | {"verificationStatus": {"coding": [{"code": "entered-in-error"}]}}
    return resource | {"status": "entered-in-error"}


def rival(chance: Random, resource: Json) -> Json:
    """What says something else about the same thing at the same time."""
    if "clinicalStatus" in resource:
        active = resource["clinicalStatus"]["coding"][0]["code"] in ("active", "recurrence")
        status = {"coding": [{"code": "resolved" if active else "active"}]}
        return resource | {"clinicalStatus": status, "onsetDateTime": at(0)}
    if "medicationCodeableConcept" in resource:
        now_is = "stopped" if resource["status"] == "active" else "active"
        return resource | {"status": now_is, "authoredOn": at(0), "effectiveDateTime": at(0)}
    if "valueBoolean" in resource:
        return resource | {"valueBoolean": not resource["valueBoolean"]}
    if "valueQuantity" in resource and chance.random() < 0.6:
        measured = resource["valueQuantity"]
        times = Decimal(chance.choice(["0.5", "0.8", "1.3", "2"]))
        twin = resource | {"valueQuantity": measured | {"value": measured["value"] * times}}
        return twin | chance.choice([{}, {"note": [{"text": "haemolysed"}]}])
    if "valueCodeableConcept" in resource:
        said = {"coding": [{"system": LOCAL, "code": chance.choice(["normal", "absent", "no", "odd"])}]}
        return resource | {"valueCodeableConcept": said}
    return chance.choice(_SPOILS)(resource)


_SPOILS = (undated, to_come, without_unit, below, preliminary, entered_in_error)
