"""What a rule reaches: every definition whose change changes what the rule means.

Names are collected field by field: a label that happens to be the name of something reaches nothing.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

from cds_service.rulebase.placeholders import holes
from cds_service.rulebase.reading import Document, strings
from cds_service.rulebase.threshold_keys import thresholds_in

Reached = tuple[str, str]  # (section, name)
Entries = Mapping[Reached, Any]
SECTIONS = {
    "facts": ("facts", "scores"),
    "thresholds": ("thresholds", "analytes"),
    "terminology": ("code-sets", "questionnaires", "local-codes"),
    "orders": ("orders", "panels"),
    "suppression": ("override-reasons",),
}
# What the names in `of` are, by the kind of the fact; a derived fact's function knows.
_OF = {"measurement": ("analytes",), "duration": ("facts",), "count": ("facts",), "answered": ("facts",)}
_OF_ANY = ("facts", "analytes", "code-sets")


def entries(documents: Mapping[str, list[Document]]) -> dict[Reached, Any]:
    """Every definition of the content, by section and name."""
    return {
        (section, name): value
        for kind, sections in SECTIONS.items()
        for document in documents[kind]
        for section in sections
        for name, value in document.value.get(section, {}).items()
    }


def reached(rule: Mapping[str, Any], known: Entries) -> list[tuple[str, Any]]:
    """Every definition that a rule reaches, named and in order."""
    return followed(_of_rule(rule), known)


def followed(names: Iterable[Reached], known: Entries) -> list[tuple[str, Any]]:
    """These definitions and every one that they reach, named and in order."""
    found: set[Reached] = set()
    waiting = [key for key in names if key in known]
    while waiting:
        key = waiting.pop()
        if key not in found:
            found.add(key)
            follow = _FOLLOW.get(key[0])
            following = follow(known[key], known) if follow else ()
            waiting.extend(one for one in following if one in known)
    return [(f"{section}/{name}", known[section, name]) for section, name in sorted(found)]


def users(known: Entries) -> dict[Reached, list[Reached]]:
    """Who names each definition directly: the other direction of `reached`, without the rules."""
    found: dict[Reached, list[Reached]] = {}
    for key, value in known.items():
        follow = _FOLLOW.get(key[0])
        for target in dict.fromkeys(follow(value, known)) if follow else ():
            if target in known:
                found.setdefault(target, []).append(key)
    return found


def _facts(names: Any) -> Iterator[Reached]:
    for name in names:
        yield "facts", name


def _thresholds(names: Any) -> Iterator[Reached]:
    for name in names:
        yield "thresholds", name


def _sets(names: Any) -> Iterator[Reached]:
    for name in names:
        yield "code-sets", name


def _templates(*templates: str) -> Iterator[Reached]:
    for template in templates:
        for name, aspect in holes(template):
            if aspect:
                yield "facts", name
                yield "analytes", name


def _of_rule(rule: Mapping[str, Any]) -> Iterator[Reached]:
    card = rule["card"]
    for level in rule["levels"]:
        yield from _facts(strings(level["when"]))
        for name in level.get("only-with", ()):
            yield "orders", name
    for text in card["texts"].values():
        yield from _text(text)
    yield from _suggested(card.get("suggest", ()))
    yield from _facts(card.get("worth-knowing", ()))
    for name in card.get("overrideReasons", ()):
        yield "override-reasons", name
    unknown = rule["unknown"]
    if isinstance(unknown, dict):
        yield from _facts(unknown["ask"])
        yield from _facts(strings(unknown.get("when", [])))
        yield from _text(unknown)
        yield from _suggested(unknown.get("suggest", ()))


def _text(text: Mapping[str, Any]) -> Iterator[Reached]:
    yield from _templates(text["summary"], *text["consider"], *text.get("why", ()))


def _suggested(suggested: Any) -> Iterator[Reached]:
    for one in suggested:
        if isinstance(one, str):
            yield "orders", one
        elif "delete" in one:
            yield from _facts([one["delete"], *strings(one.get("when", []))])
        else:
            for name, when in one.items():
                yield "orders", name
                yield from _facts(strings(when))


def _of_fact(fact: Mapping[str, Any], _: Entries) -> Iterator[Reached]:
    yield from _facts(strings(fact.get("when", [])))
    yield from _facts(strings(fact.get("unknown-only-if", [])))
    yield from _facts(fact.get("after-onset-of", ()))
    yield from _facts(fact.get("after-latest-onset-of", ()))
    if fact["kind"] not in ("hook", "region"):
        yield from _sets(fact.get("in", ()))
    of = fact.get("of", ())
    for name in [of] if isinstance(of, str) else of:
        yield from ((section, name) for section in _OF.get(fact["kind"], _OF_ANY))
    yield from _thresholds(name for _, name in thresholds_in(fact))
    shorter = fact.get("shorter", {})
    yield from _facts([shorter["while"]] if shorter else [])
    yield "scores", fact.get("table", "")
    yield from _templates(fact.get("says", ""))


def _of_score(score: Mapping[str, Any], _: Entries) -> Iterator[Reached]:
    yield from _facts(item["fact"] for item in score["items"])


def _of_threshold(threshold: Mapping[str, Any], _: Entries) -> Iterator[Reached]:
    yield "analytes", threshold.get("of", "")


def _of_analyte(analyte: Mapping[str, Any], _: Entries) -> Iterator[Reached]:
    yield from _sets([analyte["codes"], analyte.get("not-at", "")])


def _of_set(code_set: Mapping[str, Any], _: Entries) -> Iterator[Reached]:
    for include in code_set["include"]:
        if "set" in include:
            yield "code-sets", include["set"]
            continue
        for entry in include["codes"]:
            fields = entry if isinstance(entry, dict) else {"code": entry[0]}
            yield "code-sets", fields.get("needs-site", "")
            if include["system"] == "local":
                yield "local-codes", fields["code"]


def _of_order(order: Mapping[str, Any], known: Entries) -> Iterator[Reached]:
    done = order.get("done", {})
    yield from _sets(done.get("in", ()))
    yield from _facts(done.get("after-onset-of", ()))
    yield from _facts(done.get("after-latest-onset-of", ()))
    yield from _thresholds([done.get("within", ""), order.get("open-within", "")])
    yield from _facts([*order.get("must-be-clear", ()), *order.get("blocked-by", ())])
    yield "questionnaires", order.get("questionnaire", "")
    for coding in (*order.get("codings", ()), *chain.from_iterable(order.get("sided", {}).values())):
        if coding["system"] == "local":
            yield "local-codes", coding["code"]
    for (section, name), panel in known.items():
        # A panel that covers what the order measures decides whether it counts as ordered.
        if section == "panels" and set(done.get("in", ())) & set(panel["covers"]):
            yield section, name


def _of_panel(panel: Mapping[str, Any], _: Entries) -> Iterator[Reached]:
    yield from _sets([panel["codes"], *panel["covers"]])


def _of_questionnaire(questionnaire: Mapping[str, Any], _: Entries) -> Iterator[Reached]:
    for item in questionnaire["items"]:
        yield "local-codes", item


_FOLLOW: Mapping[str, Callable[[Mapping[str, Any], Entries], Iterator[Reached]]] = {
    "facts": _of_fact,
    "scores": _of_score,
    "thresholds": _of_threshold,
    "analytes": _of_analyte,
    "code-sets": _of_set,
    "orders": _of_order,
    "panels": _of_panel,
    "questionnaires": _of_questionnaire,
}
