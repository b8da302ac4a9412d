"""Lying (or sitting), then standing: which values are a pair, and what the pair says (A 3.6 DEH-02)."""

from time import perf_counter
from typing import Any

import pytest

from cds_service.facts.model import Fact, Reason
from cds_service.rulebase.model import RuleBase
from tests.unit.facts.chemistry import chemistry, derived, part, vital
from tests.unit.facts.patients import assessed, concept, condition, observation
from tests.unit.rulebase.tiny import Json, fact

WINDOWS = {"within": "day", "paired_within": "pair-10min"}
BODY_POSITION = "http://hl7.org/fhir/StructureDefinition/observation-bodyPosition"


@pytest.fixture(scope="module")
def base() -> RuleBase:
    systolic: dict[str, Any] = {"of": ["systolic"], **WINDOWS}
    pulse: dict[str, Any] = {"of": ["pulse", "masked"], **WINDOWS}
    return chemistry(
        {
            "falls": derived("postural-fall-lying", is_={"at-least": "fall-20"}, **systolic),
            "falls-sitting": derived("postural-fall-sitting", is_={"at-least": "fall-15"}, **systolic),
            "high-lying": derived("postural-base", is_={"at-least": "lying-140"}, **systolic),
            "races": derived("postural-rise", is_={"at-least": "rise-30"}, **pulse),
            "flat": derived("postural-rise", is_={"below": "flat-15"}, **pulse),
            "masked": fact(in_=["set-a"]),
            "low": fact("measurement", of="systolic", is_={"below": "lying-140"}, within="day"),
            "resting-low": fact(
                "measurement", of="systolic", is_={"below": "lying-140"}, within="day", at_rest=True
            ),
        }
    )


def seen(base: RuleBase, *vitals: Json, name: str = "falls", **brought: Any) -> Fact:
    return assessed(base, vitals=list(vitals), **brought).fact(name)


def at(clock: str) -> str:
    return f"2026-11-22T{clock}Z"


LYING, STANDING = (
    vital("sys", 130, at("08:00:00"), "lying"),
    vital("sys", 110, at("08:03:00"), "standing"),
)


def test_a_pair_by_extension(base: RuleBase) -> None:
    found = seen(base, LYING, STANDING)

    assert found.value is True
    assert found.data[0].text == "130 lying, 110 mmHg standing"


def test_a_fall_of_nineteen_is_none(base: RuleBase) -> None:
    assert seen(base, LYING, vital("sys", 111, at("08:03:00"), "standing")).value is False


def test_a_pair_by_codes_in_one_panel_without_a_clock_time(base: RuleBase) -> None:
    panel = observation(
        "panel", "2026-11-22", component=[part("sys-lying", 130), part("sys-standing", 105)]
    )

    assert seen(base, panel).value is True


def test_the_position_may_be_a_component(base: RuleBase) -> None:
    says = {"code": concept("position"), "valueCodeableConcept": concept("standing")}
    words = {"code": concept("position"), "valueString": " Lying "}
    first = observation("panel", at("08:00:00"), id="one", component=[words, part("sys", 130)])
    second = observation("panel", at("08:02:00"), id="two", component=[says, part("sys", 100)])

    assert seen(base, first, second).value is True


def test_a_code_that_names_the_position_wins_over_the_extension(base: RuleBase) -> None:
    panel = observation(
        "panel",
        at("08:00:00"),
        extension=[{"url": BODY_POSITION, "valueCodeableConcept": concept("lying")}],
        component=[part("sys", 130), part("sys-standing", 105)],
    )

    assert seen(base, panel).value is True


@pytest.mark.parametrize(
    "vitals",
    [
        [LYING],
        [STANDING],
        [vital("sys", 130, at("08:00:00")), vital("sys", 90, at("08:03:00"))],
        [vital("sys", 130, at("08:00:00")), STANDING],
        [vital("sys", 130, at("07:52:59"), "lying"), STANDING],  # more than ten minutes
        [vital("sys", 130, at("08:03:01"), "lying"), STANDING],  # lying came after
        [vital("sys", 130, "2026-11-22", "lying"), vital("sys", 90, "2026-11-22", "standing")],
        [LYING, STANDING | {"status": "preliminary"}],
        [LYING | {"status": "entered-in-error"}, STANDING],
        [LYING, STANDING | {"extension": [{"url": "http://example.org/other"}]}],
        [
            LYING,
            STANDING
            | {
                "extension": [
                    {"url": BODY_POSITION, "valueCodeableConcept": concept(one)}
                    for one in ("lying", "standing")
                ]
            },
        ],
    ],
)
def test_no_pair_is_unknown_never_normal(base: RuleBase, vitals: list[Json]) -> None:
    found = seen(base, *vitals)

    assert found.value is None
    assert found.reason is Reason.NOT_RECORDED


