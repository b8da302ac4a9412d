"""The leg of an entry with a code: body site, then the code, then its words beside a leg."""

import time
from typing import Any

import pytest

from cds_service.facts.model import FactSet, Reason
from cds_service.rulebase.model import RuleBase
from tests.unit.facts.patients import assessed, condition

SNOMED, ICD = "http://snomed.info/sct", "http://hl7.org/fhir/sid/icd-10-cm"
DAY = "2026-11-10"
LEFT, RIGHT, BOTH = "7771000", "24028007", "51440002"
LEFT_LOWER_LEG = "48979004"


def coded(
    base: RuleBase, text: str = "", *codings: dict[str, str], sites: tuple[str, ...] = ()
) -> FactSet:
    code: dict[str, Any] = {"coding": list(codings) or [{"system": ICD, "code": "R60.0"}]}
    if text:
        code["text"] = text
    entry = condition(onsetDateTime=DAY, recordedDate=DAY) | {
        "code": code,
        "bodySite": [{"coding": [{"system": SNOMED, "code": one}]} for one in sites],
    }
    return assessed(base, conditions=[entry])


def side_of(facts: FactSet, fact: str = "leg-swelling") -> str | None:
    return facts.fact(fact).data[0].side


@pytest.mark.parametrize(
    ("text", "side"),
    [
        ("Left leg swelling", "left"),
        ("Swollen left leg", "left"),
        ("SWELLING OF THE LEFT CALF", "left"),
        ("Edema of right lower extremity", "right"),
        ("Swelling of left lower limb (finding)", "left"),
        ("left-sided leg oedema", "left"),
        ("L leg swelling", "left"),
        ("Rt calf swollen", "right"),
        ("Leg swelling, left", "left"),
        ("Swelling of lower leg (right)", "right"),
        ("Calf edema - left", "left"),
        ("Bilateral edema of legs", "both"),
        ("Both legs swollen", "both"),
        ("left leg swelling since 2025", "left"),
        ("Swelling of leg", None),
        ("Swelling, left", None),  # of what?
        ("Left arm swelling", None),
        ("left upper extremity edema", None),
        ("swollen leg, left arm", None),
        ("swollen leg left arm", None),
        ("Right heart failure, swollen legs", None),
        ("Leg swelling, left work early", None),
        ("Leg swelling left untreated", None),
        ("left or right leg swollen", None),
        ("Left leg swelling, right leg pain", None),
        ("Both legs swollen, left more than right", None),
        ("no left leg swelling", None),
        ("Left leg swelling?", None),
        ("Swelling, not of the left leg", None),
        ("Left leg swelling, r/o DVT", None),
        ("history of left leg swelling", None),
        ("leg swelling after operation of left hip", None),
        ("L5 pain, swollen leg", None),
        ("LLE edema", None),
        ("leftleg swelling", None),
        ("Left leg swelling 2019", None),
        ("jambe gauche gonfl\u00e9e, left leg", None),
        ("<b>left leg</b> swelling", None),
        ("left leg swelling " + "x" * 200, None),
    ],
)
def test_the_leg_is_that_of_the_words_beside_it(shipped: RuleBase, text: str, side: str | None) -> None:
    facts = coded(shipped, text)
    found = facts.fact("leg-swelling")
    assert (found.value, found.reason, found.data[0].side) == (True, None, side)
    assert ("side by text match" in found.data[0].notes) is (side is not None)


def test_that_it_is_this_leg_is_said_by_words_alone(shipped: RuleBase) -> None:
    facts = coded(shipped, "Left leg swelling")
    found = facts.fact("left-leg-complaint")
    assert (found.value, found.reason) == (True, Reason.ONLY_NAMED)
    assert "text match" in found.data[0].notes
    assert facts.value("right-leg-complaint") is False
    assert facts.value("unilateral-leg-symptom") is True


def test_both_legs_by_words_end_no_suspicion(shipped: RuleBase) -> None:
    facts = coded(shipped, "Bilateral leg swelling")
    assert facts.value("left-leg-complaint") is False
    assert facts.value("unilateral-leg-symptom") is None


@pytest.mark.parametrize(
    ("sites", "left", "right", "one_leg"),
    [
        ((LEFT,), True, False, True),
        ((RIGHT,), False, True, True),
        ((BOTH,), True, True, False),
        ((LEFT, RIGHT), True, True, False),
        ((LEFT_LOWER_LEG,), True, False, True),
    ],
)
def test_a_body_site_tells_it_surely(
    shipped: RuleBase, sites: tuple[str, ...], left: bool, right: bool, one_leg: bool
) -> None:
    facts = coded(shipped, sites=sites)
    assert facts.sure("left-leg-complaint") is left
    assert facts.sure("right-leg-complaint") is right
    assert (facts.value("unilateral-leg-symptom") is True) is one_leg
    assert facts.fact("leg-swelling").data[0].notes == ()


