"""Which leg, and what a questionnaire says."""

from typing import Any

import pytest

from cds_service.facts.model import FactSet
from cds_service.rulebase.model import RuleBase
from tests.unit.facts.patients import assessed, concept, condition, observation
from tests.unit.rulebase.tiny import LOCAL, code_set, fact, rule_base


@pytest.fixture(scope="module")
def base() -> RuleBase:
    return rule_base(
        {
            "heavy": fact(in_=["heavy"]),
            "weak": fact("finding", in_=["weak"], within="window-30"),
            "thigh": fact("finding", in_=["thigh-question"], within="window-30"),
            "thigh-inner": fact(
                "finding", in_=["thigh-question"], within="window-30", answers=["inner"]
            ),
            "one-leg": fact(
                "finding", in_=["leg-question"], within="window-30", answers=["left", "right"]
            ),
            "thigh-sited": fact("finding", in_=["sited-question"], within="window-30"),
            "stem": fact(in_=["stem"]),
            "exact": fact(in_=["exact"]),
            "sided-stem": fact(in_=["sided-stem"]),
            "heavy-anywhere": fact(in_=["heavy"], legs="together"),
            "one-leg-not-weak": fact(
                "group", when={"all": ["heavy", {"unless": ["weak"]}]}, legs="either"
            ),
            "not-weak": fact("group", when={"all": ["heavy", {"unless": ["weak"]}]}),
        },
        terminology={
            "sited-question": code_set({"code": "thigh", "needs-site": "legs"}, system="local"),
            "stem": code_set("S93.4", "I73", system="icd-10-cm"),
            "exact": code_set({"code": "I73", "exact": True}, system="icd-10-cm"),
            "sided-stem": code_set(
                "I82.4", {"code": "I82.402", "side": "left"}, "I82", system="icd-10-cm"
            ),
        },
    )


def legs(facts: FactSet, name: str) -> tuple[bool | None, bool | None]:
    return facts.value(name, "left"), facts.value(name, "right")


def test_the_side_may_be_in_the_code(base: RuleBase) -> None:
    facts = assessed(base, conditions=[condition("heavy-left")])

    assert facts.value("heavy") is True
    assert legs(facts, "heavy") == (True, False)


@pytest.mark.parametrize(("code", "side"), [("I82.402", "left"), ("I82.409", None), ("I82.5", None)])
def test_of_a_code_and_its_stem_the_longer_one_tells_the_side(
    base: RuleBase, code: str, side: str | None
) -> None:
    coded = condition() | {"code": concept(code, system="http://hl7.org/fhir/sid/icd-10-cm")}

    assert assessed(base, conditions=[coded]).fact("sided-stem").data[0].side == side


def test_the_side_may_be_in_the_body_site(base: RuleBase) -> None:
    facts = assessed(base, conditions=[condition(bodySite=[concept("right-leg")])])

    assert legs(facts, "heavy") == (False, True)


def test_a_fact_of_both_legs_together_is_the_same_for_each(base: RuleBase) -> None:
    facts = assessed(base, conditions=[condition("heavy-left")])

    assert legs(facts, "heavy-anywhere") == (True, True)


def test_a_fact_of_either_leg_is_true_of_the_patient_when_it_is_of_one(base: RuleBase) -> None:
    weak_right = observation("weak", valueBoolean=True, bodySite=concept("right-leg"))
    facts = assessed(base, conditions=[condition("heavy-left")], findings=[weak_right])

    assert facts.value("not-weak") is False  # what one leg has excuses the other
    assert facts.value("one-leg-not-weak") is True
    assert legs(facts, "one-leg-not-weak") == (True, False)


def test_a_fact_of_either_leg_is_unknown_when_one_leg_is(base: RuleBase) -> None:
    facts = assessed(base, without=["conditions"])

    assert facts.value("one-leg-not-weak") is None


def test_a_fact_of_either_leg_is_false_when_no_leg_has_it(base: RuleBase) -> None:
    assert assessed(base).value("one-leg-not-weak") is False


def test_both_sides_coded_are_both(base: RuleBase) -> None:
    sites = [concept("left-leg"), concept("right-leg")]
    facts = assessed(base, conditions=[condition(bodySite=sites)])

    assert facts.fact("heavy").data[0].side == "both"


def test_what_has_no_side_speaks_for_either_leg(base: RuleBase) -> None:
    facts = assessed(base, conditions=[condition(), condition("other", bodySite=[concept("left-leg")])])

    assert facts.legs == ()  # nothing that a fact reads tells the legs apart
    assert facts.value("heavy", "left") is True


def test_a_code_that_needs_a_site_counts_only_with_it(base: RuleBase) -> None:
    bare = observation("weak-sited", valueBoolean=True)

    assert assessed(base, findings=[bare]).value("weak") is None
    assert assessed(base, findings=[bare | {"bodySite": concept("leg")}]).value("weak") is True
    assert assessed(base, findings=[bare | {"bodySite": concept("arm")}]).value("weak") is None


def test_another_uri_of_the_same_system_is_the_same_system(base: RuleBase) -> None:
    coded = condition() | {"code": concept("heavy", system="urn:oid:1.2.3")}

    assert assessed(base, conditions=[coded]).value("heavy") is True


