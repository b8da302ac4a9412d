"""A rule base as it stands for one client: thresholds within bounds, codes for orders, the digest."""

from decimal import Decimal
from typing import Any

import pytest

from cds_service.clients.tailoring import tailored
from cds_service.decision import Decision
from cds_service.failures import Failure, Kind
from cds_service.rulebase.model import Coded, RuleBase
from tests.unit.facts.patients import assessed, concept, condition, lab, observation, request
from tests.unit.rulebase.tiny import Json, fact, loaded, order, rule, texts
from tests.unit.rules.deciding import answered

EPIC = "urn:com.epic.cdshooks.action.code.system.preference-list-item"
ITEM = Coded(EPIC, "99", "Scan of a leg")
LEFT = Coded(EPIC, "98")
POTASSIUM = Coded(EPIC, "97")
FACTS = {
    "low": fact("measurement", of="potassium", is_={"below": "potassium-low"}, within="window-7"),
    "high": fact("measurement", of="calcium", is_={"at-least": "calcium-high"}),
    "drafted": fact("draft", in_=["scan"]),
    "heavy": fact(in_=["heavy"]),
}
ORDERS = {
    "scan": order(
        "scan",
        sided={"left": [{"system": "tiny", "code": "scan-left", "display": "Scan, left"}]},
        done={"in": ["scan"], "within": "window-90"},
    ),
    "scan-now": order("scan", done={"in": ["scan"], "within": "window-7"}),
    "potassium": order(
        codings=[{"system": "tiny", "code": "k", "display": "Potassium"}],
        done={"in": ["potassium"], "within": "window-7"},
    ),
    "magnesium": order(
        codings=[{"system": "tiny", "code": "mg", "display": "Magnesium"}],
        done={"in": ["magnesium"], "within": "window-7"},
    ),
    "asked": order(kind="questionnaire", codings=[], questionnaire="few"),
}


@pytest.fixture(scope="module")
def base() -> RuleBase:
    rules = [
        rule("k", "low"),
        rule("ca", "high"),
        rule("s", "heavy", per="leg", suggest=["scan"]),
        rule("p", "c", suggest=["potassium", "asked"]),
        rule("g", "drafted"),
    ]
    return loaded(texts(FACTS, rules, ORDERS))


def potassium(value: str) -> dict[str, dict[str, Decimal]]:
    return {"potassium-low": {"mmol/L": Decimal(value)}}


def calcium(si: str, conventional: str) -> dict[str, dict[str, Decimal]]:
    return {"calcium-high": {"mmol/L": Decimal(si), "mg/dL": Decimal(conventional)}}


def refused(base: RuleBase, **choices: Any) -> Failure:
    with pytest.raises(Failure) as caught:
        tailored(base, **choices)
    assert caught.value.kind == Kind.INCORRECT
    assert caught.value.todo
    return caught.value


# --- thresholds ------------------------------------------------------------------------------------


def test_a_client_s_threshold_decides(base: RuleBase) -> None:
    result = [lab("3.7")]

    assert answered(base, laboratory=result).cards == ()
    assert answered(tailored(base, thresholds=potassium("3.8")), laboratory=result).cards


def test_a_client_s_threshold_enters_the_digest_and_the_card(base: RuleBase) -> None:
    one, other = (tailored(base, thresholds=potassium(value)) for value in ("3.8", "3.9"))

    assert len({base.digest, one.digest, other.digest}) == 3
    assert tailored(base, thresholds=potassium("3.80")).digest == one.digest
    decision = answered(one, laboratory=[lab("3.7")])
    basis = decision.cards[0].extension["org.heavylegs.basis"]
    assert basis["ruleBase"]["digest"] == decision.digest == one.digest


def test_who_chooses_nothing_has_the_rule_base_itself(base: RuleBase) -> None:
    assert tailored(base) is base
    assert tailored(base, thresholds=potassium("3.5"), order_codes={"scan": ()}) is base


@pytest.mark.parametrize("value", ["3.5", "4.5"])
def test_a_bound_itself_may_be_chosen(base: RuleBase, value: str) -> None:
    chosen = tailored(base, thresholds=potassium(value))
    assert chosen.thresholds["potassium-low"].values == {"mmol/L": Decimal(value)}


