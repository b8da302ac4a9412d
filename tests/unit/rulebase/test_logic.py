"""Parts of rules that cannot matter, and definitions that nobody reads, are named with their line."""

from datetime import date
from typing import Any

from cds_service.rulebase import loader, logic, upkeep
from tests.unit.rulebase.tiny import Json, fact, order, rule, texts


def found(*rules: Json, facts: Json | None = None, orders: Json | None = None) -> list[str]:
    """What `rules check` says of the logic of these rules."""
    content = texts(facts or {}, rules=list(rules), orders=orders)
    rule_base, problems = loader.examine(content, check_lock=False)
    assert rule_base is not None, problems
    return [one.what for one in logic.problems(rule_base, loader.documents_of(content)[0])]


def level(when: Any, indicator: str = "warning", **fields: Any) -> Json:
    return {"indicator": indicator, "when": when, **fields}


def test_a_level_under_one_that_is_always_true_with_it_is_never_reached() -> None:
    levels = [level({"any": ["a", "b"]}), level({"all": ["b", "c"]}, "info")]
    assert found(rule("x", levels=levels)) == ["this level is never reached: a higher one is true"]


def test_a_level_is_reached_where_the_higher_one_has_nothing_to_offer() -> None:
    levels = [{**level("a"), "only-with": ["test"]}, level("a", "info", text="other")]
    assert found(rule("x", levels=levels), orders={"test": order()}) == []


def test_a_level_that_contradicts_itself_is_never_reached() -> None:
    said = found(rule("x", levels=[level("b"), level({"all": ["a", {"none": ["a"]}]}, "info")]))
    assert said[0].startswith("this level is never reached")


def test_a_criterion_that_changes_nothing_is_named() -> None:
    when = {"all": ["a", {"any": ["a", "b"]}]}
    assert found(rule("x", when)) == ["changes nothing: `all` without any(a, b) means the same"]


def test_what_a_higher_level_makes_idle_may_stand() -> None:
    levels = [level("a"), level({"all": ["b", {"unless": ["a"]}]}, "info")]
    assert found(rule("x", levels=levels)) == []


def test_none_and_unless_are_told_apart() -> None:
    assert found(rule("x", {"all": ["a", {"unless": ["b"]}, {"none": ["b"]}]})) == [
        "changes nothing: `all` without unless(b) means the same"
    ]


def test_a_group_is_looked_at_too() -> None:
    group = fact("group", when={"any": ["b", {"all": ["b", "c"]}]}, label="group")
    assert found(rule("x", "both"), facts={"both": group}) == [
        "changes nothing: `any` without all(b, c) means the same"
    ]


def test_two_rules_that_always_fire_together_are_named() -> None:
    first = rule("x", {"all": ["a", {"any": ["b", "c"]}]})
    second = rule("y", {"any": [{"all": ["a", "b"]}, {"all": ["c", "a"]}]})
    assert found(first, second) == ["fires whenever x does, and only then"]
    assert found(first, {**second, "hooks": ["order-sign"]}) == []


def test_rules_and_codes_are_due_after_a_year() -> None:
    content = texts({}, rules=[rule("x", reviewed="2025-11-21"), rule("y", "b", reviewed="2025-11-22")])
    rule_base, _ = loader.examine(content, check_lock=False)
    assert rule_base is not None
    today = date(2026, 11, 22)
    (line,) = upkeep.overdue_rules(rule_base, today)
    assert line.startswith("x: last gone through against its sources on 2025-11-21")
    documents, _ = loader.documents_of(content)
    assert all(one.overdue(today) for one in upkeep.code_sets(rule_base, documents)), "never looked up"
    dated = {
        file: f'checked: "2026-01-01"\n{text}' if file.startswith("terminology/") else text
        for file, text in content.items()
    }
    sets = upkeep.code_sets(rule_base, loader.documents_of(dated)[0])
    assert {one.day for one in sets} == {date(2026, 1, 1)}
    assert not any(one.overdue(today) for one in sets)
    assert all(one.overdue(date(2027, 1, 2)) for one in sets)
    assert next(one for one in sets if one.name == "heavy").codes == {"tiny": 4}


def test_the_case_that_tests_a_hazard_must_be_there() -> None:
    hazards = {"fires-wrongly": "x", "silent-wrongly": "y", "control": "z", "case": "fires"}
    assert loader.examine(texts({}, rules=[rule("x", hazards=hazards)]), check_lock=False)[1] == []
    wrong = rule("x", hazards={**hazards, "case": "fire"})
    (problem,) = loader.examine(texts({}, rules=[wrong]), check_lock=False)[1]
    assert problem.what == "no case is called 'fire'"
    bare = {key: value for key, value in rule("x").items() if key != "hazards"}
    (problem,) = loader.examine(texts({}, rules=[bare]), check_lock=False)[1]
    assert "'hazards' is a required property" in problem.what
