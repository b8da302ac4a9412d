"""A medicine that is coded by product, or not coded, is known by the ingredients in its name."""

from typing import Any

import pytest

from cds_service.facts.model import Fact, FactSet, Reason
from cds_service.rulebase.model import RuleBase
from tests.unit.facts.patients import assessed, medicine

RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
ATC = "http://www.whocc.no/atc"
PRODUCT = "313988"  # a clinical drug of RxNorm: in no code set


def taking(base: RuleBase, code: dict[str, Any]) -> FactSet:
    return assessed(base, medicationRequests=[medicine(medicationCodeableConcept=code)])


def product(display: str, system: str = RXNORM) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": PRODUCT, "display": display}]}


def of(base: RuleBase, display: str, name: str) -> Fact:
    return taking(base, product(display)).fact(name)


@pytest.mark.parametrize(
    ("display", "name"),
    [
        ("furosemide 40 MG Oral Tablet", "diuretic-active"),
        ("Furosemide 40 MG Oral Tablet [Lasix]", "diuretic-active"),
        ("Bendroflumethiazide 2.5mg tablets", "diuretic-active"),  # no code but the UK's has it
        ("Digoxin 0.125 MG Oral Tablet", "digoxin-active"),
        ("simvastatin 20 MG Oral Tablet", "statin-active"),
        ("losartan potassium 50 MG / hydrochlorothiazide 12.5 MG Oral Tablet", "diuretic-active"),
    ],
)
def test_a_product_is_known_by_the_ingredient_in_its_name(
    shipped: RuleBase, display: str, name: str
) -> None:
    found = of(shipped, display, name)
    assert found.value is True
    assert found.data[0].notes == ("text match",)
    assert taking(shipped, product(display)).unrecognised_medicines == ()


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Coumadin 5 mg", ["warfarin-active"]),
        ("Eliquis 5 mg film-coated tablets", ["anticoagulant-possibly-taken"]),
        ("tinzaparin 20,000 IU/ml", ["anticoagulant-possibly-taken"]),  # by its class alone in the codes
        ("LASIX 40", ["diuretic-active"]),
        ("lithium carbonate 300 MG Oral Capsule", ["lithium-active"]),  # the salt is how it is given
        ("Frusemide 40mg", ["diuretic-active"]),
        ("Hyzaar 50/12.5", ["angiotensin-blocker-active", "thiazide-active"]),
        ("Co-Diovan 80mg/12.5mg tablets", ["angiotensin-blocker-active", "thiazide-active"]),
        ("Diovan HCT", ["angiotensin-blocker-active", "thiazide-active"]),  # the longer name
        ("Aldactone 25 mg", ["mra-active"]),
        ("Sando-K effervescent tablets", ["potassium-supplement-active"]),
        ("Lanoxin\u00ae 125 microgram", ["digoxin-active"]),
        ("Vytorin 10/20", ["statin-possibly-taken", "simvastatin-taken"]),
        ("Caduet 5 mg/10 mg", ["atorvastatin-taken", "cap-20-taken"]),
        ("Farxiga 10 mg", ["sglt2-inhibitor-active"]),
        ("Forxiga 10mg tablets", ["sglt2-inhibitor-active"]),
        ("Jardiance 25 mg", ["sglt2-inhibitor-active"]),
        ("INVOKANA 100 MG", ["sglt2-inhibitor-active"]),
        ("ertugliflozin 5 MG Oral Tablet", ["sglt2-inhibitor-active"]),
        ("Glyxambi 10/5", ["sglt2-inhibitor-active"]),
        ("Trijardy XR 10-5-1000", ["sglt2-inhibitor-active", "metformin-active"]),
        ("Xigduo XR 10/1000", ["sglt2-inhibitor-active", "metformin-active"]),
        ("Segluromet 2.5/500", ["sglt2-inhibitor-active", "metformin-active"]),
        ("Sinthrome 1mg tablets", ["anticoagulant-possibly-taken", "warfarin-active"]),
        ("acenocoumarol 1 mg", ["anticoagulant-possibly-taken"]),
        ("dabigatran 150 mg", ["anticoagulant-possibly-taken"]),
        ("Tenoretic 50", ["thiazide-active", "heart-rate-limiting-active"]),
        ("metoprolol succinate 25 MG 24HR ER Oral Tablet", ["heart-rate-limiting-active"]),
        ("celecoxib 200 MG Oral Capsule", ["nsaid-active"]),
        ("vitamin D3 1000 UT", ["calcium-or-vitamin-d-active"]),
    ],
)
def test_a_brand_counts_as_what_it_holds(shipped: RuleBase, text: str, names: list[str]) -> None:
    found = taking(shipped, {"text": text})
    assert {name: found.value(name) for name in names} == dict.fromkeys(names, True)
    assert found.fact(names[0]).data[0].notes == ("text match",)
    assert found.unrecognised_medicines == ()


