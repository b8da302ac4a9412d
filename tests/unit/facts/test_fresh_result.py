"""Whether a result may still be relied on (A 3.5 ELY-01: 30 days, 7 after a change, 2 after a loss)."""

from typing import Any

import pytest

from cds_service.facts.model import Reason
from cds_service.rulebase.model import RuleBase
from tests.unit.facts.patients import assessed, condition, lab, medicine
from tests.unit.rulebase.tiny import fact, rule_base


@pytest.fixture(scope="module")
def base() -> RuleBase:
    fresh: dict[str, Any] = {
        "by": "fresh-result",
        "of": ["potassium", "changed"],
        "within": "window-30",
        "with_": {"within-changing": "window-7"},
        "shorter": {"while": "loss", "within": "window-2"},
    }
    return rule_base(
        {
            "changed": fact("medication", in_=["pill"]),
            "loss": fact("condition", in_=["weak"], within="window-72h"),
            "fresh": fact("derived", **fresh),
            "fresh-or-not": fact("derived", **fresh, nothing_recorded="absent"),
        }
    )


LOSS = condition("weak", onsetDateTime="2026-11-21")


@pytest.mark.parametrize(
    ("at", "brought", "expected"),
    [
        ("2026-10-23", {}, True),  # 30 days
        ("2026-10-22", {}, Reason.TOO_OLD),
        ("2026-11-15", {"medicationRequests": [medicine()]}, True),  # 7 days
        ("2026-11-14", {"medicationRequests": [medicine()]}, Reason.TOO_OLD),
        ("2026-11-21", {"conditions": [LOSS]}, True),  # 2 days, and not before the loss
        ("2026-11-20", {"conditions": [LOSS]}, Reason.TOO_OLD),  # before it began
    ],
)
def test_the_window_that_is_in_force(
    base: RuleBase, at: str, brought: Any, expected: bool | Reason
) -> None:
    found = assessed(base, laboratory=[lab(4.0, at=at)], **brought).fact("fresh")

    assert (found.reason or found.value) is expected


@pytest.mark.parametrize(
    "spoilt",
    [
        {"unit": "mg/dL"},
        {"status": "preliminary"},
        {"note": [{"text": "Sample haemolysed"}]},
        {"value": 40},
    ],
    ids=str,
)
def test_what_cannot_be_relied_on_is_passed_over(base: RuleBase, spoilt: dict[str, Any]) -> None:
    fields: dict[str, Any] = {"value": 4.0, "unit": "mmol/L"} | spoilt
    bad = lab(fields.pop("value"), fields.pop("unit"), **fields)

    assert assessed(base, laboratory=[bad]).fact("fresh").reason is Reason.NOT_RECORDED
    assert assessed(base, laboratory=[bad]).value("fresh-or-not") is False
    good = lab(4.1, at="2026-11-20") | {"id": "earlier"}
    assert assessed(base, laboratory=[bad, good]).fact("fresh").data[0].text == "4.1 mmol/L"


def test_a_sample_of_which_nothing_is_known_is_not_called_spoilt(base: RuleBase) -> None:
    unseen = lab(4.0, specimen={"reference": "Specimen/elsewhere"})

    assert assessed(base, laboratory=[unseen]).value("fresh") is True


def test_what_did_not_arrive_is_not_absent(base: RuleBase) -> None:
    found = assessed(base, without=["laboratory"]).fact("fresh-or-not")

    assert found.reason is Reason.NOT_DELIVERED
