"""What the cases of a rule have shown of its facts."""

import pytest
from click.testing import CliRunner

from cds_service.cases import running
from cds_service.cases.coverage import Seen, can_be_unknown, coverage
from cds_service.cli.main import cli
from cds_service.rulebase.criteria import Truth
from cds_service.rulebase.model import RuleBase

RULE = "k-01-low-potassium"


def case(name: str, **facts: Truth) -> running.Case:
    given = {"facts": {key.replace("_", "-"): value for key, value in facts.items()}}
    return running.Case(RULE, name, "fires", "here", given, {}, now=running.NOW, hook="patient-view")


def seen(shipped: RuleBase, fact: str, *cases: running.Case) -> Seen:
    outcomes = [running.run(one, shipped, None) for one in cases]
    (found,) = (one for one in coverage(shipped, outcomes) if (one.rule, one.fact) == (RULE, fact))
    return found


def test_without_a_case_every_value_is_lacking(shipped: RuleBase) -> None:
    assert seen(shipped, "potassium-low").lacks == (True, False, None)


def test_each_value_a_case_brings_is_seen(shipped: RuleBase) -> None:
    low, unknown = case("low", potassium_low=True), case("unknown", potassium_low=None)

    assert seen(shipped, "potassium-low", low).lacks == (False, None)
    assert seen(shipped, "potassium-low", low, unknown) == Seen(
        RULE, "potassium-low", (True, None), (False,)
    )


def test_a_case_counts_for_its_own_rule_only(shipped: RuleBase) -> None:
    outcomes = [running.run(case("low", leg_symptom=True), shipped, None)]
    others = [one for one in coverage(shipped, outcomes) if one.rule != RULE]

    assert others
    assert all(one.values == () for one in others)


@pytest.mark.parametrize(
    ("fact", "expected"),
    [("deceased", False), ("potassium-low", True), ("adult", True), ("ely-panel-wanted", False)],
)
def test_some_kinds_of_fact_are_never_unknown(fact: str, expected: bool, shipped: RuleBase) -> None:
    assert can_be_unknown(fact, shipped) is expected


def test_the_command_names_what_no_case_has_shown() -> None:
    result = CliRunner().invoke(cli, ["rules", "coverage", "k-01"])

    *lines, last = result.output.splitlines()
    assert all(line.startswith("k-01-low-potassium: ") and " never " in line for line in lines)
    assert last.endswith(f"cases, {len(lines)} facts of rules without a value they can take")
    assert result.exit_code == (1 if lines else 0)
