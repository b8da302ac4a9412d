"""Facts made of other facts: group, count, answered, score, duration (A 2.9; ARCHITECTURE 4)."""

from collections.abc import Mapping
from itertools import product
from typing import Any

import pytest

from cds_service.facts.model import Fact, FactSet, Reason
from cds_service.rulebase.model import RuleBase
from tests.unit.facts.patients import assessed, condition, observation
from tests.unit.rulebase.tiny import fact, rule_base

QUESTIONS = ("q1", "q2", "q3")


def _question(name: str) -> dict[str, Any]:
    return fact("finding", in_=[f"ask-{name}"], within="window-30")


@pytest.fixture(scope="module")
def base() -> RuleBase:
    three: dict[str, Any] = {"of": list(QUESTIONS)}
    table: dict[str, Any] = {"table": "points", "is_": {"at-least": "points-2"}}
    return rule_base(
        {
            **{name: _question(name) for name in QUESTIONS},
            "any": fact("group", when={"any": list(QUESTIONS)}),
            "any-absent": fact("group", when={"any": list(QUESTIONS)}, nothing_recorded="absent"),
            "any-if-a": fact("group", when={"any": list(QUESTIONS)}, unknown_only_if="a"),
            "nested": fact("group", when={"all": ["a", "any"]}),
            "two": fact("count", **three, at_least=2),
            "two-absent": fact("count", **three, at_least=2, nothing_recorded="absent"),
            "asked-two": fact("answered", **three, at_least=2),
            "likely": fact("score", **table),
            "unlikely": fact("score", table="points", is_={"below": "points-2"}),
            "undecided": fact("score", **table, undecided=True),
            "long": fact("duration", of=["heavy", "aching"], is_={"at-least": "window-30"}),
            "short": fact("duration", of=["heavy"], is_={"at-most": "window-30"}),
            "short-flag": fact(
                "duration", of=["heavy"], is_={"at-most": "window-30"}, recorded_counts=True
            ),
            "newest-long": fact(
                "duration", of=["heavy", "aching"], is_={"above": "window-30"}, newest=True
            ),
            "heavy": fact(in_=["heavy"]),
            "aching": fact(in_=["set-b"]),
        },
        scores={
            "points": {
                "title": "Points",
                "source": "s",
                "items": [
                    {"fact": "q1", "points": 1},
                    {"fact": "q2", "points": 1},
                    {"fact": "q3", "points": -2},
                ],
            }
        },
        terminology={f"ask-{name}": _one_code(name) for name in QUESTIONS},
    )


def _one_code(name: str) -> dict[str, Any]:
    include = [{"system": "tiny", "codes": [[name, name]]}]
    return {"title": name, "source": "s", "licence": "l", "include": include}


def answering(base: RuleBase, answers: Mapping[str, bool | None], *more: dict[str, Any]) -> FactSet:
    given = [
        observation(name, valueBoolean=value) for name, value in answers.items() if value is not None
    ]
    return assessed(base, findings=given, conditions=list(more))


ALL = [dict(zip(QUESTIONS, values, strict=True)) for values in product((True, False, None), repeat=3)]


@pytest.mark.parametrize("answers", ALL)
def test_a_count_is_known_as_soon_as_the_unknown_ones_cannot_change_it(
    base: RuleBase, answers: dict[str, bool | None]
) -> None:
    yes = sum(value is True for value in answers.values())
    open_ = sum(value is None for value in answers.values())
    expected = True if yes >= 2 else (False if yes + open_ < 2 else None)

    assert answering(base, answers).value("two") is expected


@pytest.mark.parametrize("answers", ALL)
def test_answered_counts_answers_whatever_they_say(
    base: RuleBase, answers: dict[str, bool | None]
) -> None:
    known = sum(value is not None for value in answers.values())

    assert answering(base, answers).value("asked-two") is (known >= 2)


@pytest.mark.parametrize("answers", ALL)
def test_a_score_is_an_interval_and_an_open_minus_item_lowers_only_its_lower_end(
    base: RuleBase, answers: dict[str, bool | None]
) -> None:
    points = {"q1": 1, "q2": 1, "q3": -2}
    low = sum(
        points[name] if value else min(points[name], 0) if value is None else 0
        for name, value in answers.items()
    )
    high = sum(
        points[name] if value else max(points[name], 0) if value is None else 0
        for name, value in answers.items()
    )
    facts = answering(base, answers)
    assert facts.value("undecided") is (low < 2 <= high)
    if all(value is None for value in answers.values()):
        return  # the other two: their own test, below

    assert facts.value("likely") is (True if low >= 2 else False if high < 2 else None)
    assert facts.value("unlikely") is (True if high < 2 else False if low >= 2 else None)


@pytest.mark.parametrize(
    ("answers", "points"),
    [
        ({"q1": True, "q2": True, "q3": False}, "2"),
        ({"q1": True, "q2": None, "q3": None}, "-1 to 2"),
        ({"q1": False, "q2": False, "q3": None}, "-2 to 0"),
        ({"q1": None, "q2": None, "q3": None}, ""),
    ],
)
def test_a_score_says_where_it_lies(
    base: RuleBase, answers: dict[str, bool | None], points: str
) -> None:
    assert answering(base, answers).fact("likely").points == points


