"""A fact that can be touched by a statement must be known to be; one too many does no harm."""

import inspect
import re
from pathlib import Path

import msgspec

from cds_service.facts.derived import BY_NAME
from cds_service.rulebase.criteria import All, Is
from cds_service.rulebase.definitions import (
    AgeFact,
    ConditionFact,
    DerivedFact,
    Fact,
    GroupFact,
    MeasurementFact,
    ScoreFact,
    ScoreItem,
    ScoreTable,
)
from cds_service.rulebase.dependence import Dependence, dependence
from tests.unit.rulebase.tiny import rule_base

OF_THE_PATIENT = re.compile(r"record\.(birth|patient)|demographics")


def named(*facts: Fact) -> dict[str, Fact]:
    return {fact.name: fact for fact in facts}


def condition(name: str, *sets: str) -> ConditionFact:
    return ConditionFact(name, name, "", sets=sets)


def group(name: str, *parts: str) -> GroupFact:
    return GroupFact(name, name, "", when=All(tuple(Is(part) for part in parts)))


def of(*facts: Fact, scores: dict[str, ScoreTable] | None = None) -> Dependence:
    return dependence(named(*facts), scores or {}, {}, ("a", "b", "c"))


def test_a_fact_depends_on_its_code_sets_and_a_group_on_those_of_its_parts() -> None:
    found = of(condition("x", "a"), condition("y", "b"), group("both", "x", "y"), group("over", "both"))
    assert found.touched(["a"]) == {"x", "both", "over"}
    assert found.touched([]) == frozenset()
    assert found.touched(["c"]) == frozenset()


def test_a_fact_may_be_called_as_its_code_set() -> None:
    found = of(condition("a", "a"), condition("b", "c"), group("on-b", "b"))
    assert found.touched(["a"]) == {"a"}
    assert found.touched(["b"]) == {"b", "on-b"}  # one too many: a name may mean either
    assert found.touched(["c"]) == {"b", "on-b"}


def test_a_fact_named_in_any_field_counts() -> None:
    late = MeasurementFact("late", "late", "", of="none", after_onset_of=("x",))
    shorter = MeasurementFact("shorter", "shorter", "", of="none", shorter_while="x")
    assert of(condition("x", "a"), late, shorter).touched(["a"]) == {"x", "late", "shorter"}


def test_a_score_depends_on_the_items_of_its_table() -> None:
    table = ScoreTable("points", "points", (ScoreItem("x", 1),), "")
    found = of(
        condition("x", "a"), ScoreFact("high", "high", "", table="points"), scores={"points": table}
    )
    assert found.touched(["a"]) == {"x", "high"}


def test_age_and_what_rests_on_it_are_always_touched() -> None:
    adult = AgeFact("adult", "adult", "")
    found = of(adult, group("grown", "adult"), condition("x", "a"))
    assert found.touched([]) == {"adult", "grown"}


def test_a_formula_rests_on_what_its_definition_names() -> None:
    formula = DerivedFact("formula", "formula", "", by="anything", of=("a", "x"))
    found = of(formula, condition("x", "b"), group("over", "formula"))
    assert found.touched([]) == frozenset()
    assert found.touched(["a"]) == {"formula", "over"}
    assert found.touched(["b"]) == {"x", "formula", "over"}
    assert found.resting_on(["formula"]) == {"formula", "over"}


def test_formulas_that_read_of_the_patient_say_so() -> None:
    """By the words of their modules: a formula that is wrongly shared gives one's age to another."""
    reading = {
        name
        for name, formula in BY_NAME.items()
        if OF_THE_PATIENT.search(Path(inspect.getfile(formula.compute)).read_text("utf-8"))
    }
    personal = {name for name, formula in BY_NAME.items() if formula.personal}
    assert reading - {"began-soon-after"} == personal  # it shares its module with `age-at-onset`


def test_other_thresholds_share_nothing_with_the_rule_base_they_came_from() -> None:
    base = rule_base()
    base.remembered[int] = 1
    assert msgspec.structs.replace(base, digest="other").remembered == {}
