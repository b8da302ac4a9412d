"""A suspect sample can raise a value, never clear it (A 3.5 LAB-01; reconciliation 1)."""

from time import perf_counter
from typing import Any

import pytest

from cds_service.facts.model import Reason
from cds_service.facts.samples import suspicion_in
from cds_service.rulebase.model import RuleBase
from tests.unit.facts.patients import assessed, concept, lab, observation, quantity
from tests.unit.rulebase.tiny import fact, rule_base


@pytest.fixture(scope="module")
def base() -> RuleBase:
    return rule_base(
        {
            "low": fact("measurement", of="potassium", is_={"below": "potassium-low"}),
            "high": fact("measurement", of="potassium", is_={"at-least": "potassium-high"}),
            "suspect": fact(
                "derived",
                by="sample-suspect",
                of=["potassium", "calcium"],
                is_={"below": "calcium-edta"},
                nothing_recorded="absent",
            ),
        }
    )


def noted(text: str) -> dict[str, Any]:
    return {"note": [{"text": text}]}


def test_a_haemolysed_high_value_is_still_high(base: RuleBase) -> None:
    facts = assessed(base, laboratory=[lab("6.4", **noted("Haemolysed sample"))])

    assert facts.value("high") is True
    assert "sample" in facts.fact("high").data[0].notes[0]
    assert facts.value("suspect") is True


def test_a_haemolysed_low_value_is_still_low(base: RuleBase) -> None:
    assert assessed(base, laboratory=[lab("2.4", **noted("Haemolysed"))]).value("low") is True


def test_a_haemolysed_normal_value_clears_nothing(base: RuleBase) -> None:
    facts = assessed(base, laboratory=[lab("4.0", **noted("Haemolysed"))])

    for name in ("low", "high"):
        assert facts.fact(name).reason is Reason.SUSPECT_SAMPLE


@pytest.mark.parametrize("turned", [False, True])
def test_of_two_values_at_one_time_a_suspect_one_is_not_overlooked(base: RuleBase, turned: bool) -> None:
    pair = [lab("4.0", id="k-1"), lab("4.0", id="k-2", **noted("Haemolysed"))]
    facts = assessed(base, laboratory=pair[::-1] if turned else pair)

    assert facts.value("suspect") is True
    assert facts.fact("suspect").data[0].ref == "Observation/k-2"
    for name in ("low", "high"):
        assert facts.fact(name).reason is Reason.SUSPECT_SAMPLE


@pytest.mark.parametrize("turned", [False, True])
def test_of_two_calciums_at_one_time_one_that_speaks_of_edta_is_enough(
    base: RuleBase, turned: bool
) -> None:
    pair = [lab("2.4", of="ca", id="ca-1"), lab("0.9", of="ca", id="ca-2")]
    found = [lab("6.4"), *(pair[::-1] if turned else pair)]

    assert assessed(base, laboratory=found).value("suspect") is True


def test_one_moment_written_in_two_zones_is_the_same_sample(base: RuleBase) -> None:
    calcium = lab("0.9", of="ca", at="2026-11-22T09:00:00+01:00")

    assert assessed(base, laboratory=[lab("6.4"), calcium]).value("suspect") is True


@pytest.mark.parametrize(
    "words",
    [
        "Haemolysed",
        "Specimen slightly hemolyzed",
        "marked haemolysis",
        "Hemolysis 2+",
        "lipaemic",
        "Lipemia",
        "taken from drip arm",
        "infusion arm",
        "no fever; haemolysed",
        "Not fasting, haemolysed",
        "Without delay to laboratory, haemolysed",
        "no clot seen, lipaemic",
    ],
)
def test_a_remark_that_the_sample_was_spoiled_is_understood(base: RuleBase, words: str) -> None:
    assert assessed(base, laboratory=[lab("4.0", **noted(words))]).value("suspect") is True


@pytest.mark.parametrize(
    "words",
    [
        "no haemolysis",
        "No visible hemolysis",
        "non-haemolysed",
        "not haemolysed",
        "not lipaemic, not haemolysed",
        "no haemolysis or lipaemia",
        "Haemolysis: none",
        "haemolysis absent",
        "hemolysis not detected",
        "Haemolysis index negative",
        "haemolytic anaemia known",
        "fasting",
    ],
)
def test_a_denial_is_no_remark(base: RuleBase, words: str) -> None:
    assert assessed(base, laboratory=[lab("4.0", **noted(words))]).value("suspect") is False


