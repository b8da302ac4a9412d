"""A finding into words: the templates of its rule filled from facts (see `rulebase.placeholders`).

The detail has four labelled lines in a fixed order, each left out when empty: Why, Consider, Not
known, Source (docs/card-style.md 2).
"""

import re
from collections.abc import Callable, Container, Iterable, Iterator

import msgspec

from cds_service.facts.model import SIDE_BY_TEXT, Datum, Fact, Reason
from cds_service.presentation import moments
from cds_service.presentation.reasons import WHY_UNKNOWN
from cds_service.presentation.spoken_facts import Facts
from cds_service.presentation.text import ELLIPSIS, capital, escaped, plain, sentence
from cds_service.rulebase import placeholders
from cds_service.rulebase.definitions import (
    AgeFact,
    DoneFact,
    MeasurementFact,
    MedicationFact,
)
from cds_service.rulebase.definitions import Fact as Definition
from cds_service.rulebase.model import CardText, Rule
from cds_service.rules.model import Finding

SUMMARY_LIMIT = placeholders.SUMMARY_LIMIT
_HOLE = re.compile(r"\{([^{}]*)\}")
# People and places that diseases are called after; "guillain-Barré" is caught by its second capital.
_PERSON = re.compile(
    r"(Achilles|Addison|Alzheimer|Baker|Bechterew|Buerger|Charcot|Crohn|Cushing|Fontaine|Graves|Hashimoto"
    r"|Hodgkin|Hoffa|Leriche|Lyme|Morton|Paget|Parkinson|Raynaud|Reiter|Rutherford|Sudeck|Wells)\b"
)
_MOST_UNKNOWN = 5
_MOST_MEDICINES = 3
_WHOLE_NAME = 60  # characters: names are only clipped when the summary would grow too long
# Lists whose absence a card says, and what they are to a clinician.
_LISTS = {
    "laboratory": "laboratory results",
    "vitals": "vital signs",
    "findings": "examination and history findings",
    "medicationRequests": "medicines",
    "serviceRequests": "open orders",
    "diagnosticReports": "reports",
}


class Words(msgspec.Struct, frozen=True):
    """The words of one card."""

    summary: str
    detail: str


class Gap(msgspec.Struct, frozen=True):
    """Something that is not known: what it means for the card, and what would settle it."""

    what: str
    settled_by: tuple[str, ...] = ()


def render(finding: Finding, rule: Rule, facts: Facts, not_known: Iterable[Gap] = ()) -> Words:
    """The words of a finding's card.

    Args:
        finding: one that fires or asks.
        rule: its rule.
        facts: its facts.
        not_known: what comes first under "Not known", from the gates of its orders.
    """
    text = text_of(finding, rule)
    lines = {
        "Why": " ".join(_why(finding, text, facts)),
        "Consider": " ".join(
            sentence(filled)
            for filled in (fill(template, facts, escaped) for template in text.consider)
            if filled
        ),
        "Not known": _not_known(finding, facts, not_known),
        "Source": _source(rule, text),
    }
    extra = _critical_addition(finding, facts)
    if extra:
        lines["Consider"] = f"{lines['Consider']} {extra}".strip()
    detail = "\n\n".join(f"**{label}** {line}" for label, line in lines.items() if line)
    return Words(summary(text.summary, facts), detail)


def text_of(finding: Finding, rule: Rule) -> CardText:
    """The words that a finding uses: its level's variant, or those of the question it asks."""
    if finding.level is None:
        assert rule.ask is not None, "only a rule that asks speaks without a level"
        return rule.ask.text
    return rule.texts[rule.levels[finding.level].text]


def _critical_addition(finding: Finding, facts: Facts) -> str:
    if finding.indicator != "critical":
        return ""
    return " ".join(
        text
        for name, text in facts.rule_base.globals.critical_adds.items()
        if facts.set.value(name) is True
    )


def fill(template: str, facts: Facts, clean: Callable[[str, int], str]) -> str:
    """A template with its placeholders filled; empty when a required one is not known."""
    return _join(template, facts, clean, 80, drop=0) or ""


def summary(template: str, facts: Facts) -> str:
    """The summary: plain text, optional parts dropped from the end until it fits."""
    optional = sum(flag for flag, _ in placeholders.parts(template))
    for drop in range(optional + 1):
        for longest in (_WHOLE_NAME, placeholders.LONGEST_VALUE):
            filled = _join(template, facts, plain, longest, drop)
            if filled is not None and len(filled) <= SUMMARY_LIMIT:
                return capital(filled)
    bare = _join(template, facts, plain, placeholders.LONGEST_VALUE, optional, force=True) or ""
    return capital(bare if len(bare) <= SUMMARY_LIMIT else bare[: SUMMARY_LIMIT - 1] + ELLIPSIS)


