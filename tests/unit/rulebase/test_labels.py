"""A label names one fact, or a fact and a part of its own (house rule)."""

import pytest

from cds_service.rulebase import loader
from tests.unit.rulebase.tiny import Json, fact, texts


def problems(facts: Json) -> list[tuple[str, str]]:
    """File and words of what is wrong with the tiny base plus these facts."""
    _, found = loader.examine(texts(facts), check_lock=False)
    return [(one.file, one.what) for one in found]


def heavy(kind: str = "condition", **fields: object) -> Json:
    """A fact that a card would name heavy legs."""
    return fact(kind, label="heavy legs", **fields)


def test_two_facts_that_read_alike_on_a_card_are_named() -> None:
    ((file, what),) = problems({"x": heavy(in_=["heavy"]), "y": heavy(in_=["weak"])})

    assert file == "facts/base.yaml"
    assert "'x' has the label 'heavy legs' too" in what


@pytest.mark.parametrize(
    "whole",
    [
        heavy("group", when={"any": ["a", {"unless": ["x"]}]}),
        heavy("count", of=["x", "a"], at_least=1),
        heavy("answered", of=["x", "a"], at_least=1),
    ],
    ids=["group", "count", "answered"],
)
@pytest.mark.parametrize("order", [("x", "whole"), ("whole", "x")], ids=["before", "after"])
def test_a_whole_and_its_own_part_may_read_alike(whole: Json, order: tuple[str, str]) -> None:
    both = {"x": heavy(in_=["heavy"]), "whole": whole}

    assert problems({name: both[name] for name in order}) == []


def test_two_parts_of_one_whole_may_not() -> None:
    facts = {
        "x": heavy(in_=["heavy"]),
        "y": heavy(in_=["weak"]),
        "whole": heavy("group", when={"any": ["x", "y"]}),
    }

    assert len(problems(facts)) == 1


def test_a_fact_that_only_names_a_code_set_of_that_name_is_no_whole() -> None:
    assert problems({"heavy": heavy(in_=["weak"]), "y": heavy(in_=["heavy"])}) != []
