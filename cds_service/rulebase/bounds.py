"""The house rules of bounds: what a client may change must stay true, safe and rightly said.

A card names facts by their labels. So the number of a threshold that may change stands in no label or
text as a figure; a label says it as `{threshold}` (`rulebase.numbers`).
"""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from cds_service.failures import ContentProblem
from cds_service.rulebase import model, reach
from cds_service.rulebase.definitions import Threshold
from cds_service.rulebase.overrides import apart, unit_of
from cds_service.rulebase.reading import Document, strings
from cds_service.rulebase.threshold_keys import thresholds_in, thresholds_said

Documents = Mapping[str, list[Document]]
Written = dict[str, tuple[Document, Any]]
_ONE_SIDE = "a red flag, a critical level or their orders rest on it: bounds to the safe side only"
_WORDS = {"d": "days?", "h": "hours?|h", "a": "years?", "wk": "weeks?", "min": "minutes?|min"}


def problems(rule_base: model.RuleBase, documents: Documents) -> Iterator[ContentProblem]:
    """Everything that is wrong with the bounds of thresholds, and with labels that name thresholds."""
    known = reach.entries(documents)
    written = {
        name: (document, value)
        for document in documents["thresholds"]
        for name, value in document.value.get("thresholds", {}).items()
        if "bounds" in value
    }
    for name in written:
        yield from _sound(rule_base.thresholds[name], written, rule_base)
    for name in sorted(_grave(documents, known) & written.keys()):
        bounds = rule_base.thresholds[name].bounds
        first = rule_base.thresholds[name].values[unit_of(rule_base.thresholds[name], rule_base)]
        if bounds is not None and first not in (bounds.least, bounds.most):
            what = _ONE_SIDE
            yield _at(name, written, what)
    yield from _said_in_labels(rule_base, documents, written)
    yield from _said_in_texts(rule_base, documents, written, known)


def _sound(
    threshold: Threshold, written: Written, rule_base: model.RuleBase
) -> Iterator[ContentProblem]:
    bounds = threshold.bounds
    assert bounds is not None
    if not threshold.of and len(threshold.values) > 1:
        yield _at(threshold.name, written, "bounds are of one unit: this has several and no analyte")
        return
    unit = unit_of(threshold, rule_base)
    for one in (threshold, *threshold.regions.values()):
        if not bounds.least <= one.values[unit] <= bounds.most or bounds.least == bounds.most:
            what = f"{one.values[unit]} {unit} must lie between the bounds, and they apart"
            yield _at(threshold.name, written, what)
        for other in apart(one, one.values, rule_base):
            what = f"{one.values[other]} {other} is another limit than {one.values[unit]} {unit}"
            yield _at(threshold.name, written, what)


def _grave(documents: Documents, known: reach.Entries) -> frozenset[str]:
    """The thresholds that a critical level or a red flag rests on, and those of the rule's orders."""
    found: set[str] = set()
    for document in documents["rule"]:
        rule = document.value
        levels = [
            one for one in rule["levels"] if rule.get("red-flag") or one["indicator"] == "critical"
        ]
        names = [("facts", name) for level in levels for name in strings(level["when"])]
        if levels:
            suggested = rule["card"].get("suggest", [])
            names += [("orders", one if isinstance(one, str) else next(iter(one))) for one in suggested]
        for key, _ in reach.followed(names, known):
            section, _, name = key.partition("/")
            if section == "thresholds":
                found.add(name)
    return frozenset(found)


def _said_in_labels(
    rule_base: model.RuleBase, documents: Documents, written: Written
) -> Iterator[ContentProblem]:
    for document in documents["facts"]:
        for fact, value in document.value.get("facts", {}).items():
            own = {name for _, name in thresholds_in(value)}
            for _, name in thresholds_said(value):
                if name not in own:
                    what = f"{name!r} is no threshold of this fact: its label cannot say it"
                    yield document.problem(("facts", fact, "label"), what)
            for name in sorted(own & written.keys()):
                for key in ("label", "ask"):
                    figure = _figure(rule_base.thresholds[name]).search(value.get(key, ""))
                    if figure:
                        what = f"a client may change {name!r}: write {{{name}}}, not {figure[0]!r}"
                        yield document.problem(("facts", fact, key), what)


def _said_in_texts(
    rule_base: model.RuleBase, documents: Documents, written: Written, known: reach.Entries
) -> Iterator[ContentProblem]:
    """A text that says the number with its unit would say the wrong one where a client has another."""
    patterns = {name: _figure(rule_base.thresholds[name], with_unit=True) for name in written}
    for document in documents["rule"]:
        reached = {key.partition("/")[2] for key, _ in reach.reached(document.value, known)}
        texts = [*document.value["card"]["texts"].values(), document.value["unknown"]]
        lines = [line for text in texts if isinstance(text, dict) for line in strings(text)]
        for name in sorted(reached & written.keys()):
            figure = next((found for line in lines if (found := patterns[name].search(line))), None)
            if figure:
                what = f"a client may change {name!r}: a text cannot say {figure[0]!r}"
                yield document.problem(("card", "texts"), what)


def _figure(threshold: Threshold, *, with_unit: bool = False) -> re.Pattern[str]:
    """Where a text says the number of a threshold; with its unit only, where it may mean another."""
    found = []
    for unit, value in threshold.values.items():
        number = "|".join(re.escape(one) for one in sorted(_spellings(value)))
        after = rf"\s*(?:{_WORDS.get(unit, re.escape(unit))})\b" if with_unit else ""
        found.append(rf"(?<![\d.,-])(?:{number})(?![\d]|[.,]\d){after}")
    return re.compile("|".join(found))


def _spellings(value: Decimal) -> set[str]:
    return {str(value), f"{value.normalize():f}"}


def _at(name: str, written: Written, what: str) -> ContentProblem:
    document, _ = written[name]
    return document.problem(("thresholds", name, "bounds"), what)
