"""Every case beside every rule, one pytest item each."""

import re

import pytest

from cds_service import content, fitness
from cds_service.cases import running
from cds_service.cases.coverage import coverage
from cds_service.cases.running import Case
from cds_service.rulebase.model import RuleBase

TEXTS = content.texts(content.folder("cards"))
RULE_BASE: RuleBase = fitness.load(TEXTS)
CASES = list(running.read(TEXTS, RULE_BASE))
FIXTURES = content.folder("fhir_fixtures")


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule}: {case.name}")
def test_case(case: Case) -> None:
    outcome = running.run(case, RULE_BASE, FIXTURES)
    assert not outcome.differences, f"{case.place}\n" + "\n".join(outcome.differences)


def test_every_rule_proves_more_than_that_it_fires() -> None:
    for rule in RULE_BASE.rules.values():
        proved = {case.proves for case in CASES if case.rule == rule.id}
        assert {"fires", "near-miss", "missing"} <= proved


@pytest.fixture(scope="module")
def outcomes() -> list[running.Outcome]:
    """Return what came of every case."""
    return [running.run(case, RULE_BASE, FIXTURES) for case in CASES]


def test_every_fact_of_every_rule_is_seen_with_every_value_it_can_take(
    outcomes: list[running.Outcome],
) -> None:
    lacking = {(one.rule, one.fact): one.lacks for one in coverage(RULE_BASE, outcomes) if one.lacks}
    assert lacking == {}


def test_every_level_of_every_rule_is_reached_by_a_case(outcomes: list[running.Outcome]) -> None:
    reached: set[tuple[str, int]] = set()
    for outcome in outcomes:
        if outcome.decision is not None:
            reached |= {
                (one.rule, one.level) for one in outcome.decision.findings if one.level is not None
            }
    every = {(rule.id, index) for rule in RULE_BASE.rules.values() for index in range(len(rule.levels))}
    assert every - reached == set()


def test_no_card_of_any_case_reads_against_the_house_style(outcomes: list[running.Outcome]) -> None:
    for outcome in outcomes:
        case = outcome.case
        for card in outcome.decision.cards if outcome.decision else ():
            where = f"{case.place}: {card.summary}"
            assert len(card.summary) < 140, where
            assert "consider" in card.summary.lower(), where
            assert "!" not in card.summary, where
            labels = [part.split("**")[1] for part in card.detail.split("\n\n")]
            order = ["Why", "Consider", "Withheld", "Not known", "Source", "Also", "Also considered"]
            assert labels == sorted(labels, key=order.index), where
            assert len(card.detail.split()) < 190, where
            assert not re.search(r"\bNone\b(?! of )", card.summary + card.detail), where
            assert "{" not in card.summary + card.detail, where
