"""Which substances the name of a medicine tells, where its codes tell none.

An EHR codes what it prescribes by product: RxNorm's number for "simvastatin 20 MG Oral Tablet" does not
say that it holds simvastatin, and no list of products comes with the rules. Its name does say it: RxNorm
builds the names of its clinical drugs from the names of their ingredients. So the ingredients that the
code sets name are looked for in the name, as whole words, and so are the brands of a short list of the
content ("Coumadin", `medicine-names`). A name that denies something is not used.
"""

import re
from collections.abc import Iterator, Mapping

import msgspec

from cds_service.facts.statements import Context, matches
from cds_service.fhir.resources import CodeableConcept
from cds_service.rulebase.model import RuleBase
from cds_service.rulebase.terminology import Match

_ATC_SUBSTANCE = 7  # characters of a code of the fifth level; a shorter one names a class
_SHORTEST = 5  # letters; "iron" and "zinc" stand in names of other things
_PLAIN = re.compile(r"[a-z][a-z -]*[a-z]")
_DENIED = re.compile(r"\b(no|not|non|without|free|avoid|allerg\w*|intoleran\w*|stop(ped)?|never)\b")
# "Sugar free" is part of the names of liquids (UK: dm+d) and denies no ingredient.
_WITHOUT_EXCIPIENT = re.compile(
    r"\b(sugar|alcohol|preservative|gluten|lactose|dye|colour|color|latex)[ -]free\b"
)
# In "losartan potassium" the potassium is the salt, and no potassium is given.
_SALTS = frozenset({"calcium", "lithium", "magnesium", "potassium", "sodium"})
# The dose form tells the route where none is written: what stays where it is put is not taken.
_LOCAL_FORM = re.compile(
    r"\b(topical|cream|ointment|gel|lotion|ophthalmic|otic|nasal|vaginal|inhal\w+|nebuli\w+"
    r"|(eye|ear|nose)[ /-](and ear )?(drops?|spray)|eye[ /-]ear drops?|intravitreal)\b"
)
_LONGEST_NAME = 300  # characters looked at


class Substances(msgspec.Struct, frozen=True):
    """The names of ingredients in the code sets, and brands; and what each is a member of."""

    pattern: re.Pattern[str]
    members: Mapping[str, tuple[Match, ...]]

    def in_name(self, name: str) -> Iterator[Match]:
        """Every member whose ingredient or brand stands as words in a name of what is taken."""
        text = _plainly(name)
        if _DENIED.search(text) is None and _LOCAL_FORM.search(text) is None:
            for found in dict.fromkeys(self.pattern.findall(text)):
                yield from self.members[found]

    def stays_local(self, name: str) -> bool:
        """Whether a name says an ingredient or brand, in a form that stays where it is put."""
        text = _plainly(name)
        return (
            _DENIED.search(text) is None
            and _LOCAL_FORM.search(text) is not None
            and self.pattern.search(text) is not None
        )


def _plainly(name: str) -> str:
    return _WITHOUT_EXCIPIENT.sub(" ", name[:_LONGEST_NAME].lower())


def named(concept: CodeableConcept, context: Context) -> Iterator[tuple[Match, str, bool]]:
    """Each code set that a medicine is in by its name, the code it came with, and whether it had one.

    The display of a code is what its code system calls it. Text without a code is what somebody wrote.
    """
    known = _known(context.rule_base)
    seen: set[str] = set()
    names = [(one.display, one.code or "", True) for one in concept.coding if one.system and one.code]
    for name, code, coded in (*names, (concept.text, "", False)):
        for match in known.in_name(name) if name else ():
            if match.set not in seen:
                seen.add(match.set)
                yield match, code, coded


def known_and_local(concept: CodeableConcept, context: Context) -> bool:
    """Whether a name of it says what it holds, and by its form that it stays where it is put."""
    known = _known(context.rule_base)
    names = (*(one.display for one in concept.coding), concept.text)
    return any(known.stays_local(name) for name in names if name)


def tells_substance(concept: CodeableConcept, context: Context) -> bool:
    """Whether a code of it names what it holds: one in a code set, or any ATC code of a substance."""
    atc, named = context.rule_base.systems.get("atc", ("",))[0], context.rule_base.terminology.named
    return any(
        one.system and named(one.system) == atc and len((one.code or "").strip()) >= _ATC_SUBSTANCE
        for one in concept.coding
    ) or any(matches(concept, context))


def _known(rule_base: RuleBase) -> Substances:
    found = rule_base.remembered.get(Substances)
    if not isinstance(found, Substances):
        found = _substances(rule_base)
        rule_base.remembered[Substances] = found
    return found


def _substances(rule_base: RuleBase) -> Substances:
    rxnorm, atc = (rule_base.systems.get(name, ("",))[0] for name in ("rxnorm", "atc"))
    members: dict[str, list[Match]] = {}
    for code_set in rule_base.code_sets.values():
        for concept in code_set.concepts:
            substance = concept.system == rxnorm or (
                concept.system == atc and len(concept.code) >= _ATC_SUBSTANCE
            )
            name = concept.display.lower()
            if substance and name not in _SALTS and len(name) >= _SHORTEST and _PLAIN.fullmatch(name):
                members.setdefault(name, []).append(Match(code_set.name, concept))
    for name, codings in rule_base.medicine_names.items():
        matches_of = rule_base.terminology.matches
        members[name] = [match for coding in codings for match in matches_of(*coding)]
    words = "|".join(re.escape(name) for name in sorted(members, key=len, reverse=True)) or "(?!)"
    return Substances(
        re.compile(rf"(?<![\w-])(?:{words})(?![\w-])"),
        {name: tuple(found) for name, found in members.items()},
    )