def test_body_site_and_code_stand_over_words(shipped: RuleBase) -> None:
    assert side_of(coded(shipped, "Right leg swelling", sites=(LEFT,))) == "left"
    pain = {"system": ICD, "code": "M79.605"}
    assert side_of(coded(shipped, "Right leg pain", pain), "leg-complaint") == "left"


def test_a_body_site_and_a_code_that_differ_name_no_leg(shipped: RuleBase) -> None:
    pain = {"system": ICD, "code": "M79.605"}
    assert side_of(coded(shipped, "", pain, sites=(RIGHT,)), "leg-complaint") is None


def test_one_coding_tells_the_leg_of_the_whole_entry(shipped: RuleBase) -> None:
    swelling, pain = {"system": SNOMED, "code": "449614009"}, {"system": ICD, "code": "M79.605"}
    facts = coded(shipped, "", swelling, pain)
    assert side_of(facts) == "left"
    assert facts.sure("left-leg-complaint") is True


def test_a_display_counts_and_one_that_is_not_read_takes_nothing(shipped: RuleBase) -> None:
    shown = {"system": ICD, "code": "R60.0", "display": "Swelling of left lower leg"}
    other = {"system": "urn:x", "code": "1", "display": "Edema without ulcer, not elsewhere classified"}
    assert side_of(coded(shipped, "", shown, other)) == "left"
    assert side_of(coded(shipped, "Leg swelling", shown, other)) == "left"
    assert side_of(coded(shipped, "Right leg swelling", shown)) is None
    assert side_of(coded(shipped, "No leg swelling", shown)) is None


def test_a_laterality_alone_is_of_no_limb(shipped: RuleBase) -> None:
    limb = {"system": SNOMED, "code": "90834002"}
    facts = coded(shipped, "Pain in limb", limb, sites=(LEFT,))
    assert facts.value("left-leg-complaint") is False
    assert facts.value("leg-complaint") is False


@pytest.mark.parametrize(
    ("text", "fact", "value"),
    [
        ("Left leg swelling", "leg-swelling", True),
        ("Left leg swelling", "left-leg-complaint", True),
        ("Leg swelling", "leg-swelling", True),
        ("Leg swelling", "left-leg-complaint", False),
        ("No leg swelling", "leg-swelling", False),
        ("history of leg swelling", "leg-swelling", False),
        ("Left leg pain", "leg-swelling", False),
        ("Lump, left leg", "leg-swelling", False),
        ("", "leg-swelling", False),
    ],
)
def test_a_code_of_any_limb_is_of_the_leg_by_a_phrase_of_its_set(
    shipped: RuleBase, text: str, fact: str, value: bool
) -> None:
    facts = coded(shipped, text, {"system": ICD, "code": "M79.89"})
    assert facts.value(fact) is value
    assert facts.sure(fact) is not True


def test_of_words_that_a_code_needs_only_the_phrase_is_quoted(shipped: RuleBase) -> None:
    text = "Varicose vein bled this morning; swollen left leg"
    found = coded(shipped, text, {"system": ICD, "code": "M79.89"}).fact("leg-swelling")
    assert (found.data[0].label, found.data[0].notes) == ("swollen left leg", ("text match",))


def test_the_side_of_what_has_no_leg_is_not_read(shipped: RuleBase) -> None:
    """A melanoma of the left leg is a cancer of the patient, and counts for the other leg too."""
    cancer = {"system": ICD, "code": "C43.72"}
    facts = coded(shipped, "Melanoma of left lower leg", cancer)
    assert side_of(facts, "cancer-coded") is None


@pytest.mark.parametrize("piece", ["left ", "left leg ", "left, ", "pain of in ", "leg (", "a"])
def test_a_long_text_costs_nothing(shipped: RuleBase, piece: str) -> None:
    text = piece * (100_000 // len(piece))
    codings = [{"system": ICD, "code": "R60.0", "display": f"{text[:190]}{at}"} for at in range(2000)]
    started = time.perf_counter()
    assert shipped.wording.legs_named(text) is None
    shortest = time.perf_counter() - started
    found = coded(shipped, text, *codings)
    assert side_of(found) is None
    assert shortest < 0.05


def test_only_the_phrase_of_a_text_is_quoted(shipped: RuleBase) -> None:
    text = "Bleeding from varicose vein left ankle this morning; my Left legs feel heavy"
    entry = condition(onsetDateTime=DAY, recordedDate=DAY) | {"code": {"text": text}}
    facts = assessed(shipped, conditions=[entry])
    assert facts.fact("heavy-legs").data[0].label == "Left legs feel heavy"
    assert facts.fact("heavy-legs").data[0].notes == ("text match",)
