"""The nine criteria of NICE NG65 for axial spondyloarthritis, item by item (reference B 8.6, B 3).

Nine items, one point each: 4 or more lead to rheumatology, exactly 3 to HLA-B27. The age at onset is one
of them. What nobody asked widens the score and never counts as no. Beside it the six provocation tests
of the sacroiliac joint (Laslett, B 8.9): 3 or more of 6.
"""

from collections.abc import Mapping

import pytest

from cds_service import content, fitness
from cds_service.cases import running
from cds_service.cases.running import NOW, Case
from cds_service.facts.model import FactSet
from cds_service.rulebase.model import RuleBase

RULE_BASE: RuleBase = fitness.load(content.texts(content.folder("cards")))
ASKED = {
    "back-wakes-at-night": "wakes-second-half-of-night",
    "buttock-pain": "buttock-pain",
    "back-better-moving": "back-better-with-movement",
    "back-better-nsaid": "back-better-with-nsaid",
    "spa-relative": "relative-with-spondyloarthritis",
    "arthritis-ever": "arthritis-ever",
    "enthesitis-ever": "enthesitis-ever",
    "psoriasis-ever": "psoriasis-ever",
}
QUESTIONS = list(ASKED.values())
NO = dict.fromkeys(QUESTIONS, False)
YOUNG, OLDER = 33, 40  # at an onset 14 months ago: 31, one criterion; 38, none
TESTS = {
    "si-distraction": "laslett-distraction",
    "si-compression": "laslett-compression",
    "si-thigh-thrust": "laslett-thigh-thrust",
    "si-sacral-thrust": "laslett-sacral-thrust",
    "si-gaenslen-right": "laslett-gaenslen-right",
    "si-gaenslen-left": "laslett-gaenslen-left",
}


def answered(rule: str, code: str, age: int, answers: Mapping[str, bool]) -> FactSet:
    """The facts of a pain that began 14 months ago, with these answers."""
    record: dict[str, object] = {"age": age, "conditions": [{"code": code, "onset": "-420d"}]}
    if answers:
        record["answers"] = dict(answers)
    case = Case(rule, "", "fires", "", {"record": record}, {}, NOW, "patient-view")
    return running.posed(case, RULE_BASE, None)[1]


def score(age: int, answers: Mapping[str, bool]) -> tuple[str, bool | None, bool | None]:
    """Where the nine lie, whether it is four or more, and whether it is exactly three."""
    facts = answered("j09-axial-spondyloarthritis", "snomed 279039007", age, answers)
    four, three = facts.value("axspa-count-4"), facts.value("axspa-count-3")
    three_or_more = facts.value("axspa-count-ge-3")
    # Three or more is what four, or exactly three, is; where it is open, one of them is open.
    if True in (four, three):
        assert three_or_more is True
    if three_or_more is False:
        assert (four, three) == (False, False)
    return facts.fact("axspa-count-4").points, four, three


def laslett(answers: Mapping[str, bool]) -> tuple[str, bool | None]:
    """Where the six lie, and whether it is three or more."""
    fact = answered("j08-sacroiliac-pain", "snomed 202487003", YOUNG, answers).fact("laslett-3")
    return fact.points, fact.value


def test_the_table_has_the_nine_criteria_at_one_point_each() -> None:
    items = {item.fact: item.points for item in RULE_BASE.scores["axspa-ng65"].items}
    assert items == dict.fromkeys(["back-onset-under-35", *ASKED], 1)


def test_the_questionnaire_asks_all_but_the_age() -> None:
    assert list(RULE_BASE.questionnaires["inflammatory-back-pain"].items) == QUESTIONS


@pytest.mark.parametrize("item", QUESTIONS)
def test_each_answer_alone_is_one_point(item: str) -> None:
    assert score(OLDER, NO | {item: True}) == ("1", False, False)


@pytest.mark.parametrize("item", QUESTIONS)
def test_each_answer_makes_the_third_and_the_fourth_point(item: str) -> None:
    others = [one for one in QUESTIONS if one != item]
    third = NO | {item: True, others[0]: True}
    assert score(YOUNG, third) == ("3", False, True)
    assert score(YOUNG, third | {others[1]: True}) == ("4", True, False)


@pytest.mark.parametrize("item", QUESTIONS)
def test_each_answer_open_leaves_two_points_undecided(item: str) -> None:
    others = [one for one in QUESTIONS if one != item]
    known = {one: one == others[0] for one in others}
    assert score(YOUNG, known) == ("2 to 3", False, None)


@pytest.mark.parametrize(
    ("age", "yes", "no", "where", "four", "three"),
    [
        (YOUNG, 8, 0, "9", True, False),
        (OLDER, 8, 0, "8", True, False),
        (YOUNG, 0, 8, "1", False, False),
        (OLDER, 0, 8, "0", False, False),
        (YOUNG, 2, 6, "3", False, True),
        (OLDER, 2, 6, "2", False, False),
        (YOUNG, 3, 5, "4", True, False),
        (YOUNG, 0, 0, "1 to 9", None, None),
        (OLDER, 0, 0, "0 to 8", None, None),
        (YOUNG, 2, 0, "3 to 9", None, None),  # at least three: which of the two is open
        (YOUNG, 3, 0, "4 to 9", True, False),
        (YOUNG, 2, 5, "3 to 4", None, None),
        (YOUNG, 1, 6, "2 to 3", False, None),
        (YOUNG, 0, 6, "1 to 3", False, None),
        (YOUNG, 0, 7, "1 to 2", False, False),
    ],
)
def test_both_cut_offs_while_some_were_not_asked(
    age: int, yes: int, no: int, where: str, four: bool | None, three: bool | None
) -> None:
    known = dict.fromkeys(QUESTIONS[:yes], True) | dict.fromkeys(QUESTIONS[yes : yes + no], False)
    assert score(age, known) == (where, four, three)


def test_the_six_provocation_tests_are_one_point_each_and_all_asked() -> None:
    assert {one.fact: one.points for one in RULE_BASE.scores["laslett"].items} == dict.fromkeys(TESTS, 1)
    assert list(RULE_BASE.questionnaires["sacroiliac-tests"].items) == list(TESTS.values())


@pytest.mark.parametrize("item", TESTS.values())
def test_each_provocation_test_makes_the_third(item: str) -> None:
    others = [one for one in TESTS.values() if one != item]
    two = {one: one in others[:2] for one in others}
    assert laslett(two | {item: False}) == ("2", False)
    assert laslett(two | {item: True}) == ("3", True)
    assert laslett(two) == ("2 to 3", None)


@pytest.mark.parametrize(
    ("yes", "no", "where", "three"),
    [
        (0, 6, "0", False),
        (6, 0, "6", True),
        (0, 0, "", None),  # no test at all: nothing to state
        (3, 0, "3 to 6", True),
        (2, 0, "2 to 6", None),
        (0, 3, "0 to 3", None),
        (0, 4, "0 to 2", False),
    ],
)
def test_a_provocation_test_not_done_is_not_negative(
    yes: int, no: int, where: str, three: bool | None
) -> None:
    codes = list(TESTS.values())
    known = dict.fromkeys(codes[:yes], True) | dict.fromkeys(codes[yes : yes + no], False)
    assert laslett(known) == (where, three)
