"""Facts and criteria in words, for readers who do not read YAML."""

from collections.abc import Iterable, Iterator, Sequence

from cds_service.rulebase.criteria import All, Any_, Criterion, Is, NoneOf, facts_in
from cds_service.rulebase.definitions import (
    AgeFact,
    AnsweredFact,
    ConditionFact,
    CountFact,
    DerivedFact,
    DoneFact,
    DraftFact,
    DurationFact,
    Fact,
    FindingFact,
    GroupFact,
    HookFact,
    Limit,
    MeasurementFact,
    MedicationFact,
    PatientFact,
    RegionFact,
    ScoreFact,
    Threshold,
)
from cds_service.rulebase.model import RuleBase
from scripts.docs import markdown

COMPARED = {"below": "below", "at-most": "at most", "above": "above", "at-least": "at least"}


def values(threshold: Threshold) -> str:
    """Return a threshold's number in each unit: `3.5 mmol/L = 13.7 mg/dL`."""
    return " = ".join(
        str(value) if unit == "1" else f"{value} {unit}" for unit, value in threshold.values.items()
    )


def criterion(found: Criterion, rule_base: RuleBase) -> str:
    """Return a criterion as a nested list, each fact by its label and its name."""
    return "\n".join(_lines(found, rule_base, 0))


def _lines(found: Criterion, rule_base: RuleBase, depth: int) -> Iterator[str]:
    indent = "  " * depth
    if isinstance(found, Is):
        label = markdown.plain(rule_base.facts[found.fact].label)
        yield f"{indent}- {label} ({markdown.code(found.fact)})"
        return
    yield f"{indent}- {_word(found)}:"
    for part in found.of:
        yield from _lines(part, rule_base, depth + 1)


def _word(found: Criterion) -> str:
    match found:
        case All():
            return "**all** of"
        case Any_():
            return "**any** of"
        case NoneOf():
            return "**none** of (and known not to be)"
        case _:
            return "**unless** on record"


def inline(found: Criterion) -> str:
    """Return a criterion on one line, facts by their names."""
    if isinstance(found, Is):
        return markdown.code(found.fact)
    return f"{_word(found).split(' ')[0]} ({', '.join(inline(part) for part in found.of)})"


def reached(names: Iterable[str], rule_base: RuleBase) -> list[str]:
    """Return these facts and those they are made of, each once, the nearest first."""
    waiting = list(dict.fromkeys(names))
    found: dict[str, None] = {}
    while waiting:
        name = waiting.pop(0)
        if name not in found:
            found[name] = None
            waiting.extend(_parts(rule_base.facts[name], rule_base))
    return list(found)


def _parts(fact: Fact, rule_base: RuleBase) -> Sequence[str]:
    match fact:
        case GroupFact():
            return list(facts_in(fact.when))
        case CountFact() | AnsweredFact() | DurationFact():
            return fact.of
        case ScoreFact():
            return [item.fact for item in rule_base.scores[fact.table].items]
        case DerivedFact():
            return [name for name in fact.of if name in rule_base.facts]
        case _:
            return ()


def meaning(fact: Fact, rule_base: RuleBase) -> str:
    """Return when a fact is true, in one sentence of Markdown."""
    match fact:
        case GroupFact():
            return inline(fact.when)
        case CountFact():
            return f"at least {fact.at_least} of {markdown.codes(fact.of)}"
        case AnsweredFact():
            return f"it is known whether {markdown.codes(fact.of)}"
        case HookFact():
            return f"the hook is {' or '.join(fact.hooks)}"
        case RegionFact():
            return f"the service is set to {' or '.join(fact.regions)}"
        case PatientFact():
            return f"the Patient says {fact.attribute}"
        case _:
            told = [_subject(fact, rule_base), _compared(fact, rule_base), *_windows(fact, rule_base)]
            return ", ".join(filter(None, told))


def _subject(fact: Fact, rule_base: RuleBase) -> str:
    match fact:
        case AgeFact():
            return "age"
        case MeasurementFact():
            return _measured(fact, rule_base)
        case ScoreFact():
            undecided = ", not decided yet" if fact.undecided else ""
            return f"score {markdown.plain(rule_base.scores[fact.table].title)}{undecided}"
        case DurationFact():
            which = "the one that began last" if fact.newest else "the first"
            return f"time since {which} of {markdown.codes(fact.of)}"
        case DerivedFact():
            return f"computed ({markdown.code(fact.by)}) from {_named(fact.of, rule_base)}"
        case ConditionFact() | FindingFact() | DoneFact() | DraftFact() | MedicationFact():
            return f"{_SORT[type(fact)]}: {_named(fact.sets, rule_base)}"
        case _:
            return fact.label


_SORT = {
    ConditionFact: "on the list",
    FindingFact: "found or answered",
    DoneFact: "done",
    DraftFact: "being ordered",
    MedicationFact: "medicine",
}


def _measured(fact: MeasurementFact, rule_base: RuleBase) -> str:
    label = markdown.plain(rule_base.analytes[fact.of].label)
    if fact.times:
        return f"{label} as a multiple of the laboratory's own {fact.times.replace('-', ' ')}"
    side = "" if fact.sides == "newest" else f" ({fact.sides.replace('-', ' ')})"
    return label + side


def _named(names: Iterable[str], rule_base: RuleBase) -> str:
    told = []
    for name in names:
        if name in rule_base.code_sets:
            told.append(markdown.plain(rule_base.code_sets[name].title))
        elif name in rule_base.analytes:
            told.append(markdown.plain(rule_base.analytes[name].label))
        else:
            told.append(markdown.code(name))
    return "; ".join(told)


def _compared(fact: Fact, rule_base: RuleBase) -> str:
    limits: tuple[Limit, ...] = getattr(fact, "limits", ())
    return " and ".join(
        f"{COMPARED.get(limit.how, limit.how)} {values(rule_base.thresholds[limit.threshold])}"
        for limit in limits
    )


_WINDOWS = {
    "within": "not older than",
    "clears_within": "a normal one counts for",
    "older_than": "older than",
    "lasting": "for at least",
    "paired_within": "values at most this far apart:",
    "ended_within": "ended at most this long ago:",
    "condition_within": "a coded problem for",
}


def _windows(fact: Fact, rule_base: RuleBase) -> Iterator[str]:
    for key, words in _WINDOWS.items():
        name = getattr(fact, key, "")
        if name:
            yield f"{words} {values(rule_base.thresholds[name])}"
