"""Whether each part of a rule can matter: levels that nothing reaches, criteria that change nothing.

These findings hold whatever the facts mean (`possible`), so they are slips of the pen. They take
seconds for a whole rule base: `cds-service rules check` looks, a service that starts does not.
"""

from collections.abc import Iterator, Mapping
from itertools import combinations

import msgspec

from cds_service.failures import ContentProblem
from cds_service.rulebase import model
from cds_service.rulebase.changes import changed
from cds_service.rulebase.criteria import All, Any_, Criterion, Is, Truth, Unless, facts_in
from cds_service.rulebase.definitions import GroupFact
from cds_service.rulebase.possible import Residue, Values, example, possible, value_with
from cds_service.rulebase.reading import Document, Path

Documents = Mapping[str, list[Document]]


def problems(rule_base: model.RuleBase, documents: Documents) -> Iterator[ContentProblem]:
    """Levels that cannot be reached, criteria without effect, rules that always fire together."""
    by_id = {document.value["id"]: document for document in documents["rule"]}
    for rule in rule_base.rules.values():
        yield from _unreached(rule, by_id[rule.id])
        yield from _without_effect(rule, by_id[rule.id])
    yield from _in_groups(rule_base, documents)
    yield from _together(rule_base, by_id)


def _unreached(rule: model.Rule, document: Document) -> Iterator[ContentProblem]:
    for index, level in enumerate(rule.levels):
        higher = tuple(_offered(place, one) for place, one in enumerate(rule.levels[:index]))
        if not possible((*higher, level.when), _only_last):
            yield document.problem(
                ("levels", index), "this level is never reached: a higher one is true"
            )


def _only_last(values: Values) -> bool:
    return values[-1] is True and True not in values[:-1]


def _without_effect(rule: model.Rule, document: Document) -> Iterator[ContentProblem]:
    """A part that a higher level makes idle may stand: it is read with its level. Within it, not."""
    for index, level in enumerate(rule.levels):
        yield from _idle(level.when, ("levels", index, "when"), document)


def _in_groups(rule_base: model.RuleBase, documents: Documents) -> Iterator[ContentProblem]:
    for document in documents["facts"]:
        for name in document.value.get("facts", {}):
            fact = rule_base.facts[name]
            if isinstance(fact, GroupFact):
                yield from _idle(fact.when, ("facts", name, "when"), document)


def _idle(criterion: Criterion, path: Path, document: Document) -> Iterator[ContentProblem]:
    """The first part, from outside in, without which a criterion means the same.

    A fact beside its own "on record" (`unless unless`) is none: the basis of a card is read from it.
    """
    named = set(_on_record(criterion))
    for change in changed(criterion):
        idle = change.leaves_out and named.isdisjoint(change.without)
        if idle and not differ(criterion, change.criterion):
            yield document.problem(path, f"changes nothing: {change.what} means the same")
            return


def _on_record(criterion: Criterion) -> Iterator[str]:
    """The facts under two `unless`."""
    if isinstance(criterion, Is):
        return
    for part in criterion.of:
        if isinstance(criterion, Unless) and isinstance(part, Unless):
            yield from facts_in(part)
        yield from _on_record(part)


def differ(one: Criterion, other: Criterion) -> bool:
    """Whether some values of the facts tell two criteria apart; True when in doubt."""
    return possible((one, other), _differ, _same)


def _differ(values: Values) -> bool:
    return values[0] is not values[1]


def _same(left: tuple[Residue, ...]) -> bool:
    return left[0] == left[1]


def tells(rule: model.Rule, index: int, criterion: Criterion) -> bool:
    """Whether some patient tells a rule from the same rule with another criterion at this level."""
    whens = tuple(_offered(place, level) for place, level in enumerate(rule.levels))
    changed_level = msgspec.structs.replace(rule.levels[index], when=criterion)
    pair = (whens[index], _offered(index, changed_level))

    def differs(found: Values) -> bool:
        before, one, other, after = found[:index], found[index], found[index + 1], found[index + 2 :]
        return _said((*before, one, *after)) != _said((*before, other, *after))

    def same(left: tuple[Residue, ...]) -> bool:
        return left[index] == left[index + 1] or any(one is True for one in left[:index])

    return possible((*whens[:index], *pair, *whens[index + 1 :]), differs, same)


def _offered(place: int, level: model.Level) -> Criterion:
    """A level, and that one of the orders it shows only with can still be offered."""
    return All((level.when, Is(f"only-with of {place}"))) if level.only_with else level.when


def _said(levels: Values) -> tuple[int, Truth]:
    """The level that gives the card, else whether one is unknown; and which higher are unknown."""
    if True in levels:
        return levels.index(True), True
    return len(levels), None if None in levels else False


def _together(rule_base: model.RuleBase, by_id: Mapping[str, Document]) -> Iterator[ContentProblem]:
    """Two rules of one hook that fire for the same patients are one rule, or one should yield."""
    fire = {
        rule.id: Any_(tuple(level.when for level in rule.levels)) for rule in rule_base.rules.values()
    }
    # One patient of each rule tells it from most others at once; the search is for the pairs left.
    patients = {name: example(criterion) for name, criterion in fire.items()}
    for first, second in combinations(rule_base.rules.values(), 2):
        if not {*first.hooks} & {*second.hooks}:
            continue
        pair = fire[first.id], fire[second.id]
        known = [patients[rule.id] for rule in (first, second)]
        if any(one is not None and _one_alone(_values(pair, one)) for one in known):
            continue
        if not possible(pair, _one_alone):
            yield by_id[second.id].problem(("levels",), f"fires whenever {first.id} does, and only then")


def _values(criteria: tuple[Criterion, ...], facts: Mapping[str, Truth]) -> Values:
    return tuple(value_with(one, facts) for one in criteria)


def _one_alone(fired: Values) -> bool:
    return (fired[0] is True) != (fired[1] is True)
