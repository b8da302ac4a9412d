"""Whether all of a name is known to be medicines that no rule reads.

Such a medicine (`unread-medicines` of the content: paracetamol, aspirin) is no gap of what the service
knows. The whole name must be accounted for, so that a combination with anything else stays unknown: what
is left after the known names may only be strength, salt, dose form and how it is taken.
"""

import re

import msgspec

from cds_service.fhir.resources import CodeableConcept
from cds_service.rulebase.model import RuleBase

_LONGEST_NAME = 300  # characters; a longer name is not read, as its end would go unseen
_LETTERS = re.compile(r"[^\W\d_]+")
# What is written beside an ingredient: units, salts, dose forms of RxNorm and of the UK's dm+d, how it
# is taken. No metal: "aspirin / potassium" holds potassium.
_WRITTEN_BESIDE = """
    mg mcg microgram micrograms milligram milligrams gram grams g ml unit units unt actuat hr hour hours
    hydrochloride hcl sulfate sulphate bisulfate phosphate tartrate bitartrate maleate fumarate acetate
    hydrobromide monohydrate dihydrochloride
    oral tablet tablets tab tabs capsule capsules cap caps caplet caplets solution suspension syrup
    liquid chewable enteric gastro resistant film coated ec extended prolonged modified delayed immediate
    release er xr sr mr effervescent dispersible soluble orodispersible disintegrating powder sachet
    sachets granules injection injectable prefilled syringe ophthalmic eye drop drops
    take one two a once twice three times daily every day each morning evening night at in the by mouth
    po od bd tds qds prn as needed when required with food and
"""
_BESIDE = frozenset(_WRITTEN_BESIDE.split())


class _Known(msgspec.Struct, frozen=True):
    """The names, as whole words, the longest first."""

    pattern: re.Pattern[str]

    def is_all_of(self, name: str) -> bool:
        """Whether the name holds one of them, and nothing that is not known."""
        text = name.lower()
        if len(text) > _LONGEST_NAME:
            return False
        rest, found = self.pattern.subn(" ", text)
        return found > 0 and all(word in _BESIDE for word in _LETTERS.findall(rest))


def only_unread(concept: CodeableConcept, rule_base: RuleBase) -> bool:
    """Whether every name of a medicine, its displays and its text, holds nothing but unread ones."""
    known = _known(rule_base)
    names = [one.display for one in concept.coding if one.display] + (
        [concept.text] if concept.text else []
    )
    return bool(names) and all(known.is_all_of(name) for name in names)


def _known(rule_base: RuleBase) -> _Known:
    found = rule_base.remembered.get(_Known)
    if not isinstance(found, _Known):
        longest_first = sorted(rule_base.unread_medicines, key=len, reverse=True)
        words = "|".join(re.escape(name) for name in longest_first) or "(?!)"
        found = _Known(re.compile(rf"(?<![\w-])(?:{words})(?![\w-])"))
        rule_base.remembered[_Known] = found
    return found
