"""What is done, what is ordered, what is being ordered (A 2.8; reconciliation 1)."""

from typing import Any

import pytest

from cds_service.facts.model import Fact, OrderState, Reason
from cds_service.rulebase.model import RuleBase
from tests.unit.facts.patients import assessed, concept, condition, lab, observation, request
from tests.unit.rulebase.tiny import fact, order, rule_base


@pytest.fixture(scope="module")
def base() -> RuleBase:
    return rule_base(
        {
            "scanned": fact("done", in_=["scan"], within="window-7"),
            "scanned-72h": fact("done", in_=["scan"], within="window-72h"),
            "scanned-ever": fact("done", in_=["scan"]),
            "scanned-since": fact("done", in_=["scan"], after_onset_of=["complaint"]),
            "complaint": fact(in_=["heavy"]),
            "drafting": fact("draft", in_=["scan"]),
            "potassium-measured": fact("done", in_=["potassium"], within="window-7"),
        },
        orders={
            "potassium": order(done={"in": ["potassium"], "within": "window-2"}, open_within="window-7"),
            "magnesium": order(done={"in": ["magnesium"], "within": "window-7"}, open_within="window-7"),
            "scan": order(done={"in": ["scan"], "within": "window-7"}),
            "referral": order(kind="referral"),
        },
        panels={"basic": {"codes": "basic-panel", "covers": ["potassium", "calcium"], "source": "s"}},
    )


def scan(at: str | None = "2026-11-20", **fields: Any) -> dict[str, Any]:
    return observation("scan", at, valueString="seen", **fields)


def state(base: RuleBase, name: str, **brought: Any) -> OrderState:
    return assessed(base, **brought).orders[""][name]


@pytest.mark.parametrize(
    ("at", "done"), [("2026-11-15", True), ("2026-11-14", False), ("2026-11-30", False)]
)
def test_a_result_inside_the_window_is_done(base: RuleBase, at: str, done: bool) -> None:
    assert assessed(base, findings=[scan(at)]).value("scanned") is done


def test_a_result_of_any_age_is_done_where_no_window_is_said(base: RuleBase) -> None:
    assert assessed(base, findings=[scan("1999")]).value("scanned-ever") is True
    assert assessed(base, findings=[scan(None)]).value("scanned-ever") is True


def test_a_result_without_a_date_may_or_may_not_be_inside(base: RuleBase) -> None:
    assert assessed(base, findings=[scan(None)]).fact("scanned").reason is Reason.UNDATED


def test_done_takes_an_order_away_so_the_whole_day_must_lie_inside_an_hour_window(
    base: RuleBase,
) -> None:
    def done(at: str) -> bool | None:
        return assessed(base, findings=[scan(at)]).value("scanned-72h")

    assert done("2026-11-20") is True
    assert done("2026-11-19") is False  # part of that day is beyond 72 hours
    assert done("2026-11-19T09:00:00Z") is True


@pytest.mark.parametrize("status", ["preliminary", "cancelled", "entered-in-error", "registered"])
def test_what_is_not_final_is_not_done(base: RuleBase, status: str) -> None:
    assert assessed(base, findings=[scan(status=status)]).value("scanned") is False


def test_what_could_not_be_measured_is_not_done(base: RuleBase) -> None:
    failed = observation("scan", dataAbsentReason=concept("error"))

    assert assessed(base, findings=[failed]).value("scanned") is False


@pytest.mark.parametrize(
    ("status", "done"), [("completed", True), ("in-progress", False), ("not-done", False)]
)
def test_a_completed_procedure_is_done(base: RuleBase, status: str, done: bool) -> None:
    procedure = {
        "resourceType": "Procedure",
        "id": "pr",
        "status": status,
        "code": concept("scan"),
        "performedPeriod": {"start": "2026-11-18", "end": "2026-11-20"},
    }

    assert assessed(base, procedures=[procedure]).value("scanned") is done


@pytest.mark.parametrize(
    ("status", "done"), [("final", True), ("preliminary", False), ("registered", False)]
)
def test_a_final_report_is_done(base: RuleBase, status: str, done: bool) -> None:
    report = {
        "resourceType": "DiagnosticReport",
        "id": "dr",
        "status": status,
        "code": concept("scan"),
        "effectiveDateTime": "2026-11-20",
    }

    assert assessed(base, diagnosticReports=[report]).value("scanned") is done


def test_a_test_before_the_complaint_began_was_of_something_else(base: RuleBase) -> None:
    complaint = [condition("heavy", onsetDateTime="2026-11-18")]

    def since(at: str) -> bool | None:
        return assessed(base, conditions=complaint, findings=[scan(at)]).value("scanned-since")

    assert (since("2026-11-17"), since("2026-11-18"), since("2026-11-19")) == (False, True, True)


def test_a_result_without_a_date_may_be_from_before_the_onset(base: RuleBase) -> None:
    complaint = [condition("heavy", onsetDateTime="2026-11-18")]
    dateless, dated = scan(None), scan("2026-11-19")

    def since(*findings: dict[str, Any]) -> Fact:
        return assessed(base, conditions=complaint, findings=list(findings)).fact("scanned-since")

    assert since(dateless).reason is Reason.UNDATED
    assert since(dateless, dated).value is True
    assert assessed(base, findings=[dateless]).value("scanned-since") is True  # nothing has begun


