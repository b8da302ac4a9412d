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
from cds_service.rulebase.model import Rule, RuleBase
from cds_service.rules.model import Finding

_OPENING = "Self-care for the legs: consider advice on "
_MOST_REASONS = 2
_MOST_UNKNOWN = 3


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
    lines = {
        "Consider": " ".join(_advice(tips, facts, rule_base)),
        "Withheld": " ".join(_withheld(others, facts, rule_base)),
        "Not known": _not_known(tips, facts, rule_base),
        "Source": _source(rules),
    }
    detail = "\n\n".join(f"**{label}** {line}" for label, line in lines.items() if line)
    return Words(f"{_OPENING}{_listed([one.tip for one in rules])}", detail)


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
        own = Facts(facts, rule_base, one)
        reasons = [_reason(name, own) for name in one.because]
        more = len(reasons) - _MOST_REASONS
        told = ", ".join(dict.fromkeys(reasons[:_MOST_REASONS])) + (
            f" and {more} more" if more > 0 else ""
        )
        yield sentence(f"{rule.tip[:1].upper()}{rule.tip[1:]}: {told}")


def _reason(name: str, facts: Facts) -> str:
    """What makes a gate true: the entry or value on record, else what the fact is called."""
    definition, fact = facts.rule_base.facts[name], facts.fact(name)
    said = rendering.data_in_words(definition, _undated(fact.data), facts) if fact.data else ""
    return said[:1].lower() + said[1:] if said[1:2].islower() else said or definition.label


def _undated(data: tuple[Datum, ...]) -> tuple[Datum, ...]:
    """The first datum by its name and value alone: a line of reasons has no room for dates."""
    first = msgspec.structs.replace(data[0], when=None, onset=None, recorded=None, notes=())
    return (first,)


def _not_known(tips: Iterable[Finding], facts: FactSet, rule_base: RuleBase) -> str:
    """What keeps a tip from its full words, as far as the card has room."""
    asked = dict.fromkeys(
        rendering.unknown_in_words(name, Facts(facts, rule_base, one))
        for one in tips
        for name in one.missing
    )
    listed = list(asked)[:_MOST_UNKNOWN]
    rest = [f"and {len(asked) - len(listed)} more"] if len(asked) > len(listed) else []
    return sentence("; ".join([*listed, *rest]))


def _source(rules: Sequence[Rule]) -> str:
    sources = dict.fromkeys(_cited(one) for one in rules)
    standing = {one.status for one in rules} - {"active"}
    unsigned = f", {', '.join(sorted(standing))}, not clinician-approved" if standing else ""
    written = ", ".join(f"{one.id} v{one.version}" for one in rules)
    return f"{'; '.join(sources)} · {written}{unsigned}"


def _cited(rule: Rule) -> str:
    source = rule.source(rule.card_source)
    name = source.short or source.title
    return name if str(source.year) in name else f"{name}, {source.year}"


def _listed(names: Sequence[str]) -> str:
    """`walking, drinks and footwear`."""
    return " and ".join([part for part in (", ".join(names[:-1]), names[-1]) if part])
