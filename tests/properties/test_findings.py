"""What never matters to a finding, and what a loss never does, over the rule base as it is."""

import logging
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from hypothesis import event, given, settings
from hypothesis import strategies as st

from cds_service.facts.model import Reason
from cds_service.hooks.card import Card
from cds_service.rulebase import definitions as kinds
from tests.properties.generated_entries import BASE, LISTS, NOW, PATIENT, Json
from tests.properties.generated_patients import (
    CHANCES,
    LEVELS,
    NEAR_MISSES,
    PATIENTS,
    Generated,
    entered_in_error,
    judged,
    outcomes,
    patient_for,
    rival,
    truths,
)
from tests.properties.losses import quieting


def with_lists(patient: Generated, lists: dict[str, list[Json]]) -> Generated:
    return msgspec.structs.replace(patient, lists=lists)


def test_the_patients_are_strong_enough_to_prove_something() -> None:
    """What is aimed at a rule often makes it fire: else no property below could fail."""
    fired: Counter[str] = Counter()
    made = 0
    for rule, level in LEVELS:
        for number in range(12):
            chance = Random(f"{rule} {number}")  # noqa: S311 - chosen to be repeatable
            found = outcomes(patient_for((rule, level), chance).decision())
            fired[rule] += "fires" in found[rule]
            made += 1
    logging.getLogger(__name__).info("%d patients; the rule aimed at fires: %s", made, dict(fired))
    never = [rule for rule in BASE.rules if not fired[rule]]
    assert fired.total() >= made / 4, fired
    # A new rule may need what no entry can say yet; then it is generated_entries that has to learn it.
    assert len(never) <= len(BASE.rules) / 10, f"patients aimed at these never make them fire: {never}"


@given(PATIENTS)
def test_no_rule_fails_and_no_fact_is_a_fault(patient: Generated) -> None:
    decision = patient.decision()
    for rule, found in outcomes(decision).items():
        event(f"{rule} {'/'.join(sorted(found))}")
        assert "failed" not in found, rule
    reasons = {reason for _, reason in truths(decision.facts).values()}
    assert Reason.FAULT not in reasons


@settings(max_examples=settings().max_examples * 2)  # what ties is rare
@given(PATIENTS, CHANCES)
def test_facts_and_findings_never_depend_on_the_order_of_entries(
    patient: Generated, chance: Random
) -> None:
    lists = {key: chance.sample(found, len(found)) for key, found in patient.lists.items()}
    before, after = patient.decision(), with_lists(patient, lists).decision()

    assert truths(after.facts) == truths(before.facts)
    assert judged(after) == judged(before)


# --- what nobody asks about
def foreign(key: str) -> Iterator[Json]:
    """Yield what a list may hold that no fact is read from."""
    nobody = {"coding": [{"system": "http://example.org/nobody-asks", "code": "n"}], "text": "n"}
    about: Json = {"subject": {"reference": f"Patient/{PATIENT}"}}
    types: dict[str, Json] = {
        "conditions": {"resourceType": "Condition", "code": nobody, "onsetDateTime": "2026-11-01"},
        "procedures": {"resourceType": "Procedure", "status": "completed", "code": nobody},
        "serviceRequests": {
            "resourceType": "ServiceRequest",
            "status": "active",
            "intent": "order",
            "code": nobody,
        },
        "diagnosticReports": {"resourceType": "DiagnosticReport", "status": "final", "code": nobody},
        "devices": {"resourceType": "Device", "status": "active", "type": nobody},
        "questionnaireResponses": {
            "resourceType": "QuestionnaireResponse",
            "status": "completed",
            "item": [{"linkId": "n", "answer": [{"valueBoolean": True}]}],
        },
        "medicationRequests": {
            "resourceType": "MedicationRequest",
            "status": "active",
            "intent": "order",
            "medicationCodeableConcept": nobody,
        },
        "medicationStatements": {
            "resourceType": "MedicationStatement",
            "status": "active",
            "medicationCodeableConcept": nobody,
        },
    }
    measured: Json = {
        "resourceType": "Observation",
        "status": "final",
        "code": nobody,
        "valueInteger": 3,
    }
    yield types.get(key, measured) | about
    yield {"resourceType": "Provenance", "id": "who-wrote-it"}


