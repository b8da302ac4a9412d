"""What a rule may rightly say more of when something is taken away.

A rule rests on what is there. But an exception that is no longer on record no longer quietens it, and a
loss that is no longer on record no longer makes a value too old. The code sets of which that holds are
worked out here from the content; all others may only ever make a rule speak.
"""

from collections.abc import Iterator
from functools import cache

from cds_service.rulebase import definitions as kinds
from cds_service.rulebase.criteria import Criterion, Is, NoneOf, Unless, facts_in
from tests.properties.generated_entries import BASE

# Without the flag a sample is trusted again.
_FLAGS = frozenset({"sample-haemolysed", "haemolysis-flag"})


@cache
def quieting(rule: str, *, absent: bool) -> frozenset[str]:
    """The code sets whose loss may rightly make a rule fire.

    Args:
        rule: its id.
        absent: what is lost is then known not to be there (the list is whole), and `none` holds. Else
            it is not known, and only `unless` holds.
    """
    found = set(_FLAGS)
    for level in BASE.rules[rule].levels:
        found |= _in_criterion(level.when, True, absent)
        for order in level.only_with:
            found |= set(BASE.orders[order].done_sets)
            found |= {one for panel in BASE.panels.values() for one in (panel.codes, *panel.covers)}
    return frozenset(found)


def _in_criterion(criterion: Criterion, speaks: bool, absent: bool) -> set[str]:
    if isinstance(criterion, Is):
        return _in_fact(criterion.fact, speaks, absent)
    if isinstance(criterion, Unless) and not (absent and _plain(criterion)):
        return {one for name in facts_in(criterion) for one in reads(name)}
    turned = speaks is not isinstance(criterion, NoneOf | Unless)
    return {one for part in criterion.of for one in _in_criterion(part, turned, absent)}


def _plain(criterion: Criterion) -> bool:
    """Whether no `none` is inside: `unless none x` is "x was not denied", and holds without a denial."""
    if isinstance(criterion, Is):
        return True
    return not isinstance(criterion, NoneOf) and all(map(_plain, criterion.of))


def _in_fact(name: str, speaks: bool, absent: bool) -> set[str]:
    definition = BASE.facts[name]
    # "Not all answered" is true of what is not known, too.
    if not speaks and (absent or isinstance(definition, kinds.AnsweredFact)):
        return reads(name)
    if isinstance(definition, kinds.GroupFact):
        return _in_criterion(definition.when, speaks, absent)
    if isinstance(definition, kinds.CountFact):
        return {one for inner in definition.of for one in _in_fact(inner, speaks, absent)}
    if isinstance(definition, kinds.DerivedFact):
        return reads(name)  # a glucose explains a low sodium, an earlier value a high one
    return {one for inner in _bounds(definition) for one in reads(inner)}


def _bounds(definition: kinds.Fact) -> Iterator[str]:
    """The facts that bound which data of another one count."""
    match definition:
        case kinds.MeasurementFact():
            yield from definition.after_onset_of
            if definition.shorter_while:
                yield definition.shorter_while
        case kinds.DoneFact():
            yield from definition.after_onset_of
        case kinds.DurationFact():
            yield from definition.of
        case kinds.ScoreFact():
            yield from (item.fact for item in BASE.scores[definition.table].items)
        case _:
            return


@cache
def _read(name: str) -> frozenset[str]:
    definition = BASE.facts[name]
    found = set(getattr(definition, "sets", ()))
    of = getattr(definition, "of", ())
    for one in (of,) if isinstance(of, str) else of:
        if isinstance(definition, kinds.MeasurementFact | kinds.DerivedFact) and one in BASE.analytes:
            found.add(BASE.analytes[one].codes)
        elif one in BASE.facts:
            found |= _read(one)
        else:
            found.add(one)  # a code set that a formula reads
    named = list(_bounds(definition))
    if isinstance(definition, kinds.GroupFact):
        named += facts_in(definition.when)
        named += facts_in(definition.unknown_only_if) if definition.unknown_only_if else ()
    return frozenset(found.union(*map(_read, named)))


def reads(name: str) -> set[str]:
    """Every code set that a fact is read from, whatever lies between."""
    return set(_read(name))