@pytest.mark.parametrize("value", ["3.49", "4.51", "-3.6", "NaN", "Infinity"])
def test_outside_its_bounds_nobody_may_set_a_threshold(base: RuleBase, value: str) -> None:
    failure = refused(base, thresholds=potassium(value))
    assert failure.where == "potassium-low"
    assert failure.what == "is outside its bounds: 3.5 to 4.5 mmol/L"


def test_a_threshold_without_bounds_stays(base: RuleBase) -> None:
    failure = refused(base, thresholds={"window-7": {"d": Decimal(8)}})
    assert (failure.where, failure.what) == ("window-7", "no client may change this threshold")


def test_a_threshold_that_there_is_not(base: RuleBase) -> None:
    failure = refused(base, thresholds={"potasium-low": {"mmol/L": Decimal("3.6")}})
    assert (failure.where, failure.what) == ("potasium-low", "there is no such threshold")


@pytest.mark.parametrize("values", [{"mmol/L": "2.75"}, {"mg/dL": "11.0"}, {"mmol/L": "2.75", "x": "1"}])
def test_each_native_unit_needs_its_value(base: RuleBase, values: dict[str, str]) -> None:
    given = {unit: Decimal(value) for unit, value in values.items()}
    failure = refused(base, thresholds={"calcium-high": given})
    assert failure.what == "needs a value in each of its units: mmol/L, mg/dL"


def test_native_units_must_say_the_same_limit(base: RuleBase) -> None:
    chosen = tailored(base, thresholds=calcium("2.75", "11.0"))

    assert answered(chosen, laboratory=[lab("11.0", "mg/dL", of="ca")]).cards
    assert answered(chosen, laboratory=[lab("2.75", of="ca")]).cards
    failure = refused(base, thresholds=calcium("2.75", "12.0"))
    assert failure.what == "12.0 mg/dL is not 2.75 mmol/L"


# --- codes for orders ------------------------------------------------------------------------------


def coded(one: Coded) -> Json:
    return concept(one.code, system=one.system)


def offered(decision: Decision) -> list[list[Json]]:
    return [
        action.resource["code"]["coding"]
        for card in decision.cards
        for suggestion in card.suggestions
        for action in suggestion.actions
        if action.resource is not None and action.resource["resourceType"] == "ServiceRequest"
    ]


@pytest.mark.requirement(95)
def test_a_client_s_code_stands_after_the_standard_ones(base: RuleBase) -> None:
    chosen = tailored(base, order_codes={"scan": (ITEM,), "scan-left": (LEFT,)})

    (both,) = offered(answered(chosen, conditions=[condition("heavy")]))
    assert both == [
        {"system": "http://example.org/tiny", "code": "scan", "display": "Display of scan"},
        {"system": EPIC, "code": "99", "display": "Scan of a leg"},
    ]
    (left,) = offered(answered(chosen, conditions=[condition("heavy-left")]))
    assert [one["code"] for one in left] == ["scan-left", "98"]
    assert "display" not in left[1]  # none was given, and empty is not R4


def test_the_code_for_both_legs_is_not_placed_for_one(base: RuleBase) -> None:
    chosen = tailored(base, order_codes={"scan": (ITEM,)})
    (left,) = offered(answered(chosen, conditions=[condition("heavy-left")]))
    assert [one["code"] for one in left] == ["scan-left"]


def test_codes_enter_the_digest(base: RuleBase) -> None:
    digests = [
        tailored(base, order_codes=codes).digest
        for codes in ({"scan": (ITEM,)}, {"scan": (LEFT,)}, {"scan-now": (ITEM,)}, {})
    ]
    assert len(set(digests)) == 4


def ordered(one: Coded) -> Json:
    return {**request("x"), "code": coded(one)}