def test_the_other_leg_s_test_is_not_this_leg_s(base: RuleBase) -> None:
    left = observation("scan-left", valueString="seen")
    facts = assessed(base, findings=[left])

    assert facts.value("scanned", "left") is True
    assert facts.value("scanned", "right") is False


# --- orders ----------------------------------------------------------------------------------------


def test_nothing_done_and_nothing_open_is_free(base: RuleBase) -> None:
    assert state(base, "potassium").free


def test_an_order_without_a_way_of_being_done_is_always_free(base: RuleBase) -> None:
    assert state(base, "referral", serviceRequests=[request("referral")]).free


def test_a_fresh_result_takes_an_order_away_and_says_which(base: RuleBase) -> None:
    assert state(base, "potassium", laboratory=[lab("4.0", at="2026-11-20")]).done == "Observation/o-k"
    assert state(base, "potassium", laboratory=[lab("4.0", at="2026-11-19")]).free


@pytest.mark.parametrize("status", ["active", "on-hold"])
def test_an_open_order_takes_an_order_away(base: RuleBase, status: str) -> None:
    found = state(base, "potassium", serviceRequests=[request("k", status=status)])

    assert found == OrderState(open="ServiceRequest/r-k")


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "revoked"},
        {"status": "entered-in-error"},
        {"status": "completed"},
        {"doNotPerform": True},
        {"intent": "option"},
        {"authoredOn": "2026-11-14"},  # 8 days: it aged out
    ],
)
def test_an_order_that_no_longer_stands_takes_nothing_away(
    base: RuleBase, fields: dict[str, Any]
) -> None:
    assert state(base, "potassium", serviceRequests=[request("k", **fields)]).free


def test_an_open_order_stands_for_its_days_and_the_last_day_counts(base: RuleBase) -> None:
    assert state(base, "potassium", serviceRequests=[request("k", authoredOn="2026-11-15")]).open


def test_an_order_that_has_its_result_is_no_longer_open(base: RuleBase) -> None:
    # A 2.8: authored inside its days "and no newer result".
    ordered = request("k", authoredOn="2026-11-17")
    resulted = lab("4.0", at="2026-11-18")

    assert state(base, "potassium", serviceRequests=[ordered], laboratory=[resulted]).free


def test_the_basic_panel_covers_potassium_and_not_magnesium(base: RuleBase) -> None:
    panel = [request("panel")]

    assert state(base, "potassium", serviceRequests=panel).open == "ServiceRequest/r-panel"
    assert state(base, "magnesium", serviceRequests=panel).free


def test_a_draft_counts_as_open_whatever_it_lacks(base: RuleBase) -> None:
    draft = {"resourceType": "ServiceRequest", "id": "d", "code": concept("k")}

    assert state(base, "potassium", drafts=[draft]).open == "ServiceRequest/d"


def stocking(**fields: Any) -> dict[str, Any]:
    """A DeviceRequest: how many EHRs order a stocking."""
    return {
        "resourceType": "DeviceRequest",
        "id": "s",
        "intent": "order",
        "codeCodeableConcept": concept("scan"),
        "subject": {"reference": "Patient/p"},
    } | fields


def test_a_device_being_ordered_is_a_draft(base: RuleBase) -> None:
    found = assessed(base, drafts=[stocking(status="draft")]).fact("drafting")

    assert found.value is True
    assert [one.ref for one in found.data] == ["DeviceRequest/s"]


@pytest.mark.parametrize(
    "brought",
    [
        {"drafts": [stocking(status="revoked")]},
        {"drafts": [stocking(codeCodeableConcept=None)]},
        {"drafts": [stocking(codeCodeableConcept=concept("other"))]},
        {"serviceRequests": [stocking(status="active")]},
    ],
)
def test_a_device_that_is_not_being_ordered_is_none(base: RuleBase, brought: dict[str, Any]) -> None:
    assert assessed(base, **brought).value("drafting") is False


def test_what_is_being_ordered_is_known_from_the_context_only(base: RuleBase) -> None:
    assert assessed(base, drafts=[request("scan", status="draft")]).value("drafting") is True
    assert assessed(base, serviceRequests=[request("scan", status="draft")]).value("drafting") is False
    assert assessed(base).value("drafting") is False


def test_an_open_order_for_the_other_leg_leaves_this_one_free(base: RuleBase) -> None:
    facts = assessed(base, serviceRequests=[request("scan-left")], conditions=[condition("heavy-right")])

    assert facts.orders["left"]["scan"].open == "ServiceRequest/r-scan-left"
    assert facts.orders["right"]["scan"].free


@pytest.mark.parametrize(
    ("given", "done"),
    [
        ({}, True),
        ({"unit": "mg/dL"}, False),  # no unit of potassium
        ({"value": "240"}, False),  # beyond any potassium
    ],
)
def test_a_result_that_cannot_be_read_is_none_and_takes_no_repeat_away(
    base: RuleBase, given: dict[str, Any], done: bool
) -> None:
    result = lab(**{"value": "3.0"} | given, code=concept("k"), at="2026-11-22T07:00:00Z")

    assert bool(state(base, "potassium", laboratory=[result]).done) is done
    assert assessed(base, laboratory=[result]).value("potassium-measured") is done
