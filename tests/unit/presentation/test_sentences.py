"""Sentences of a card: names keep their capital inside one, and no sentence is said twice."""

import pytest

from tests.unit.facts.patients import condition
from tests.unit.presentation.test_words import base_with, card, heavy, words
from tests.unit.rulebase.tiny import fact, rule, rule_base


@pytest.mark.parametrize(
    ("name", "inside"),
    [
        ("Heavy legs", "heavy legs"),
        ("Guillain-Barré syndrome", "Guillain-Barré syndrome"),
        ("Paget disease of bone", "Paget disease of bone"),
        ("Baker's cyst", "Baker's cyst"),
        ("MRI scar", "MRI scar"),
    ],
)
def test_inside_a_sentence_a_name_keeps_its_capital(name: str, inside: str) -> None:
    base = base_with("Of old, {heavy}: consider it")

    assert card(base, conditions=[heavy(name)]).summary == f"Of old, {inside}: consider it"


def test_a_line_of_the_rule_and_a_fact_that_says_the_same_are_one() -> None:
    facts = {"heavy": fact(in_=["heavy"]), "again": fact(in_=["heavy", "weak"])}
    both = {"all": ["heavy", "again"]}
    lines = words("Consider it", why=["{heavy}[ {heavy.since}]."])
    base = rule_base(facts, [rule("r", both, **lines)])
    brought = [heavy("Legs", onsetDateTime="2026-01-02"), condition("weak", onsetDateTime="2026-01-02")]
    brought[1]["code"]["text"] = "Legs"

    assert card(base, conditions=brought).detail.count("Legs since") == 1
