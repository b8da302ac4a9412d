"""Which value of an analyte counts, and how long it stays true or false (A 2.4, 2.5)."""

from typing import Any

import pytest

from cds_service.facts.model import Fact, Reason
from cds_service.rulebase.model import RuleBase
from tests.unit.facts.patients import assessed, concept, condition, lab, observation, quantity
from tests.unit.rulebase.tiny import fact, rule_base


@pytest.fixture(scope="module")
def base() -> RuleBase:
    low: dict[str, Any] = {"of": "potassium", "is_": {"below": "potassium-low"}}
    return rule_base(
        {
            "low": fact("measurement", **low, within="window-30", clears_within="window-7"),
            "low-critical": fact("measurement", **low, within="window-7", preliminary="counts"),
            "low-1h": fact("measurement", **low, within="window-1h"),
            "low-stale": fact(
                "measurement",
                **low,
                older_than="window-7",
                within="window-90",
                nothing_recorded="absent",
            ),
            "fine-1h": fact(
                "measurement",
                of="potassium",
                is_={"at-least": "potassium-low"},
                within="window-1h",
                reassuring=True,
            ),
            "loss": fact("finding", in_=["weak"], within="window-30", nothing_recorded="absent"),
            "ill": fact(in_=["set-a"], within="window-30"),
            "low-after-loss": fact(
                "measurement", **low, within="window-7", shorter={"while": "ill", "within": "window-2"}
            ),
            "index-fresh-low": fact(
                "measurement", of="index", is_={"at-most": "index-low"}, sides="lowest"
            ),
            "index-band": fact(
                "measurement",
                of="index",
                is_={"at-least": "index-half", "at-most": "index-low"},
                sides="lowest",
            ),
            "index-stiff": fact("measurement", of="index", is_={"above": "index-high"}, sides="highest"),
            "index-ever-low": fact(
                "measurement",
                of="index",
                is_={"at-most": "index-low"},
                sides="any-ever",
                nothing_recorded="absent",
            ),
            "index-after": fact(
                "measurement", of="index", is_={"at-most": "index-low"}, after_onset_of=["complaint"]
            ),
            "complaint": fact(in_=["heavy"]),
        }
    )


def low(base: RuleBase, *results: dict[str, Any], name: str = "low", **more: Any) -> Fact:
    return assessed(base, laboratory=list(results), **more).fact(name)


# --- which value -----------------------------------------------------------------------------------


def test_the_newest_value_wins(base: RuleBase) -> None:
    older, newer = lab("2.4", at="2026-11-20T08:00:00Z"), lab("4.0", at="2026-11-21T08:00:00Z")

    assert low(base, older, newer).value is False
    assert low(base, newer, older).value is False


def test_the_value_before_it_is_kept_for_the_card(base: RuleBase) -> None:
    found = low(base, lab("2.4"), lab("3.60", at="2026-11-20T08:00:00Z"))

    assert (found.data[0].text, found.data[0].before) == ("2.4 mmol/L", "3.60 mmol/L")


def test_of_the_same_time_the_later_issued_wins(base: RuleBase) -> None:
    first = lab("2.4", issued="2026-11-22T08:10:00Z")
    corrected = lab("4.0", issued="2026-11-22T08:30:00Z")

    assert low(base, first, corrected).value is False
    assert low(base, corrected, first).value is False


def test_of_the_same_time_the_laboratory_wins_over_the_bedside(base: RuleBase) -> None:
    bedside = observation("k", valueQuantity=quantity("2.4"))

    assert low(base, bedside, lab("4.0")).value is False
    assert low(base, lab("4.0"), bedside).value is False


def test_of_two_that_are_equal_in_all_the_worse_counts(base: RuleBase) -> None:
    assert low(base, lab("2.4"), lab("4.0")).value is True
    assert low(base, lab("4.0"), lab("2.4")).value is True


def test_of_two_that_are_equal_in_all_the_worse_keeps_reassurance_away(base: RuleBase) -> None:
    fine, bad = lab("4.0", at="2026-11-22T08:30:00Z"), lab("2.4", at="2026-11-22T08:30:00Z")

    assert low(base, fine, bad, name="fine-1h").value is False
    assert low(base, bad, fine, name="fine-1h").value is False


def test_an_unreadable_twin_does_not_depend_on_its_place(base: RuleBase) -> None:
    readable, odd = lab("4.0"), lab("4.0", "mg/L")

    assert low(base, readable, odd) == low(base, odd, readable)


def test_an_unreadable_newest_value_is_not_replaced_by_an_older_one(base: RuleBase) -> None:
    found = low(base, lab("4.0", "mg/L"), lab("4.0", at="2026-11-20T08:00:00Z"))

    assert (found.value, found.reason) == (None, Reason.UNIT_NOT_DECLARED)