def test_a_score_of_which_nothing_was_asked_has_its_declared_value(base: RuleBase) -> None:
    found = assessed(base).fact("likely")

    assert (found.value, found.reason, found.open) == (None, Reason.NOT_RECORDED, QUESTIONS)


@pytest.mark.parametrize(
    ("answers", "shown"),
    [
        ({}, "-2 to 2"),
        ({"q1": True}, "-1 to 2"),
        ({"q1": True, "q2": False}, "-1 to 1"),
        ({"q1": True, "q2": True, "q3": False}, "2"),
        ({"q1": False, "q2": False, "q3": True}, "-2"),
    ],
)
def test_a_score_shows_its_number_or_from_where_to_where(
    base: RuleBase, answers: dict[str, bool | None], shown: str
) -> None:
    facts = answering(base, answers)
    told = [facts.fact(name).data[0].text for name in ("undecided", "likely") if facts.fact(name).data]

    assert set(told) == {shown}


def test_an_undecided_score_says_what_would_decide_it(base: RuleBase) -> None:
    found = answering(base, {"q1": True, "q2": None, "q3": False}).fact("likely")

    assert (found.reason, found.open) == (Reason.UNDECIDED, ("q2",))


@pytest.mark.parametrize("answers", ALL)
def test_a_group_is_its_criterion_in_three_values(
    base: RuleBase, answers: dict[str, bool | None]
) -> None:
    values = answers.values()
    expected = True if True in values else None if None in values else False

    assert answering(base, answers).value("any") is expected


def test_a_group_stays_false_for_an_empty_record_where_its_content_says_so(base: RuleBase) -> None:
    assert assessed(base).value("any") is None
    assert assessed(base).value("any-absent") is False
    assert assessed(base).value("two-absent") is False


def test_a_group_is_unknown_only_if_something_points_that_way(base: RuleBase) -> None:
    assert assessed(base).value("any-if-a") is False
    assert assessed(base, conditions=[condition("a")]).value("any-if-a") is None


def test_a_group_is_never_false_for_want_of_delivery(base: RuleBase) -> None:
    facts = assessed(base, without=["findings"])

    for name in ("any-absent", "any-if-a", "two-absent"):
        assert facts.fact(name).value is None
        assert facts.fact(name).reason is Reason.NOT_DELIVERED


def test_a_group_names_the_facts_at_the_bottom(base: RuleBase) -> None:
    facts = answering(base, {"q2": True}, condition("a"))
    true: Fact = facts.fact("nested")
    unknown = assessed(base, conditions=[condition("a")]).fact("nested")

    assert (true.value, true.because) == (True, ("a", "q2"))
    assert {one.ref for one in true.data} == {"Condition/c-a", "Observation/o-q2"}
    assert (unknown.value, unknown.open) == (None, QUESTIONS)


@pytest.mark.parametrize(
    ("dates", "long", "short", "flag"),
    [
        ({"onsetDateTime": "2026-10-23"}, True, True, True),  # 30 days is both
        ({"onsetDateTime": "2026-10-22"}, True, False, False),
        ({"onsetDateTime": "2026-10-24"}, False, True, True),
        ({"onsetDateTime": "2026-10"}, None, None, None),
        ({"recordedDate": "2026-10-01"}, True, False, False),
        ({"recordedDate": "2026-11-20"}, None, None, True),  # a red flag takes it as onset
        ({}, None, None, None),
    ],
)
def test_how_long_it_lasts(
    base: RuleBase,
    dates: dict[str, str],
    long: bool | None,
    short: bool | None,
    flag: bool | None,
) -> None:
    facts = assessed(base, conditions=[condition(**dates)])

    assert (facts.value("long"), facts.value("short"), facts.value("short-flag")) == (long, short, flag)


def test_the_earliest_of_several_began_it(base: RuleBase) -> None:
    recent, early = (
        condition(onsetDateTime="2026-11-20"),
        condition("b", onsetDateTime="2026-01-01"),
    )

    found = assessed(base, conditions=[recent, early]).fact("long")

    assert found.value is True
    assert found.data[0].ref == "Condition/c-b"  # a card says since when of the one that decides


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        ({"onsetDateTime": "2026-10-23"}, False),  # 30 days is not above
        ({"onsetDateTime": "2026-10-22"}, True),
        ({"recordedDate": "2026-11-20"}, None),  # may be as old as the other one
        ({"recordedDate": "2026-10-01"}, True),
        ({}, None),
    ],
)
def test_the_newest_of_several_began_last(
    base: RuleBase, second: dict[str, str], expected: bool | None
) -> None:
    early = condition("b", onsetDateTime="2026-01-01")

    assert assessed(base, conditions=[condition(**second), early]).value("newest-long") is expected


def test_without_the_complaint_there_is_no_duration(base: RuleBase) -> None:
    assert assessed(base).value("long") is None
