"""Where a code counts, and code sets as FHIR ValueSets."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from fhir.resources.R4B.valueset import ValueSet

from cds_service.cli.main import cli
from cds_service.rulebase import uses
from cds_service.rulebase.model import RuleBase
from cds_service.rulebase.reading import Document
from cds_service.rulebase.value_sets import value_set

Found = Callable[[str], dict[str, uses.Use]]


@pytest.fixture
def found(shipped: RuleBase, shipped_documents: dict[str, list[Document]]) -> Found:
    """Where a code counts, by code set."""
    return lambda code: {one.set.name: one for one in uses.of_code(code, shipped, shipped_documents)}


def test_a_code_is_followed_to_the_facts_and_the_rules(found: Found) -> None:
    # 2823-3 is the potassium of serum: the analyte of K-01's facts.
    use = found("2823-3")["potassium"]

    assert use.system == "loinc"
    assert ("analytes", "potassium") in use.readers
    assert "k-01-low-potassium" in use.rules


@pytest.mark.parametrize("written", ["I82.4", "I824", "i82.421"])
def test_a_stem_is_found_as_records_meet_it(written: str, found: Found) -> None:
    use = found(written)["deep-vein-thrombosis"]

    assert (use.system, use.concept.code, use.concept.prefix) == ("icd-10-cm", "I82.4", True)
    assert ("facts", "dvt-coded") in use.readers


def test_a_fact_that_counts_other_facts_reads_no_code_set_of_the_same_name(found: Found) -> None:
    use = found("161873000")["leg-complaint-plain"]

    assert use.readers == (("facts", "leg-complaint-plain"),)


def test_an_order_that_is_written_with_the_code_is_named(shipped: RuleBase) -> None:
    assert [one.name for one in uses.orders_with("77194-9", shipped)] == ["exercise-abi", "resting-abi"]


def test_a_code_of_no_set_counts_nowhere(found: Found) -> None:
    assert found("279372000") == {}  # fails its check digit: B 13.1

    result = CliRunner().invoke(cli, ["rules", "codes", "279372000"])
    assert (result.exit_code, "counts nowhere" in result.output) == (1, True)


def test_the_command_says_set_reader_rule_and_source() -> None:
    result = CliRunner().invoke(cli, ["rules", "codes", "2823-3"])

    assert result.exit_code == 0
    for words in (
        "2823-3",
        "set potassium",
        "read by analyte potassium",
        "k-01-low-potassium",
        "source:",
    ):
        assert words in result.output


def test_every_set_is_a_valid_value_set(shipped: RuleBase) -> None:
    # Two validators that are not ours.
    import fhirkit  # noqa: PLC0415

    for one in shipped.code_sets.values():
        made = value_set(one, shipped)
        ValueSet.model_validate(made)
        assert [f"{issue.path}: {issue.message}" for issue in fhirkit.validate(json.dumps(made))] == []


def codes_in(made: dict[str, Any]) -> set[tuple[str, str]]:
    found = set()
    for include in made["compose"]["include"]:
        found |= {(include["system"], one["code"]) for one in include.get("concept", ())}
        found |= {(include["system"], one["value"]) for one in include.get("filter", ())}
    return found


def test_a_value_set_holds_every_member_once(shipped: RuleBase) -> None:
    for one in shipped.code_sets.values():
        assert codes_in(value_set(one, shipped)) == {(c.system, c.code) for c in one.concepts}


def test_each_stem_is_a_filter_of_its_own(shipped: RuleBase) -> None:
    made = value_set(shipped.code_sets["deep-vein-thrombosis"], shipped)
    stems = [one for one in made["compose"]["include"] if "filter" in one]

    assert {(len(one["filter"]), one["filter"][0]["op"]) for one in stems} == {(1, "is-a")}
    assert {one["filter"][0]["value"] for one in stems} >= {"I82.4", "I80.1", "I80.2"}


def test_a_body_site_that_a_value_set_cannot_demand_is_said(shipped: RuleBase) -> None:
    made = value_set(shipped.code_sets["left-leg-complaint"], shipped)

    _, sites = made["description"].split("Only with a body site: ")
    assert "161873000 (body site in left-lower-leg-structure)" in sites


def test_value_sets_are_written_one_file_each(tmp_path: Any, shipped: RuleBase) -> None:
    result = CliRunner().invoke(cli, ["rules", "value-sets", "--out", str(tmp_path / "new")])

    assert result.exit_code == 0
    files = {one.name for one in (tmp_path / "new").iterdir()}
    assert files == {f"{name}.json" for name in shipped.code_sets}
    named = CliRunner().invoke(cli, ["rules", "value-sets", "potassium"])
    assert [one["resource"]["id"] for one in json.loads(named.output)["entry"]] == ["potassium"]
    refused = CliRunner().invoke(cli, ["rules", "value-sets", "potasium"])
    assert (refused.exit_code, "'potasium'" in refused.output) == (2, True)


def test_value_sets_into_a_place_that_cannot_be_written_to_are_one_line_of_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    refused = CliRunner().invoke(cli, ["rules", "value-sets", "--out", str(tmp_path / "file" / "x")])

    assert refused.exit_code == 1
    assert refused.output.startswith("Error: ")
    assert "cannot be written to" in refused.output
    assert refused.output.count("\n") == 1