def _join(
    template: str,
    facts: Facts,
    clean: Callable[[str, int], str],
    longest: int,
    drop: int,
    *,
    force: bool = False,
) -> str | None:
    pieces = placeholders.parts(template)
    optional = sum(flag for flag, _ in pieces)
    kept, seen = "", 0
    for flag, piece in pieces:
        seen += flag
        if flag and seen > optional - drop:
            continue
        filled = _filled(piece, facts, clean, longest, force=force and not flag, start=not kept)
        if filled is None:
            if flag:
                continue
            return None
        kept += filled
    return re.sub(r"\s+", " ", kept).replace(" ,", ",").replace(" :", ":").strip()


def _filled(
    piece: str,
    facts: Facts,
    clean: Callable[[str, int], str],
    longest: int,
    *,
    force: bool,
    start: bool,
) -> str | None:
    out, end = "", 0
    for match in _HOLE.finditer(piece):
        ((name, aspect),) = placeholders.holes(match[0])
        # A summary names the entry; how its side is known stands in the basis.
        value = facts.value(name, aspect, unsaid=SIDE_BY_TEXT if clean is plain else "")
        if value is None and not force:
            return None
        before = piece[end : match.start()]
        shown = clean(value or "value not known", longest)
        inside = aspect == "value" and not _begins(out + before, start=start)
        out += before + (_uncapped(shown, facts.rule_base.medicine_names) if inside else shown)
        end = match.end()
    return out + piece[end:]


def _begins(before: str, *, start: bool) -> bool:
    """Whether what comes next begins a sentence."""
    text = before.rstrip()
    return text.endswith((".", "?")) or (start and not text)


def _uncapped(text: str, names: Container[str]) -> str:
    """`Heavy legs` as it stands inside a sentence; `MRI`, `QTc` and names (`Lasix`, `Paget`) stay."""
    if not (text[:1].isupper() and text[1:2].islower()):
        return text
    first = text.split(maxsplit=1)[0]
    if first.lower() in names or not first[1:].islower() or _PERSON.match(first):
        return text
    return text[0].lower() + text[1:]


def _why(finding: Finding, text: CardText, facts: Facts) -> Iterator[str]:
    """The rule's own lines, then every fact it rests on that they do not mention."""
    mentioned: set[str] = set()
    shown: set[tuple[str, str]] = set()
    said: set[str] = set()  # two facts may rest on one entry, and would say it twice
    for template in text.why:
        filled = fill(template, facts, escaped)
        if filled:
            said.add(filled.removesuffix("."))
            yield sentence(filled)
            for name, aspect in placeholders.holes(template):
                if aspect and aspect != "points":  # a sum says none of its items
                    mentioned.add(name)
                    shown |= _keys(facts.said(name))
    for name in finding.because:
        if name in mentioned:
            continue
        fact = facts.fact(name)
        keys = _keys(fact.data)
        if keys and keys <= shown:
            continue
        stated = _stated(facts.rule_base.facts[name], fact, facts)
        if stated and stated not in said:
            said.add(stated)
            shown |= keys
            yield sentence(stated)


def _keys(data: Iterable[Datum]) -> set[tuple[str, str]]:
    return {(one.ref, one.text) for one in data}


def _stated(definition: Definition, fact: Fact, facts: Facts) -> str:
    """One true fact in words."""
    if definition.says:
        return fill(definition.says, facts, escaped)
    if isinstance(definition, AgeFact) or not fact.data:
        return ""
    return data_in_words(definition, fact.data, facts)


def data_in_words(definition: Definition, data: tuple[Datum, ...], facts: Facts) -> str:
    """What the record says: `Potassium 2.4 mmol/L (22 Nov 2026, 07:40)`, `Heavy legs since …`."""
    one = data[0]
    zone = facts.set.zone
    side = _side_in_words(one)
    notes = "".join(f", {note}" for note in one.notes)
    if isinstance(definition, MeasurementFact):
        label = facts.rule_base.analytes[definition.of].label
        when = f" ({moments.date(one.when, zone)}{side}{notes})" if one.when else ""
        return f"{label} {escaped(one.text, 60)}{when}"
    if isinstance(definition, MedicationFact):
        return f"On {escaped(one.text, 60)}{notes}"
    name = escaped(one.text, 80)
    if one.onset is not None:
        return f"{name}{side} since {moments.date(one.onset, zone)}{notes}"
    span = one.when or one.recorded
    dated = f" ({moments.date(span, zone)}{notes})" if span else notes
    return f"{name}{side}{dated}"


