"""Rules and definitions are found by name and by what they are called."""

from cds_service.rulebase import loader, search
from tests.unit.rulebase.tiny import fact, rule, texts


def names(words: str) -> list[str]:
    facts = {
        "cramp-at-night": fact(in_=["set-a"]),
        "sore": {**fact(in_=["set-b"]), "label": "Cramp of the calf at night"},
    }
    documents, misread = loader.documents_of(texts(facts, rules=[rule("cramp")]))
    assert not misread
    return [f"{one.section}/{one.name}" for one in search.find(words, documents)]


def test_a_word_of_the_name_goes_before_one_of_the_label() -> None:
    assert names("cramp") == ["rules/cramp", "facts/cramp-at-night", "facts/sore"]


def test_every_word_has_to_be_there_in_whatever_case() -> None:
    assert names("NIGHT cramp calf") == ["facts/sore"]
    assert names("night shift") == []
