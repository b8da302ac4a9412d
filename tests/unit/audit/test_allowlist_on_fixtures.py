"""Whatever a record says in words or ids, none of it reaches the log: every fixture, every service."""

import json
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from cds_service import content
from cds_service.audit import chain, event
from cds_service.audit.allowlist import Allowlist
from cds_service.cases import fixtures
from cds_service.decision import History, Policy, answer
from cds_service.hooks import prefetch
from cds_service.hooks import request as requests
from cds_service.rulebase import loader
from cds_service.rulebase.model import RuleBase
from tests.unit.audit.decisions import NOW, SECRET

NAME = "ZZSECRETZZ"
FOLDER = content.folder("fhir_fixtures")
WORDS = frozenset(
    ["text", "display", "unit", "family", "title", "description", "comment", "div", "valueString"]
)
LISTED = frozenset(["given", "prefix", "line"])


@pytest.fixture(scope="module")
def rule_base() -> RuleBase:
    """Return the shipped rule base, also while somebody is writing on it."""
    found, problems = loader.examine(content.texts(content.folder("cards")), check_lock=False)
    assert found is not None, problems
    return found


def named(value: Any, patient: str, key: str = "") -> Any:
    """Put the name into every text and every id of a record; codes and dates stay as they are."""
    if isinstance(value, dict):
        made = {name: named(inner, patient, name) for name, inner in value.items()}
        if "resourceType" in value:
            made["extension"] = [{"url": NAME, "valueString": NAME}]
        return made
    if isinstance(value, list):
        return [named(inner, patient, key) for inner in value]
    if isinstance(value, str):
        if key in WORDS or (key in LISTED):
            return f"{value} {NAME}"
        if key in ("id", "reference", "fullUrl"):
            return value.replace(patient, f"{NAME}-{patient}")
    return value


@pytest.mark.parametrize("name", fixtures.names(FOLDER))
def test_no_word_of_a_record_reaches_the_log(name: str, rule_base: RuleBase) -> None:
    bundle = fixtures.shifted(fixtures.load(FOLDER, name), NOW)
    patient = next(one["id"] for one in fixtures.resources(bundle) if one["resourceType"] == "Patient")
    bundle = named(bundle, patient)
    kept = Allowlist.of(rule_base, SECRET)
    for service in rule_base.services.values():
        body = fixtures.encoded(fixtures.hook_request(bundle, service, instance="call-1"))
        assert NAME.encode() in body
        request = requests.parse(body, service=service.id, hook=service.hook, client="ehr")
        question = request.question
        assert NAME in question.patient
        evidence = prefetch.read(
            request.prefetch, service.prefetch, question.patient, request.draft_orders
        )
        decision = answer(
            question, evidence, rule_base, NOW, ZoneInfo("UTC"), History(), Policy(evaluation=True)
        )
        made = chain.canonical(event.of_decision(decision, kept, time=NOW))
        assert NAME.encode() not in made
        said = json.loads(made)
        assert [card["uuid"] for card in said.get("cards", ())] == [one.uuid for one in decision.cards]
        assert len(said["evaluation"]) == len(decision.findings)
