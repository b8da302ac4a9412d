"""Loading takes text and gives a rule base, or *all* that is wrong with file and line.

ARCHITECTURE 4.
"""

import json
from typing import Any

import pytest

from cds_service.failures import BrokenRuleBase
from cds_service.rulebase import loader, lock
from tests.unit.rulebase.tiny import code_set, dump, fact, loaded, order, rule, texts


def problems(files: dict[str, str], *, check_lock: bool = False) -> list[str]:
    return [str(one) for one in loader.examine(files, check_lock=check_lock)[1]]


def wrong(*parts: str, **changed: Any) -> list[str]:
    """What is wrong with the tiny base plus one rule plus this."""
    files = texts(changed.pop("facts", None), [rule("r", **changed.pop("rule", {}))], **changed)
    found = problems(files)
    for part in parts:
        assert any(part in one for one in found), found
    return found


def test_a_sound_rule_base_has_no_problems() -> None:
    assert wrong() == []


def test_everything_wrong_is_said_at_once_with_file_and_line() -> None:
    files = texts(rules=[rule("r")])
    files["facts/broken.yaml"] = "facts:\n  x: {kind: age\n"
    files["facts/twice.yaml"] = (
        "facts:\n  x: {kind: patient, label: l, source: s, who: female}\n  x: 1\n"
    )
    files["facts/wrong.yaml"] = "facts:\n  y:\n    kind: age\n    label: 7\n    source: s\n    is: {}\n"
    files["orders/key.yaml"] = "orders:\n  o:\n    colour: red\n"
    files["global.yaml"] += "extra: 1\n"
    files["general/empty.yaml"] = ""

    found = problems(files)

    for place in (
        "facts/broken.yaml:3",
        "facts/twice.yaml:3: the key 'x' stands twice",
        "facts/wrong.yaml:4",
        "orders/key.yaml:",
        "global.yaml:",
        "general/empty.yaml:1: the file is empty",
    ):
        assert any(one.startswith(place) for one in found), (place, found)


def test_names_that_lead_nowhere_are_said_together_with_the_nearest_one() -> None:
    found = wrong(
        "no fact is called 'heavi'; did you mean 'heavy'?",
        "no code set is called 'hevy'; did you mean 'heavy'?",
        "no threshold is called 'window-31'; did you mean 'window-30'?",
        "no order is called 'nothing-like-it'",
        "no rule is called 's'",
        facts={
            "heavy": fact(in_=["hevy"]),
            "ache": fact(in_=["heavy"], within="window-31"),
        },
        rule={
            "when": {"all": ["heavi", {"none": ["a"]}]},
            "suggest": ["nothing-like-it"],
            "yields-to": [{"rule": "s"}],
        },
    )

    assert len(found) == 5


def test_the_line_is_that_of_the_name_in_the_rule() -> None:
    files = texts(rules=[rule("r", {"all": ["a", {"any": ["b", "missing"]}]})])
    lines = files["general/r.yaml"].split("\n")
    line = next(number for number, text in enumerate(lines, start=1) if text.strip() == "- missing")

    assert problems(files) == [f"general/r.yaml:{line}: no fact is called 'missing'"]


@pytest.mark.parametrize(
    "when",
    [
        {"all": ["a", 3.5]},
        {"all": [7]},
        "potassium < 3.5",
        {"all": []},
        {"xor": ["a"]},
        {"all": ["a"], "any": ["b"]},
    ],
)
def test_a_rule_holds_no_number_no_expression_and_no_word_of_its_own(when: Any) -> None:
    assert wrong("general/r.yaml:", rule={"when": when})


def test_a_source_that_is_cited_is_one_of_the_rule() -> None:
    text = {"source": "elsewhere", "summary": "s: consider it", "consider": ["Do it"]}

    wrong(
        "no source of this rule is called 'elsewhere'",
        rule={"card": {"texts": {"default": text}}},
    )


def test_a_rule_holds_no_code() -> None:
    assert wrong("general/r.yaml:", rule={"when": {"all": ["161873000"]}})


def test_a_circle_of_facts_is_said() -> None:
    wrong(
        "facts/base.yaml:",
        "defined in a circle: ",
        facts={
            "x": fact("group", when={"any": ["a", "y"]}),
            "y": fact("count", of=["z"], at_least=1),
            "z": fact("group", when={"none": ["x"]}),
        },
    )


def test_a_fact_within_its_own_shorter_window_is_a_circle() -> None:
    low = {"of": "potassium", "is_": {"below": "potassium-low"}, "within": "window-7"}
    wrong(
        "defined in a circle",
        facts={
            "low": fact("measurement", **low, shorter={"while": "loss", "within": "window-2"}),
            "loss": fact("group", when={"any": ["low"]}),
        },
    )