def test_the_interpretation_counts_as_a_remark(base: RuleBase) -> None:
    spoiled = lab("4.0", interpretation=[{"coding": [{"code": "X", "display": "Hemolyzed"}]}])

    assert assessed(base, laboratory=[spoiled]).value("suspect") is True


@pytest.mark.parametrize(
    "state",
    [{"condition": [concept("HEM")]}, {"condition": [{"text": "haemolysed"}]}, noted("haemolysed")],
)
def test_the_specimen_says_it_too(base: RuleBase, state: dict[str, Any]) -> None:
    specimen = {"resourceType": "Specimen", "id": "s1", "subject": {"reference": "Patient/p"}} | state
    drawn = lab("4.0", specimen={"reference": "Specimen/s1"})

    assert assessed(base, laboratory=[specimen, drawn]).value("suspect") is True
    assert assessed(base, laboratory=[specimen, lab("4.0")]).value("suspect") is False


@pytest.mark.parametrize(
    ("flag", "suspect"),
    [
        ({"valueBoolean": True}, True),
        ({"valueBoolean": False}, False),
        ({"valueString": "1+"}, True),
        ({"valueString": "Negative"}, False),
        ({"valueString": "none"}, False),
        ({"valueString": "nil"}, False),
        ({"valueString": "Not detected"}, False),
        ({"valueString": "absent"}, False),
    ],
)
def test_a_flag_of_the_same_time_marks_the_sample(
    base: RuleBase, flag: dict[str, Any], suspect: bool
) -> None:
    facts = assessed(base, laboratory=[lab("4.0"), observation("hil", **flag)])

    assert facts.value("suspect") is suspect


def test_a_flag_of_another_time_does_not(base: RuleBase) -> None:
    flag = observation("hil", "2026-11-20T08:00:00Z", valueBoolean=True)

    assert assessed(base, laboratory=[lab("4.0"), flag]).value("suspect") is False


def test_the_same_moment_may_be_written_in_two_zones(base: RuleBase) -> None:
    flag = observation("hil", "2026-11-22T09:00:00+01:00", valueBoolean=True)

    assert assessed(base, laboratory=[lab("4.0"), flag]).value("suspect") is True


def test_only_the_marked_sample_is_suspect(base: RuleBase) -> None:
    spoiled = lab("6.4", at="2026-11-20T08:00:00Z", **noted("haemolysed"))

    facts = assessed(base, laboratory=[spoiled, lab("4.0")])

    assert (facts.value("high"), facts.value("suspect")) == (False, False)


@pytest.mark.parametrize(("calcium", "suspect"), [("1.4", True), ("1.5", False), ("2.3", False)])
def test_a_very_low_calcium_of_the_same_time_means_edta(
    base: RuleBase, calcium: str, suspect: bool
) -> None:
    together = [lab("6.4"), lab(calcium, of="ca")]

    assert assessed(base, laboratory=together).value("suspect") is suspect


def test_without_a_value_there_is_no_doubtful_sample(base: RuleBase) -> None:
    assert assessed(base).value("suspect") is False


def test_a_component_carries_its_own_remark(base: RuleBase) -> None:
    part = {
        "code": concept("k"),
        "valueQuantity": quantity("4.0"),
        "interpretation": [{"text": "haemolysed"}],
    }

    assert assessed(base, laboratory=[observation("panel", component=[part])]).value("suspect") is True


@pytest.mark.parametrize(
    "remark",
    [
        "haemolysis" + " " * 60_000 + "x",
        "no haemolysis" + "\t\n" * 30_000 + "x",
        "no" + " sign" * 15_000 + "x",
        "no-" * 20_000,
        "haemolysed/" * 6_000,
    ],
)
def test_a_remark_made_to_be_slow_is_read_at_once(remark: str) -> None:
    begun = perf_counter()
    suspicion_in(remark)
    assert perf_counter() - begun < 0.1


def test_many_flags_and_many_results_are_matched_in_one_pass(base: RuleBase) -> None:
    flags = [
        observation("20393-5", valueBoolean=True, effectiveDateTime="2026-11-20") for _ in range(3000)
    ]
    begun = perf_counter()
    assessed(base, laboratory=[*flags, *(lab("4.0") for _ in range(3000))])
    assert perf_counter() - begun < 3
