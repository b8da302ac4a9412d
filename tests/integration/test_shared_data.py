"""Real-world records that others wrote, through the hooks over HTTP: nothing breaks, all is said.

The data are not part of the project; `real_records` says what they are made into. How often each rule
fires, is silent or is unknown is written to `.pytest_cache/d/real-records/counts.md`, and is logged with
`--log-cli-level=INFO`.
"""

import json
import logging
import random
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from fhir.resources.R4B import get_fhir_model_class
from pydantic import ValidationError

from cds_service import content, fitness
from cds_service.decision import assess
from cds_service.facts.model import Reason
from cds_service.fhir.decoding import KNOWN
from cds_service.hooks import prefetch
from cds_service.hooks import request as envelopes
from cds_service.hooks.service import Service
from cds_service.rulebase.model import RuleBase
from tests.integration import real_records
from tests.integration.conftest import Server
from tests.integration.real_records import Json, delivered, named

pytestmark = [pytest.mark.server, pytest.mark.shared_data]

SEEDS = range(4)
# What servers add to a search of their own accord; no fact is read from them, and nothing is missing.
COMPANIONS = frozenset({"CareTeam", "CarePlan", "Location", "Organization", "Practitioner"})
COMPANIONS |= {"RelatedPerson", "Provenance", "PractitionerRole"}
Said = Counter[tuple[str, str]]


@pytest.fixture(scope="module")
def patients(shared_data: Path) -> dict[str, Json]:
    found = real_records.patients(shared_data)
    assert len(found) >= 30
    return found


@pytest.fixture(scope="module")
def rule_base() -> RuleBase:
    return fitness.load(content.texts(content.folder("cards")))


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as one:
        yield one


def answer_to(body: Json, server: Server, service: Service, session: requests.Session) -> Json:
    """Post a request; the answer, which is none of a service that failed."""
    address = f"http://127.0.0.1:{server.port}/cds-services/{service.id}"
    answer = session.post(address, json=body, timeout=30)
    assert answer.status_code == 200, answer.text[:300]
    found: Json = answer.json()
    return found


def lines(answer: Json, rule_base: RuleBase) -> list[Json]:
    """The evaluation: every rule, and none that failed."""
    found: list[Json] = answer["extension"]["org.heavylegs.evaluation"]
    assert {line["id"] for line in found} == set(rule_base.rules)
    assert {line["outcome"] for line in found} <= {"fires", "silent", "unknown"}
    return found


def not_read(answer: Json) -> Said:
    """What the answer says it had to do without, incomplete lists and absent keys apart.

    Nor the dates of birth and death, which are moved about here and have tests of their own
    (tests/unit/facts/test_status.py).
    """
    told = answer["extension"].get("org.heavylegs.not-read", [])
    return Counter(
        (one["what"], one["reason"])
        for one in told
        if one["what"] not in ("patient: birthDate", "patient: deceasedDateTime")
        and (
            re.fullmatch("unreadable(: .*)?|other-patient.*", one["reason"])
            or (one["what"], one["reason"]) == ("encounter", "unclear-subject")
        )
    )


def _decides(resource: Json) -> bool:
    """Whether what was broken of a resource is its status, its subject or its code."""
    return isinstance(resource["id"], str) and not isinstance(resource.get("contained"), dict)


