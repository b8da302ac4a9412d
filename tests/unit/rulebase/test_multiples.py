"""Limits that count in multiples of a reference limit are plain numbers (house rule)."""

from cds_service.rulebase import loader
from tests.unit.rulebase.tiny import Json, fact, texts


def only_problem(definition: Json) -> str:
    """What is wrong with the tiny base plus one fact of this definition."""
    _, problems = loader.examine(texts({"x": definition}), check_lock=False)
    assert len(problems) == 1
    assert problems[0].file == "facts/base.yaml"
    return problems[0].what


def test_a_multiple_of_a_reference_limit_is_a_plain_number() -> None:
    assert "with `times`, 'potassium-high' must be a number of times" in only_problem(
        fact("measurement", of="potassium", times="upper-limit", is_={"above": "potassium-high"})
    )


def test_what_stands_in_for_a_missing_range_is_a_limit_of_the_analyte() -> None:
    assert "'calcium-high' is not a limit of potassium" in only_problem(
        fact(
            "measurement",
            of="potassium",
            times="upper-limit",
            is_={"above": "points-2"},
            without_range={"above": "calcium-high"},
        )
    )


def test_a_limit_for_a_missing_range_needs_multiples() -> None:
    assert "'times' is a dependency of 'without-range'" in only_problem(
        fact(
            "measurement",
            of="potassium",
            is_={"above": "potassium-high"},
            without_range={"above": "potassium-high"},
        )
    )
