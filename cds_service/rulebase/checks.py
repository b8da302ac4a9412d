"""The house rules of content: what makes a sound rule base a good one."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import combinations, pairwise
from typing import Any

from cds_service.failures import ContentProblem
from cds_service.rulebase import model, placeholders
from cds_service.rulebase.criteria import facts_in
from cds_service.rulebase.definitions import (
    AnsweredFact,
    CountFact,
    DerivedFact,
    Fact,
    GroupFact,
    MeasurementFact,
)
from cds_service.rulebase.reading import WORDS, Document, Path
from cds_service.rulebase.unread import unread_medicines

Documents = Mapping[str, list[Document]]
# Which kind of case each rule must bring (ARCHITECTURE section 4).
REQUIRED_CASES = ("fires", "near-miss", "missing")


def house_rules(rule_base: model.RuleBase, documents: Documents) -> list[ContentProblem]:
    """What makes sound content good content: one generator per rule of the house."""
    problems: list[ContentProblem] = []
    by_id = {document.value["id"]: document for document in documents["rule"]}
    for rule in rule_base.rules.values():
        document = by_id[rule.id]
        for check in (_file_name, _levels_fall, _texts_hold, _guards_stay_mild):
            problems.extend(check(rule, document, rule_base))
    problems.extend(_ranked(rule_base, documents))
    problems.extend(_native_values(rule_base, documents))
    problems.extend(_multiples(rule_base, documents))
    problems.extend(_labels(rule_base, documents))
    problems.extend(_words_mean_something(rule_base, documents))
    problems.extend(_names_of_one_medicine(documents))
    problems.extend(unread_medicines(rule_base, documents))
    return problems


def proof_rules(
    rule_base: model.RuleBase, documents: Documents, only: str = ""
) -> Iterator[ContentProblem]:
    """Every rule has its cases beside it, or `only` this one; and every file of cases its rule."""
    cases = {document.file: document for document in documents["cases"]}
    for document in documents["rule"]:
        if only and document.value["id"] != only:
            continue
        yield from _has_cases(rule_base.rules[document.value["id"]], document, cases)
    for document in documents["cases"]:
        yield from _systems_known(document.value, (), document, rule_base)
    beside = {one.file.removesuffix(".yaml") + ".cases.yaml" for one in documents["rule"]}
    for file in sorted(cases.keys() - beside):
        yield cases[file].problem((), "no rule of this name stands beside these cases")


def _words_mean_something(rule_base: model.RuleBase, documents: Documents) -> Iterator[ContentProblem]:
    """Words for a code of no code set would be read, and never count."""
    for document in documents["terminology"]:
        for section in WORDS:
            for name, value in document.value.get(section, {}).items():
                for at, one in enumerate(value["codes"]):
                    uri = rule_base.systems[one["system"]][0]
                    if not rule_base.terminology.matches(uri, one["code"]):
                        path = (section, name, "codes", at)
                        yield document.problem(
                            path, f"{one['code']} is in no code set: nothing would read it"
                        )


def _names_of_one_medicine(documents: Documents) -> Iterator[ContentProblem]:
    """A brand that stands twice would count as the codes of one place only."""
    seen: dict[str, str] = {}
    for document in documents["terminology"]:
        for name, value in document.value.get("medicine-names", {}).items():
            for at, word in enumerate(value["names"]):
                if word in seen:
                    path = ("medicine-names", name, "names", at)
                    yield document.problem(path, f"{word!r} is already a name of {seen[word]}")
                seen[word] = name


def _file_name(rule: model.Rule, document: Document, _: model.RuleBase) -> Iterator[ContentProblem]:
    stem = document.file.rsplit("/", 1)[-1].removesuffix(".yaml")
    if stem != rule.id:
        yield document.problem(("id",), f"the id {rule.id!r} must equal the file name {stem!r}")


def _levels_fall(rule: model.Rule, document: Document, _: model.RuleBase) -> Iterator[ContentProblem]:
    ranks = [model.SEVERITY[level.indicator] for level in rule.levels]
    for index, (before, after) in enumerate(pairwise(ranks), start=1):
        if after > before:
            yield document.problem(("levels", index), "levels go from the highest to the lowest")
    for index, level in enumerate(rule.levels):
        if level.indicator == "critical" and level.only_with:
            # Reconciliation, "Already ordered": an open order never silences a critical.
            yield document.problem(("levels", index), "a critical level takes no `only-with`")
    if rule.tip and any(rank > 0 for rank in ranks):
        yield document.problem(("tip",), "a tip is info only")
    if rule.withheld_by and not rule.tip:
        yield document.problem(("withheld-by",), "only a tip is withheld by a gate")
    named = {name for level in rule.levels for name in facts_in(level.when)}
    for index, gate in enumerate(rule.withheld_by):
        if gate not in named:
            yield document.problem(("withheld-by", index), f"no level names the gate {gate!r}")


def _texts_hold(
    rule: model.Rule, document: Document, rule_base: model.RuleBase
) -> Iterator[ContentProblem]:
    for name, text in rule.texts.items():
        path: Path = ("card", "texts", name)
        for what in placeholders.problems(text, rule_base):
            yield document.problem(path, what)
    used = {level.text for level in rule.levels}
    for name in rule.texts.keys() - used:
        yield document.problem(("card", "texts", name), f"no level uses the text {name!r}")
    if rule.ask is not None:
        for what in placeholders.problems(rule.ask.text, rule_base):
            yield document.problem(("unknown",), what)


def _guards_stay_mild(
    rule: model.Rule, document: Document, _: model.RuleBase
) -> Iterator[ContentProblem]:
    # A guard runs while choosing and while signing, or it would be silent at the last chance.
    orders = {"order-select", "order-sign"} & set(rule.hooks)
    if len(orders) == 1 and not rule.limits:
        yield document.problem(
            ("hooks",),
            "a guard on orders runs on order-select and order-sign, or `limits` says why",
        )


def _has_cases(
    rule: model.Rule, document: Document, cases: Mapping[str, Document]
) -> Iterator[ContentProblem]:
    if rule.status == "retired":
        return
    file = document.file.removesuffix(".yaml") + ".cases.yaml"
    if file not in cases:
        yield document.problem(("id",), f"has no cases: {file} is missing")
        return
    proved = {case["proves"] for case in cases[file].value["cases"]}
    for kind in REQUIRED_CASES:
        if kind not in proved:
            yield cases[file].problem(("cases",), f"no case proves {kind!r}")
    seen: set[str] = set()
    asked: dict[str, str] = {}
    for index, case in enumerate(cases[file].value["cases"]):
        name = case["name"]
        if name in seen:
            yield cases[file].problem(("cases", index), f"a second case {name!r}")
        seen.add(name)
        first = asked.setdefault(_asked(case), name)
        if first != name:
            what = f"the patient of {first!r} again: let one case expect both"
            yield cases[file].problem(("cases", index), what)
    if rule.hazards.case not in seen:
        yield document.problem(("hazards", "case"), f"no case is called {rule.hazards.case!r}")


def _asked(case: Any) -> str:
    """Who a case is about, when and where; the entries of a list have no order."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return sorted((key, plain(one)) for key, one in value.items())
        return sorted(map(repr, map(plain, value))) if isinstance(value, list) else value

    return repr([plain(case.get(key)) for key in ("given", "hook", "now", "region")])


