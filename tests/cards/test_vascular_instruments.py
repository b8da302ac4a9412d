"""Instruments of the vascular rules, item by item: Edinburgh, CEAP, IWGDF, WIfI ischaemia, Rutherford.

Each row of the tables of reference A 5.2 to 5.6, both sides of every cut-off, and the interval where an
item is unknown. The way is that of a request, from a compact record.
"""

from typing import Any

import pytest

from cds_service import content, fitness
from cds_service.cases import running
from cds_service.cases.running import NOW, Case
from cds_service.facts.model import FactSet
from cds_service.rulebase.model import RuleBase

RULE_BASE: RuleBase = fitness.load(content.texts(content.folder("cards")))
Record = dict[str, Any]


def facts(**record: Any) -> FactSet:
    """The facts of a record as in `*.cases.yaml`."""
    case = Case(
        rule="pad-01-resting-abi",
        name="instrument",
        proves="fires",
        place="here",
        given={"record": {"age": 60, **record}},
        expect={},
        now=NOW,
        hook="patient-view",
    )
    return running.posed(case, RULE_BASE, None)[1]


def observed(code: str, **fields: Any) -> Record:
    return {"code": code, "at": "-1d", **fields}


# --- Edinburgh Claudication Questionnaire (A 5.2)
CLAUDICATION: Record = {
    "ecq-1": True,
    "ecq-2": False,
    "ecq-3": True,
    "ecq-5": True,
    "ecq-6": "calf",
}


def edinburgh(**answers: Any) -> tuple[bool | None, str]:
    """The questionnaire answered as in claudication but for these; None leaves an item out."""
    changed = {key.replace("_", "-"): value for key, value in answers.items()}
    given = {key: value for key, value in (CLAUDICATION | changed).items() if value is not None}
    found = facts(answers=given).fact("ecq-positive")
    return found.value, found.points


def test_all_five_answers_make_it_positive() -> None:
    assert edinburgh() == (True, "5")


@pytest.mark.parametrize(
    "answer",
    [{"ecq_1": False}, {"ecq_2": True}, {"ecq_3": False}, {"ecq_5": False}, {"ecq_6": "shin"}],
    ids=str,
)
def test_one_other_answer_makes_it_negative(answer: Record) -> None:
    assert edinburgh(**answer) == (False, "4")


@pytest.mark.parametrize("item", ["ecq_1", "ecq_2", "ecq_3", "ecq_5", "ecq_6"])
def test_one_item_unknown_leaves_it_open(item: str) -> None:
    assert edinburgh(**{item: None}) == (None, "4 to 5")


def test_two_items_unknown_widen_it_and_one_no_settles_it_all_the_same() -> None:
    assert edinburgh(ecq_1=None, ecq_3=None) == (None, "3 to 5")
    assert edinburgh(ecq_1=None, ecq_3=False) == (False, "3 to 4")


@pytest.mark.parametrize(
    ("site", "positive", "definite"),
    [
        ("calf", True, True),
        ("thigh", True, False),
        ("buttock", True, False),
        ("hamstring", False, False),
        ("foot", False, False),
        ("shin", False, False),
        ("joint", False, False),
    ],
)
def test_the_calf_makes_it_definite_thigh_and_buttock_atypical(
    site: str, positive: bool, definite: bool
) -> None:
    found = facts(answers=CLAUDICATION | {"ecq-6": site})

    assert (found.value("ecq-positive"), found.value("ecq-definite")) == (positive, definite)


@pytest.mark.parametrize(("pace", "grade"), [(True, True), (False, False), (None, None)])
def test_an_ordinary_pace_makes_it_grade_two(pace: bool | None, grade: bool | None) -> None:
    answers = CLAUDICATION | ({"ecq-4": pace} if pace is not None else {})

    assert facts(answers=answers).value("ecq-grade-2") is grade


# --- CEAP (A 5.3)
@pytest.mark.parametrize(
    ("answer", "disease", "skin", "ulcer"),
    [
        ("c0", False, False, False),
        ("c1", False, False, False),
        ("c2", True, False, False),
        ("c2r", True, False, False),
        ("c3", True, False, False),
        ("c4a", True, True, False),
        ("c4b", True, True, False),
        ("c4c", True, True, False),
        ("c5", True, True, False),
        ("c6", True, False, True),
        ("c6r", True, False, True),
    ],
)
def test_each_ceap_class_leads_where_the_reference_says(
    answer: str, disease: bool, skin: bool, ulcer: bool
) -> None:
    found = facts(observations=[observed("local ceap-c", answer=answer)])

    led = [found.value(name) for name in ("venous-disease", "venous-skin-change", "venous-ulcer")]
    assert led == [disease, skin, ulcer]


