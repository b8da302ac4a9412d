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


def test_ten_thousand_different_remarks_are_read_in_a_few_seconds() -> None:
    words = "the sample was received in good order and measured twice by the usual method " * 16
    begun = perf_counter()
    for number in range(9990):
        suspicion_in(f"{number} {words}")
        suspicion_in(f"{'no ' * 400}{number}haemolysi")
    assert perf_counter() - begun < 4  # on a busy machine 1.5 s; 7 s with the whole pattern each time


def test_many_flags_and_many_results_are_matched_in_one_pass(base: RuleBase) -> None:
    flags = [
        observation("20393-5", valueBoolean=True, effectiveDateTime="2026-11-20") for _ in range(3000)
    ]
    begun = perf_counter()
    assessed(base, laboratory=[*flags, *(lab("4.0") for _ in range(3000))])
    assert perf_counter() - begun < 3


FAILED = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "timeout"}]}


def drawn(value: str, named: str = "Specimen/s1", **fields: Any) -> dict[str, Any]:
    return lab(value, specimen={"reference": named}, **fields)


def sample(*words: str, **fields: Any) -> dict[str, Any]:
    told = {"note": [{"text": one} for one in words]}
    return (
        {"resourceType": "Specimen", "id": "s1", "subject": {"reference": "Patient/p"}} | told | fields
    )


def listed(*entries: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {
        "resourceType": "Bundle",
        "type": "searchset",
        "entry": [{"resource": one} for one in entries],
    } | fields


MORE = {"link": [{"relation": "next", "url": "https://ehr.example/2"}]}
OTHERS = {"subject": {"reference": "Patient/another"}}


def test_a_specimen_inside_its_result_says_it_too(base: RuleBase) -> None:
    inside = drawn("4.0", "#s1", contained=[sample("haemolysed")])
    clean = drawn("4.0", "#s1", contained=[sample()])

    assert assessed(base, laboratory=[inside]).fact("low").reason is Reason.SUSPECT_SAMPLE
    assert assessed(base, laboratory=[clean]).value("low") is False


def test_a_specimen_inside_one_result_is_not_that_of_another(base: RuleBase) -> None:
    flag = observation("hil", "2026-11-20T08:00:00Z", valueBoolean=True, id="flag")
    flag |= {"specimen": {"reference": "#s1"}, "contained": [sample()]}
    spoilt = drawn("4.0", "#s1", contained=[sample("haemolysed")], at="2026-11-20T08:00:00Z", id="old")
    good = drawn("4.0", "#s1", contained=[sample()])

    assert assessed(base, laboratory=[flag, spoilt, good]).value("suspect") is False


@pytest.mark.parametrize("turned", [False, True])
def test_a_clean_specimen_does_not_clear_a_spoilt_one_of_its_id(base: RuleBase, turned: bool) -> None:
    pair = [sample("haemolysed"), sample()]
    found = assessed(
        base, laboratory=[drawn("4.0")], raw={"specimens": listed(*(pair[::-1] if turned else pair))}
    )

    assert found.value("suspect") is True


@pytest.mark.parametrize(
    "specimens",
    [
        FAILED,
        {"no": "resource"},
        listed(**MORE),
        listed(sample(note="haemolysed")),
        listed(sample(), sample(note="haemolysed")),
        listed(sample(**OTHERS)),
    ],
)
def test_a_value_whose_sample_could_not_be_read_clears_nothing_and_still_raises(
    base: RuleBase, specimens: dict[str, Any]
) -> None:
    def told(value: str) -> Any:
        return assessed(base, laboratory=[drawn(value)], raw={"specimens": specimens})

    assert told("4.0").fact("low").reason is Reason.SUSPECT_SAMPLE
    assert told("4.0").fact("high").reason is Reason.SUSPECT_SAMPLE
    assert told("4.0").fact("low").data[0].notes == ("state of the sample not known",)
    assert told("2.4").value("low") is True
    assert told("6.4").value("high") is True
    assert told("6.4").value("suspect") is False  # nobody said that it was spoilt


@pytest.mark.parametrize("inside", [[], [sample(id="s2")], [sample(note="haemolysed")]])
def test_a_sample_that_a_result_should_hold_and_does_not_clears_nothing(
    base: RuleBase, inside: list[dict[str, Any]]
) -> None:
    told = assessed(base, laboratory=[drawn("4.0", "#s1", contained=inside)])

    assert told.fact("low").reason is Reason.SUSPECT_SAMPLE


@pytest.mark.parametrize(
    ("value", "brought"),
    [
        (drawn("4.0"), {"without": ["specimens"]}),  # an EHR that sends no samples
        (drawn("4.0"), {"raw": {"specimens": None}}),
        (drawn("4.0"), {"raw": {"specimens": listed()}}),
        (drawn("4.0"), {"raw": {"specimens": listed(sample(), **MORE)}}),  # this one did arrive
        (lab("4.0"), {"raw": {"specimens": FAILED}}),  # names no sample
        (drawn("4.0", "Device/s1"), {"raw": {"specimens": FAILED}}),
    ],
)
def test_otherwise_a_value_without_a_word_about_its_sample_is_a_good_one(
    base: RuleBase, value: dict[str, Any], brought: dict[str, Any]
) -> None:
    assert assessed(base, laboratory=[value], **brought).value("low") is False
