"""An entry that has no code counts by its words, for what it speaks for and never against it."""

import time
from typing import Any

import msgspec
import pytest

from cds_service.facts.model import FactSet, Reason
from cds_service.rulebase.model import RuleBase
from tests.unit.facts.patients import assessed, condition

DAY = "2026-11-10"


def saying(base: RuleBase, text: str, **fields: Any) -> FactSet:
    entry = condition(onsetDateTime=DAY, recordedDate=DAY) | {"code": {"text": text}} | fields
    return assessed(base, conditions=[entry])


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("heavy legs", "heavy-legs"),
        ("HEAVY LEGS", "heavy-legs"),
        ("Legs feel heavy when I walk", "heavy-legs"),
        ("Legs feel heavy when I walk", "exertional-leg-symptom"),
        ("heavy left leg", "heavy-legs"),
        ("leg cramps", "leg-complaint"),
        ("pain in my left leg", "leg-complaint"),
        ("leg pain since 2025", "leg-complaint"),
        ("weak legs", "leg-weakness"),
        ("numbness of the feet", "leg-numbness"),
        ("swollen legs", "leg-swelling"),
        ("difficulty walking", "leg-complaint"),
        ("Claudication", "claudication-coded"),
        ("PVD", "pad-known"),
        ("sciatica L5", "sciatica"),
        ("lumbar spinal stenosis", "lumbar-stenosis-dx"),
        ("T2DM", "diabetes"),
        ("CHF", "heart-failure"),
        ("CKD stage 4", "ckd-advanced-coded"),
        ("DVT left leg", "dvt-coded"),
    ],
)
def test_a_phrase_makes_its_fact_true_and_says_that_it_is_one(
    shipped: RuleBase, text: str, fact: str
) -> None:
    found = saying(shipped, text).fact(fact)
    assert (found.value, found.reason, found.sure) == (True, Reason.ONLY_NAMED, None)
    assert "text match" in found.data[0].notes


@pytest.mark.parametrize(
    "text",
    [
        "no heavy legs",
        "denies heavy legs",
        "heavy legs denied",
        "without heavy legs",
        "legs do not feel heavy, no heavy legs",
        "family history of heavy legs",
        "rule out heavy legs",
        "r/o heavy legs",
        "heavy legs?",
        "risk of heavy legs",
        "screening for heavy legs",
        "possible heavy legs",
        "suspected heavy legs",
        "history of heavy legs",  # over: no complaint of today
        "heavy legs 2012",
        "heavy legsx",  # a word is whole
        "topheavy legs",
        "heavy load, legs fine",
        "<b>heavy legs</b>",
        "[heavy legs](http://example.org)",
        "heavy legs d\u00e9ni\u00e9",  # another language: its denials are not known
        "heavy\u200b legs",
        "heavy legs " + "x" * 200 + " ruled out",
        "",
    ],
)
def test_denied_doubted_past_or_hostile_text_says_nothing(shipped: RuleBase, text: str) -> None:
    empty = assessed(shipped, conditions=[])
    found = saying(shipped, text)
    for name in ("heavy-legs", "leg-complaint"):
        assert found.fact(name) == empty.fact(name)


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("PVD left eye", "pad-known"),
        ("diabetes insipidus", "diabetes"),
        ("DVT prophylaxis", "dvt-coded"),
        ("DVT refuted", "dvt-coded"),
        ("DVT misdiagnosis", "dvt-coded"),
        ("DVT false alarm", "dvt-coded"),
        ("DVT cleared", "dvt-coded"),
        ("DVT scan clear", "dvt-coded"),
        ("DVT scan normal", "dvt-coded"),
        ("Scan for DVT normal", "dvt-coded"),
        ("lack of DVT", "dvt-coded"),
        ("DVT (-)", "dvt-coded"),
        ("low probability dvt", "dvt-coded"),
        ("work-up for DVT", "dvt-coded"),
        ("workup DVT", "dvt-coded"),
        ("DVT leaflet given", "dvt-coded"),
        ("DVT clinic referral", "dvt-coded"),
        ("Deep vein thrombosis clinic", "dvt-coded"),
        ("dog has DVT", "dvt-coded"),
        ("kein DVT", "dvt-coded"),
        ("DVT nicht", "dvt-coded"),
        ("pas de DVT", "dvt-coded"),
        ("sin DVT", "dvt-coded"),
        ("Mutter DVT", "dvt-coded"),
        ("leg swelling, DVT scan normal", "dvt-coded"),
        ("heart failure clinic", "heart-failure"),
        ("CHF nurse", "heart-failure"),
        ("congestive heart failure nurse", "heart-failure"),
    ],
)
def test_a_phrase_beside_words_that_change_it_is_none(shipped: RuleBase, text: str, fact: str) -> None:
    assert saying(shipped, text).value(fact) is not True


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("DVT", "dvt-coded"),
        ("DVT confirmed on ultrasound", "dvt-coded"),
        ("DVT, seen in clinic", "dvt-coded"),
        ("chronic heart failure, echo clear", "heart-failure"),
        ("heavy legs after walking the dog", "heavy-legs"),
        ("heavy legs, cleared for exercise", "heavy-legs"),
        ("leg pain, needs workup", "leg-complaint"),
        ("leg swelling, DVT scan normal", "leg-swelling"),
        ("heavy legs (left)", "heavy-legs"),
    ],
)
def test_what_changes_one_phrase_leaves_the_others(shipped: RuleBase, text: str, fact: str) -> None:
    assert saying(shipped, text).value(fact) is True