def _systems_known(
    value: object, path: Path, document: Document, rule_base: model.RuleBase
) -> Iterator[ContentProblem]:
    # A slip in the name of a system reads as another system: a near miss with it would prove nothing.
    if isinstance(value, dict):
        for key, inner in value.items():
            if (
                key == "code"
                and isinstance(inner, str)
                and inner.split(" ", 1)[0] not in rule_base.systems
            ):
                what = f"no code system is called {inner.split(' ', 1)[0]!r} (terminology/systems.yaml)"
                yield document.problem((*path, key), what)
            yield from _systems_known(inner, (*path, key), document, rule_base)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _systems_known(inner, (*path, index), document, rule_base)


def _ranked(rule_base: model.RuleBase, documents: Documents) -> Iterator[ContentProblem]:
    """Every rule has a place among its equals, and every place is some rule's."""
    rank = rule_base.globals.rank
    [document] = documents["global"]
    for rule in rule_base.rules.values():
        if rule.id not in rank and rule.cause not in rank:
            what = f"no place for {rule.id!r}: put its cause {rule.cause!r} here, or correct 'cause'"
            yield document.problem(("rank",), what)
    known = {*rule_base.rules, *(rule.cause for rule in rule_base.rules.values())}
    for index, name in enumerate(rank):
        if name not in known:
            yield document.problem(("rank", index), f"no rule and no rule's cause is called {name!r}")


