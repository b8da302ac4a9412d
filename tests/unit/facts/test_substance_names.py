"""Names of medicines as the UK's dictionary writes them."""

import re

import pytest

from cds_service.facts.substances import Substances
from cds_service.rulebase.concepts import Concept
from cds_service.rulebase.terminology import Match

_KNOWN = Substances(
    re.compile(r"(?<![\w-])(?:potassium chloride|levofloxacin)(?![\w-])"),
    {name: (Match(name, Concept("s", name, name)),) for name in ("potassium chloride", "levofloxacin")},
)


def found(name: str) -> list[str]:
    return [one.set for one in _KNOWN.in_name(name)]


@pytest.mark.parametrize(
    "name",
    [
        "Potassium chloride 375mg/5ml oral solution sugar free",
        "Potassium chloride 75mg/ml oral solution (sugar-free)",
        "potassium chloride 20 MEQ oral powder, alcohol free",
        "preservative free potassium chloride injection",
    ],
)
def test_free_of_an_excipient_is_no_denial(name: str) -> None:
    assert found(name) == ["potassium chloride"]


@pytest.mark.parametrize(
    "name", ["potassium chloride free", "no potassium chloride", "without potassium chloride"]
)
def test_a_denial_still_is_one(name: str) -> None:
    assert found(name) == []


@pytest.mark.parametrize(
    "name",
    [
        "Levofloxacin 5mg/ml eye drops",
        "Levofloxacin 0.5% ear drops",
        "Levofloxacin 0.5% eye and ear drops",
        "Levofloxacin 0.5% ear/eye drops 0.5ml unit dose preservative free",
        "Levofloxacin intravitreal",
    ],
)
def test_what_stays_in_eye_or_ear_is_not_taken(name: str) -> None:
    assert found(name) == []
