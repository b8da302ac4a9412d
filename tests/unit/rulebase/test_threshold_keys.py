"""Wherever a fact names a threshold, its value is part of the meaning, and the name must lead somewhere.

The keys are those of the schema, so that a key added there cannot be forgotten here.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from cds_service.rulebase import loader
from tests.unit.rulebase.tiny import CARDS, dump, fact, loaded, rule, texts

SCHEMA = json.loads((CARDS / "facts.schema.json").read_text("utf-8"))
# Keys that hold a name, or several, of something that is no threshold.
OTHERS = {
    *("in", "of", "by", "table", "when", "unknown-only-if", "after-onset-of", "after-latest-onset-of"),
    "shorter/while",
}
NEEDED: Mapping[str, Any] = {
    "in": ["weak"],
    "of": ["c", "d"],
    "by": "corrected-sodium",
    "table": "points",
    "when": "c",
    "who": "female",
    "at-least": 1,
}
GOOD, MINE = "window-7", "mine"
GOOD_LIMITS = {"is": "points-2", "without-range": "potassium-low"}
NAMED = SCHEMA["$defs"]["name"]["pattern"]


def is_name(node: Mapping[str, Any]) -> bool:
    return node.get("type") == "string" and node.get("pattern") == NAMED


def keys(node: Mapping[str, Any], trail: str = "") -> Iterator[str]:
    """The keys of a kind that hold names: `within`, `is/below`, `with/` for any key."""
    for key, given in node["properties"].items():
        inner = SCHEMA["$defs"]["limits"] if given.get("$ref") == "#/$defs/limits" else given
        criterion = given.get("$ref") == "#/$defs/criterion"
        if is_name(inner) or criterion or is_name(inner.get("items", {})):
            yield f"{trail}{key}"
        elif "properties" in inner:
            yield from keys(inner, f"{trail}{key}/")
        elif isinstance(inner.get("additionalProperties"), dict):
            yield f"{trail}{key}/within"


def found() -> Iterator[tuple[str, str]]:
    """Every kind of fact with each of its keys that holds the name of a threshold."""
    for branch in SCHEMA["properties"]["facts"]["additionalProperties"]["allOf"]:
        kind = branch["if"]["properties"]["kind"]["const"]
        for key in keys(branch["then"]):
            if key not in OTHERS:
                yield kind, key


def schema_of(kind: str) -> Mapping[str, Any]:
    branches = SCHEMA["properties"]["facts"]["additionalProperties"]["allOf"]
    found: Mapping[str, Any] = next(
        one["then"] for one in branches if one["if"]["properties"]["kind"]["const"] == kind
    )
    return found


def written(kind: str, key: str, name: str) -> dict[str, Any]:
    """A fact of a kind with every key that it may have for thresholds; under `key` stands `name`."""
    node = schema_of(kind)
    value = fact(kind) | {one: NEEDED[one] for one in NEEDED if one in node["properties"]}
    if "times" in node["properties"]:
        several = node["properties"]["of"]["type"] == "array"
        value |= {"of": ["potassium"] if several else "potassium", "times": "upper-limit"}
    for one in (other for of, other in found() if of == kind):
        outer, _, inner = one.partition("/")
        if not inner:
            value[outer] = GOOD
        elif outer in ("is", "without-range"):
            value.setdefault(outer, {"at-least": GOOD_LIMITS[outer]})
        else:
            value.setdefault(outer, {})[inner] = GOOD
    if "shorter" in value:
        value["shorter"]["while"] = "c"
    outer, _, inner = key.partition("/")
    if not inner:
        value[outer] = name
    elif outer in ("is", "without-range"):
        value[outer] = {inner: name}
    else:
        value[outer][inner] = name
    return value


def files(kind: str, key: str, name: str, value: str = "2") -> dict[str, str]:
    amount = {"mmol/L": int(value)} if key.startswith("without-range") else {"1": int(value)}
    of = {"of": "potassium"} if key.startswith("without-range") else {}
    mine = dump({"thresholds": {MINE: {**of, "value": amount, "source": "s", "standing": "design"}}})
    scores = {"points": {"title": "P", "source": "s", "items": [{"fact": "d", "points": 1}]}}
    return texts({"x": written(kind, key, name)}, [rule("r", "x")], thresholds=mine, scores=scores)


def test_the_schema_has_such_keys() -> None:
    known = set(found())

    assert {("condition", "lasting"), ("derived", "with/within"), ("derived", "paired-within")} <= known
    assert {
        ("measurement", "shorter/within"),
        ("age", "is/at-most"),
        ("medication", "ended-within"),
    } <= (known)


@pytest.mark.parametrize(("kind", "key"), [*found()])
def test_a_changed_threshold_changes_the_digest_of_the_rule(kind: str, key: str) -> None:
    one, other = (loaded(files(kind, key, MINE, value)) for value in ("2", "3"))

    assert one.rule_digests != other.rule_digests


@pytest.mark.parametrize(("kind", "key"), [*found()])
def test_a_name_that_leads_nowhere_is_a_problem(kind: str, key: str) -> None:
    _, problems = loader.examine(files(kind, key, "no-such-window"), check_lock=False)

    assert [one.what for one in problems] == ["no threshold is called 'no-such-window'"]