@pytest.mark.parametrize(
    "text",
    ["Allergic to Coumadin", "stopped Lasix", "Lasixa 40", "X-Lasix", "Prografine"],
)
def test_a_brand_is_denied_and_bounded_like_an_ingredient(shipped: RuleBase, text: str) -> None:
    assert len(taking(shipped, {"text": text}).unrecognised_medicines) == 1


def test_a_product_with_its_own_code_is_known_by_the_brand_too(shipped: RuleBase) -> None:
    assert of(shipped, "Zestoretic 20/12.5", "thiazide-active").value is True
    assert of(shipped, "Vitamin B 12 5 MG/ML Injectable Solution", "b12-treated").value is True


def test_words_alone_are_no_sure_benefit_as_a_brand_either(shipped: RuleBase) -> None:
    found = taking(shipped, {"text": "Xarelto 20 mg"}).fact("anticoagulant-active")
    assert (found.value, found.reason) == (None, Reason.ONLY_NAMED)


@pytest.mark.parametrize(
    "display",
    [
        "ropinirole 2 MG Oral Tablet",
        "furosemidex 40 MG",  # a word is whole
        "no furosemide",
        "Allergy: furosemide",
        "Simvistatin 10 MG",  # misspelt: not guessed
        "",
    ],
)
def test_what_names_no_ingredient_of_ours_tells_nothing_and_is_said(
    shipped: RuleBase, display: str
) -> None:
    found = taking(shipped, product(display))
    assert found.fact("diuretic-active").value is False
    assert found.fact("statin-active").value is False
    assert len(found.unrecognised_medicines) == 1


def test_a_salt_is_not_given(shipped: RuleBase) -> None:
    found = taking(shipped, product("Penicillin V Potassium 500 MG Oral Tablet"))
    assert found.fact("potassium-supplement-active").value is False


def test_what_stays_where_it_is_put_is_not_taken(shipped: RuleBase) -> None:
    assert of(shipped, "diltiazem 2 % Topical Gel", "statin-active").value is False
    assert (
        taking(shipped, product("dexamethasone 1 MG/ML Ophthalmic Suspension"))
        .fact("immunosuppressed")
        .value
        is not True
    )


@pytest.mark.parametrize(
    ("text", "is_known"),
    [
        ("albuterol 0.09 MG/ACTUAT Inhaler", True),
        ("Lipitor gel", True),
        ("no albuterol inhaler", False),
        ("mystery 1 % Topical Cream", False),
    ],
)
def test_a_known_ingredient_that_stays_where_it_is_put_is_recognised(
    shipped: RuleBase, text: str, *, is_known: bool
) -> None:
    found = taking(shipped, product(text))
    assert (not found.unrecognised_medicines) is is_known
    assert found.fact("statin-active").value is False


def test_text_without_a_code_is_a_hazard_and_no_sure_benefit(shipped: RuleBase) -> None:
    found = taking(shipped, {"text": "simvastatin 20 mg at night"})
    assert found.fact("statin-possibly-taken").value is True
    benefit = found.fact("statin-active")
    assert (benefit.value, benefit.reason) == (None, Reason.ONLY_NAMED)


def test_a_code_that_names_its_substance_goes_before_any_name(shipped: RuleBase) -> None:
    metformin = {"coding": [{"system": ATC, "code": "A10BA02"}], "text": "digoxin"}
    assert taking(shipped, metformin).fact("digoxin-active").value is False
    furosemide = {"coding": [{"system": RXNORM, "code": "4603"}], "text": "digoxin"}
    found = taking(shipped, furosemide)
    assert found.fact("diuretic-active").value is True
    assert found.fact("diuretic-active").data[0].notes == ()
    assert found.fact("digoxin-active").value is False


def test_a_name_of_a_hundred_thousand_letters_costs_no_more_than_its_beginning(
    shipped: RuleBase,
) -> None:
    long = "losartan " * 12_000
    assert of(shipped, long + "digoxin", "digoxin-active").value is False