@given(PATIENTS, CHANCES)
def test_what_nobody_asks_about_changes_nothing(patient: Generated, chance: Random) -> None:
    lists = {}
    for key in LISTS:
        found = patient.lists[key]
        withdrawn = [entered_in_error(one) for one in found if chance.random() < 0.5]
        added = [*foreign(key), *withdrawn]
        lists[key] = list(found)
        for number, one in enumerate(added):
            place = chance.randint(0, len(lists[key]))
            lists[key].insert(place, one | {"id": f"added-{key}-{number}"})
    before, after = patient.decision(), with_lists(patient, lists).decision()

    assert truths(after.facts) == truths(before.facts)
    assert judged(after) == judged(before)
    assert [(one.summary, told(one)) for one in after.cards] == [
        (one.summary, told(one)) for one in before.cards
    ]


# The one thing that is said of it: a medicine that no code set recognises may be any medicine.
_MEDICINES = re.compile(r"(\n\n\*\*Not known\*\* M|; m)edicines not recognised: [^.;]*\.?")


def told(card: Card) -> str:
    return _MEDICINES.sub("", card.detail).replace(".", "")


# --- what is lost
def topics(resource: Json) -> set[str]:
    """Every code set that an entry says something about; where on the body is no topic."""
    found: set[str] = set()

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            matches = BASE.terminology.matches(value.get("system"), value.get("code"))
            found.update(one.set for one in matches)
            local = BASE.terminology.matches(BASE.systems["local"][0], value.get("linkId"))
            found.update(one.set for one in local)
            for inner in value.values():
                walk(inner)
        elif isinstance(value, list):
            for inner in value:
                walk(inner)

    walk({key: one for key, one in resource.items() if key != "bodySite"})
    return found


def said_of(about: set[str], every: list[Json]) -> set[str]:
    """Return the topics that cannot be taken away without one another: some entry speaks about both."""
    found = set(about)
    while more := {name for one in every if topics(one) & found for name in topics(one)} - found:
        found |= more
    return found


def unlost(before: Generated, after: Generated, lost: set[str], *, absent: bool) -> None:
    """Check that nothing fires which did not fire before, but for what lost its exception."""
    was, now = outcomes(before.decision()), outcomes(after.decision())
    for rule in BASE.rules:
        if "fires" not in was[rule] and not lost & quieting(rule, absent=absent):
            event(f"{rule}: {'/'.join(sorted(was[rule]))} stays quiet")
            assert "fires" not in now[rule], (rule, was[rule], sorted(lost))


@given(st.one_of(NEAR_MISSES, NEAR_MISSES, PATIENTS), CHANCES)
def test_taking_away_all_that_is_said_of_one_thing_makes_no_rule_fire(
    patient: Generated, chance: Random
) -> None:
    every = [one for found in patient.lists.values() for one in found]
    if not every:
        return
    chosen = [one for one in every if one["id"] in patient.against] or every
    lost = said_of(topics(chance.choice(chosen)), every)
    lists = {
        key: [one for one in found if not topics(one) & lost] for key, found in patient.lists.items()
    }
    unlost(patient, with_lists(patient, lists), lost, absent=True)


@given(st.one_of(NEAR_MISSES, NEAR_MISSES, PATIENTS), CHANCES)
def test_a_list_that_does_not_arrive_makes_no_rule_fire(patient: Generated, chance: Random) -> None:
    held = {key: {one["id"] for one in found} for key, found in patient.lists.items()}
    keys = [key for key in LISTS if key != "conditions"]
    key = chance.choice([one for one in keys if held[one] & patient.against] or keys)
    if key in patient.without:
        return
    lost = {name for one in patient.lists[key] for name in topics(one)}
    without = msgspec.structs.replace(patient, without=(*patient.without, key))
    unlost(patient, without, lost, absent=False)


_PRESENCE = kinds.ConditionFact | kinds.MedicationFact | kinds.DraftFact


@given(PATIENTS, CHANCES)
def test_a_second_entry_that_says_otherwise_hides_no_condition_medicine_or_draft(
    patient: Generated, chance: Random
) -> None:
    """One diagnosis resolved, or one prescription stopped, says nothing of another that goes on."""
    keys = ("conditions", "medicationRequests", "medicationStatements", "procedures", "devices")
    places = [(key, one) for key in keys for one in patient.lists[key]]
    if not places:
        return
    key, entry = chance.choice(places)
    second = rival(chance, entry) | {"id": "second"}
    contested = with_lists(patient, {**patient.lists, key: [*patient.lists[key], second]})
    one, both = truths(patient.decision().facts), truths(contested.decision().facts)
    for name, (value, _) in one.items():
        if isinstance(BASE.facts[name.split(": ")[1]], _PRESENCE) and value is True:
            assert both[name][0] is True, name


