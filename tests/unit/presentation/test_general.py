"""A general card keeps what no other offers, and stands back with nothing left (reconciliation 6)."""

from typing import Any

from cds_service.rules.model import Policy
from tests.unit.rulebase.tiny import order, rule, rule_base
from tests.unit.rules.deciding import decided, shown

_GENERAL = rule(
    "general",
    levels=[{"indicator": "info", "when": "b", "only-with": ["blood", "thyroid"]}],
    general=True,
    suggest=["blood", "thyroid"],
)
_ORDERS = {"blood": order("blood"), "thyroid": order("thyroid")}


def general_beside(*suggested: str, **fields: Any) -> dict[str, str]:
    specific = rule("specific", "a", suggest=list(suggested), **fields)
    base = rule_base(orders=_ORDERS, rules=[specific, _GENERAL])
    return shown(decided(base, a=True, b=True))


def test_a_general_card_keeps_what_no_other_offers() -> None:
    base = rule_base(orders=_ORDERS, rules=[rule("a-specific", "a", suggest=["blood"]), _GENERAL])
    decision = decided(base, a=True, b=True)

    assert shown(decision)["general"] == "card"
    assert [one.orders for one in decision.carded if one.finding.rule == "general"] == [("thyroid",)]


def test_a_general_card_with_nothing_left_is_not_shown() -> None:
    assert general_beside("blood", "thyroid")["general"] == "withheld"


def test_a_general_card_alone_has_all_its_orders() -> None:
    base = rule_base(orders=_ORDERS, rules=[_GENERAL])
    assert [one.orders for one in decided(base, b=True).carded] == [("blood", "thyroid")]


def test_a_general_card_is_not_shown_beside_a_critical() -> None:
    assert general_beside(indicator="critical")["general"] == "withheld"


def test_a_general_warning_is() -> None:
    warning = rule("general", "b", indicator="warning", general=True)
    base = rule_base(rules=[rule("specific", "a", indicator="critical"), warning])
    assert shown(decided(base, a=True, b=True))["general"] == "card"


def test_information_that_yields_to_critical_waits_and_its_warning_does_not() -> None:
    for indicator, expected in (("info", "withheld"), ("warning", "card")):
        waits = rule("waits", "b", indicator=indicator, **{"yields-to-critical": True})
        base = rule_base(rules=[rule("specific", "a", indicator="critical"), waits])
        assert shown(decided(base, a=True, b=True))["waits"] == expected


def test_beside_a_warning_it_is_shown_with_orders_of_others_too() -> None:
    waits = rule("waits", "b", indicator="info", suggest=["blood"], **{"yields-to-critical": True})
    other = rule("specific", "a", indicator="warning", suggest=["blood"])
    base = rule_base(orders=_ORDERS, rules=[other, waits])
    assert shown(decided(base, a=True, b=True))["waits"] == "card"


def test_what_a_spent_general_card_took_of_the_cap_is_free_again() -> None:
    others = [rule(name, "a", suggest=["blood", "thyroid"]) for name in ("a-rule", "z-rule")]
    base = rule_base(orders=_ORDERS, rules=[*others, _GENERAL])
    seen = shown(decided(base, policy=Policy(card_cap=2), a=True, b=True))
    assert seen == {"a-rule": "card", "general": "withheld", "z-rule": "card"}