def test_a_missing_value_is_missing_and_the_one_before_it_counts(base: RuleBase) -> None:
    missing = observation("k", dataAbsentReason=concept("unknown"))

    assert low(base, missing, lab("2.4", at="2026-11-20T08:00:00Z")).value is True
    assert low(base, missing).reason is Reason.NOT_ASKED


@pytest.mark.parametrize("status", ["entered-in-error", "cancelled", "registered", "unknown"])
def test_a_result_that_does_not_stand_is_no_result(base: RuleBase, status: str) -> None:
    assert low(base, lab("2.4", status=status)).value is None
    assert low(base, lab("2.4", status=status), lab("4.0", at="2026-11-21")).value is False


@pytest.mark.parametrize("status", ["final", "amended", "corrected"])
def test_a_result_that_stands_counts(base: RuleBase, status: str) -> None:
    assert low(base, lab("2.4", status=status)).value is True


def test_a_preliminary_result_counts_only_where_it_is_allowed_to(base: RuleBase) -> None:
    early = lab("2.4", status="preliminary")

    assert low(base, early).value is None
    found = low(base, early, name="low-critical")
    assert found.value is True
    assert found.data[0].notes == ("preliminary",)


def test_a_preliminary_result_never_clears(base: RuleBase) -> None:
    early = lab("4.0", status="preliminary")
    final = lab("2.4", at="2026-11-21T08:00:00Z")

    assert low(base, early, name="low-critical").value is None
    assert low(base, early, final, name="low-critical").value is True


def test_the_time_is_effective_else_the_end_of_its_period_else_issued(base: RuleBase) -> None:
    period = {"effectivePeriod": {"start": "2026-11-01", "end": "2026-11-21T10:00:00Z"}}
    issued = {"issued": "2026-11-21T09:00:00Z"}
    instant = {"effectiveInstant": "2026-11-21T08:00:00Z"}
    normal = lab("4.0", at="2026-11-21T07:00:00Z")

    for when in (period, issued, instant):
        assert low(base, normal, lab("2.4", at=None, **when)).value is True


def test_a_value_without_any_time_is_unknown_and_says_so(base: RuleBase) -> None:
    found = low(base, lab("2.4", at=None))

    assert (found.value, found.reason) == (None, Reason.UNDATED)


def test_a_value_without_any_time_is_not_the_absence_of_a_value(base: RuleBase) -> None:
    assert low(base, lab("2.4", at=None), name="low-stale").value is None


def test_a_value_of_the_future_is_unreadable_not_recent(base: RuleBase) -> None:
    found = low(base, lab("2.4", at="2026-11-22T09:06:00Z"))

    assert (found.value, found.reason) == (None, Reason.FUTURE)


def test_a_clock_may_be_five_minutes_ahead(base: RuleBase) -> None:
    assert low(base, lab("2.4", at="2026-11-22T09:05:00Z")).value is True


def test_a_component_is_read_as_its_own_value(base: RuleBase) -> None:
    panel = observation("panel", component=[{"code": concept("k"), "valueQuantity": quantity("2.4")}])

    assert low(base, panel).value is True


def test_a_contained_member_of_a_panel_is_read(base: RuleBase) -> None:
    # A 2.4.4: panel members may sit in `component` or `hasMember`; read both.
    member = lab("2.4") | {"id": "k1"}
    panel = observation("panel", contained=[member], hasMember=[{"reference": "#k1"}])

    assert low(base, panel).value is True


def test_a_member_that_arrives_beside_its_panel_is_read(base: RuleBase) -> None:
    panel = observation("panel", hasMember=[{"reference": "Observation/o-k"}])

    assert low(base, panel, lab("2.4")).value is True


# --- how long --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "day", "expected"),
    [
        ("2.4", "2026-10-23", True),  # day 30 is inside
        ("2.4", "2026-10-22", None),
        ("4.0", "2026-11-15", False),  # day 7 is inside
        ("4.0", "2026-11-14", None),
        ("2.4", "2026-10-23T00:00:01Z", True),
        ("4.0", "2026-11-15T00:00:01Z", False),
    ],
)
def test_an_abnormal_value_stays_true_longer_than_a_normal_one_clears(
    base: RuleBase, value: str, day: str, expected: bool | None
) -> None:
    found = low(base, lab(value, at=day))

    assert found.value is expected
    assert found.reason is (Reason.TOO_OLD if expected is None else None)


def test_an_hour_window_counts_any_part_of_a_day_for_danger(base: RuleBase) -> None:
    assert low(base, lab("2.4", at="2026-11-22"), name="low-1h").value is True
    assert low(base, lab("2.4", at="2026-11-21"), name="low-1h").value is None


