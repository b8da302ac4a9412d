"""Every rule has its cases beside it, and a slip in a case is said before it proves nothing."""

from typing import Any

import pytest

from cds_service.rulebase import loader
from tests.unit.rulebase.tiny import cases, dump, rule, texts


def problems(files: dict[str, str]) -> list[str]:
    return [str(one) for one in loader.examine(files, check_lock=False)[1]]


def test_a_rule_without_cases_is_said() -> None:
    files = texts(rules=[rule("r")])
    del files["general/r.cases.yaml"]

    assert any("has no cases: general/r.cases.yaml is missing" in one for one in problems(files))


@pytest.mark.parametrize("missing", ["fires", "near-miss", "missing"])
def test_a_kind_of_case_that_is_missing_is_said(missing: str) -> None:
    files = texts(rules=[rule("r")])
    files["general/r.cases.yaml"] = cases(*({"fires", "near-miss", "missing"} - {missing}))

    assert problems(files)
    assert any(f"no case proves {missing!r}" in one for one in problems(files))


def test_one_patient_twice_is_said_in_whatever_order_the_entries_stand() -> None:
    def case(name: str, *conditions: str) -> dict[str, Any]:
        given = {"record": {"conditions": [{"code": f"snomed {one}"} for one in conditions]}}
        return {"name": name, "proves": "fires", "given": given, "expect": {"outcome": "fires"}}

    files = texts(rules=[rule("r")])
    both, again, one = case("both", "1", "2"), case("again", "2", "1"), case("one", "1")
    files["general/r.cases.yaml"] = dump({"cases": [both, again, one]})

    said = [one for one in problems(files) if "the patient of" in one]
    assert [one.split(": ", 1)[1] for one in said] == [
        "the patient of 'both' again: let one case expect both"
    ]


def test_cases_without_a_rule_are_said() -> None:
    files = texts() | {"general/ghost.cases.yaml": cases()}

    assert any("no rule of this name" in one for one in problems(files))


@pytest.mark.parametrize(
    ("given", "hook", "what"),
    [
        (
            {"record": {"conditions": [{"code": "snomd 1"}]}},
            "patient-view",
            "no code system is called 'snomd'",
        ),
        ({"record": {}}, "order-sing", "'order-sing' is not one of"),
    ],
)
def test_a_case_with_a_slip_is_said_and_not_run(given: Any, hook: str, what: str) -> None:
    files = texts(rules=[rule("r")])
    one = {"name": "n", "proves": "near-miss", "hook": hook, "given": given}
    one["expect"] = {"outcome": "fires"}
    files["general/r.cases.yaml"] = dump({"cases": [one]})

    assert any(what in said for said in problems(files))