@pytest.mark.parametrize(
    "odd",
    [
        "text",
        {"url": BODY_POSITION},
        [[BODY_POSITION]],
        [{"url": BODY_POSITION, "valueCodeableConcept": 3}],
    ],
)
def test_an_odd_extension_costs_the_position_and_rest_and_not_the_value(
    base: RuleBase, odd: Any
) -> None:
    facts = assessed(base, vitals=[vital("sys", 85, at("08:00:00")) | {"extension": odd}])

    assert facts.fact("low").value is True
    assert facts.value("resting-low") is None
    assert "unreadable" not in [why for _, why in facts.undelivered]


def test_ten_minutes_are_inside(base: RuleBase) -> None:
    assert seen(base, vital("sys", 130, at("07:53:00"), "lying"), STANDING).value is True


def test_of_two_standing_values_the_lower_counts(base: RuleBase) -> None:
    later = vital("sys", 126, at("08:04:00"), "standing")

    assert seen(base, LYING, STANDING, later).value is True


def test_a_newer_pair_replaces_an_older_one(base: RuleBase) -> None:
    newer = [vital("sys", 128, at("08:40:00"), "lying"), vital("sys", 125, at("08:42:00"), "standing")]

    assert seen(base, LYING, STANDING, *newer).value is False


def test_an_unreadable_newest_value_is_not_replaced_by_an_older_pair(base: RuleBase) -> None:
    broken = vital("sys", 11, at("08:42:00"), "standing", unit="cm[Hg]")

    assert seen(base, LYING, STANDING, broken).reason is Reason.UNIT_NOT_DECLARED


def test_a_pair_of_more_than_a_day_is_too_old(base: RuleBase) -> None:
    old = [vital("sys", 130, "2026-11-21T08:00:00Z", "lying")]
    old += [vital("sys", 100, "2026-11-21T08:03:00Z", "standing")]

    assert seen(base, *old).reason is Reason.TOO_OLD


def test_sitting_has_limits_of_its_own(base: RuleBase) -> None:
    sitting = vital("sys", 130, at("08:00:00"), "sitting")
    standing = vital("sys", 115, at("08:02:00"), "standing")

    assert seen(base, sitting, standing, name="falls-sitting").value is True
    assert seen(base, sitting, standing).value is None  # lying was not measured
    assert seen(base, LYING, standing, name="falls-sitting").value is False  # lying decides
    assert seen(base, sitting, standing, name="high-lying").value is None


def test_lying_is_preferred_to_sitting(base: RuleBase) -> None:
    sitting = vital("sys", 112, at("08:01:00"), "sitting")

    assert seen(base, LYING, sitting, STANDING).value is True


@pytest.mark.parametrize(("lying", "high"), [(139, False), (140, True)])
def test_the_lying_value_itself(base: RuleBase, lying: int, high: bool) -> None:
    found = seen(base, vital("sys", lying, at("08:00:00"), "lying"), STANDING, name="high-lying")

    assert found.value is high


@pytest.mark.parametrize(("lying", "high"), [(139, False), (140, True)])
def test_the_lying_value_is_as_old_as_the_fall_of_its_pair(
    base: RuleBase, lying: int, high: bool
) -> None:
    begun = vital("sys", lying, "2026-11-21T08:58:00Z", "lying")  # a day and two minutes ago
    ended = vital("sys", 100, "2026-11-21T09:01:00Z", "standing")

    assert seen(base, begun, ended).value is True
    assert seen(base, begun, ended, name="high-lying").value is high


def test_at_rest_leaves_standing_values_out(base: RuleBase) -> None:
    found = seen(base, vital("sys", 150, at("08:00:00"), "lying"), STANDING, name="resting-low")

    assert found.value is False
    assert found.data[0].text == "150 mmHg"


