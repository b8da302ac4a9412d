"""Rules changed on purpose, and cases that notice or do not."""

from cds_service import content
from cds_service.cases import mutation, running
from cds_service.cases.trial import Trial, surviving
from cds_service.rulebase import uses
from cds_service.rulebase.definitions import GroupFact
from cds_service.rulebase.model import RuleBase
from cds_service.rulebase.reading import Document

FIXTURES = content.folder("fhir_fixtures")
RULE = "lab-01-sample-guard"


def whats(shipped: RuleBase, rule: str) -> list[str]:
    return [one.what for one in mutation.of_rule(shipped.rules[rule], shipped)]


def test_every_criterion_is_left_out_once_and_every_word_swapped(shipped: RuleBase) -> None:
    # K-01, its level in the words "critical": all [any [lt-2-5, all [lt-3, danger]], unless [child]]
    levels = [level.text for level in shipped.rules["k-01-low-potassium"].levels]
    place = f"level {levels.index('critical') + 1}:"
    found = [one for one in whats(shipped, "k-01-low-potassium") if place in one]
    assert [one.split(": ", 1)[1] for one in found] == [
        (
            "`all` is `any`: any(potassium-lt-2-5, all(potassium-lt-3, potassium-low-danger)), "
            "unless(child)"
        ),
        "`all` without any(potassium-lt-2-5, all(potassium-lt-3, potassium-low-danger))",
        "`any` is `all`: potassium-lt-2-5, all(potassium-lt-3, potassium-low-danger)",
        "`any` without potassium-lt-2-5",
        "`any` without all(potassium-lt-3, potassium-low-danger)",
        "`all` is `any`: potassium-lt-3, potassium-low-danger",
        "`all` without potassium-lt-3",
        "`all` without potassium-low-danger",
        "`all` without unless(child)",
        "`unless` is `none`: child",
    ]


def test_a_threshold_moves_by_one_in_the_last_place_it_is_written_with(shipped: RuleBase) -> None:
    low = shipped.thresholds["potassium-low"]
    higher, lower = mutation.of_threshold(low, ("k-01-low-potassium",), shipped)
    before = low.values["mmol/L"]
    assert str(before) == "3.5"
    assert str(higher.rule_base.thresholds["potassium-low"].values["mmol/L"]) == "3.6"
    assert str(lower.rule_base.thresholds["potassium-low"].values["mmol/L"]) == "3.4"
    assert shipped.thresholds["potassium-low"].values["mmol/L"] == before


def test_the_number_of_a_region_moves_by_itself(shipped: RuleBase) -> None:
    cap = shipped.thresholds["simvastatin-with-verapamil"]
    found = list(mutation.of_threshold(cap, ("m03-statin-interaction",), shipped))
    assert [one.what.removeprefix(f"{cap.name} ") for one in found] == [
        *("higher: 11 mg/d", "lower: 9 mg/d", "in uk higher: 21 mg/d", "in uk lower: 19 mg/d")
    ]
    moved = found[2].rule_base.thresholds[cap.name]
    assert moved.values == cap.values
    assert str(moved.regions["uk"].values["mg/d"]) == "21"


def test_a_case_kills_what_it_proves_and_nothing_lives_without_cases(
    shipped: RuleBase, shipped_texts: dict[str, str]
) -> None:
    cases = [one for one in running.read(shipped_texts, shipped) if one.rule == "k-01-low-potassium"]
    low = shipped.thresholds["potassium-low"]
    moved = list(mutation.of_threshold(low, ("k-01-low-potassium",), shipped))
    full = Trial(cases, shipped, FIXTURES)
    assert all(full.killer(one) is not None for one in moved)
    none = Trial([], shipped, FIXTURES)
    assert [none.killer(one) for one in moved] == [None, None]


def test_two_processes_find_what_one_finds(shipped: RuleBase, shipped_texts: dict[str, str]) -> None:
    cases = [one for one in running.read(shipped_texts, shipped) if one.rule == RULE]
    mutants = [
        *mutation.of_rule(shipped.rules[RULE], shipped),
        mutation.Mutant("same", shipped, (RULE,)),
    ]
    trial = Trial(cases, shipped, FIXTURES)
    alone = list(surviving(trial, mutants, 1))
    assert alone[-1]
    assert False in alone
    assert list(surviving(trial, mutants, 2)) == alone


def test_the_rule_itself_is_told_from_nothing(shipped: RuleBase, shipped_texts: dict[str, str]) -> None:
    same = mutation.Mutant("the same", shipped, (RULE,))
    cases = [one for one in running.read(shipped_texts, shipped) if one.rule == RULE]
    assert Trial(cases, shipped, FIXTURES).killer(same) is None


def test_what_rules_reach_and_which_facts_name_it(
    shipped: RuleBase, shipped_documents: dict[str, list[Document]]
) -> None:
    found = {one.name: one for one in uses.reached("thresholds", shipped_documents)}
    assert "k-01-low-potassium" in found["potassium-low"].rules
    assert "n04-lumbar-imaging-guard" not in found["potassium-low"].rules
    assert "potassium-low" in (found["potassium-low"].facts or ())
    assert found["laboratory-order-open"].facts is None  # the window of orders: not facts alone name it
    assert found.keys() <= shipped.thresholds.keys()


def test_a_fact_made_of_others_is_changed_as_a_rule_is(shipped: RuleBase) -> None:
    fact = shipped.facts["potassium-low-danger"]
    assert isinstance(fact, GroupFact)
    found = [one.what for one in mutation.of_fact(fact, ("k-01-low-potassium",), shipped)]
    assert "potassium-low-danger: `any` without ventricular-arrhythmia" in found


def test_none_and_unless_over_what_is_always_known_are_not_told_apart(shipped: RuleBase) -> None:
    fact = shipped.facts["cilostazol-any"]  # none: at-order-hook, which the request settles
    assert isinstance(fact, GroupFact)
    found = [one.what for one in mutation.of_fact(fact, ("pad-07-cilostazol-heart-failure",), shipped)]
    assert found
    assert not [one for one in found if "at-order-hook" in one and " is `" in one and "unless" in one]


def test_around_an_unless_none_says_what_unless_says(shipped: RuleBase) -> None:
    fact = shipped.facts["psoriasis-ever"]  # unless: [{unless: [psoriasis-coded]}], "is on record"
    assert isinstance(fact, GroupFact)
    found = [one.what for one in mutation.of_fact(fact, ("j09-axial-spondyloarthritis",), shipped)]
    assert "psoriasis-ever: `unless` is `none`: psoriasis-coded" in found
    assert "psoriasis-ever: `unless` is `none`: unless(psoriasis-coded)" not in found