# --- IWGDF (A 5.4): the interval; the classes item by item are in the cases of MIC-02
def foot(**items: bool | None) -> str:
    """Where the class lies; `pulse` is whether the pulses of both feet are felt."""
    pulse = items.pop("pulse", None)
    observations = [
        observed(f"local {key.replace('_', '-')}", value=value)
        for key, value in items.items()
        if value is not None
    ]
    if pulse is not None:
        observations += [
            observed(f"local pulse-{artery}-{side}", answer="present" if pulse else "absent")
            for artery in ("dorsalis-pedis", "posterior-tibial")
            for side in ("left", "right")
        ]
    return facts(observations=observations).fact("iwgdf-3").points


@pytest.mark.parametrize(
    ("lops", "pulse", "deformity", "before", "where"),
    [
        (False, True, False, False, "0"),
        (False, True, True, True, "0"),
        (True, True, False, False, "1"),
        (False, False, False, False, "1"),
        (True, False, False, False, "2"),
        (True, True, True, False, "2"),
        (False, False, True, False, "2"),
        (True, True, False, True, "3"),
        (None, True, False, False, "0 to 1"),
        (None, True, True, False, "0 to 2"),
        (None, True, False, True, ""),  # 0 to 3: a class of which nothing is known shows none
        (None, False, False, False, "1 to 2"),
        (True, None, False, False, "1 to 2"),
        (True, None, True, False, "2"),
        (True, True, None, False, "1 to 2"),
        (True, None, None, True, "3"),
        (None, None, None, False, "0 to 2"),
    ],
)
def test_an_unknown_item_widens_the_class_of_the_foot(
    lops: bool | None, pulse: bool | None, deformity: bool | None, before: bool, where: str
) -> None:
    items = {"lops_monofilament": lops, "pulse": pulse, "foot_deformity": deformity}

    assert foot(**items, foot_ulcer_history=before) == where


# --- WIfI ischaemia (A 5.6)
def grade(*observations: Record) -> str:
    return facts(observations=list(observations)).fact("wifi-ischaemia").points


def toe(value: Any, unit: str = "mm[Hg]", **fields: Any) -> Record:
    return observed("local toe-pressure", value=value, unit=unit, **fields)


def skin(value: Any) -> Record:
    return observed("local tcpo2", value=value, unit="mm[Hg]")


def index(value: Any, **fields: Any) -> Record:
    return observed("loinc 77194-9", value=value, unit="1", **fields)


@pytest.mark.parametrize(
    ("pressure", "expected"), [(60, "0"), (59, "1"), (40, "1"), (39, "2"), (30, "2"), (29, "3")]
)
def test_toe_pressure_and_skin_oxygen_have_the_same_grades(pressure: int, expected: str) -> None:
    assert grade(toe(pressure)) == expected
    assert grade(skin(pressure)) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [("0.80", "0"), ("0.79", "1"), ("0.60", "1"), ("0.59", "2"), ("0.40", "2"), ("0.39", "3")],
)
def test_the_index_grades_where_nothing_better_is_known(value: str, expected: str) -> None:
    assert grade(index(float(value))) == expected


def test_the_toe_overrides_the_index() -> None:
    assert grade(index(0.39), toe(80)) == "0"
    assert grade(index(1.1), toe(28)) == "3"


def test_a_toe_pressure_in_kilopascal() -> None:
    assert grade(toe(3.9, "kPa")) == "3"  # 29.3 mm[Hg]


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([], ""),
        ([index(1.5)], ""),  # stiff arteries say nothing
        ([index(0.39, at="-366d")], "0 to 3"),
        ([toe(28, "cm")], "0 to 3"),
    ],
)
def test_without_a_readable_pressure_there_is_no_grade(found: list[Record], expected: str) -> None:
    assert grade(*found) == expected


# --- Rutherford (A 5.5)
@pytest.mark.parametrize(
    ("feeling", "power", "classes"),
    [
        (False, False, [True, False, False]),
        (True, False, [False, True, False]),
        (True, True, [False, False, True]),
        (False, True, [False, False, True]),
        (None, True, [False, False, True]),
        (True, None, [False, None, None]),
        (False, None, [None, False, None]),
        (None, None, [None, None, None]),
    ],
)
def test_loss_of_feeling_and_power_make_the_class(
    feeling: bool | None, power: bool | None, classes: list[bool | None]
) -> None:
    asked = {"limb-sensory-loss-new": feeling, "limb-weakness-new": power}
    observations = [observed(f"local {key}", value=one) for key, one in asked.items() if one is not None]
    found = facts(observations=observations)

    assert [found.value(name) for name in ("rutherford-1", "rutherford-2a", "rutherford-2b")] == classes