def to_be_said(whole: Json, broken: frozenset[int] = frozenset()) -> Said:
    """What must be said of a request, worked out from the JSON alone.

    Every resource of somebody else is counted under its key, every one that no query asks for and every
    one of `broken` (by position) is named. An encounter of somebody else leaves its list incomplete.
    """
    patient = whole["context"]["patientId"]
    others: Counter[str] = Counter()
    visit = "other-patient"
    said: Said = Counter()
    for number, (key, resource) in enumerate(delivered(whole)):
        kind = resource["resourceType"]
        if number in broken and key == "draftOrders" and not _decides(resource):
            # What of a draft does not decide what is ordered, and for whom, is left out alone.
            element = "contained" if isinstance(resource["id"], str) else "id"
            name = f"{kind}/{resource['id']}" if element == "contained" else f"{key}: {kind}"
            said[name, f"unreadable: {element}"] += 1
        elif number in broken:
            known = isinstance(resource.get("id"), str)
            header = isinstance(resource.get("id", ""), str)
            name = f"{kind}/{resource['id']}" if known else f"{key}: {kind if header else 'resource'}"
            said[name, "unreadable"] += 1
        elif kind not in KNOWN:
            if key not in ("patient", "encounter", "draftOrders") and kind not in COMPANIONS:
                said[f"{key}: {kind}", "unreadable"] += 1
        elif kind == "Patient":
            others[key] += key != "patient" and resource["id"] != patient
        elif named(resource) not in (None, patient) or _focused(resource, patient):
            others[key] += 1
            if key == "encounter" and resource["subject"]["reference"].startswith("urn:"):
                visit = "unclear-subject"  # it leads nowhere: that it is somebody else's is not known
    said.update((key, f"other-patient: {number} dropped") for key, number in others.items() if number)
    if others["encounter"]:  # then the encounter of the context did not arrive, either
        said["encounter", visit] += 1
    return said


def _focused(resource: Json, patient: str) -> bool:
    focus = [one.get("reference", "") for one in resource.get("focus", [])]
    return any(one.rsplit("/", 1)[-1] != patient for one in focus if one)


def valid(resource: Json) -> bool:
    """Whether the R4B models of fhir.resources take a resource."""
    try:
        get_fhir_model_class(resource["resourceType"]).model_validate(resource)
    except ValidationError:
        return False
    return True


def counted(counts: Counter[tuple[str, ...]], rule_base: RuleBase, title: str) -> str:
    """The counts as a table: a line for each rule and hook."""
    outcomes = ("fires", "silent", "unknown")
    table = [f"{title}", "", "| rule | hook | fires | silent | unknown |", "|---|---|---|---|---|"]
    for rule in rule_base.rules:
        for hook in dict.fromkeys(service.hook for service in rule_base.services.values()):
            told = [counts[rule, hook, outcome] for outcome in outcomes]
            if any(told):
                table.append(f"| {rule} | {hook} | {' | '.join(map(str, told))} |")
    return "\n".join(table)


def test_every_patient_is_answered_at_every_hook(
    patients: dict[str, Json],
    rule_base: RuleBase,
    server: Server,
    session: requests.Session,
    pytestconfig: pytest.Config,
) -> None:
    tables = []
    for title, records in (
        ("as recorded", patients),
        ("each with a heavy-legs complaint of 20 days added", complaining(patients)),
    ):
        counts: Counter[tuple[str, ...]] = Counter()
        for name, patient in records.items():
            for service in rule_base.services.values():
                whole = real_records.asked(patient, service)
                answer = answer_to(whole, server, service, session)
                assert not_read(answer) == to_be_said(whole), (name, service.hook)
                for line in lines(answer, rule_base):
                    if line["shown"] != "not-this-hook":
                        counts[line["id"], service.hook, line["outcome"]] += 1
        sent = f"{len(records)} patients, {title}"
        tables.append(counted(counts, rule_base, sent))
        # What the data cannot show, no count shows: the same rules without a complaint fire for nobody.
        complained = "added" in title
        assert any(outcome == "fires" for _, _, outcome in counts) >= complained
    told = "\n\n".join(tables) + "\n"
    assert pytestconfig.cache is not None
    (pytestconfig.cache.mkdir("real-records") / "counts.md").write_text(told, "utf-8")
    logging.getLogger(__name__).info("\n%s", told)


def complaining(patients: dict[str, Json]) -> dict[str, Json]:
    return {
        name: real_records.with_complaint(patient)
        for name, patient in patients.items()
        if "everything" not in name
    }


