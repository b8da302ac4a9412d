"""A rule's digest is its meaning: the rule and all it reaches, and nothing else (ARCHITECTURE 2, 3)."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
import yaml

from cds_service import content
from cds_service.rulebase import loader
from tests.unit.facts.patients import assessed, lab
from tests.unit.rulebase.tiny import code_set, fact, loaded, order, rule, texts

FACTS = {
    "low": fact("measurement", of="potassium", is_={"below": "potassium-low"}, within="window-7"),
    "high": fact("measurement", of="calcium", is_={"at-least": "calcium-high"}),
    "both": fact("group", when={"any": ["low", "c"]}),
    "told": fact(in_=["weak"], says="It is told"),
    "many": fact("score", table="points", is_={"at-least": "points-2"}),
}
SCORES = {"points": {"title": "P", "source": "s", "items": [{"fact": "d", "points": 1}]}}
ORDERS = {"x": order("x", done={"in": ["magnesium"], "within": "window-30"}, must_be_clear=["e"])}
PANELS = {"basic": {"codes": "basic-panel", "covers": ["magnesium"], "source": "s"}}


def files() -> dict[str, str]:
    rules = [
        rule("k", "both", suggest=["x"], overrideReasons=["declined"]),
        rule("ca", "high"),
        rule("wells", "many"),
        rule("words", "a", summary="{told}: consider it"),
    ]
    return texts(FACTS, rules, ORDERS, PANELS, scores=SCORES)


def digests(changed: Mapping[str, str]) -> Mapping[str, str]:
    return loaded(changed).rule_digests


def changed_by(file: str, old: str, new: str) -> set[str]:
    """The rules whose digest changes when this text changes."""
    before, after = files(), files()
    assert old in after[file], f"{old!r} is not in {file}"
    after[file] = after[file].replace(old, new, 1)
    was, now = digests(before), digests(after)
    assert loaded(before).digest != loaded(after).digest
    return {name for name in was if was[name] != now[name]}


@pytest.mark.parametrize(
    ("file", "old", "new", "rules"),
    [
        ("thresholds/base.yaml", "value: {mmol/L: 3.5}", "value: {mmol/L: 3.6}", {"k"}),
        ("thresholds/base.yaml", "window-7: {value: {d: 7}", "window-7: {value: {d: 8}", {"k"}),
        ("thresholds/base.yaml", "window-30: {value: {d: 30}", "window-30: {value: {d: 31}", {"k"}),
        ("thresholds/base.yaml", "mg/dL: 12.0", "mg/dL: 12.1", {"ca"}),
        ("thresholds/base.yaml", "plausible: {from: 0.5", "plausible: {from: 0.6", {"ca"}),
        ("thresholds/base.yaml", "window-90: {value: {d: 90}", "window-90: {value: {d: 91}", set()),
        ("facts/base.yaml", "points: 1", "points: 2", {"wells"}),
        ("facts/base.yaml", "label: fact c", "label: fact c, renamed", {"k"}),
        ("facts/base.yaml", "label: fact e", "label: fact e, renamed", {"k"}),
        ("facts/base.yaml", "label: fact g", "label: fact g, renamed", set()),
        ("facts/base.yaml", "says: It is told", "says: It was told", {"words"}),
        ("terminology/base.yaml", "- - k\n", "- - k2\n", {"k"}),
        ("terminology/base.yaml", "- - mg\n", "- - mg2\n", {"k"}),
        ("orders/base.yaml", "text: Text of x", "text: Other text", {"k"}),
        ("orders/base.yaml", "codes: basic-panel", "codes: set-h", {"k"}),
        ("suppression.yaml", "quiet: {info: 30", "quiet: {info: 31", {"k"}),
        ("general/ca.yaml", "intent: Intent", "intent: Another", {"ca"}),
    ],
)
def test_a_change_reaches_the_rules_that_reach_it_and_only_those(
    file: str, old: str, new: str, rules: set[str]
) -> None:
    assert changed_by(file, old, new) == rules


@pytest.mark.parametrize(
    "rewrite",
    [
        lambda text: "# a comment\n" + text,
        lambda text: text.replace("title: Title", "title:   Title   # why"),
        lambda text: text.replace("title: Title", 'title: "Title"'),
        lambda text: "\n".join(reversed(_members(text))) + "\n",
    ],
)
def test_comments_and_layout_change_nothing(rewrite: Callable[[str], str]) -> None:
    before, after = files(), files()
    after["general/ca.yaml"] = rewrite(after["general/ca.yaml"])

    assert after["general/ca.yaml"] != before["general/ca.yaml"]
    assert digests(after) == digests(before)
    assert loaded(after).digest == loaded(before).digest


def turned_round(files: Mapping[str, str]) -> dict[str, str]:
    """The same content with the keys of every mapping in the other order, scalars as written."""
    return {
        name: yaml.serialize(_reversed(yaml.compose(text))) if name.endswith(".yaml") else text
        for name, text in files.items()
    }


def _reversed(node: Any) -> Any:
    if isinstance(node, yaml.MappingNode):
        node.value = [(key, _reversed(value)) for key, value in reversed(node.value)]
    elif isinstance(node, yaml.SequenceNode):
        node.value = [_reversed(one) for one in node.value]
    return node


def test_the_order_of_keys_changes_neither_the_digest_nor_the_meaning() -> None:
    between = fact(
        "measurement", of="potassium", is_={"at-least": "potassium-low", "below": "potassium-high"}
    )
    rise = {"rise": "up", "over": "window-72h", "within": "window-7", "clears-within": "window-7"}
    facts = {
        "between": between,
        "fell": fact("derived", by="fall", of=["calcium"], is_={"at-least": "up"}, within="window-7"),
        "rose": fact("derived", by="rise-within", of=["calcium"], with_=rise),
    }
    up = "thresholds: {up: {of: calcium, value: {mmol/L: 0.3, mg/dL: 1.2}, source: s, standing: design}}"
    before = texts(facts, [rule("r", {"any": [*facts]})], thresholds=up)
    after = turned_round(before)
    one, other = loaded(before), loaded(after)

    assert after["facts/base.yaml"] != before["facts/base.yaml"]
    assert (other.digest, other.rule_digests) == (one.digest, one.rule_digests)
    assert other.facts == one.facts
    values = [
        lab("4"),
        *(
            lab(amount, unit, at=f"2026-11-{day}T08:00:00Z", of="ca", id=f"ca-{day}")
            for amount, unit, day in (
                ("2.4", "mmol/L", 20),
                ("10.9", "mg/dL", 21),
                ("2.0", "mmol/L", 22),
            )
        ),
    ]
    for known in ([*values], values[:-1]):  # a fall, and a rise in two units
        told, also = (assessed(base, laboratory=known) for base in (one, other))
        assert {name: told.fact(name) for name in facts} == {name: also.fact(name) for name in facts}
    assert told.value("rose") is True


def test_the_order_of_keys_in_the_shipped_content_means_nothing() -> None:
    shipped = content.texts(content.folder("cards"))
    one, other = (loader.load(files, locked=False) for files in (shipped, turned_round(shipped)))

    assert (other.digest, other.rule_digests) == (one.digest, one.rule_digests)
    assert other.facts == one.facts


def _members(text: str) -> list[str]:
    found: list[str] = []
    for line in text.rstrip("\n").split("\n"):
        if line[:1] in (" ", "-") and found:
            found[-1] += "\n" + line
        else:
            found.append(line)
    return found


def test_the_day_of_a_review_is_no_part_of_the_meaning() -> None:
    before, after = files(), files()
    after["general/ca.yaml"] = (
        after["general/ca.yaml"]
        .replace("reviewed: '2026-11-22'", "reviewed: 2026-12-01")
        .replace("  read: read", "  read: read\n  reviewed: 2026-12-02")
    )
    rule_base = loaded(after)

    assert rule_base.rules["ca"].reviewed == "2026-12-01"
    assert rule_base.rules["ca"].sources[0].reviewed == "2026-12-02"
    assert rule_base.rule_digests == digests(before)
    assert rule_base.digest == loaded(before).digest


def test_where_a_definition_stands_changes_no_rule() -> None:
    before, after = files(), files()
    after["facts/elsewhere.yaml"] = after.pop("facts/base.yaml")

    assert digests(after) == digests(before)


def test_a_word_that_happens_to_be_the_name_of_something_else_reaches_nothing() -> None:
    before = texts({"calm": fact(in_=["heavy"], label="calcium")}, [rule("r", "calm")])
    after = dict(before)
    after["thresholds/base.yaml"] = before["thresholds/base.yaml"].replace(
        "mg/dL: {factor", "mg/dl2: {factor"
    )
    after["thresholds/base.yaml"] = after["thresholds/base.yaml"].replace("mg/dL", "mg/dl2")

    assert digests(before) == digests(after)


def test_a_code_set_may_include_another() -> None:
    include = {"title": "t", "source": "s", "licence": "l", "include": [{"set": "inner"}]}
    sets = {"outer": include, "inner": code_set("inside")}
    found = loaded(texts({"x": fact(in_=["outer"])}, [rule("r", "x")], terminology=sets))

    assert [one.code for one in found.code_sets["outer"].concepts] == ["inside"]
