"""Definitions that no rule reaches are named with file and line; what is read otherwise is not."""

from typing import Any

import pytest

from cds_service import fitness
from cds_service.rulebase import loader, unused
from tests.unit.rulebase.tiny import Json, code_set, dump, fact, order, rule, texts

IDLE_THRESHOLD = """
thresholds:
  idle-number: {value: {d: 3}, source: s, standing: design}
"""
IDLE_ANALYTE = """
analytes:
  idle-analyte:
    label: idle
    codes: potassium
    unit: mmol/L
    units: {mmol/L: {factor: 1}}
    plausible: {from: 1, to: 12}
    arrives-in: [laboratory]
    source: s
"""
_ENGINE = ("answer-yes",)


def named(content: dict[str, str]) -> dict[str, str]:
    """What is reported, by name: the line of the file at which it points."""
    documents, misread = loader.documents_of(content)
    assert not misread
    found = {}
    for one in unused.problems(documents, _ENGINE):
        prefix, name, _ = one.what.split("'")
        assert prefix == "no rule reaches "
        found[name] = content[one.file].splitlines()[one.line - 1].split(":")[0].strip()
    return found


def content_with(facts: Json | None = None, **fields: Any) -> dict[str, str]:
    return texts(facts or {}, **({"rules": [rule("x")]} | fields))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("idle-fact", content_with({"idle-fact": fact(in_=["set-a"])})),
        ("idle-number", content_with(thresholds=IDLE_THRESHOLD)),
        ("idle-analyte", content_with(thresholds=IDLE_ANALYTE)),
        ("idle-set", content_with(terminology={"idle-set": code_set("z")})),
        ("idle-order", content_with(orders={"idle-order": order()})),
        ("few", content_with()),  # the questionnaire of the tiny rule base
        ("thigh", content_with()),  # its item
    ],
)
def test_what_no_rule_reaches_is_reported_at_its_line(name: str, content: dict[str, str]) -> None:
    assert named(content)[name] == name


def test_an_idle_score_and_an_idle_panel_are_reported() -> None:
    scores = {"idle-score": {"title": "t", "source": "s", "items": [{"fact": "a", "points": 1}]}}
    panels = {"idle-panel": {"codes": "basic-panel", "covers": ["potassium"], "source": "s"}}
    found = named(content_with(scores=scores, panels=panels))
    assert found["idle-score"] == "idle-score"
    assert found["idle-panel"] == "idle-panel"


def test_what_only_an_idle_fact_uses_is_idle_with_it() -> None:
    idle = {"idle": fact("measurement", of="calcium", is_={"above": "calcium-high"})}
    found = named(content_with(idle))
    assert {"idle", "calcium", "calcium-high"} <= found.keys()


def test_what_a_rule_reaches_by_whatever_way_is_not_reported() -> None:
    facts = {
        "low": fact("measurement", of="potassium", is_={"below": "potassium-low"}, within="window-7"),
        "either": fact("group", when={"any": ["low", "b"]}),
        "said": fact(in_=["set-c"]),
    }
    orders = {"offered": order(done={"in": ["scan"], "within": "window-30"})}
    card = {"texts": {"default": {"summary": "consider {said}", "consider": ["Do it"]}}}
    content = texts(facts, rules=[rule("x", "either", suggest=["offered"], card=card)], orders=orders)
    reached = {
        "low", "either", "said", "b", "offered",
        "potassium", "potassium-low", "window-7", "window-30", "scan", "set-b", "set-c",
    }  # fmt: skip
    assert reached.isdisjoint(named(content))


def test_what_the_global_file_or_the_engine_reads_is_not_reported() -> None:
    found = named(content_with())
    # silent-when, info-silent-when and entry of the tiny global file, with the set behind one of them
    assert {"deceased", "comfort-care", "a", "set-h", "set-a", "answer-yes"}.isdisjoint(found)
    assert "answer-no" in found, "not among the sets that were said to be the engine's"


def test_the_check_of_a_whole_rule_base_says_it() -> None:
    content = content_with({"idle-fact": fact(in_=["set-b"])})
    documents, _ = loader.documents_of(content)
    rule_base, problems = loader.examine_read(documents, [], lock_text=None)
    assert rule_base is not None, problems
    said = [one.what for one in fitness.oversights(rule_base, documents)]
    assert "no rule reaches 'idle-fact'" in said
    assert "no rule reaches 'answer-no'" not in said, "the engine reads it"


def test_a_file_of_idle_things_is_named_by_its_own_line() -> None:
    content = content_with() | {
        "facts/more.yaml": dump({"facts": {"z": {**fact(in_=["set-b"]), "label": "z"}}})
    }
    documents, _ = loader.documents_of(content)
    [found] = [one for one in unused.problems(documents, _ENGINE) if "'z'" in one.what]
    assert str(found) == "facts/more.yaml:2: no rule reaches 'z'"