def test_an_hour_window_needs_the_whole_day_for_reassurance(base: RuleBase) -> None:
    assert low(base, lab("4.0", at="2026-11-22"), name="fine-1h").value is None
    assert low(base, lab("4.0", at="2026-11-22T08:00:00Z"), name="fine-1h").value is True


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("2026-11-15", False),  # 7 days: today's business
        ("2026-11-14", True),
        ("2026-08-24", True),  # 90 days
        ("2026-08-23", False),
    ],
)
def test_a_stale_low_value_asks_for_a_repeat_from_day_8_to_day_90(
    base: RuleBase, day: str, expected: bool
) -> None:
    assert low(base, lab("2.4", at=day), name="low-stale").value is expected


def test_a_later_normal_value_ends_the_repeat(base: RuleBase) -> None:
    stale, normal = lab("2.4", at="2026-10-01"), lab("4.0", at="2026-11-01")

    assert low(base, stale, normal, name="low-stale").value is False


def test_after_a_loss_the_window_is_shorter_and_the_value_must_be_later_than_the_loss(
    base: RuleBase,
) -> None:
    def after(at: str, onset: str) -> bool | None:
        ill = [condition("a", onsetDateTime=onset)]
        return low(base, lab("2.4", at=at), name="low-after-loss", conditions=ill).value

    assert after("2026-11-20", "2026-11-19") is True
    assert after("2026-11-19", "2026-11-18") is None  # three days old
    assert after("2026-11-20", "2026-11-21") is None  # before the loss
    assert low(base, lab("2.4", at="2026-11-15"), name="low-after-loss").value is True  # no loss


# --- two legs --------------------------------------------------------------------------------------


def index(value: str, side: str = "", at: str = "2026-11-20") -> dict[str, Any]:
    code = f"abi-{side}" if side else "abi"
    return observation(code, at, valueQuantity=quantity(value, "1"))


@pytest.mark.parametrize(
    ("left", "right", "name", "expected"),
    [
        ("0.85", "1.10", "index-fresh-low", True),
        ("1.10", "0.85", "index-fresh-low", True),
        ("1.10", "1.10", "index-fresh-low", False),
        ("1.10", "1.45", "index-stiff", True),
        ("1.10", "1.40", "index-stiff", False),
        ("0.70", "0.80", "index-band", True),
        ("0.50", "0.70", "index-band", False),  # the lower leg decides, and it is below the band
        ("0.70", "1.10", "index-band", True),  # the lower leg decides, and it is inside the band
    ],
)
def test_the_lower_or_the_higher_leg_decides(
    base: RuleBase, left: str, right: str, name: str, expected: bool
) -> None:
    facts = assessed(base, findings=[index(left, "left"), index(right, "right")])

    assert facts.value(name) is expected


@pytest.mark.parametrize(("left", "right"), [("0.45", "0.86"), ("0.86", "0.45")])
def test_of_two_low_legs_the_lower_is_the_one_a_card_speaks_of(
    base: RuleBase, left: str, right: str
) -> None:
    found = assessed(base, findings=[index(left, "left"), index(right, "right")]).fact("index-fresh-low")

    assert [one.value for one in found.data] == ["0.45", "0.86"]


def test_of_two_stiff_legs_the_higher_is_the_one_a_card_speaks_of(base: RuleBase) -> None:
    found = assessed(base, findings=[index("1.45", "left"), index("1.60", "right")]).fact("index-stiff")

    assert [one.value for one in found.data] == ["1.60", "1.45"]


def test_an_older_leg_is_not_hidden_by_the_newer_other_one(base: RuleBase) -> None:
    old_left, new_right = index("0.80", "left", "2026-10-01"), index("1.10", "right")

    assert assessed(base, findings=[old_left, new_right]).value("index-fresh-low") is True


def test_each_leg_asked_alone_answers_for_itself(base: RuleBase) -> None:
    facts = assessed(base, findings=[index("0.80", "left"), index("1.10", "right")])

    assert facts.value("index-fresh-low", "left") is True
    assert facts.value("index-fresh-low", "right") is False


def test_an_old_low_value_keeps_its_label_for_ever(base: RuleBase) -> None:
    facts = assessed(base, findings=[index("0.80", at="2009-01-01"), index("1.10")])

    assert facts.value("index-ever-low") is True
    assert assessed(base, findings=[index("1.10")]).value("index-ever-low") is False


def test_a_value_that_may_have_been_low_does_not_count_as_never_low(base: RuleBase) -> None:
    wide = observation("abi", "2020-01-01", valueQuantity=quantity("1.0", "1", comparator="<"))

    assert assessed(base, findings=[wide]).value("index-ever-low") is None


def test_a_value_before_the_complaint_began_does_not_count(base: RuleBase) -> None:
    complaint = [condition("heavy", onsetDateTime="2026-11-10")]

    def after(at: str) -> bool | None:
        found = assessed(base, findings=[index("1.10", at=at)], conditions=complaint)
        return found.value("index-after")

    assert after("2026-11-09") is None
    assert after("2026-11-10") is False  # a tie is accepted
    assert after("2026-11-20") is False
