"""Silence where there is nothing to say: records that others wrote, made without our rules in mind.

Two hundred patients that `carebundle` generates, and where the shared data are there twenty of Synthea
and ten of MIMIC; each as recorded and with a complaint of heavy legs. How many cards each rule showed is
written to `.pytest_cache/d/quiet/cards.md`, and logged with `--log-cli-level=INFO`.
"""

import json
import logging
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, date
from functools import cache
from pathlib import Path

import carebundle
import pytest

from cds_service import content, fitness
from cds_service.cases import fixtures
from cds_service.decision import Decision, History, Policy, answer
from cds_service.hooks import prefetch
from cds_service.hooks import request as requests
from cds_service.rulebase.model import Rule, RuleBase
from tests.integration import real_records
from tests.integration.real_records import Json

ORDER_HOOKS = frozenset({"order-select", "order-sign"})
PER_PROFILE = 40
DAY = date(2026, 11, 1)
TITLES = {False: "as recorded", True: "with a complaint of heavy legs for 20 days"}


@cache
def rule_base() -> RuleBase:
    return fitness.load(content.texts(content.folder("cards")))


def generated() -> dict[str, Json]:
    """Forty adults of both sexes of each of the five profiles of carebundle, the same every time."""
    found = {}
    for profile in carebundle.PROFILES:
        for seed in range(PER_PROFILE):
            made = carebundle.generate_bundle(
                profile=profile,
                seed=seed,
                sex="FM"[seed % 2],
                age_range=((30, 60), (60, 90))[seed % 4 // 2],
                reference_date=DAY,
            )
            found[f"{profile} {seed}"] = with_ids(carebundle.to_json(made))
    return found


def with_ids(text: str) -> Json:
    """The bundle as a server stores it: every resource with an id, every reference to it by that."""
    entries = json.loads(text)["entry"]
    for entry in entries:
        kind, name = entry["resource"]["resourceType"], entry["fullUrl"].removeprefix("urn:uuid:")
        text = text.replace(f'"reference":"urn:uuid:{name}"', f'"reference":"{kind}/{name}"')
        text = text.replace(f'"reference": "urn:uuid:{name}"', f'"reference": "{kind}/{name}"')
    whole: Json = json.loads(text)
    for entry in whole["entry"]:
        entry["resource"]["id"] = entry["fullUrl"].removeprefix("urn:uuid:")
    return whole


def decided(patient: Json, hook: str) -> Decision:
    """What is answered about a patient; at an order hook their last orders are placed again."""
    (service,) = rule_base().services_for(hook)
    whole = real_records.asked(patient, service)
    parsed = requests.parse(fixtures.encoded(whole), service=service.id, hook=hook)
    evidence = prefetch.read(
        parsed.prefetch,
        service.prefetch,
        parsed.question.patient,
        parsed.draft_orders,
        parsed.question.encounter,
    )
    now = real_records.newest(patient)
    return answer(parsed.question, evidence, rule_base(), now, UTC, History(), Policy(evaluation=True))


def may_speak_uncalled(rule: Rule, indicator: str | None, hook: str) -> bool:
    """Red flags, emergencies, and what makes an order safe, need no complaint of the legs."""
    return indicator == "critical" or rule.red_flag or hook in ORDER_HOOKS


def looked_at(patients: Mapping[str, Json]) -> str:
    """Ask about every patient at every hook; the table of cards. Fails where one is not called for."""
    hooks = dict.fromkeys(service.hook for service in rule_base().services.values())
    counts: Counter[tuple[str, str, bool]] = Counter()
    most: Counter[bool] = Counter()
    for complaining in TITLES:
        for name, recorded in patients.items():
            patient = real_records.with_complaint(recorded) if complaining else recorded
            for hook in hooks:
                decision = decided(patient, hook)
                assert not [one.rule for one in decision.findings if one.outcome == "failed"], name
                counts.update((one.finding.rule, hook, complaining) for one in decision.carded)
                most[complaining] = max(most[complaining], len(decision.carded))
                called_for(decision, hook, name)
                within_the_cap(decision, hook, name)
    return table(counts, most, len(patients))


def called_for(decision: Decision, hook: str, name: str) -> None:
    if decision.facts.value(rule_base().globals.entry) is True:
        return
    uncalled = [
        f"{one.finding.rule} ({one.finding.indicator}): {one.card.summary}"
        for one in decision.carded
        if not may_speak_uncalled(rule_base().rules[one.finding.rule], one.finding.indicator, hook)
    ]
    assert not uncalled, f"{name} at {hook}, no complaint of the legs: {uncalled}"


def within_the_cap(decision: Decision, hook: str, name: str) -> None:
    capped = [
        one.finding.rule
        for one in decision.carded
        if one.finding.indicator != "critical"
        and not rule_base().rules[one.finding.rule].red_flag
        and not rule_base().rules[one.finding.rule].tip
    ]
    assert len(capped) <= rule_base().globals.card_cap, (name, hook, capped)


def table(counts: Mapping[tuple[str, str, bool], int], most: Mapping[bool, int], people: int) -> str:
    """Cards per rule and hook, without a complaint and with one."""
    lines = [f"| rule | hook | {' | '.join(TITLES.values())} |", "|---|---|---|---|"]
    for rule, hook in sorted({(rule, hook) for rule, hook, _ in counts}):
        told = [str(counts.get((rule, hook, complaining), 0)) for complaining in TITLES]
        lines.append(f"| {rule} | {hook} | {' | '.join(told)} |")
    lines.append(f"| the most for one patient | | {most[False]} | {most[True]} |")
    return f"Cards for {people} patients\n\n" + "\n".join(lines) + "\n"


def report(parts: Iterable[str], name: str, pytestconfig: pytest.Config) -> None:
    told = "\n".join(parts)
    assert pytestconfig.cache is not None
    (pytestconfig.cache.mkdir("quiet") / f"{name}.md").write_text(told, "utf-8")
    logging.getLogger(__name__).info("\n%s", told)


def test_generated_patients_get_no_card_that_nobody_called_for(pytestconfig: pytest.Config) -> None:
    patients = generated()
    assert len(patients) == 200
    report([looked_at(patients)], "generated", pytestconfig)


@pytest.mark.shared_data
def test_recorded_patients_get_no_card_that_nobody_called_for(
    shared_data: Path, pytestconfig: pytest.Config
) -> None:
    found = real_records.patients(shared_data)
    for part, number in (("synthea", 20), ("mimic-iv-demo", 10)):
        patients = {name: one for name, one in found.items() if name.startswith(f"{part}/")}
        assert len(patients) == number
        report([part, looked_at(patients)], part, pytestconfig)