def _side_in_words(one: Datum) -> str:
    """The side, unless the entry's own name says it."""
    if one.side is None or one.side in one.text.lower():
        return ""
    return ", both sides" if one.side == "both" else f", {one.side}"


def _not_known(finding: Finding, facts: Facts, gaps: Iterable[Gap]) -> str:
    # The gates first: what keeps an order back, or must be checked before it, is not to be cut off.
    headed, rest_of_gaps = _headed(gaps)
    asked = dict.fromkeys([*rest_of_gaps, *_missing(finding, facts)])
    said = {one for gap in headed for one in (gap.what, *gap.settled_by)}
    items = [": ".join((gap.what, *gap.settled_by)) for gap in headed]
    items += [one for one in asked if one not in said]
    listed = items[:_MOST_UNKNOWN]
    rest = len(items) - len(listed)
    tail = [f"and {rest} more"] if rest else []
    unread = [_LISTS[key] for key, _ in facts.set.undelivered if key in _LISTS]
    if unread:
        tail.append(f"not or not wholly delivered: {', '.join(dict.fromkeys(unread))}")
    return sentence("; ".join([*listed, *tail, *_unrecognised(finding, facts)]))


def _unrecognised(finding: Finding, facts: Facts) -> Iterator[str]:
    """Medicines that may be what this card counts as not taken: no code says what they hold."""
    names = facts.set.unrecognised_medicines
    if not names or not any(
        facts.fact(name).value is False for name in facts.rule_base.hazards_of(finding.rule)
    ):
        return
    listed = ", ".join(escaped(name, 60) for name in names[:_MOST_MEDICINES])
    more = f" and {len(names) - _MOST_MEDICINES} more" if len(names) > _MOST_MEDICINES else ""
    yield f"medicines not recognised: {listed}{more}"


def _headed(gaps: Iterable[Gap]) -> tuple[list[Gap], list[str]]:
    """Each gap with one thing that would settle it and was not named before; and all the others."""
    headed: list[Gap] = []
    rest: list[str] = []
    named: set[str] = set()
    for gap in dict.fromkeys(gaps):
        fresh = [one for one in gap.settled_by if one not in named]
        named.update(fresh)
        headed.append(Gap(gap.what, tuple(fresh[:1])))
        rest.extend(fresh[1:])
    return headed, rest


def _missing(finding: Finding, facts: Facts) -> Iterator[str]:
    """What is worth knowing, then what leaves a level open; absent lists are named elsewhere.

    A group that is named stands for the facts that leave it open.
    """
    covered: set[str] = set()
    for name in facts.rule_base.rules[finding.rule].worth_knowing:
        definition = facts.rule_base.facts[name]
        fact = facts.fact(name)
        if isinstance(definition, DoneFact) and fact.value is False:
            yield definition.ask or definition.label
        elif fact.value is None and not _undelivered(name, facts):
            covered.update(fact.open)
            yield unknown_in_words(name, facts)
    for name in finding.missing:
        if name not in covered and not _undelivered(name, facts):
            yield unknown_in_words(name, facts)


def _undelivered(name: str, facts: Facts) -> bool:
    """Whether a fact is unknown only because a list that is named anyway did not arrive."""
    absent = any(key in _LISTS for key, _ in facts.set.undelivered)
    return absent and facts.fact(name).reason in (Reason.NOT_DELIVERED, Reason.INCOMPLETE)


def unknown_in_words(name: str, facts: Facts) -> str:
    """What is missing and why, with what was found: `potassium (unit not accepted: 12 mg/L)`."""
    definition = facts.rule_base.facts[name]
    fact = facts.fact(name)
    wanted = definition.ask or definition.label
    why = WHY_UNKNOWN.get(fact.reason) if fact.reason else None
    if why is None:
        return wanted
    if fact.reason is Reason.MASKED and fact.data:
        return f"{wanted} ({why} {escaped(fact.data[0].text, 60)})"
    found = f": {escaped(fact.data[0].text, 60)}" if fact.data and fact.data[0].text else ""
    dated = (
        f", {moments.date(fact.data[0].when, facts.set.zone)}" if fact.data and fact.data[0].when else ""
    )
    return f"{wanted} ({why}{found}{dated})"


def _source(rule: Rule, text: CardText) -> str:
    source = rule.source(text)
    standing = "" if rule.status == "active" else f", {rule.status}, not clinician-approved"
    title = source.short or source.title
    year = "" if str(source.year) in title else str(source.year)
    cited = ", ".join(part for part in (title, year, source.locator) if part)
    return f"{cited} ({source.grade}) · {rule.id} v{rule.version}{standing}"