def _native_values(rule_base: model.RuleBase, documents: Documents) -> Iterator[ContentProblem]:
    """A threshold has a native value for every unit that is not the same number as another's.

    12.0 mg/dL of calcium is 2.994 mmol/L: compared after conversion it would miss ">= 3.00".
    """
    for document in documents["thresholds"]:
        for name in document.value.get("thresholds", {}):
            threshold = rule_base.thresholds[name]
            if not threshold.of:
                continue
            analyte = rule_base.analytes[threshold.of]
            path: Path = ("thresholds", name, "value")
            for code in threshold.values:
                if code not in analyte.units:
                    yield document.problem(path, f"{code!r} is not a unit of {analyte.name}")
            if analyte.unit not in threshold.values:
                yield document.problem(path, f"has no value in {analyte.unit}")


def _multiples(rule_base: model.RuleBase, documents: Documents) -> Iterator[ContentProblem]:
    """`times` counts in multiples of a reference limit, so a limit in U/L has no meaning there."""
    for document in documents["facts"]:
        for name in document.value.get("facts", {}):
            fact = rule_base.facts[name]
            if not isinstance(fact, MeasurementFact | DerivedFact) or not fact.times:
                continue
            of = fact.of if isinstance(fact, DerivedFact) else (fact.of,)
            for limit in fact.limits:
                threshold = rule_base.thresholds[limit.threshold]
                if threshold.of or threshold.unit != "1":
                    what = (
                        f"with `times`, {limit.threshold!r} must be a number of times: '{{\"1\": 10}}'"
                    )
                    yield document.problem(("facts", name, "is", limit.how), what)
            for limit in fact.without_range:
                if rule_base.thresholds[limit.threshold].of not in of:
                    what = f"{limit.threshold!r} is not a limit of {' or '.join(of)}"
                    yield document.problem(("facts", name, "without-range", limit.how), what)


def _labels(rule_base: model.RuleBase, documents: Documents) -> Iterator[ContentProblem]:
    """No two facts have one label, but a group, count or `answered` and a part of its own.

    A card prints the label under "Not known": of two that bear it, who knows which is meant?
    """
    place: dict[str, tuple[Document, Path]] = {}
    alike: dict[str, list[Fact]] = defaultdict(list)
    for document in documents["facts"]:
        for name in document.value.get("facts", {}):
            place[name] = (document, ("facts", name, "label"))
            alike[rule_base.facts[name].label].append(rule_base.facts[name])
    for label, facts in alike.items():
        for first, second in combinations(facts, 2):
            if first.name not in _parts(second) and second.name not in _parts(first):
                document, path = place[second.name]
                yield document.problem(
                    path,
                    f"{first.name!r} has the label {label!r} too; say on each what tells them apart",
                )


def _parts(fact: Fact) -> frozenset[str]:
    match fact:
        case GroupFact():
            return frozenset(facts_in(fact.when))
        case CountFact() | AnsweredFact():
            return frozenset(fact.of)
        case _:
            return frozenset()
