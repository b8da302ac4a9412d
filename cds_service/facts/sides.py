"""Of which leg an entry with a code is: a condition, or a reason of the encounter.

In this order: its body sites and its codes; else its own words, beside a leg ("Left leg swelling").
Body sites and codes that differ name no leg, nor do words that do. A code that does not say which limb
(M79.89) is of the leg where its words are a phrase of the same code set; that is then said by words
alone. Why: docs/decisions/text-only-entries.md.
"""

from collections.abc import Collection, Iterator, Mapping

import msgspec

from cds_service.facts.model import SIDE_BY_TEXT, TEXT_MATCH
from cds_service.facts.statements import NO_PLACE, Context, Place, agreed, is_plain, placed
from cds_service.facts.wording import in_words
from cds_service.fhir.resources import CodeableConcept
from cds_service.rulebase.concepts import Sidedness
from cds_service.rulebase.terminology import Match

_MOST_TITLES = 8  # displays of one entry that are read; with more, none is


class Sided(msgspec.Struct, frozen=True):
    """A code set that an entry's code puts it in, and the leg.

    `by_words`: only words say that it is of the leg, or of this leg, as the set asks.
    `side_by_words`: only words say which leg it is. `quote`: the phrase that puts it in this set, if
    one does.
    """

    match: Match
    code: str
    side: Sidedness | None
    by_words: bool = False
    side_by_words: bool = False
    quote: str = ""

    @property
    def notes(self) -> tuple[str, ...]:
        """What is to be said of it beside its name."""
        if self.by_words:
            return (TEXT_MATCH,)
        return (SIDE_BY_TEXT,) if self.side_by_words else ()


class _Leg(msgspec.Struct, frozen=True):
    """The leg of an entry as a whole, and whether words alone name it."""

    side: Sidedness | None = None
    by_words: bool = False


def sided(concept: CodeableConcept | None, place: Place, context: Context) -> Iterator[Sided]:
    """Each code set that the code of an entry is in, once, with its leg.

    Args:
        concept: the code of the entry.
        place: its body sites.
        context: for the phrases and code sets.
    """
    terminology = context.rule_base.terminology
    found = [
        (match, coding.code or "")
        for coding in (concept.coding if concept else ())
        for match in terminology.matches(coding.system, coding.code)
    ]
    seen: set[str] = set()
    here = [match for match, _ in found if match.set in terminology.of_a_leg]
    if concept is None or not here:
        for match, code in found:
            allowed, side = placed(match, place)
            if allowed and match.set not in seen:
                seen.add(match.set)
                yield Sided(match, code, side)
        return
    leg = _leg(here, place, concept, context)
    said = _said(concept, context) if any(not placed(one, place)[0] for one in here) else {}
    known, named = _places(here, place, leg, said, context)
    for by_words, where in ((False, known), (True, named)):
        for match, code in found:
            allowed, side = placed(match, where)
            if match.set in seen or not (allowed or (by_words and match.set in said)):
                continue
            seen.add(match.set)
            if match.set not in terminology.of_a_leg:
                yield Sided(match, code, side)
            else:
                own = agreed(match.concept.side, place.side)
                quote = said.get(match.set, "") if by_words else ""
                yield Sided(match, code, leg.side or own, by_words, leg.by_words, quote)


def _leg(here: Collection[Match], place: Place, concept: CodeableConcept, context: Context) -> _Leg:
    """Body sites and codes stand over words; of several that differ each speaks for itself alone."""
    told = {side for side in (place.side, *(one.concept.side for one in here)) if side}
    if told:
        return _Leg(agreed(*told))
    worded = _worded(concept, context)
    return _Leg(worded, by_words=worded is not None)


def _worded(concept: CodeableConcept, context: Context) -> Sidedness | None:
    """The leg that text and displays name; none where the text denies or they differ.

    A display is the title of its code: one that is not read ("without complication") says nothing, and
    takes nothing from the text.
    """
    own = concept.text or ""
    named = context.rule_base.wording.legs_named
    titles = {one.display for one in concept.coding if one.display} - {own}
    if len(titles) > _MOST_TITLES:
        return None
    said = named(own)
    if said is None or not is_plain(own):
        return None
    sides = said.union(*(named(one) or () for one in titles if is_plain(one)))
    return next(iter(sides)) if len(sides) == 1 else None


def _said(concept: CodeableConcept, context: Context) -> Mapping[str, str]:
    """Code set → the phrase in an entry's words (its text, else its first display) of it. No sides."""
    words = concept.text or next((one.display for one in concept.coding if one.display), "")
    of_one_leg = context.rule_base.wording.sites_of("both")
    return {
        one.match.set: one.quote
        for one in in_words(words, NO_PLACE, context)
        if not one.past and one.match.concept.needs_site not in of_one_leg
    }


def _places(
    here: Collection[Match], place: Place, leg: _Leg, said: Collection[str], context: Context
) -> tuple[Place, Place]:
    """The place as body sites and codes tell it, and as words tell it besides.

    A side alone says nothing of the limb: it is the side of a leg where some set takes the entry as one
    of a leg already.
    """
    sites = context.rule_base.wording.sites_of(leg.side) if leg.side else frozenset()
    surely = not leg.by_words and any(placed(one, place)[0] for one in here)
    known = Place(place.sets | sites, place.side) if surely else place
    # Both legs by words alone name neither: words must not take the question about the side away.
    if leg.side == "both" or not any(placed(one, known)[0] or one.set in said for one in here):
        return known, known
    return known, Place(known.sets | sites, place.side)
