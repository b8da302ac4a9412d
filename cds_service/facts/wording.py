"""What an entry without any code states by its words: conditions, and the reasons of an encounter.

Such a statement supports a symptom, a risk, a red flag or a contraindication. It says so ("text match"),
is never certain, and settles nothing that a card or an order would be spared for (`Fact.sure`).
"""

from collections.abc import Iterator

import msgspec

from cds_service.facts.statements import LONGEST_LABEL, Context, Place, agreed, is_plain, placed
from cds_service.fhir.resources import CodeableConcept
from cds_service.rulebase.concepts import Sidedness
from cds_service.rulebase.terminology import Match
from cds_service.rulebase.wording import LONGEST_TEXT


class Worded(msgspec.Struct, frozen=True):
    """A code set that words put an entry in, the leg they name, and whether they speak of the past.

    `quote` is the phrase as it stands in the text; the rest may be of something else, and is not said.
    """

    match: Match
    side: Sidedness | None
    past: bool
    quote: str


def worded(concept: CodeableConcept | None, place: Place, context: Context) -> Iterator[Worded]:
    """Each code set that the words of an entry without any code are in, once.

    A coding without a code is no more than its display: words like the text, and read with it, so that
    a denial in either counts.

    Args:
        concept: the code of the entry.
        place: its body sites; what the words name comes on top.
        context: for the phrases and code sets.
    """
    if concept is None or any(one.code for one in concept.coding):
        return
    texts = (concept.text, *(one.display for one in concept.coding))
    yield from in_words(" ".join(dict.fromkeys(text for text in texts if text)), place, context)


def in_words(words: str, place: Place, context: Context) -> Iterator[Worded]:
    """Each code set that these words are in, once; nothing where they are not read."""
    if not words or len(words) > LONGEST_TEXT or not is_plain(words):
        return
    wording = context.rule_base.wording
    said = wording.said(words)
    side = agreed(place.side, said.side.side if said.side else None)
    seen: set[str] = set()
    for phrase, quote in zip(said.phrases, said.quotes, strict=True):
        sites = set(place.sets)
        if phrase.site:
            sites.add(phrase.site)
            sites.update(said.side.sites if said.side and side else ())
            sites.update(wording.sites_of(side) if side and place.side else ())
        here = Place(frozenset(sites), side)
        for system, code in phrase.codings:
            for match in context.rule_base.terminology.matches(system, code):
                allowed, named = placed(match, here)
                if allowed and match.set not in seen:
                    seen.add(match.set)
                    yield Worded(match, named, said.past, quote[:LONGEST_LABEL])
