"""A region has its own numbers where content gives it some, and the digest tells."""

from decimal import Decimal

import pytest

from cds_service.failures import Failure
from cds_service.rulebase import loader
from cds_service.rulebase.definitions import RegionFact
from cds_service.rulebase.model import RuleBase
from cds_service.rulebase.regions import for_region
from tests.unit.rulebase.tiny import Json, fact, loaded, rule, texts

CAPS = """
thresholds:
  cap:
    value: {mg/d: 10}
    source: here
    standing: sourced
    regions: {north: {value: {mg/d: 20}, source: there, standing: second-hand}}
  other: {value: {mg/d: 5}, source: s, standing: design}
"""
IN_THE_NORTH = {"north": fact("region", in_=["north"], label="as in the north")}


def files(thresholds: str = CAPS, facts: Json | None = None) -> dict[str, str]:
    """A tiny rule base that knows two regions."""
    made = texts(IN_THE_NORTH if facts is None else facts, rules=[rule("x", "a")], thresholds=thresholds)
    made["global.yaml"] += "regions: {north: The North, south: The South}\n"
    return made


def base() -> RuleBase:
    """The rule base of these files."""
    return loaded(files())


def test_a_region_has_its_own_number_and_source() -> None:
    north = for_region(base(), "north").thresholds
    assert north["cap"].values == {"mg/d": Decimal(20)}
    assert (north["cap"].source, north["cap"].standing) == ("there", "second-hand")
    assert north["other"].values == {"mg/d": Decimal(5)}


def test_a_region_without_one_and_no_region_have_the_number_that_stands_first() -> None:
    assert for_region(base(), "south").thresholds["cap"].values == {"mg/d": Decimal(10)}
    found = base()
    assert for_region(found, "") is found


def test_the_digest_tells_the_regions_apart() -> None:
    found = base()
    assert len({found.digest, for_region(found, "north").digest, for_region(found, "south").digest}) == 3


@pytest.mark.parametrize(("region", "here"), [("north", True), ("south", False), ("", False)])
def test_a_fact_is_true_where_it_says_so(region: str, here: bool) -> None:
    found = for_region(base(), region).facts["north"]
    assert isinstance(found, RegionFact)
    assert found.here is here


def test_a_region_that_content_does_not_know_is_refused_with_those_it_knows() -> None:
    with pytest.raises(Failure, match="knows no region 'east'; it knows: north, south"):
        for_region(base(), "east")


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("{north: {value", "{nrth: {value", "no region is called 'nrth'"),
        ("{mg/d: 20}", "{g/d: 20}", "needs a value in each of: mg/d"),
    ],
)
def test_a_number_of_no_region_or_in_other_units_is_said(old: str, new: str, what: str) -> None:
    _, problems = loader.examine(files(CAPS.replace(old, new)), check_lock=False)
    assert [one.what for one in problems if what in one.what], problems


def test_a_fact_of_no_region_is_said() -> None:
    _, problems = loader.examine(
        files(facts={"east": fact("region", in_=["east"], label="east")}), check_lock=False
    )
    assert [one.what for one in problems if "no region is called 'east'" in one.what], problems