PULSE = [
    vital("hr", 70, at("08:00:00"), "lying", "/min"),
    vital("hr", 100, at("08:03:00"), "standing", "/min"),
]
SLOW = [PULSE[0], vital("hr", 84, at("08:03:00"), "standing", "/min")]


def test_the_pulse_rises(base: RuleBase) -> None:
    assert seen(base, *PULSE, name="races").value is True
    assert seen(base, *PULSE, name="flat").value is False
    assert seen(base, *SLOW, name="races").value is False
    assert seen(base, *SLOW, name="flat").value is True


def test_while_something_masks_it_the_pulse_says_nothing(base: RuleBase) -> None:
    for name in ("races", "flat"):
        found = seen(base, *PULSE, name=name, conditions=[condition("a")])
        assert found.reason is Reason.MASKED
        assert found.data[0].text == "the a"


def test_while_it_is_not_known_what_masks_it_a_rise_counts_and_nothing_is_cleared(
    base: RuleBase,
) -> None:
    unknown: dict[str, Any] = {"without": ["conditions"]}

    assert seen(base, *PULSE, name="races", **unknown).value is True
    assert seen(base, *PULSE, name="flat", **unknown).value is False
    assert seen(base, *SLOW, name="races", **unknown).value is None
    assert seen(base, *SLOW, name="flat", **unknown).value is None


LYING_CODE, STANDING_CODE = (
    {"url": BODY_POSITION, "valueCodeableConcept": concept(one)} for one in ("lying", "standing")
)


@pytest.mark.parametrize(
    "extension",
    [
        [LYING_CODE, STANDING_CODE],
        [{"url": BODY_POSITION, "valueCodeableConcept": "standing"}],
        [{"url": BODY_POSITION}],
        {"url": BODY_POSITION, "valueCodeableConcept": concept("standing")},
        {"url": "x"},
        "standing",
    ],
)
def test_a_position_that_cannot_be_read_is_not_rest_and_makes_no_pair(
    base: RuleBase, extension: Any
) -> None:
    unclear = STANDING | {"extension": extension}

    assert seen(base, unclear, name="resting-low").value is None
    assert seen(base, LYING, unclear).value is None
    sure = vital("sys", 135, at("07:00:00"))
    assert seen(base, sure, unclear, name="resting-low").data[0].text.startswith("135")


@pytest.mark.parametrize("other", [{"url": 7}, {"url": "http://example.org/x", "valueString": "y"}])
def test_another_extension_costs_no_position(base: RuleBase, other: Json) -> None:
    beside = STANDING | {"extension": [other, STANDING_CODE]}

    assert seen(base, LYING, beside).value is True


def test_a_code_that_names_the_position_is_clear_beside_an_unclear_extension(base: RuleBase) -> None:
    panel = observation(
        "panel",
        at("08:00:00"),
        extension=[LYING_CODE, STANDING_CODE],
        component=[part("sys-lying", 130), part("sys-standing", 105)],
    )

    assert seen(base, panel).value is True


def test_a_later_standing_value_alone_does_not_undo_a_pair(base: RuleBase) -> None:
    routine = vital("sys", 128, at("08:40:00"), "standing")
    nonsense = vital("sys", 5000, at("08:40:00"), "standing")

    assert seen(base, LYING, STANDING, routine).value is True
    assert seen(base, LYING, STANDING, nonsense).value is None


def test_of_two_pairs_the_newer_decides(base: RuleBase) -> None:
    again = (
        vital("sys", 130, at("08:30:00"), "lying"),
        vital("sys", 128, at("08:33:00"), "standing"),
    )

    assert seen(base, LYING, STANDING, *again).value is False


def test_many_standing_values_without_a_pair_are_looked_through_soon(base: RuleBase) -> None:
    lying = [
        vital("sys", 130, f"2026-11-21T{n // 60 % 24:02}:{n % 60:02}:30Z", "lying") for n in range(4000)
    ]
    standing = [
        vital("sys", 110, f"2026-11-22T07:{n // 60 % 60:02}:{n % 60:02}Z", "standing")
        for n in range(3000)
    ]
    begun = perf_counter()
    assert seen(base, *lying, *standing).value is None
    assert perf_counter() - begun < 3
