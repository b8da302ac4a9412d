"""A medicine that no rule reads is known by name, and only where the name holds nothing else."""

import pytest

from cds_service.rulebase import loader
from cds_service.rulebase.model import RuleBase
from tests.unit.facts.test_substances import product, taking
from tests.unit.rulebase.tiny import dump


@pytest.mark.parametrize(
    "name",
    [
        "aspirin 81 MG Oral Tablet",
        "Aspirin 75mg dispersible tablets",
        "acetaminophen 325 MG Oral Tablet",
        "Paracetamol 500 mg, take two as needed",
        "Acetaminophen 325 MG Oral Tablet [Tylenol]",
        "acetaminophen 325 MG / oxycodone hydrochloride 5 MG Oral Tablet",
        "Clopidogrel 75 MG Oral Tablet",
        "montelukast sodium 10 MG Oral Tablet",
        "folic acid",
    ],
)
def test_a_medicine_that_no_rule_reads_is_not_listed(shipped: RuleBase, name: str) -> None:
    assert taking(shipped, product(name)).unrecognised_medicines == ()
    assert taking(shipped, {"text": name}).unrecognised_medicines == ()


@pytest.mark.parametrize(
    "name",
    [
        "aspirin 25 MG / dipyridamole 200 MG Extended Release Oral Capsule",  # not all of it is known
        "aspirin / potassium bicarbonate-like salt",
        "aspirin 325 MG / magnesium 50 MG",
        "Tylenol PM Pill",
        "Claritin-D 24 Hour",
        "no aspirin",
        "stopped paracetamol",
        "Allergic to aspirin",
        "aspirina",
        "aspirin " + "10 mg " * 100 + "x",  # its end is not seen
        "aspirin \u03b1",
        "81 MG Oral Tablet",
        "the small white one",
    ],
)
def test_what_holds_or_says_more_stays_listed(shipped: RuleBase, name: str) -> None:
    assert len(taking(shipped, product(name)).unrecognised_medicines) == 1


def test_every_name_that_came_must_be_known(shipped: RuleBase) -> None:
    both = {**product("aspirin 81 MG Oral Tablet"), "text": "Asasantin"}
    assert taking(shipped, both).unrecognised_medicines == ("Asasantin",)
    assert taking(shipped, {**both, "text": "Aspirin EC"}).unrecognised_medicines == ()


def test_beside_an_ingredient_that_rules_read_nothing_is_lost(shipped: RuleBase) -> None:
    found = taking(shipped, product("aspirin 81 MG / omeprazole 40 MG Oral Tablet"))
    assert found.unrecognised_medicines == ()
    assert found.fact("ppi-active").value is True


def complaints(shipped_texts: dict[str, str], **entries: object) -> list[str]:
    added = {"terminology/zz.yaml": dump({"unread-medicines": entries})}
    return [str(one) for one in loader.examine({**shipped_texts, **added}, check_lock=False)[1]]


def entry(atc: str, *names: str) -> dict[str, object]:
    return {"atc": [atc], "names": list(names), "source": "s"}


def test_what_a_code_set_holds_cannot_be_called_unread(shipped_texts: dict[str, str]) -> None:
    found = complaints(
        shipped_texts,
        **{
            "by-class": entry("C07AA19", "bupranolol"),  # C07A holds it, no set has its name
            "by-name": entry("V03AX02", "digoxin plus"),  # a code that is in no set
            "by-brand": entry("V03AX02", "lasix"),
            "by-metal": entry("V03AX02", "potassium clorazepate"),
            "twice": entry("N02BE01", "aspirin"),
        },
    )
    for part in (
        "zz.yaml:4: C07AA19 is in the code set ",
        "'digoxin plus' names 'digoxin', which rules read",
        "'lasix' names 'lasix', which rules read",
        "'potassium clorazepate' names 'potassium', which rules read",
        "'aspirin' is already a name of",
    ):
        assert any(part in one for one in found), (part, found)


@pytest.mark.parametrize("code", ["N02B", "n02be01", "11289"])
def test_the_code_is_one_of_a_substance(shipped_texts: dict[str, str], code: str) -> None:
    assert complaints(shipped_texts, one=entry(code, "mystery"))