def test_a_circle_of_code_sets_is_said() -> None:
    around = {"title": "t", "source": "s", "licence": "l"}
    wrong(
        "terminology/base.yaml:",
        "defined in a circle: one → two → one",
        terminology={
            "one": {**around, "include": [{"set": "two"}]},
            "two": {**around, "include": [{"set": "one"}]},
        },
    )


def test_two_rules_that_yield_to_each_other_would_both_be_lost() -> None:
    pair = [
        rule("one", **{"yields-to": [{"rule": "two"}]}),
        rule("two", **{"yields-to": [{"rule": "one"}]}),
    ]

    assert problems(texts(rules=pair))


def test_a_name_defined_twice_is_said_with_both_places() -> None:
    files = texts(rules=[rule("r")])
    files["facts/more.yaml"] = dump({"facts": {"a": fact(in_=["heavy"], label="again")}})

    found = problems(files)

    assert len(found) == 1
    assert found[0].startswith("facts/more.yaml:2: 'a' is already in facts, at facts/base.yaml:")


def medicine_names(**entries: Any) -> list[str]:
    files = texts(rules=[rule("r")])
    files["terminology/names.yaml"] = dump({"medicine-names": entries})
    return problems(files)


def brand(*names: str, code: str = "pill") -> dict[str, Any]:
    return {"codes": [{"system": "tiny", "code": code}], "names": list(names), "source": "a label"}


def test_a_brand_is_of_one_medicine_and_counts_somewhere() -> None:
    assert medicine_names(one=brand("brandex")) == []
    twice = medicine_names(one=brand("brandex"), two=brand("brandix", "brandex"))
    assert twice == ["terminology/names.yaml:15: 'brandex' is already a name of one"]
    (nowhere,) = medicine_names(one=brand("brandex", code="stone"))
    assert nowhere.endswith("stone is in no code set: nothing would read it")
    (system,) = medicine_names(
        one={"codes": [{"system": "tinny", "code": "pill"}], "names": ["b"], "source": "s"}
    )
    assert system.endswith("no system is called 'tinny'; did you mean 'tiny'?")


@pytest.mark.parametrize(
    ("system", "code", "what"),
    [
        ("snomed", "161873001", "its check digit is wrong"),
        ("loinc", "2823-4", "its check digit is wrong"),
        ("icd-10-cm", "I739", ""),
        ("icd-10-cm", "73.9", "not of the form of an ICD-10-CM code"),
        ("atc", "C10A1", "not of the form of an ATC code"),
        ("cpt", "93922", "no CPT codes"),
    ],
)
def test_a_code_that_cannot_be_one_is_said(system: str, code: str, what: str) -> None:
    files = texts(rules=[rule("r")], terminology={"odd": code_set(code, system=system)})
    files["terminology/systems.yaml"] = dump(
        {
            "systems": {
                name: {"uri": f"http://example.org/{name}"} for name in ("snomed", "loinc", "atc", "cpt")
            }
        }
    )

    found = problems(files)

    assert found if what or code == "I739" else not found
    assert any(what in one for one in found)


@pytest.mark.parametrize(
    ("system", "code"),
    [("snomed", "161873000"), ("loinc", "2823-3"), ("icd-10-cm", "I70.219"), ("atc", "C03CA01")],
)
def test_a_sound_code_passes(system: str, code: str) -> None:
    files = texts(terminology={"fine": code_set(code, system=system)})
    files["terminology/systems.yaml"] = dump(
        {"systems": {name: {"uri": f"http://example.org/{name}"} for name in ("snomed", "loinc", "atc")}}
    )

    assert problems(files) == []


def test_a_code_that_is_not_quoted_is_said() -> None:
    files = texts()
    files["terminology/bare.yaml"] = (
        "code-sets:\n  bare:\n    title: t\n    source: s\n    licence: l\n"
        "    include:\n      - system: tiny\n        codes:\n          - [161873000, Heavy legs]\n"
    )

    assert [one for one in problems(files) if one.startswith("terminology/bare.yaml:9")]


@pytest.mark.parametrize("number", [".nan", ".inf", "-.inf", "1:30.5"])
def test_a_number_that_is_none_is_a_problem_and_no_crash(number: str) -> None:
    files = texts(
        thresholds=f"thresholds:\n  odd: {{value: {{d: {number}}}, source: s, standing: design}}\n"
    )

    assert [one for one in problems(files) if one.startswith("thresholds/more.yaml:")]


@pytest.mark.parametrize("day", ["2026-02-30", "22 Nov 2026", "2026-11", 2026])
def test_the_day_of_a_review_is_a_day(day: Any) -> None:
    wrong(f"reviewed: {day!r} is not", rule={"reviewed": day})


