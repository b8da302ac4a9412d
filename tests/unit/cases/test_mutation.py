"""Rules changed on purpose, and cases that notice or do not."""

import pytest

from cds_service import content
from cds_service.cases import mutation, running
from cds_service.rulebase import loader, uses
from cds_service.rulebase.model import RuleBase

TEXTS = content.texts(content.folder("cards"))
FIXTURES = content.folder("fhir_fixtures")
RULE = "lab-01-sample-guard"


@pytest.fixture(scope="module")
def rule_base() -> RuleBase:
    found, problems = loader.examine(TEXTS, check_lock=False)
    assert found is not None, problems
    return found


def whats(rule_base: RuleBase, rule: str) -> list[str]:
    return [one.what for one in mutation.of_rule(rule_base.rules[rule], rule_base)]


def test_every_criterion_is_left_out_once_and_every_word_swapped(rule_base: RuleBase) -> None:
    # K-01, level 1: all [any [lt-2-5, all [lt-3, danger]], unless [child]]
    found = [one for one in whats(rule_base, "k-01-low-potassium") if "level 1" in one]
    assert [one.split(": ", 1)[1] for one in found] == [
        (
            "`all` is `any`: any(potassium-lt-2-5, all(potassium-lt-3, potassium-low-danger)), "
            "unless(child)"
        ),
        "`all` without any(potassium-lt-2-5, all(potassium-lt-3, potassium-low-danger))",
        "`any` is `all`: potassium-lt-2-5, all(potassium-lt-3, potassium-low-danger)",
        "`any` without potassium-lt-2-5",
        "`any` without all(potassium-lt-3, potassium-low-danger)",
        "`all` is `any`: potassium-lt-3, potassium-low-danger",
        "`all` without potassium-lt-3",
        "`all` without potassium-low-danger",
        "`all` without unless(child)",
        "`unless` is `none`: child",
    ]


def test_a_threshold_moves_by_one_in_the_last_place_it_is_written_with(rule_base: RuleBase) -> None:
    low = rule_base.thresholds["potassium-low"]
    higher, lower = mutation.of_threshold(low, ("k-01-low-potassium",), rule_base)
    before = low.values["mmol/L"]
    assert str(before) == "3.5"
    assert str(higher.rule_base.thresholds["potassium-low"].values["mmol/L"]) == "3.6"
    assert str(lower.rule_base.thresholds["potassium-low"].values["mmol/L"]) == "3.4"
    assert rule_base.thresholds["potassium-low"].values["mmol/L"] == before


def test_a_case_kills_what_it_proves_and_nothing_lives_without_cases(rule_base: RuleBase) -> None:
    cases = [one for one in running.read(TEXTS, rule_base) if one.rule == "k-01-low-potassium"]
    low = rule_base.thresholds["potassium-low"]
    moved = list(mutation.of_threshold(low, ("k-01-low-potassium",), rule_base))
    full = mutation.Trial(cases, rule_base, FIXTURES)
    assert all(full.killer(one) is not None for one in moved)
    none = mutation.Trial([], rule_base, FIXTURES)
    assert [none.killer(one) for one in moved] == [None, None]


def test_the_rule_itself_is_told_from_nothing(rule_base: RuleBase) -> None:
    same = mutation.Mutant("the same", rule_base, (RULE,))
    cases = [one for one in running.read(TEXTS, rule_base) if one.rule == RULE]
    assert mutation.Trial(cases, rule_base, FIXTURES).killer(same) is None


def test_the_thresholds_that_rules_reach(rule_base: RuleBase) -> None:
    documents, _ = loader.documents_of(TEXTS)
    found = uses.thresholds(documents)
    assert "k-01-low-potassium" in found["potassium-low"]
    assert "n04-lumbar-imaging-guard" not in found["potassium-low"]
    assert found.keys() <= rule_base.thresholds.keys()
