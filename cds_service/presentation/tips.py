"""All tips of a response as one short card: what to advise, what is withheld and why.

Reference A 4, "Priority rule for the merged tips card": the withheld parts are listed with the reason in
one short line each. The labels are those of `rendering`, with "Withheld" after "Consider".
"""

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from cds_service.facts.model import Datum, FactSet
from cds_service.presentation import rendering
from cds_service.presentation.rendering import Words, fill
from cds_service.presentation.spoken_facts import Facts
from cds_service.presentation.text import escaped, sentence
from cds_service.rulebase.criteria import supporting
from cds_service.rulebase.definitions import CountFact, DerivedFact, GroupFact
from cds_service.rulebase.model import Rule, RuleBase
from cds_service.rules.model import Finding

_ADVICE = "Self-care for the legs: consider advice on "
_OPEN = "Self-care for the legs: consider what is not known before advice on "
_MOST_REASONS = 3


def render(
    tips: Sequence[Finding], others: Iterable[Finding], facts: FactSet, rule_base: RuleBase
) -> Words:
    """The words of the tips card.

    Args:
        tips: the findings of the tips that are given, in their order; the first one has the card.
        others: every other finding; tips among them that a gate keeps back are named.
        facts: the facts of the patient.
        rule_base: the rules and their words.
    """
    rules = [rule_base.rules[one.rule] for one in tips]
    in_part = {one.id for one in rules if _open_gates(one, facts)}
    whole = [one.tip for one in rules if one.id not in in_part]
    lines = {
        "Consider": " ".join(_advice(tips, facts, rule_base)),
        "Withheld": " ".join(_withheld(others, facts, rule_base)),
        "Not known": _not_known(rules, facts, rule_base),
        "Source": _source(tips, rules),
    }
    detail = "\n\n".join(f"**{label}** {line}" for label, line in lines.items() if line)
    return Words((_ADVICE if whole else _OPEN) + _listed(whole or [one.tip for one in rules]), detail)


def _open_gates(rule: Rule, facts: FactSet) -> list[str]:
    """The gates of a tip that are not known: its words are then the neutral ones."""
    return [name for name in rule.withheld_by if facts.value(name) is None]


def _advice(tips: Iterable[Finding], facts: FactSet, rule_base: RuleBase) -> Iterator[str]:
    for one in tips:
        own = Facts(facts, rule_base, one)
        for template in rendering.text_of(one, rule_base.rules[one.rule]).consider:
            filled = fill(template, own, escaped)
            if filled:
                yield sentence(filled)


def _withheld(findings: Iterable[Finding], facts: FactSet, rule_base: RuleBase) -> Iterator[str]:
    """One sentence each, such as: Potassium-rich food: potassium 5.2 mmol/L, on ramipril."""
    for one in findings:
        rule = rule_base.rules[one.rule]
        if not (rule.tip and one.shown == "withheld" and one.reason == "gate"):
            continue
        gate = next(name for name in rule.withheld_by if facts.value(name) is True)
        told = list(dict.fromkeys(filter(None, _reasons(gate, Facts(facts, rule_base, one)))))
        if not told:  # nothing on record makes it true, but that nothing is
            told = [rule_base.facts[gate].label]
        more = len(told) - _MOST_REASONS
        rest = f" and {more} more" if more > 0 else ""
        yield sentence(f"{rule.tip[:1].upper()}{rule.tip[1:]}: {', '.join(told[:_MOST_REASONS])}{rest}")


def _reasons(name: str, facts: Facts) -> Iterator[str]:
    """What makes a gate true: a group in its own words where it has some, else entries and values."""
    definition, fact = facts.rule_base.facts[name], facts.fact(name)
    match definition:
        case GroupFact(says=says) if says:
            yield fill(says, facts, escaped)
        case GroupFact(when=when):
            for part in dict.fromkeys(supporting(when, facts.set.truths(""), facts.set.sures(""))):
                yield from _reasons(part, facts)
        case CountFact(of=parts):
            for part in parts:
                if facts.fact(part).value is True:
                    yield from _reasons(part, facts)
        case _:
            if not fact.data:
                return
            said = rendering.data_in_words(definition, _undated(fact.data), facts)
            if isinstance(definition, DerivedFact):  # a computed number stands without a name
                said = f"{_computed_of(definition, facts.rule_base)} {said}"
            yield f"on {said[3:]}" if said.startswith("On ") else said


def _computed_of(definition: DerivedFact, rule_base: RuleBase) -> str:
    """What a computed value is a value of: `eGFR`."""
    found = rule_base.analytes.get(definition.of[0])
    return found.label if found else definition.label


def _undated(data: tuple[Datum, ...]) -> tuple[Datum, ...]:
    """The first datum by its name and value alone: a line of reasons has no room for dates."""
    first = msgspec.structs.replace(data[0], when=None, onset=None, recorded=None, notes=())
    return (first,)


def _not_known(rules: Iterable[Rule], facts: FactSet, rule_base: RuleBase) -> str:
    """What would open the gates that are not known, in a word for each."""
    gates = dict.fromkeys(gate for one in rules for gate in _open_gates(one, facts))
    known = (rule_base.facts[name] for name in gates)
    return sentence("; ".join(dict.fromkeys(one.ask or one.label for one in known)))


def _source(tips: Sequence[Finding], rules: Sequence[Rule]) -> str:
    sources = dict.fromkeys(_cited(*one) for one in zip(tips, rules, strict=True))
    standing = {one.status for one in rules} - {"active"}
    unsigned = f", {', '.join(sorted(standing))}, not clinician-approved" if standing else ""
    written = ", ".join(f"{one.id} v{one.version}" for one in rules)
    return f"{'; '.join(sources)} · {written}{unsigned}"


def _cited(tip: Finding, rule: Rule) -> str:
    source = rule.source(rendering.text_of(tip, rule))
    name = source.short or source.title
    return name if str(source.year) in name else f"{name}, {source.year}"


def _listed(names: Sequence[str]) -> str:
    """`walking, drinks and footwear`."""
    return " and ".join([part for part in (", ".join(names[:-1]), names[-1]) if part])