def test_history_of_is_resolved_and_not_active(shipped: RuleBase) -> None:
    ever = msgspec.structs.replace(shipped.facts["dvt-coded"], ever=True)
    taking_it = msgspec.structs.replace(shipped, facts={**shipped.facts, "dvt-coded": ever})
    assert saying(shipped, "h/o DVT").value("dvt-coded") is False
    assert saying(taking_it, "h/o DVT").value("dvt-coded") is True


@pytest.mark.parametrize("piece", ["heavy legs ", "no ", "<", "? ", "a", "leg pain when "])
def test_a_text_of_100_kb_costs_nothing(shipped: RuleBase, piece: str) -> None:
    text = piece * (100_000 // len(piece))
    started = time.perf_counter()
    assert shipped.wording.said(text).phrases == ()
    assert time.perf_counter() - started < 0.05


def test_words_beside_a_code_are_not_read(shipped: RuleBase) -> None:
    code = {"coding": [{"system": "http://snomed.info/sct", "code": "1"}], "text": "heavy legs"}
    assert saying(shipped, "", code=code).value("heavy-legs") is False


def test_a_code_is_the_basis_where_there_is_one(shipped: RuleBase) -> None:
    coded = {"coding": [{"system": "http://snomed.info/sct", "code": "161873000"}], "text": "coded"}
    both: list[dict[str, Any]] = [{"id": "w", "code": {"text": "heavy legs"}}, {"code": coded}]
    facts = assessed(shipped, conditions=[condition(recordedDate=DAY) | one for one in both])
    found = facts.fact("heavy-legs")
    assert (found.reason, [one.label for one in found.data]) == (None, ["coded"])


@pytest.mark.parametrize("fact", ["low-back-pain-certain", "sciatica-certain", "lumbar-disc-certain"])
def test_a_certain_fact_is_none_by_words(shipped: RuleBase, fact: str) -> None:
    assert saying(shipped, "sciatica, low back pain").value(fact) is not True


def test_the_side_is_that_of_the_words(shipped: RuleBase) -> None:
    assert saying(shipped, "heavy left leg").fact("heavy-legs").data[0].side == "left"
    assert saying(shipped, "bilateral leg pain").fact("leg-complaint").data[0].side == "both"


def test_refuted_entries_state_nothing(shipped: RuleBase) -> None:
    refuted = {"coding": [{"code": "refuted"}]}
    assert saying(shipped, "heavy legs", verificationStatus=refuted).value("heavy-legs") is False


TEXTS = ["PVD", "DVT", "sciatica", "CKD 4", "CHF", "diabetes", "pregnant", "heavy legs", "swollen legs"]


@pytest.mark.parametrize("text", TEXTS)
def test_words_make_no_fact_false_and_none_surely_true(shipped: RuleBase, text: str) -> None:
    """Over every fact of the rule base: what words change is true by words, or unknown."""
    empty, said = assessed(shipped, conditions=[]), saying(shipped, text)
    changed = 0
    for name in shipped.facts:
        before, after = empty.fact(name), said.fact(name)
        if before.value is not after.value:
            changed += 1
            assert after.value is not False, name
            assert after.sure is None, name
    assert changed


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ({"coding": [{"display": "Heavy legs"}]}, True),
        ({"coding": [{"system": "urn:x", "display": "Heavy legs"}, {"display": "Heaviness"}]}, True),
        ({"coding": [{"code": "", "display": "Heavy legs"}]}, True),
        ({"coding": [{"system": "urn:x"}], "text": "heavy legs"}, True),
        ({"coding": [{"display": "Heavy legs"}], "text": "denied"}, False),
        ({"coding": [{"display": "No heavy legs"}], "text": "heavy legs"}, False),
        ({"coding": [{"display": "Heavy legs"}, {"code": "1"}]}, False),  # a code stands over words
        ({"coding": [{"code": "1", "display": "Heavy legs"}], "text": "heavy legs"}, False),
        ({"coding": [{"display": "heavy legs " + "x" * 200}]}, False),
        ({"coding": [{"display": "<b>heavy legs</b>"}]}, False),
        ({"coding": [{}]}, False),
    ],
    ids=str,
)
def test_a_coding_without_a_code_is_its_words(
    shipped: RuleBase, code: dict[str, Any], value: bool
) -> None:
    found = saying(shipped, "", code=code)
    assert found.value("heavy-legs") is value
    if value:
        assert "text match" in found.fact("heavy-legs").data[0].notes
