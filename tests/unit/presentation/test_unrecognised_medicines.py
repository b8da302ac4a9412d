"""A medicine of which no code tells what it holds is named where a card counts on its absence."""

from typing import Any

import pytest

from cds_service.rulebase.model import RuleBase
from tests.unit.facts.patients import concept, condition, medicine
from tests.unit.rulebase.tiny import fact, rule, rule_base
from tests.unit.rules.deciding import answered


def unrecognised(text: str, number: int = 1) -> dict[str, Any]:
    return medicine(f"clinical-drug-{number}", medicationCodeableConcept=concept("1", text=text))


@pytest.fixture(scope="module")
def reading_a_hazard() -> RuleBase:
    facts = {
        "on-pill": fact("medication", in_=["pill"]),
        "grave": fact("group", when={"all": ["on-pill"]}),
    }
    levels = [
        {"indicator": "warning", "when": {"all": ["a", "grave"]}},
        {"indicator": "info", "when": "a"},
    ]
    return rule_base(facts, [rule("r", levels=levels), rule("s", "a")])


def test_a_card_that_counts_a_hazard_as_not_taken_names_what_was_not_recognised(
    reading_a_hazard: RuleBase,
) -> None:
    names = ["[one](http://x)", "two", "three", "four"]  # the first would be a link
    taken = [unrecognised(name, number) for number, name in enumerate(names)]
    cards = answered(reading_a_hazard, conditions=[condition("a")], medicationRequests=taken).cards
    lines = {card.source.topic.code: card.detail for card in cards if card.source.topic}

    said = "edicines not recognised: one without a readable name, two, three and 1 more."
    assert said in lines["r"]
    assert "not recognised" not in lines["s"]  # rests on no medicine


def test_a_hazard_that_is_there_makes_no_line(reading_a_hazard: RuleBase) -> None:
    taken = [medicine(), unrecognised("digoxin 0.125 MG Oral Tablet")]
    cards = answered(reading_a_hazard, conditions=[condition("a")], medicationRequests=taken).cards

    assert all("not recognised" not in card.detail for card in cards)
