"""The templates of a card's words: `{fact}` and `[optional part]`.

`{fact}` is what the record says for that fact (value and unit, or the name of the entry),
`{fact.date}`, `{fact.age}` ("2 days ago"), `{fact.onset}`, `{fact.before}` (the value before it),
`{fact.range}` (the laboratory's own) and `{fact.upper-times}` (how many times its upper limit) ask for
one aspect; `{score.points}` is where a score lies ("7", "5 to 10"). `{side}` is the leg,
`{patient.age}` the patient's age. A part in square brackets is left out when something in it is not
known; the rest must always be known.
"""

import re
from collections.abc import Iterator
from functools import cache

from cds_service.rulebase import model

ASPECTS = (
    *("value", "date", "age", "onset", "since", "before", "label"),
    *("range", "upper-times", "points"),
)
SUMMARY_LIMIT = 139  # CDS Hooks 2.0: fewer than 140 characters (requirement 28)
LONGEST_VALUE = 24  # a rendered value is clipped to this in a summary
_HOLE = re.compile(r"\{([^{}]*)\}")
_OPTIONAL = re.compile(r"\[([^\[\]]*)\]")
# A card knows a record, not a patient: it names no diagnosis as certain and gives nobody an order.
_TOO_SURE = re.compile(
    r"""\b(?:(?:the\ )?patient\ (?:has|suffers|needs|is\ suffering)
    | (?:is|are|was)\ diagnosed | diagnosis\ is | confirms | is\ confirmed\ to | proves\ (?!nor)
    | (?:surely|certainly|definitely|undoubtedly|without\ doubt)
    | you\ (?:must|should|have\ to) | must(?!\ not\ be\ missed) | has\ to\ be | have\ to\ be )\b""",
    re.IGNORECASE | re.VERBOSE,
)
_SPECIAL = {"side", "patient.age"}


@cache  # of templates, here and below: they are content, and so are few
def holes(template: str) -> tuple[tuple[str, str], ...]:
    """Each placeholder as (fact, aspect); the special ones have an empty aspect."""
    return tuple(_hole(name) for name in _HOLE.findall(template))


def _hole(name: str) -> tuple[str, str]:
    if name in _SPECIAL:
        return name, ""
    fact, _, aspect = name.partition(".")
    return fact, aspect or "value"


def required(template: str) -> str:
    """The template without its optional parts."""
    return _OPTIONAL.sub("", template)


@cache
def parts(template: str) -> tuple[tuple[bool, str], ...]:
    """The template in pieces: (optional, text)."""
    pieces: list[tuple[bool, str]] = []
    end = 0
    for match in _OPTIONAL.finditer(template):
        pieces.append((False, template[end : match.start()]))
        pieces.append((True, match[1]))
        end = match.end()
    pieces.append((False, template[end:]))
    return tuple(piece for piece in pieces if piece[1])


def problems(text: model.CardText, rule_base: model.RuleBase) -> Iterator[str]:
    """What is wrong with the words of a card."""
    for template in (text.summary, *text.consider, *text.why):
        for fact, aspect in holes(template):
            if not aspect:
                continue
            if fact not in rule_base.facts and fact not in rule_base.analytes:
                yield f"the placeholder {{{fact}}} names no fact or analyte"
            if aspect not in ASPECTS:
                yield (
                    f"the placeholder {{{fact}.{aspect}}} asks for an unknown aspect; "
                    f"there are: {', '.join(ASPECTS)}"
                )
    shortest = _HOLE.sub("x" * LONGEST_VALUE, required(text.summary))
    if len(shortest) > SUMMARY_LIMIT:
        yield (
            f"the summary can reach {len(shortest)} characters without its optional parts; "
            f"CDS Hooks allows {SUMMARY_LIMIT}"
        )
    lowered = text.summary.lower()
    if "!" in text.summary or re.search(r"\balert\b", lowered):
        yield "the summary has an exclamation mark or the word alert (docs/card-style.md 1)"
    if "consider" not in lowered:
        yield "the summary does not say `consider` (docs/card-style.md 1)"
    for template in (text.summary, *text.consider, *text.why):
        told = _TOO_SURE.search(template)
        if told:
            yield f"{told[0]!r} states as a fact, or orders, what a card can only put forward"