@pytest.mark.parametrize(
    ("code", "stem", "exact"),
    [
        ("I73", True, True),
        ("I73.9", True, False),
        ("I739", True, False),
        ("I7", False, False),
        ("S93.401A", True, False),
        ("S93.401D", True, False),
        ("S93.401S", False, False),  # a sequela is not the injury
        ("S93.5", False, False),
    ],
)
def test_a_stem_matches_longer_codes_and_never_a_sequela(
    base: RuleBase, code: str, stem: bool, exact: bool
) -> None:
    coded = condition() | {"code": concept(code, system="http://hl7.org/fhir/sid/icd-10-cm")}
    facts = assessed(base, conditions=[coded])

    assert (facts.value("stem"), facts.value("exact")) == (stem, exact)


def test_an_icd_10_code_of_who_is_another_system(base: RuleBase) -> None:
    coded = condition() | {"code": concept("I73.9", system="http://hl7.org/fhir/sid/icd-10")}

    assert assessed(base, conditions=[coded]).value("stem") is False


# --- questionnaires --------------------------------------------------------------------------------


def response(*items: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {
        "resourceType": "QuestionnaireResponse",
        "id": "q",
        "status": "completed",
        "authored": "2026-11-20",
        "item": list(items),
    } | fields


def item(*answers: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"linkId": "thigh", "answer": list(answers)} | fields


def filled(base: RuleBase, *items: dict[str, Any], name: str = "thigh", **fields: Any) -> bool | None:
    return assessed(base, questionnaireResponses=[response(*items, **fields)]).value(name)


def test_a_yes_and_a_no_are_read(base: RuleBase) -> None:
    assert filled(base, item({"valueBoolean": True})) is True
    assert filled(base, item({"valueBoolean": False})) is False


def test_an_answer_names_no_body_site_and_is_said_of_none(base: RuleBase) -> None:
    """One grade of power in a form must not count for the left leg and for the right."""
    assert filled(base, item({"valueBoolean": True}), name="thigh-sited") is None


def test_an_item_without_an_answer_was_not_answered(base: RuleBase) -> None:
    assert filled(base, item()) is None


def test_an_answer_is_found_inside_a_group_and_below_another_answer(base: RuleBase) -> None:
    group = {"linkId": "g", "item": [item({"valueBoolean": True})]}
    below = {"linkId": "x", "answer": [{"valueBoolean": True, "item": [item({"valueBoolean": True})]}]}

    assert filled(base, group) is True
    assert filled(base, below) is True


@pytest.mark.parametrize("status", ["in-progress", "entered-in-error", "stopped"])
def test_a_form_that_is_not_finished_says_nothing(base: RuleBase, status: str) -> None:
    assert filled(base, item({"valueBoolean": True}), status=status) is None


def test_one_of_several_ticked_answers_is_enough(base: RuleBase) -> None:
    inner, outer = ({"valueCoding": {"code": code}} for code in ("inner", "outer"))

    assert filled(base, item(inner, outer), name="thigh-inner") is True
    assert filled(base, item(outer, inner), name="thigh-inner") is True
    assert filled(base, item(outer), name="thigh-inner") is False


def test_an_answer_names_the_form_it_came_from(base: RuleBase) -> None:
    facts = assessed(base, questionnaireResponses=[response(item({"valueBoolean": True}))])

    assert facts.fact("thigh").data[0].ref == "QuestionnaireResponse/q"


def which_leg(answer: str, at: str = "2026-11-22T08:00:00Z") -> dict[str, Any]:
    given = {"coding": [{"system": LOCAL, "code": answer}]}
    coded = {"code": concept("which-leg", system=LOCAL)}
    return observation("which-leg", at, id=f"o-{at}", valueCodeableConcept=given) | coded


@pytest.mark.parametrize(
    ("answers", "whole", "each"),
    [
        ([which_leg("left")], True, (True, False)),
        ([which_leg("right")], True, (False, True)),
        ([which_leg("both")], False, (False, False)),
        # The newest answer counts, also for the leg that an older one named.
        ([which_leg("left", "2026-11-10T08:00:00Z"), which_leg("right")], True, (False, True)),
        ([which_leg("left", "2026-11-10T08:00:00Z"), which_leg("both")], False, (False, False)),
        # Two answers of one moment count both, whichever the server sends first.
        ([which_leg("left"), which_leg("right")], True, (True, True)),
        ([which_leg("right"), which_leg("left")], True, (True, True)),
        ([which_leg("both"), which_leg("left")], True, (True, False)),
        ([which_leg("left"), which_leg("both")], True, (True, False)),
    ],
)
def test_the_answer_to_which_leg_names_it(
    base: RuleBase, answers: list[dict[str, Any]], whole: bool, each: tuple[bool, bool]
) -> None:
    facts = assessed(base, findings=answers)

    assert facts.value("one-leg") is whole
    assert legs(facts, "one-leg") == each


def test_the_answer_to_which_leg_names_it_in_a_questionnaire_too(base: RuleBase) -> None:
    given = {"valueCoding": {"system": LOCAL, "code": "left"}}
    facts = assessed(base, questionnaireResponses=[response({"linkId": "which-leg", "answer": [given]})])

    assert legs(facts, "one-leg") == (True, False)
