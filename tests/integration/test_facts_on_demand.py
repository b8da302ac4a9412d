"""Reading facts on demand, and sharing those of an empty record, changes no fact of any patient."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import cache
from typing import Any

import msgspec
import pytest

from cds_service import content, fitness
from cds_service.cases import fixtures
from cds_service.decision import assess
from cds_service.facts.assessment import Reader
from cds_service.facts.model import FactSet
from cds_service.facts.record import Record
from cds_service.facts.shared import MOST, shared_by
from cds_service.fhir.evidence import Arrival, Evidence
from cds_service.hooks import prefetch
from cds_service.hooks import request as requests
from cds_service.hooks.service import Service
from cds_service.rulebase.model import RuleBase

FOLDER = content.folder("fhir_fixtures")
NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
LONG_AGO = datetime(2011, 3, 1, 23, 30, tzinfo=UTC)
FAR_EAST = timezone(timedelta(hours=14))


@cache
def rule_base() -> RuleBase:
    return fitness.load(content.texts(content.folder("cards")), locked=False)


def evidence_of(name: str, service: Service) -> Evidence:
    body = fixtures.encoded(fixtures.hook_request(fixtures.load(FOLDER, name), service, now=NOW))
    request = requests.parse(body, service=service.id, hook=service.hook)
    question = request.question
    return prefetch.read(
        request.prefetch,
        service.prefetch,
        question.patient,
        request.draft_orders,
        question.encounter,
    )


def without(evidence: Evidence, *keys: str) -> Evidence:
    return Evidence({key: one for key, one in evidence.arrivals.items() if key not in keys})


def incomplete(evidence: Evidence) -> Evidence:
    return Evidence(
        {
            key: msgspec.structs.replace(one, complete=False, incomplete="more-pages")
            if isinstance(one, Arrival) and key != "patient"
            else one
            for key, one in evidence.arrivals.items()
        }
    )


def read_one_by_one(
    evidence: Evidence, facts: FactSet, hook: str, now: datetime, zone: tzinfo
) -> dict[str, Any]:
    """Read every fact straight from the record, in the order of the content."""
    reader = Reader(Record(evidence, rule_base(), now, zone), hook)
    return {side: {name: reader.fact(name, side) for name in rule_base().facts} for side in facts.sides}


@pytest.mark.parametrize("name", fixtures.names(FOLDER))
def test_every_fact_is_the_one_read_straight_from_the_record(name: str) -> None:
    for service in rule_base().services.values():
        whole = evidence_of(name, service)
        for evidence in (whole, without(whole, "laboratory", "encounter"), incomplete(whole)):
            # What is shared was worked out at another time, in another zone, for somebody else.
            dict(assess(evidence, rule_base(), LONG_AGO, FAR_EAST, service.hook).sides[""])
            facts = assess(evidence, rule_base(), NOW, UTC, service.hook)
            expected = read_one_by_one(evidence, facts, service.hook, NOW, UTC)
            assert {side: dict(known) for side, known in facts.sides.items()} == expected


@pytest.mark.parametrize("name", fixtures.names(FOLDER))
def test_legs_are_told_apart_wherever_some_fact_rests_on_one(name: str) -> None:
    service = rule_base().services_for("patient-view")[0]
    evidence = evidence_of(name, service)
    facts = assess(evidence, rule_base(), NOW, UTC, service.hook)
    told = any(one.side for fact in facts.sides[""].values() for one in fact.data)
    assert bool(facts.legs) is told


def test_most_facts_of_a_patient_are_shared_with_others() -> None:
    service = rule_base().services_for("patient-view")[0]
    two = [
        assess(evidence_of(name, service), rule_base(), NOW, UTC, service.hook)
        for name in ("k-2-4", "k-3-5")
    ]
    shared = [name for name in rule_base().facts if two[0].fact(name) is two[1].fact(name)]
    assert len(shared) > len(rule_base().facts) / 2
    assert "leg-symptom" not in shared


def arriving(number: int) -> Evidence:
    """One of many ways of arriving."""
    return Evidence({f"list-{number}": Arrival(f"list-{number}", "prefetch", complete=True)})


def test_a_new_way_of_arriving_is_shared_however_many_there_were_before() -> None:
    base = msgspec.structs.replace(rule_base())
    for number in range(MOST + 10):
        assess(arriving(number), base, NOW, UTC, "patient-view")
    last = [assess(arriving(1000), base, NOW, UTC, "patient-view") for _ in range(2)]

    assert last[0].fact("leg-symptom") is last[1].fact("leg-symptom")
    assert len(shared_by(base)) == MOST


def test_a_way_of_arriving_that_is_in_use_stays() -> None:
    base = msgspec.structs.replace(rule_base())
    first = assess(arriving(0), base, NOW, UTC, "patient-view").fact("leg-symptom")
    for number in range(1, 2 * MOST):
        assess(arriving(number), base, NOW, UTC, "patient-view")
        assert assess(arriving(0), base, NOW, UTC, "patient-view").fact("leg-symptom") is first


def test_many_threads_at_once_keep_the_bound() -> None:
    base = msgspec.structs.replace(rule_base())

    def ask(number: int) -> bool | None:
        return assess(arriving(number % 90), base, NOW, UTC, "patient-view").value("leg-symptom")

    with ThreadPoolExecutor(8) as threads:
        assert len(set(threads.map(ask, range(720)))) == 1
    assert len(shared_by(base)) == MOST
