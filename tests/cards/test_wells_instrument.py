"""The two-level Wells score, item by item, as an instrument (reference A 5.1, A 2.9).

Ten items, one point each but the last, which takes two away; 2 or more is likely, 1 or less unlikely.
Unanswered items widen the score and never count as no.
"""

from collections.abc import Mapping

import pytest

from cds_service import content, fitness
from cds_service.cases import running
from cds_service.cases.running import NOW, Case
from cds_service.facts.model import FactSet
from cds_service.rulebase.model import RuleBase

RULE_BASE: RuleBase = fitness.load(content.texts(content.folder("cards")))
POINTS = {
    "wells-cancer": 1,
    "wells-paralysis": 1,
    "wells-bed": 1,
    "wells-tender": 1,
    "wells-legswollen": 1,
    "wells-calf3cm": 1,
    "wells-pitting": 1,
    "wells-collat": 1,
    "wells-prevdvt": 1,
    "wells-alt": -2,
}
PLUS = [item for item, points in POINTS.items() if points > 0]
NO = dict.fromkeys(POINTS, False)


def answered(answers: Mapping[str, bool]) -> FactSet:
    """The facts of a newly swollen left leg and these answers."""
    swelling = {"code": "snomed 449614009", "onset": "-5d", "site": "snomed 48979004"}
    record = {"conditions": [swelling], "answers": dict(answers)} if answers else {}
    given = {"record": record or {"conditions": [swelling]}}
    case = Case("dvt-01-wells-likely", "", "fires", "", given, {}, NOW, "patient-view")
    return running.posed(case, RULE_BASE, None)[1]


def score(answers: Mapping[str, bool]) -> tuple[str, str]:
    """Where the score lies, and which of the three it is; exactly one must be true."""
    facts = answered(answers)
    true = [
        name
        for name in ("wells-likely", "wells-unlikely", "wells-undecided")
        if facts.value(name, "left") is True
    ]
    assert len(true) == 1, true
    return facts.fact(true[0], "left").data[0].text, true[0].removeprefix("wells-")


def test_the_questionnaire_asks_the_ten_items_of_the_table_and_no_other() -> None:
    table = RULE_BASE.scores["wells-dvt"]
    assert {item.fact: item.points for item in table.items} == POINTS
    assert set(RULE_BASE.questionnaires["wells-dvt"].items) == set(POINTS)


@pytest.mark.parametrize("item", PLUS)
def test_each_item_alone_is_one_point(item: str) -> None:
    assert score(NO | {item: True}) == ("1", "unlikely")


@pytest.mark.parametrize("item", PLUS)
def test_each_item_makes_the_second_point(item: str) -> None:
    other = next(one for one in PLUS if one != item)
    assert score(NO | {item: True, other: True}) == ("2", "likely")


@pytest.mark.parametrize("item", POINTS)
def test_each_item_open_alone_widens_the_score_by_its_own_points(item: str) -> None:
    known = {one: False for one in POINTS if one != item}
    assert score(known) == (("0 to 1" if POINTS[item] > 0 else "-2 to 0"), "unlikely")


@pytest.mark.parametrize("item", PLUS)
def test_one_yes_and_one_item_open_is_undecided(item: str) -> None:
    other = next(one for one in PLUS if one != item)
    known = {one: one == other for one in POINTS if one != item}
    assert score(known) == ("1 to 2", "undecided")


@pytest.mark.parametrize(
    ("yes", "alternative", "where", "which"),
    [
        (0, False, "0", "unlikely"),
        (1, False, "1", "unlikely"),
        (2, False, "2", "likely"),
        (9, False, "9", "likely"),
        (0, True, "-2", "unlikely"),
        (2, True, "0", "unlikely"),
        (3, True, "1", "unlikely"),
        (4, True, "2", "likely"),
        (9, True, "7", "likely"),
        (0, None, "-2 to 0", "unlikely"),
        (1, None, "-1 to 1", "unlikely"),
        (2, None, "0 to 2", "undecided"),
        (3, None, "1 to 3", "undecided"),
        (4, None, "2 to 4", "likely"),
    ],
)
def test_both_cut_offs_with_and_without_another_diagnosis(
    yes: int, alternative: bool | None, where: str, which: str
) -> None:
    answers = NO | dict.fromkeys(PLUS[:yes], True) | {"wells-alt": alternative}
    known = {item: answer for item, answer in answers.items() if answer is not None}
    assert score(known) == (where, which)


@pytest.mark.parametrize(
    ("answers", "where", "which"),
    [
        ({}, "-2 to 9", "undecided"),  # nothing asked
        (dict.fromkeys(PLUS[:4], True), "2 to 9", "likely"),
        (dict.fromkeys(PLUS[:3], True), "1 to 9", "undecided"),
        (dict.fromkeys(PLUS[:8], False) | {"wells-alt": True}, "-2 to -1", "unlikely"),
        # A-C07c: one yes, four items of the examination not documented
        (
            {item: item == "wells-prevdvt" for item in POINTS}
            | dict.fromkeys(["wells-tender", "wells-legswollen", "wells-pitting", "wells-collat"]),
            "1 to 5",
            "undecided",
        ),
    ],
)
def test_what_was_not_asked_is_neither_yes_nor_no(
    answers: Mapping[str, bool | None], where: str, which: str
) -> None:
    known = {item: answer for item, answer in answers.items() if answer is not None}
    assert score(known) == (where, which)