# --- which day it is
_ISO = re.compile(r"^\d{4}-\d\d-\d\d")


def moved(value: Any, by: timedelta, *, days: bool) -> Any:
    """The record with every moment moved; dates without a clock time only by whole days."""
    if isinstance(value, dict):
        return {key: moved(inner, by, days=days) for key, inner in value.items()}
    if isinstance(value, list):
        return [moved(inner, by, days=days) for inner in value]
    if isinstance(value, str) and _ISO.match(value):
        if len(value) == 10:
            return (datetime.fromisoformat(value) + by).date().isoformat() if days else value
        return (datetime.fromisoformat(value) + by).isoformat()
    return value


def at_another_time(patient: Generated, by: timedelta, *, days: bool) -> Generated:
    lists = {key: moved(found, by, days=days) for key, found in patient.lists.items()}
    person = moved(patient.person, by, days=days)
    return msgspec.structs.replace(patient, person=person, lists=lists)


@given(PATIENTS, st.integers(min_value=-3000, max_value=3000))
def test_moving_every_date_and_now_by_whole_days_changes_nothing(patient: Generated, days: int) -> None:
    """In UTC, which has no change of clocks: there a day is 24 hours, and every window moves along."""
    by = timedelta(days=days)
    before, after = patient.decision(), at_another_time(patient, by, days=True).decision(NOW + by)

    assert truths(after.facts) == truths(before.facts)
    assert judged(after) == judged(before)


@given(PATIENTS, st.integers(min_value=-13 * 60, max_value=13 * 60))
def test_moving_every_moment_now_and_the_zone_by_the_same_minutes_changes_nothing(
    patient: Generated, minutes: int
) -> None:
    """Windows in days are calendar days of the zone, so its clock has to move too.

    Three hours later in a zone three hours behind it is the same time of the same day. A date without
    a clock time is that day there, and stays.
    """
    by = timedelta(minutes=minutes)
    before = patient.decision()
    later = at_another_time(patient, by, days=False)
    after = later.decision(NOW + by, timezone(-by))

    assert truths(after.facts) == truths(before.facts)
    assert judged(after) == judged(before)


def in_hours(name: str) -> bool:
    """Whether some window in hours decides a fact, directly or through others."""
    definition = BASE.facts[name]
    windows = [getattr(definition, one, "") for one in ("within", "clears_within", "shorter_within")]
    if any(one and BASE.thresholds[one].unit == "h" for one in windows):
        return True
    return isinstance(definition, kinds.GroupFact | kinds.CountFact | kinds.ScoreFact)


BERLIN = ZoneInfo("Europe/Berlin")
LOCAL_CLOCK = re.compile(r"T(\d\d:\d\d:\d\d)(Z|[+-]\d\d:\d\d)$")


def without_offsets(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_offsets(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [without_offsets(inner) for inner in value]
    return LOCAL_CLOCK.sub(r"T\1", value) if isinstance(value, str) else value


# From 22 November: to just after the clocks of Berlin went forward, after they went back, or anywhere.
_DAYS = st.one_of(
    st.integers(min_value=127, max_value=133),
    st.integers(min_value=-28, max_value=-22),
    st.integers(min_value=-400, max_value=400),
)


@given(PATIENTS, _DAYS)
def test_windows_in_days_do_not_notice_a_change_of_clocks(patient: Generated, days: int) -> None:
    """In a zone with summer time, by days of the wall clock: only windows in hours may differ."""
    by = timedelta(days=days)
    local = msgspec.structs.replace(patient, lists=without_offsets(dict(patient.lists)))
    now = NOW.replace(hour=9, minute=45)  # a quarter of an hour after the latest entry
    before = local.decision(now.replace(tzinfo=BERLIN), BERLIN)
    later = (now + by).replace(tzinfo=BERLIN)
    after = at_another_time(local, by, days=True).decision(later.astimezone(UTC), BERLIN)

    was, found = truths(before.facts), truths(after.facts)
    assert was.keys() == found.keys()
    for name, known in was.items():
        if not in_hours(name.split(": ")[1]):
            assert found[name] == known, name