RECOGNISED: list[tuple[str, Json]] = [
    ("serviceRequests", ordered(ITEM)),
    (
        "procedures",
        {
            "resourceType": "Procedure",
            "id": "p",
            "status": "completed",
            "performedDateTime": "2026-11-20",
            "code": coded(ITEM),
            "subject": {"reference": "Patient/p"},
        },
    ),
    (
        "diagnosticReports",
        {
            "resourceType": "DiagnosticReport",
            "id": "d",
            "status": "final",
            "effectiveDateTime": "2026-11-20",
            "code": coded(ITEM),
            "subject": {"reference": "Patient/p"},
        },
    ),
    ("drafts", {"resourceType": "ServiceRequest", "id": "d", "status": "draft", "code": coded(ITEM)}),
]


@pytest.mark.parametrize(("key", "resource"), RECOGNISED, ids=[key for key, _ in RECOGNISED])
def test_a_client_s_own_entry_takes_the_order_away(base: RuleBase, key: str, resource: Json) -> None:
    chosen = tailored(base, order_codes={"scan": (ITEM,)})

    brought: Any = {key: [resource]}
    for rules, taken in ((base, False), (chosen, True)):
        states = assessed(rules, **brought).orders[""]
        assert (not states["scan"].free) is taken
        assert (not states["scan-now"].free) is taken  # the same scan, only sooner


def test_a_guard_sees_a_draft_by_the_client_s_code(base: RuleBase) -> None:
    draft = {"resourceType": "ServiceRequest", "id": "d", "status": "draft", "code": coded(ITEM)}
    chosen = tailored(base, order_codes={"scan": (ITEM,)})

    assert assessed(base, drafts=[draft]).value("drafted") is False
    assert assessed(chosen, drafts=[draft]).value("drafted") is True


def test_the_side_of_a_client_s_code_is_that_of_the_order(base: RuleBase) -> None:
    chosen = tailored(base, order_codes={"scan-left": (LEFT,)})
    legs = [condition("heavy-left"), condition("heavy-right")]
    facts = assessed(chosen, conditions=legs, serviceRequests=[ordered(LEFT)])

    assert not facts.orders["left"]["scan"].free
    assert facts.orders["right"]["scan"].free


def test_an_order_s_code_is_no_result(base: RuleBase) -> None:
    chosen = tailored(base, order_codes={"potassium": (POTASSIUM,)})
    value = {"value": 3.1, "unit": "mmol/L", "system": "http://unitsofmeasure.org", "code": "mmol/L"}
    result = {**observation("k", valueQuantity=value), "code": coded(POTASSIUM)}

    assert assessed(chosen, laboratory=[result]).value("low") is None
    asked = [ordered(POTASSIUM)]
    assert not assessed(chosen, serviceRequests=asked).orders[""]["potassium"].free


@pytest.mark.parametrize(
    ("codes", "where", "what"),
    [
        ({"scn": (ITEM,)}, "scn", "there is no such order"),
        ({"scan-right": (ITEM,)}, "scan-right", "there is no such order"),
        ({"asked": (ITEM,)}, "asked", "is answered, not ordered: it takes no code"),
        ({"scan": (Coded("Epic", "99"),)}, "scan", "'Epic' is no code system"),
        ({"scan": (Coded(EPIC, " 99"),)}, "scan", "' 99' is no code"),
        (
            {"scan": (Coded("http://example.org/tiny", "k"),)},
            "scan",
            "k means something else already: potassium",
        ),
        (
            {"scan": (Coded("urn:oid:1.2.3", "k"),)},
            "scan",
            "k means something else already: potassium",
        ),
        (
            {"scan": (ITEM,), "potassium": (ITEM,)},
            "potassium",
            "99 is given for another order too",
        ),
    ],
)
def test_a_code_that_would_mislead_is_refused(
    base: RuleBase, codes: dict[str, tuple[Coded, ...]], where: str, what: str
) -> None:
    failure = refused(base, order_codes=codes)
    assert (failure.where, failure.what) == (where, what)


def test_one_code_may_stand_for_an_order_and_its_urgent_form(base: RuleBase) -> None:
    chosen = tailored(base, order_codes={"scan": (ITEM,), "scan-now": (ITEM,)})
    assert [one.code for one in chosen.orders["scan-now"].codings] == ["scan", "99"]