def test_the_records_are_valid_so_nothing_of_them_may_be_unreadable(patients: dict[str, Json]) -> None:
    """The premise of the test above: what it expects to be read, others can read too."""
    for name, patient in patients.items():
        for entry in patient["entry"]:
            assert valid(entry["resource"]), (name, entry["resource"].get("id"))


@pytest.mark.parametrize("seed", SEEDS)
def test_every_resource_that_was_broken_is_named_and_no_other(
    seed: int,
    patients: dict[str, Json],
    rule_base: RuleBase,
    server: Server,
    session: requests.Session,
) -> None:
    chance = random.Random(seed)  # noqa: S311 - chosen to be repeatable
    for name, patient in patients.items():
        service = chance.choice(list(rule_base.services.values()))
        whole = real_records.asked(patient, service)
        broken = set()
        for number, (key, resource) in enumerate(delivered(whole)):
            if key == "patient" or resource["resourceType"] not in KNOWN or chance.random() > 0.05:
                continue
            spoiled = real_records.breaks(chance, resource)
            assert not valid(spoiled), spoiled
            resource.clear()
            resource.update(spoiled)
            broken.add(number)
        answer = answer_to(whole, server, service, session)
        lines(answer, rule_base)
        assert not_read(answer) == to_be_said(whole, frozenset(broken)), (name, service.hook)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_resource_of_somebody_else_is_counted(
    seed: int,
    patients: dict[str, Json],
    rule_base: RuleBase,
    server: Server,
    session: requests.Session,
) -> None:
    chance = random.Random(seed)  # noqa: S311 - chosen to be repeatable
    told: Said = Counter()
    for name, patient in patients.items():
        service = chance.choice(list(rule_base.services.values()))
        whole = real_records.asked(patient, service)
        for key, resource in delivered(whole):
            holder = next((one for one in ("subject", "patient") if one in resource), None)
            if key != "patient" and holder and chance.random() < 0.1:
                resource[holder] = {
                    "reference": chance.choice(["Patient/else", "Group/1", "urn:uuid:e"])
                }
        answer = answer_to(whole, server, service, session)
        expected = to_be_said(whole)
        assert not_read(answer) == expected, (name, service.hook)
        told += expected
    assert len(told) > 20


@pytest.mark.parametrize("seed", SEEDS)
def test_records_with_other_units_codes_dates_and_statuses_break_nothing(
    seed: int,
    patients: dict[str, Json],
    rule_base: RuleBase,
    server: Server,
    session: requests.Session,
) -> None:
    chance = random.Random(seed)  # noqa: S311 - chosen to be repeatable
    outcomes: Counter[str] = Counter()
    services = list(rule_base.services.values())
    for name, patient in [*patients.items(), *complaining(patients).items()]:
        for service in chance.sample(services, 2):  # two of the hooks for each, others at the next seed
            whole = real_records.changed(chance, real_records.asked(patient, service))
            answer = answer_to(whole, server, service, session)
            outcomes.update(line["outcome"] for line in lines(answer, rule_base))
            # JSON types are as before, so everything can still be read.
            assert not_read(answer) == to_be_said(whole), (name, service.hook)
            assert not faults(whole, rule_base, service), (name, service.hook)
    assert outcomes["fires"], outcomes
    logging.getLogger(__name__).info("seed %d: %s", seed, dict(outcomes))


def faults(whole: Json, rule_base: RuleBase, service: Service) -> list[Any]:
    """The facts that raised; an answer over HTTP does not tell them from others that are unknown."""
    parsed = envelopes.parse(json.dumps(whole).encode(), service=service.id, hook=service.hook)
    evidence = prefetch.read(
        parsed.prefetch, service.prefetch, parsed.question.patient, parsed.draft_orders
    )
    now = datetime.fromisoformat(whole["extension"]["org.heavylegs.now"])
    facts = assess(evidence, rule_base, now, UTC, service.hook)
    return [
        one for known in facts.sides.values() for one in known.values() if one.reason is Reason.FAULT
    ]