def test_a_rule_says_when_it_was_reviewed() -> None:
    one = rule("r")
    del one["reviewed"]

    assert any("'reviewed' is a required property" in what for what in problems(texts(rules=[one])))


def test_the_id_is_the_name_of_the_file() -> None:
    files = texts(rules=[rule("r")])
    files["general/r.yaml"] = files["general/r.yaml"].replace("id: r\n", "id: other\n")

    assert any("must equal the file name" in one for one in problems(files))


def test_levels_go_from_the_highest_to_the_lowest() -> None:
    levels = [{"indicator": "info", "when": "a"}, {"indicator": "warning", "when": "b"}]
    wrong("levels go from the highest to the lowest", rule={"levels": levels})


def test_a_level_needs_words() -> None:
    levels = [{"indicator": "info", "when": "a", "text": "other"}]
    card = {"texts": {"default": {"summary": "s: consider", "consider": ["x"]}}}
    wrong("the card has no text 'other'", rule={"levels": levels, "card": card})


@pytest.mark.parametrize(
    ("summary", "what"),
    [
        ("Consider it now!", "exclamation mark"),
        ("Alert: consider it", "the word alert"),
        ("Do it", "does not say `consider`"),
        ("{nobody}: consider it", "names no fact or analyte"),
        ("{a.colour}: consider it", "unknown aspect"),
        ("consider " + "x" * 131, "the summary can reach 140 characters"),
    ],
)
def test_words_keep_to_the_card_style(summary: str, what: str) -> None:
    wrong(what, rule={"summary": summary})


def test_a_threshold_needs_the_canonical_unit_and_no_strange_one() -> None:
    wrong(
        "has no value in mmol/L",
        "'furlong' is not a unit of potassium",
        thresholds="thresholds:\n"
        "  odd: {of: potassium, value: {furlong: 1}, source: s, standing: design}\n",
    )


def test_a_level_that_only_offers_orders_is_never_critical() -> None:
    # reconciliation 1, "Already ordered": `only-with` falls silent, never a critical one.
    levels = [{"indicator": "critical", "when": "a", "only-with": ["x"]}]

    assert problems(texts(rules=[rule("r", levels=levels)], orders={"x": order()}))


# --- the lock --------------------------------------------------------------------------------------


def locked(files: dict[str, str]) -> dict[str, str]:
    return {**files, "cards.lock": lock.written(loaded(files), "", release=True)}


def test_a_rule_base_that_agrees_with_its_lock_loads() -> None:
    assert loader.load(locked(texts(rules=[rule("r")]))).rules.keys() == {"r"}


@pytest.mark.parametrize(
    ("was", "now", "what"),
    [
        ({}, {"when": "b"}, "means something else than cards.lock says"),
        ({}, {"when": "b", "version": 2}, "has a new version that is not in cards.lock"),
        ({"version": 3}, {"version": 2}, "went back from 3 to 2"),
    ],
)
def test_a_change_of_meaning_without_its_version_is_said(
    was: dict[str, Any], now: dict[str, Any], what: str
) -> None:
    before = locked(texts(rules=[rule("r", **was)]))
    after = texts(rules=[rule("r", **now)]) | {"cards.lock": before["cards.lock"]}

    found = problems(after, check_lock=True)

    assert len(found) == 1
    assert found[0].startswith("general/r.yaml:")
    assert what in found[0]


def test_a_rule_that_is_gone_or_new_is_said() -> None:
    before = locked(texts(rules=[rule("old")]))
    after = texts(rules=[rule("new")]) | {"cards.lock": before["cards.lock"]}

    found = problems(after, check_lock=True)

    assert any(one.startswith("cards.lock:1: old is gone") for one in found)
    assert any("is not in cards.lock" in one for one in found)


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"rules": {"r": 7}}', '{"rules": {"r": {}}}', '{"rules": []}']
)
def test_a_lock_that_cannot_be_read_is_a_problem_and_no_crash(text: str) -> None:
    files = texts(rules=[rule("r")]) | {"cards.lock": text}

    assert any(
        one.startswith(("cards.lock:", "general/r.yaml:")) for one in problems(files, check_lock=True)
    )


def test_load_raises_with_every_problem() -> None:
    files = texts(rules=[rule("r", "nobody")])
    files["cards.lock"] = json.dumps({"rules": {}})

    with pytest.raises(BrokenRuleBase) as caught:
        loader.load(files)

    assert "no fact is called 'nobody'" in str(caught.value)


def test_a_missing_file_or_schema_is_said() -> None:
    files = texts()
    del files["global.yaml"]
    assert problems(files) == ["global.yaml:1: the file is missing"]

    without_schema = texts()
    del without_schema["facts.schema.json"]
    with pytest.raises(BrokenRuleBase, match="the schema is missing"):
        loader.examine(without_schema)
